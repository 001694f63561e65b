// SPDX-License-Identifier: MIT
#include "troubles.h"
#include "ktap.h"

int main(void)
{
	ktap_header(1);
	ktap_test(troubles(2) == 0, "the kernel warns", "it said no");
	return ktap_finish();
}
