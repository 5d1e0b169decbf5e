/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Functions, typedefs and variables of the kernel's BTF by name: one pass over all types, where
 * libbpf makes one for each name that is asked for. */
#ifndef CAPTURE_KBTF_H
#define CAPTURE_KBTF_H

#include <stdint.h>

struct btf;
struct kbtf;

/** The running kernel's; NULL if it has none, or when out of memory. */
struct kbtf *kbtf_load(void);
/** Takes @btf, also when it fails: NULL when out of memory. */
struct kbtf *kbtf_new(struct btf *btf);
/** NULL is a no-op. */
void kbtf_free(struct kbtf *k);
/** Id of the first type of this name and kind, BTF_KIND_FUNC, _TYPEDEF or _VAR; or -ENOENT. */
int kbtf_find(const struct kbtf *k, const char *name, uint32_t kind);
/** Number of parameters of a function; -1 when there is none of that name. */
int kbtf_parameters(const struct kbtf *k, const char *name);

#endif
