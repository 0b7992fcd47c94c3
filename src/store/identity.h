/* Identity of a store: the file STORE (docs/store-format.md, "Folder"). Threads: any. */
#pragma once
#include "store/journal.h"

enum { STORE_FORMAT = 1 };

/* ERR_NOT_FOUND: no store here; ERR_UNSUPPORTED: of a later format. */
MUST_CHECK int identity_read(struct disk *disk, struct journal_identity *out, struct err *err);
MUST_CHECK int identity_write(struct disk *disk, const struct journal_identity *identity,
                              struct err *err);
void identity_make(struct journal_identity *out); /* a new uuid, epoch 1 */
enum { IDENTITY_UUID_TEXT_BYTES = 37 };
void identity_uuid_text(const uint8_t uuid[16], char out[IDENTITY_UUID_TEXT_BYTES]);
