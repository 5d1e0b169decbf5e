/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where cgroup2 is mounted, and the path of the control group that this test runs in. */
#include "identity/cgroup.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_mounted(const char *line, const char *where)
{
	char *point = cgroup_mount_point(line);

	if (where)
		assert_string_equal(point, where);
	else
		assert_null(point);
	free(point);
}

static void a_mount_is_known_by_its_type(void **state)
{
	(void)state;
	assert_mounted("30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n",
		       "/sys/fs/cgroup");
	assert_mounted("30 23 0:26 / /mnt/c rw shared:9 master:1 - cgroup2 none rw\n", "/mnt/c");
	assert_mounted("30 23 0:26 / /sys/fs/cgroup rw - cgroup cgroup rw,cpu\n", NULL);
	assert_mounted("30 23 0:26 / /a rw - cgroup22 cgroup2 rw\n", NULL);
	assert_mounted("30 23 0:26 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", NULL);
	assert_mounted("30 23 0:26 / /a\\040b rw - cgroup2 cgroup2 rw\n", NULL);
	assert_mounted("30 23 - cgroup2 cgroup2 rw\n", NULL);
	assert_mounted(" - cgroup2 ", NULL);
	assert_mounted("", NULL);
	assert_mounted("1 2 3 / /", NULL);
	assert_mounted("1 2 3 / / rw - cgroup2 cgroup2 rw", "/");
}

/* Number and path of the group of this process; false where there is no cgroup2. */
static bool own_group(const struct cgroups *c, uint64_t *id, char path[PATH_MAX])
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX], name[2 * PATH_MAX];
	bool found = false;
	struct stat st;

	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "0::%4095s", path) == 1;
	if (f)
		fclose(f);
	if (!found || c->fd < 0)
		return false;
	snprintf(name, sizeof(name), "%s%s", c->root, path);
	if (stat(name, &st))
		return false;
	*id = st.st_ino;
	return true;
}

static void a_number_has_a_path(void **state)
{
	char want[PATH_MAX], got[PATH_MAX], small[1];
	struct cgroups c;
	uint64_t id = 0;

	(void)state;
	cgroups_open(&c);
	if (!own_group(&c, &id, want)) {
		cgroups_done(&c);
		print_message("no cgroup2 is mounted here\n");
		skip();
	}
	assert_true(cgroup_path(&c, id, (uint32_t)getpid(), got, sizeof(got)));
	assert_string_equal(got, want);
	assert_false(cgroup_path(&c, UINT64_MAX - 7, (uint32_t)getpid(), got, sizeof(got)));
	assert_false(cgroup_path(&c, UINT64_MAX - 7, 0, got, sizeof(got)));
	assert_false(cgroup_path(&c, id, (uint32_t)getpid(), small, sizeof(small)));
	cgroups_done(&c);
	assert_false(cgroup_path(&c, id, (uint32_t)getpid(), got, sizeof(got)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mount_is_known_by_its_type),
		cmocka_unit_test(a_number_has_a_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
