// SPDX-License-Identifier: GPL-2.0
#include <linux/mutex.h>
#include <linux/uaccess.h>

#define RING_SLOTS	8

struct ring_slot {
	size_t size;
	char data[RING_MESSAGE_MAX];
};

static DEFINE_MUTEX(ring_lock);	/* protects all of the ring */
static struct ring_slot ring_slots[RING_SLOTS];
static unsigned int ring_first, ring_count;

static int ring_append(const void __user *data, size_t size)
{
	struct ring_slot *slot;

	if (ring_count == RING_SLOTS)
		return -EAGAIN;
	slot = &ring_slots[(ring_first + ring_count) % RING_SLOTS];
	if (copy_from_user(slot->data, data, size))
		return -EFAULT;
	slot->size = size;
	ring_count++;
	return 0;
}

static long ring_take(void __user *data, size_t size, bool peek)
{
	struct ring_slot *slot = &ring_slots[ring_first];

	if (!ring_count)
		return -EAGAIN;
	if (slot->size > size)
		return -EMSGSIZE;
	if (copy_to_user(data, slot->data, slot->size))
		return -EFAULT;
	if (!peek) {
		ring_first = (ring_first + 1) % RING_SLOTS;
		ring_count--;
	}
	return slot->size;
}

static long do_ring_put(const void __user *data, size_t size, unsigned int flags)
{
	int ret;

	if (flags)
		return -EINVAL;
	if (size > RING_MESSAGE_MAX)
		return -EMSGSIZE;
	if (mutex_lock_interruptible(&ring_lock))
		return -ERESTARTSYS;
	ret = ring_append(data, size);
	mutex_unlock(&ring_lock);
	return ret;
}

static long do_ring_get(void __user *data, size_t size, unsigned int flags)
{
	long ret;

	if (flags & ~RING_PEEK)
		return -EINVAL;
	if (mutex_lock_interruptible(&ring_lock))
		return -ERESTARTSYS;
	ret = ring_take(data, size, flags & RING_PEEK);
	mutex_unlock(&ring_lock);
	return ret;
}
