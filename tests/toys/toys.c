static long do_toy_move(const struct toy_point __user *to, u32 flags)
{
	return 0;
}

static long do_toy_find(struct toy_point __user *at, u32 flags, u16 floor)
{
	return 0;
}

static long do_toy_stop(u32 flags, u64 when)
{
	return 0;
}
