/* Import sealer: seals the store on a thread of its own while an import goes on.
 *
 * The committer tells what it appended; when the store wants a seal, one is begun; when a further
 * two seals' worth has come in while one is under way, the committer waits for it. Threads: calls
 * belong to the committer. Ownership: borrows the store. */
#pragma once
#include "store/store.h"

struct sealer;
/* seal_bytes: the store's setting. */
struct sealer *sealer_open(struct store *store, uint64_t seal_bytes);
/* After an append of so many bytes, as received. The error of a seal that failed. */
MUST_CHECK int sealer_appended(struct sealer *s, uint64_t bytes, struct err *err);
/* Waits for the seal under way; all: seals what is left, too. */
MUST_CHECK int sealer_finish(struct sealer *s, bool all, struct err *err);
uint64_t sealer_cpu_ns(const struct sealer *s); /* after finish */
void sealer_close(struct sealer **sealer);
