/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** A row in one sentence that takes no knowledge of networks: who talks to whom. */
#ifndef MODEL_SENTENCE_H
#define MODEL_SENTENCE_H

#include "model/model.h"

struct buf;

/** Append what @row is, in plain words, sanitised: who talks to whom, which side is the client and
 *  which the server, which port is the service and which the ephemeral one, since when. Only what
 *  is known is said. Pure. */
void sentence(struct buf *b, const struct row *row, const struct model *m);

/** Which port of a connection is which and what its state means, as further sentences; may append
 *  nothing. */
void sentence_more(struct buf *b, const struct row *row, const struct model *m);

#endif
