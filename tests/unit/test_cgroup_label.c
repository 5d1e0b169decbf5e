/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/cgroup_label.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ID "4f8e6c0a7b1d9e35f2a1c4b6d8e0f1a3b5c7d9e1f3a5b7c9d1e3f5a7b9c1d3e5"

static void paths_are_called_what_people_call_them(void **state)
{
	static const char *const cases[][2] = {
		{"/", "/"},
		{"/system.slice/ssh.service", "ssh.service"},
		{"/user.slice/user-1000.slice/user@1000.service/app.slice/a.service", "a.service"},
		{"/user.slice/user-1000.slice/session-3.scope", "session-3.scope"},
		{"/user.slice", "user.slice"},
		{"/system.slice/docker-" ID ".scope", "docker 4f8e6c0a7b1d"},
		{"/docker/" ID, "docker 4f8e6c0a7b1d"},
		{"/" ID, "container 4f8e6c0a7b1d"},
		{"/machine.slice/libpod-" ID ".scope/container", "libpod 4f8e6c0a7b1d"},
		{"/kubepods.slice/kubepods-burstable.slice/"
		 "kubepods-burstable-pod1234abcd_0000.slice/cri-containerd-" ID ".scope",
		 "pod 1234abcd 4f8e6c0a7b1d"},
		{"/kubepods/besteffort/pod1234abcd-0000/" ID, "pod 1234abcd 4f8e6c0a7b1d"},
		{"/lxc.payload.web/system.slice/nginx.service", "machine web"},
		{"/machine.slice/machine-web.scope", "machine web"},
		{"/build/jobs", "/build/jobs"},
		{"/system.slice/podman-thing.service", "podman-thing.service"},
	};
	char label[CGROUP_LABEL];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(cgroup_label(label, sizeof(label), cases[i][0]), cases[i][1]);
}

static void long_paths_are_cut(void **state)
{
	char path[5000], label[CGROUP_LABEL];

	(void)state;
	for (size_t i = 0; i < sizeof(path); i++)
		path[i] = i % 100 ? 'x' : '/';
	path[sizeof(path) - 1] = '\0';
	assert_true(strlen(cgroup_label(label, sizeof(label), path)) < sizeof(label));
	memcpy(path + sizeof(path) - 9, ".service", 9);
	assert_true(strlen(cgroup_label(label, sizeof(label), path)) < sizeof(label));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_called_what_people_call_them),
		cmocka_unit_test(long_paths_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
