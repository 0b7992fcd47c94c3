/* Import sealer: seals the store on a thread of its own while an import goes on.
 *
 * The committer tells what it appended; when the store wants a seal, one is begun; when a further
 * two seals' worth has come in while one is under way, the committer waits for it. Threads: calls
 * belong to the committer. Ownership: borrows the store. */
#pragma once
#include "store/store.h"

struct import_sealer;
/* seal_bytes: the store's setting. */
struct import_sealer *import_sealer_open(struct store *store, uint64_t seal_bytes);
/* After an append of so many bytes, as received. The error of a seal that failed. */
MUST_CHECK int import_sealer_appended(struct import_sealer *s, uint64_t bytes, struct err *err);
/* Waits for the seal under way; all: seals what is left, too. */
MUST_CHECK int import_sealer_finish(struct import_sealer *s, bool all, struct err *err);
uint64_t import_sealer_cpu_ns(const struct import_sealer *s); /* after finish */
void import_sealer_close(struct import_sealer **sealer);
