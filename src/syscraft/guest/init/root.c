// SPDX-License-Identifier: MIT
/* The guest's root file system. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest.h"

static void mount_or_fail(const char *type, const char *source,
			  const char *target, unsigned long flags,
			  const char *data)
{
	if (mkdir(target, 0755) && errno != EEXIST && errno != EROFS)
		fail("mkdir %s", target);
	if (mount(source, target, type, flags, data))
		fail("mount %s on %s", type, target);
}

/*
 * The host's files below, everything that the guest writes above, in memory:
 * a command may write anywhere and the host never sees it.
 */
void enter_host_root(void)
{
	mount_or_fail("hostfs", "/", "/lower", MS_RDONLY, "/");
	mount_or_fail("tmpfs", "upper", "/upper", 0, "mode=755");
	if (mkdir("/upper/files", 0755) || mkdir("/upper/work", 0755))
		fail("mkdir in /upper");
	mount_or_fail("overlay", "root", "/root", 0,
		      "lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work");
	if (chdir("/root") || mount(".", "/", NULL, MS_MOVE, NULL) ||
	    chroot(".") || chdir("/"))
		fail("change to the host's root");
}

void mount_kernel_file_systems(void)
{
	mount_or_fail("proc", "proc", "/proc", 0, NULL);
	mount_or_fail("sysfs", "sysfs", "/sys", 0, NULL);
	mount_or_fail("devtmpfs", "devtmpfs", "/dev", 0, NULL);
	mount_or_fail("devpts", "devpts", "/dev/pts", 0,
		      "ptmxmode=0666,mode=0620,gid=5");
	mount_or_fail("tmpfs", "shm", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777");
	/* What udev would add; a program that prints to /dev/stdout needs it. */
	if (symlink("/proc/self/fd", "/dev/fd") ||
	    symlink("fd/0", "/dev/stdin") || symlink("fd/1", "/dev/stdout") ||
	    symlink("fd/2", "/dev/stderr"))
		fail("links in /dev");
}
