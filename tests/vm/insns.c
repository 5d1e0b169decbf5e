/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the running kernel's verifier makes of each program of an object: insns OBJECT
 *
 * One line for each program: its name and the number of instructions that the verifier looked at
 * (`loads` on kernels before 5.16, which do not tell), or `absent` when what it attaches to is not
 * in this kernel, or `refused` and why.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

enum { MAX_PROGRAMS = 100, LOG_SIZE = 64 * 1024 };

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

/* What came of a program: 0 not asked yet, a number of instructions, or a negative error. */
struct verdict {
	bool absent, done;
	int err;
	__u32 insns;
	char log[LOG_SIZE];
};

static struct verdict verdicts[MAX_PROGRAMS];

/* Load the programs of the object from @first to @last that nothing is known of yet, in one go:
 * each go reads the kernel's types anew, which takes longer than all the verifying. */
static int load(const char *path, int first, int last)
{
	struct bpf_object *object = bpf_object__open(path);
	struct bpf_program *program;
	int i = 0, err;

	if (!object)
		return -errno;
	bpf_object__for_each_program(program, object) {
		struct verdict *v = &verdicts[i];

		bpf_program__set_autoload(program, i >= first && i <= last && !v->done);
		bpf_program__set_log_buf(program, v->log, v->done ? 0 : sizeof(v->log));
		i++;
	}
	err = bpf_object__load(object);
	i = 0;
	bpf_object__for_each_program(program, object) {
		struct verdict *v = &verdicts[i];
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
static void load_all(const char *path, int n)
{
	int err = load(path, 0, n - 1), blamed = 1;

	while (err && blamed) {
		blamed = 0;
		for (int i = 0; i < n; i++)
			if (!verdicts[i].done && verdicts[i].log[0]) {
				verdicts[i].err = err;
				verdicts[i].done = true;
				blamed++;
			}
		if (blamed)
			err = load(path, 0, n - 1);
	}
	for (int i = 0; err && i < n; i++)
		if (!verdicts[i].done) {
			verdicts[i].err = load(path, i, i);
			verdicts[i].done = true;
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

static void print(const char *name, struct verdict *v)
{
	if (v->absent)
		printf("%s absent\n", name);
	else if (v->err)
		printf("%s refused %s: %s\n", name, strerror(-v->err), last_words(v->log));
	else if (!v->insns)
		printf("%s loads\n", name);
	else
		printf("%s %u\n", name, v->insns);
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
	bpf_object__for_each_program(program, object) {
		if (n == MAX_PROGRAMS) {
			fputs("insns: too many programs\n", stderr);
			return 1;
		}
		verdicts[n].absent = !target_exists(btf, bpf_program__section_name(program));
		verdicts[n].done = verdicts[n].absent;
		n++;
	}
	load_all(argv[1], n);
	n = 0;
	bpf_object__for_each_program(program, object)
		print(bpf_program__name(program), &verdicts[n++]);
	btf__free(btf);
	bpf_object__close(object);
	return 0;
}
