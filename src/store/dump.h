/* Dump: what stands in one file of a store, as text for people (docs/store-format.md).
 *
 * Knows a file by its first bytes: journal, durable page, segment, checkpoint, notary, catalog,
 * STORE. Nothing is trusted; damage is told where it stands and what follows is shown when it can
 * be. Memory: a frame, a segment's footer, or a checkpoint at a time. Threads: one. */
#pragma once
#include "base/disk.h"

typedef int dump_write(void *context, struct slice text); /* ERR_OK to go on */

/* path: within the disk's folder. rows: values, too. ERR_NOT_FOUND; ERR_UNSUPPORTED: no file of a
 * store; ERR_DAMAGED: told in the text, too. */
MUST_CHECK int dump_file(struct disk *disk, const char *path, bool rows, dump_write *write,
                         void *context, struct err *err);
