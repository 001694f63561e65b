// SPDX-License-Identifier: MIT
/* The guest's file systems: what all commands share, and what each has alone. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest.h"

#define LOWER	"/lower"	/* the host's files */
#define UPPER	"/upper"	/* what a command writes */
#define ROOT	"/root"		/* both together */
#define WRITABLE "/writable"	/* the host's files, for the folders it opens */

static const char *host;	/* how its files come; NULL if they do not */
static char **folders;		/* those that it opens */
static size_t folder_count;

static void mount_or_fail(const char *type, const char *source,
			  const char *target, unsigned long flags,
			  const char *data)
{
	if (mkdir(target, 0755) && errno != EEXIST && errno != EROFS)
		fail("mkdir %s", target);
	if (mount(source, target, type, flags, data))
		fail("mount %s on %s", type, target);
}

void mount_devices(void)
{
	mount_or_fail("devtmpfs", "devtmpfs", "/dev", 0, NULL);
	/* What udev would add; a program that prints to /dev/stdout needs it. */
	if (symlink("/proc/self/fd", "/dev/fd") ||
	    symlink("fd/0", "/dev/stdin") || symlink("fd/1", "/dev/stdout") ||
	    symlink("fd/2", "/dev/stderr"))
		fail("links in /dev");
}

void mount_kernel_file_systems(void)
{
	mount_or_fail("devpts", "devpts", "/dev/pts", 0,
		      "ptmxmode=0666,mode=0620,gid=5");
	mount_or_fail("proc", "proc", "/proc", 0, NULL);
	mount_or_fail("sysfs", "sysfs", "/sys", 0, NULL);
	/* A kernel may have been built without it. */
	if (mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL) &&
	    errno != ENOENT && errno != ENODEV)
		fail("mount cgroup2 on /sys/fs/cgroup");
}

/*
 * @root says how the host's files come here. Nobody writes to them, so the
 * guest may believe for ever what it has once read.
 */
void mount_host(const char *root)
{
	if (!strcmp(root, "hostfs"))
		mount_or_fail("hostfs", "/", LOWER, MS_RDONLY, "/");
	else if (!strcmp(root, "9p"))
		mount_or_fail("9p", "host", LOWER, MS_RDONLY,
			      "trans=virtio,version=9p2000.L,msize=512000,cache=loose");
	else
		return;
	host = root;
	if (mkdir(ROOT, 0755) && errno != EEXIST)
		fail("mkdir %s", ROOT);
}

/*
 * Let commands change the files in @path of the host. The host says what can
 * be changed at all: the mount here has every file, and all others are
 * read-only to whatever serves it.
 */
void open_folder(const char *path)
{
	if (!host) {
		errno = ENOTSUP;
		fail("open %s without the host's files", path);
	}
	if (!folder_count && !strcmp(host, "hostfs"))
		mount_or_fail("hostfs", "/", WRITABLE, 0, "/");
	else if (!folder_count)
		mount_or_fail("9p", "writable", WRITABLE, 0,
			      "trans=virtio,version=9p2000.L,msize=512000,cache=mmap");
	folders = realloc(folders, (folder_count + 1) * sizeof(*folders));
	if (!folders)
		fail("%zu folders", folder_count + 1);
	folders[folder_count] = strdup(path);
	if (!folders[folder_count++])
		fail("%zu folders", folder_count);
}

static void bind_folder(const char *path)
{
	char source[PATH_MAX + sizeof(WRITABLE)];
	char target[PATH_MAX + sizeof(ROOT)];

	snprintf(source, sizeof(source), WRITABLE "%s", path);
	snprintf(target, sizeof(target), ROOT "%s", path);
	if (mount(source, target, NULL, MS_BIND, NULL))
		fail("open %s", path);
}

static void move_to_root(const char *path)
{
	char target[32] = ROOT;

	strcat(target, path);
	if (mount(path, target, NULL, MS_MOVE, NULL))
		fail("move %s to %s", path, target);
}

/*
 * The host's files below, everything that the command writes above, in memory:
 * it may write anywhere, and neither the host nor the next command sees it.
 */
static void enter_host_files(void)
{
	mount_or_fail("tmpfs", "upper", UPPER, 0, "mode=755");
	if (mkdir(UPPER "/files", 0755) || mkdir(UPPER "/work", 0755))
		fail("mkdir in %s", UPPER);
	mount_or_fail("overlay", "root", ROOT, 0,
		      "lowerdir=" LOWER ",upperdir=" UPPER "/files,workdir=" UPPER "/work");
	for (size_t i = 0; i < folder_count; i++)
		bind_folder(folders[i]);
	move_to_root("/dev");
	move_to_root("/proc");
	move_to_root("/sys");
	if (chdir(ROOT) || mount(".", "/", NULL, MS_MOVE, NULL) ||
	    chroot(".") || chdir("/"))
		fail("change to the host's root");
}

/* Runs in the child that becomes a command: what it mounts ends with it. */
void enter_own_root(void)
{
	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		fail("a mount namespace for the command");
	if (host)
		enter_host_files();
	mount_or_fail("tmpfs", "shm", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777");
}
