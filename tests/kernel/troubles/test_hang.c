// SPDX-License-Identifier: MIT
#include "troubles.h"
#include "ktap.h"

int main(void)
{
	ktap_header(1);
	ktap_test(troubles(3) == 0, "the kernel hangs", "it said no");
	return ktap_finish();
}
