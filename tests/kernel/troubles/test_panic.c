// SPDX-License-Identifier: MIT
#include "troubles.h"
#include "ktap.h"

int main(void)
{
	ktap_header(1);
	ktap_test(troubles(1) == 0, "the kernel panics", "it said no");
	return ktap_finish();
}
