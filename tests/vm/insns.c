/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the running kernel's verifier makes of each program of an object: insns OBJECT
 *
 * One line for each program: its name and the number of instructions that the verifier looked at
 * (`loads` on kernels before 5.16, which do not tell), or `absent` when what it attaches to is not
 * in this kernel, or not with these parameters, or `refused` and why. Programs that can keep the
 * state of sockets by pointer, as kprobes do, are told a second time, as NAME@pointer.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

enum { MAX_PROGRAMS = 160, LOG_SIZE = 64 * 1024 };

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

/* Whether the kernel has what a section like "?tp_btf/NAME" attaches to; true when it cannot be
 * told before attaching. */
static bool target_exists(const struct btf *btf, const char *section)
{
	static const struct {
		const char *section, *before;
		int kind;
	} rows[] = {
		{"tp_btf/", "btf_trace_", BTF_KIND_TYPEDEF},
		{"fentry/", "", BTF_KIND_FUNC},
		{"fexit/", "", BTF_KIND_FUNC},
		{"iter/", "bpf_iter_", BTF_KIND_FUNC},
		{"lsm/", "bpf_lsm_", BTF_KIND_FUNC},
	};
	char name[128];

	if (*section == '?')
		section++;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = strlen(rows[i].section);

		if (strncmp(section, rows[i].section, len) != 0)
			continue;
		snprintf(name, sizeof(name), "%s%s", rows[i].before, section + len);
		return btf__find_by_name_kind(btf, name, rows[i].kind) > 0;
	}
	return true;
}

/* Of two programs for two signatures of a function, NAME_old is for the one with more parameters.
 */
static bool has_signature(const struct btf *btf, const char *section, const char *name)
{
	const struct btf_type *t;
	int id;

	if (!strstr(section, "fexit/inet_csk_accept"))
		return true;
	id = btf__find_by_name_kind(btf, "inet_csk_accept", BTF_KIND_FUNC);
	t = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	t = t ? btf__type_by_id(btf, t->type) : NULL;
	return t && (btf_vlen(t) == 4) == (strstr(name, "_old") != NULL);
}

/* What came of a program: 0 not asked yet, a number of instructions, or a negative error. */
enum mode { STORAGE, POINTER, MODES };

/* Those that only one of the modes has. */
static const char *const only[MODES][10] = {
	[STORAGE] = {"fentry/", "fexit/", "tp_btf/sock_", "tp_btf/tcp_rcv_", "cgroup_skb/",
		     "cgroup/sendmsg", "cgroup/recvmsg", "iter/bpf_sk_storage_map"},
	[POINTER] = {"kprobe/", "kretprobe/", "iter/bpf_map_elem", "cgroup/sock_create"},
};

static bool is_for(enum mode mode, const char *section)
{
	const char *const *with = only[mode == STORAGE ? POINTER : STORAGE];

	for (; *with; with++)
		if (!strncmp(section + (*section == '?'), *with, strlen(*with)))
			return false;
	return true;
}

/* As user/capture/live.c does through the skeleton. */
static bool set_by_pointer(struct bpf_object *object)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");
	const struct btf *btf = bpf_object__btf(object);
	int id = btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);
	const struct btf_type *section = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	const struct btf_var_secinfo *var = section ? btf_var_secinfos(section) : NULL;
	size_t size = 0;
	char *data = map ? (char *)bpf_map__initial_value(map, &size) : NULL;

	for (int i = 0; data && var && i < btf_vlen(section); i++) {
		const struct btf_type *t = btf__type_by_id(btf, var[i].type);

		if (!strcmp(btf__name_by_offset(btf, t->name_off), "by_pointer")) {
			data[var[i].offset] = true;
			return true;
		}
	}
	return false;
}

struct verdict {
	bool absent, done;
	int err;
	__u32 insns;
	char log[LOG_SIZE];
};

static struct verdict verdicts[MODES][MAX_PROGRAMS];

/* Load the programs of the object from @first to @last that nothing is known of yet, in one go:
 * each go reads the kernel's types anew, which takes longer than all the verifying. */
