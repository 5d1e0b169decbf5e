/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the path of a control group says, and what /proc says of this very process. */
#include "identity/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define POD "12345678-1234-1234-1234-123456789abc"

static void assert_origin(const char *path, const char *unit, const char *runtime,
			  const char *container, const char *pod)
{
	struct origin o;

	origin_parse(&o, path);
	assert_string_equal(o.unit, unit);
	assert_string_equal(o.runtime, runtime);
	assert_string_equal(o.container, container);
	assert_string_equal(o.pod, pod);
}

static void units_and_containers(void **state)
{
	(void)state;
	assert_origin("/", "", "", "", "");
	assert_origin("", "", "", "", "");
	assert_origin("/system.slice/nginx.service", "nginx.service", "", "", "");
	assert_origin("/system.slice/a.service/inner", "a.service", "", "", "");
	assert_origin("/user.slice/user-0.slice/session-3.scope", "session-3.scope", "", "", "");
	assert_origin("/system.slice/docker-" ID ".scope", "docker-" ID ".scope", "docker", ID, "");
	assert_origin("/docker/" ID, "", "docker", ID, "");
	assert_origin("/machine.slice/libpod-" ID ".scope/container", "libpod-" ID ".scope",
		      "podman", ID, "");
	assert_origin("/kubepods.slice/kubepods-burstable.slice/"
		      "kubepods-burstable-pod12345678_1234_1234_1234_123456789abc.slice/"
		      "cri-containerd-" ID ".scope",
		      "cri-containerd-" ID ".scope", "containerd", ID, POD);
	assert_origin("/kubepods/besteffort/pod" POD "/" ID, "", "", ID, POD);
	assert_origin("/lxc.payload.web/init.scope", "init.scope", "lxc", "web", "");
	assert_origin("/machine.slice/machine-web.scope", "machine-web.scope", "machine", "web",
		      "");
}

static void a_user_has_units_of_his_own(void **state)
{
	struct origin o;

	(void)state;
	origin_parse(&o, "/user.slice/user-1000.slice/user@1000.service/app.slice/web.service");
	assert_true(o.user_unit);
	assert_int_equal(o.user, 1000);
	assert_string_equal(o.unit, "web.service");
}

static void this_process_is_read(void **state)
{
	struct process p;

	(void)state;
	process_read(&p, "/proc", (uint32_t)getpid(), 0);
	assert_false(p.gone);
	assert_non_null(p.command);
	assert_non_null(strstr(p.command, "test_process"));
	assert_non_null(strstr(p.exe, "test_process"));
	assert_false(p.exe_deleted);
	assert_true(p.cwd[0] == '/');
	process_done(&p);
}

/* Its number may be another's by now. */
static void another_start_is_another_process(void **state)
{
	struct process p;

	(void)state;
	process_read(&p, "/proc", (uint32_t)getpid(), 1);
	assert_true(p.gone);
	assert_null(p.command);
	process_read(&p, "/proc", UINT32_MAX, 0);
	assert_true(p.gone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_and_containers),
		cmocka_unit_test(a_user_has_units_of_his_own),
		cmocka_unit_test(this_process_is_read),
		cmocka_unit_test(another_start_is_another_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
