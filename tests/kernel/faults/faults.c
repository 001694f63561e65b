// SPDX-License-Identifier: GPL-2.0
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

struct faults_entry {
	struct list_head node;
	int value;
};

static DEFINE_SPINLOCK(faults_lock);
static DEFINE_MUTEX(faults_first);
static DEFINE_MUTEX(faults_second);
static LIST_HEAD(faults_list);

/* A table that is indexed with whatever comes. */
static int faults_table[4];

static noinline long sleep_under_lock(void)
{
	void *memory;

	spin_lock(&faults_lock);
	memory = kmalloc(16, GFP_KERNEL);
	spin_unlock(&faults_lock);
	kfree(memory);
	return 0;
}

static noinline void lock_both(struct mutex *a, struct mutex *b)
{
	mutex_lock(a);
	mutex_lock(b);
	mutex_unlock(b);
	mutex_unlock(a);
}

static noinline long use_after_free(void)
{
	struct faults_entry *entry = kzalloc(sizeof(*entry), GFP_KERNEL);

	if (!entry)
		return -ENOMEM;
	kfree(entry);
	return READ_ONCE(entry->value);
}

static noinline long list_without_lock(int times)
{
	struct faults_entry entry;

	while (times--) {
		list_add(&entry.node, &faults_list);
		cpu_relax();
		list_del(&entry.node);
	}
	return 0;
}

static noinline long index_too_large(int index)
{
	return READ_ONCE(faults_table[index]);
}

static noinline long shift_too_far(int by)
{
	return 1 << (16 * by);
}

static long do_faults(int which, int times)
{
	switch (which) {
	case 1:
		return sleep_under_lock();
	case 2:
		lock_both(&faults_first, &faults_second);
		lock_both(&faults_second, &faults_first);
		return 0;
	case 3:
		return use_after_free();
	case 4:
		return list_without_lock(times);
	case 5:
		return index_too_large(times);
	case 6:
		return shift_too_far(times);
	}
	return 0;
}
