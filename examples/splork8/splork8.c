// SPDX-License-Identifier: GPL-2.0
#include <linux/uaccess.h>

static long do_splork8(u32 a, u32 b, u16 c, u64 d, s32 e, u8 f, u8 shift,
		       u64 __user *result, u64 limit)
{
	u64 blend = (u64)a + b;

	if (shift > 63)
		return -EINVAL;

	blend = blend * c - d;
	if (f)
		blend -= e;
	blend <<= shift;
	if (limit && blend > limit)
		return -ERANGE;

	return put_user(blend, result);
}
