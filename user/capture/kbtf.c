/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/kbtf.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

enum { FIRST_SLOTS = 1024 };

struct kbtf {
	struct btf *btf; /* owned */
	uint32_t *slots; /* owned; ids by name, open addressing, at most half full */
	uint32_t mask;
};

static bool is_indexed(const struct btf_type *t)
{
	return btf_is_func(t) || btf_is_typedef(t) || btf_is_var(t);
}

/* FNV-1a: names of the kernel are nobody's attack. */
static uint32_t hash(const char *name)
{
	uint32_t h = 2166136261U;

	while (*name)
		h = (h ^ (uint8_t)*name++) * 16777619U;
	return h;
}

static const char *name_of(const struct kbtf *k, uint32_t id)
{
	return btf__name_by_offset(k->btf, btf__type_by_id(k->btf, id)->name_off);
}

/* Of equal names the first stands first, so kbtf_find gives what libbpf would. */
static void add(struct kbtf *k, uint32_t id)
{
	uint32_t at = hash(name_of(k, id)) & k->mask;

	while (k->slots[at])
		at = (at + 1) & k->mask;
	k->slots[at] = id;
}

static int index_names(struct kbtf *k)
{
	uint32_t types = btf__type_cnt(k->btf), count = 0, slots = FIRST_SLOTS;

	for (uint32_t id = 1; id < types; id++)
		count += is_indexed(btf__type_by_id(k->btf, id));
	while (slots < 2 * count)
		slots *= 2;
	k->mask = slots - 1;
	k->slots = calloc(slots, sizeof(*k->slots));
	if (!k->slots)
		return -ENOMEM;
	for (uint32_t id = 1; id < types; id++)
		if (is_indexed(btf__type_by_id(k->btf, id)))
			add(k, id);
	return 0;
}

struct kbtf *kbtf_new(struct btf *btf)
{
	struct kbtf *k = calloc(1, sizeof(*k));

	if (!k) {
		btf__free(btf);
		return NULL;
	}
	k->btf = btf;
	if (index_names(k)) {
		kbtf_free(k);
		return NULL;
	}
	return k;
}

struct kbtf *kbtf_load(void)
{
	struct btf *btf = btf__load_vmlinux_btf();

	return btf ? kbtf_new(btf) : NULL;
}

void kbtf_free(struct kbtf *k)
{
	if (!k)
		return;
	btf__free(k->btf);
	free(k->slots);
	free(k);
}

int kbtf_find(const struct kbtf *k, const char *name, uint32_t kind)
{
	uint32_t at = hash(name) & k->mask, id;

	for (; (id = k->slots[at]); at = (at + 1) & k->mask)
		if (btf_kind(btf__type_by_id(k->btf, id)) == kind && !strcmp(name_of(k, id), name))
			return (int)id;
	return -ENOENT;
}

int kbtf_parameters(const struct kbtf *k, const char *name)
{
	int id = kbtf_find(k, name, BTF_KIND_FUNC);
	const struct btf_type *t = id > 0 ? btf__type_by_id(k->btf, (uint32_t)id) : NULL;

	t = t ? btf__type_by_id(k->btf, t->type) : NULL;
	return t ? btf_vlen(t) : -1;
}
