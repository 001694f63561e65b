// SPDX-License-Identifier: GPL-2.0
#include <linux/bug.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>

static long do_troubles(int which)
{
	switch (which) {
	case 1:
		panic("asked to panic");
	case 2:
		WARN(1, "asked to warn");
		break;
	case 3:
		local_irq_disable();
		for (;;)
			cpu_relax();
	}
	return 0;
}
