/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sink/track.h"

#include <errno.h>
#include <stdlib.h>

enum { BUCKETS = 16384, MAX = 65536 };

/* Cookies count up: their low bits are as good as any. */
static struct track **bucket(const struct tracks *t, uint64_t cookie)
{
	return &t->buckets[cookie & (t->bucket_count - 1)];
}

int tracks_init(struct tracks *t)
{
	*t = (struct tracks){.bucket_count = BUCKETS};
	t->buckets = calloc(BUCKETS, sizeof(*t->buckets));
	return t->buckets ? 0 : -ENOMEM;
}

void tracks_done(struct tracks *t)
{
	for (uint32_t i = 0; t->buckets && i < t->bucket_count; i++)
		while (t->buckets[i])
			tracks_forget(t, t->buckets[i]->cookie);
	free(t->buckets);
	t->buckets = NULL;
}

struct track *tracks_find(const struct tracks *t, uint64_t cookie)
{
	struct track *track = *bucket(t, cookie);

	while (track && track->cookie != cookie)
		track = track->next;
	return track;
}

struct track *tracks_get(struct tracks *t, uint64_t cookie)
{
	struct track *track = tracks_find(t, cookie), **head = bucket(t, cookie);

	if (track || t->count >= MAX)
		return track;
	track = calloc(1, sizeof(*track));
	if (!track)
		return NULL;
	track->cookie = cookie;
	track->next = *head;
	*head = track;
	t->count++;
	return track;
}

void tracks_forget(struct tracks *t, uint64_t cookie)
{
	struct track **at = bucket(t, cookie), *track;

	while (*at && (*at)->cookie != cookie)
		at = &(*at)->next;
	track = *at;
	if (!track)
		return;
	*at = track->next;
	free(track);
	t->count--;
}
