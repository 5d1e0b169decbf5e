/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Counts what a test program asks of memory, and can refuse it. Included by one file of each. */
#ifndef TESTS_UNIT_ALLOC_HOOK_H
#define TESTS_UNIT_ALLOC_HOOK_H

#include <stddef.h>
#include <stdint.h>

/* A sanitizer has the allocator to itself, and only glibc has names for what is behind its own. */
#if !defined(__GLIBC__) || defined(__SANITIZE_ADDRESS__)
#define HAS_HOOK 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define HAS_HOOK 0
#endif
#endif
#ifndef HAS_HOOK
#define HAS_HOOK 1
#endif

static uint64_t asked __attribute__((unused)); /* calls since the start */
/* Calls from this one on get NULL. */
static uint64_t refuse_from __attribute__((unused)) = UINT64_MAX;

#if HAS_HOOK
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);

void *malloc(size_t size)
{
	return asked++ >= refuse_from ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return asked++ >= refuse_from ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	return asked++ >= refuse_from ? NULL : __libc_realloc(p, size);
}
#endif

#endif