static int load(const char *path, enum mode mode, int first, int last)
{
	struct bpf_object *object = bpf_object__open(path);
	struct bpf_program *program;
	int i = 0, err;

	if (!object)
		return -errno;
	if (mode == POINTER && !set_by_pointer(object)) {
		bpf_object__close(object);
		return -ENOENT;
	}
	bpf_object__for_each_program(program, object) {
		struct verdict *v = &verdicts[mode][i];

		bpf_program__set_autoload(program, i >= first && i <= last && !v->done);
		bpf_program__set_log_buf(program, v->log, v->done ? 0 : sizeof(v->log));
		i++;
	}
	err = bpf_object__load(object);
	i = 0;
	bpf_object__for_each_program(program, object) {
		struct verdict *v = &verdicts[mode][i];
		struct bpf_prog_info info = {0};
		__u32 size = sizeof(info);

		if (!err && i >= first && i <= last && !v->done) {
			v->err = bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size);
			v->insns = info.verified_insns;
			v->done = true;
		}
		i++;
	}
	bpf_object__close(object);
	return err;
}

/* All in one go; without those whose log says that they are to blame for its failure, again. */
static void load_all(const char *path, enum mode mode, int n)
{
	int err = load(path, mode, 0, n - 1), blamed = 1;

	while (err && blamed) {
		blamed = 0;
		for (int i = 0; i < n; i++)
			if (!verdicts[mode][i].done && verdicts[mode][i].log[0]) {
				verdicts[mode][i].err = err;
				verdicts[mode][i].done = true;
				blamed++;
			}
		if (blamed)
			err = load(path, mode, 0, n - 1);
	}
	for (int i = 0; err && i < n; i++)
		if (!verdicts[mode][i].done) {
			verdicts[mode][i].err = load(path, mode, i, i);
			verdicts[mode][i].done = true;
		}
}

/* The last line of the verifier's log that is no statistics. */
static const char *last_words(char *log)
{
	char *line, *save = NULL, *last = "";

	for (line = strtok_r(log, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (strncmp(line, "processed ", 10) != 0)
			last = line;
	return last;
}

static void print(const char *name, const char *suffix, struct verdict *v)
{
	if (v->absent)
		printf("%s%s absent\n", name, suffix);
	else if (v->err)
		printf("%s%s refused %s: %s\n", name, suffix, strerror(-v->err),
		       last_words(v->log));
	else if (!v->insns)
		printf("%s%s loads\n", name, suffix);
	else
		printf("%s%s %u\n", name, suffix, v->insns);
}

static void tell(const char *path, const struct btf *btf, struct bpf_object *object)
{
	static const char *const suffix[MODES] = {[STORAGE] = "", [POINTER] = "@pointer"};

	for (int mode = 0; mode < MODES; mode++) {
		struct bpf_program *program;
		int n = 0;

		if (mode == POINTER && !set_by_pointer(object))
			continue;
		bpf_object__for_each_program(program, object) {
			const char *section = bpf_program__section_name(program);
			struct verdict *v = &verdicts[mode][n++];

			/* brings the page: qemu 7.2 loses the flags of a setcc that faults */
			*(volatile int *)&v->err = 0;
			v->absent = !target_exists(btf, section) ||
				    !has_signature(btf, section, bpf_program__name(program));
			v->done = v->absent || !is_for(mode, section);
		}
		load_all(path, mode, n);
		n = 0;
		bpf_object__for_each_program(program, object) {
			if (is_for(mode, bpf_program__section_name(program)))
				print(bpf_program__name(program), suffix[mode], &verdicts[mode][n]);
			n++;
		}
	}
}

int main(int argc, char **argv)
{
	struct bpf_object *object;
	struct bpf_program *program;
	struct btf *btf;
	int n = 0;

	if (argc != 2) {
		fputs("usage: insns OBJECT\n", stderr);
		return 2;
	}
	libbpf_set_print(quiet);
	btf = btf__load_vmlinux_btf();
	object = bpf_object__open(argv[1]);
	if (!object || !btf) {
		fprintf(stderr, "insns: %s: %s\n", object ? "types of the kernel" : argv[1],
			strerror(errno));
		return 1;
	}
	bpf_object__for_each_program(program, object)
		n++;
	if (n > MAX_PROGRAMS) {
		fputs("insns: too many programs\n", stderr);
		return 1;
	}
	tell(argv[1], btf, object);
	btf__free(btf);
	bpf_object__close(object);
	return 0;
}
