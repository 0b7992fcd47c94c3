/* Tree: folders and files copied, moved and given their owners, for backup and restore.
 *
 * Links are neither followed nor copied: a tree that has one is refused. Limits: IO_DEPTH_MAX
 * levels. Threads: any. */
#pragma once
#include "base/str.h"

/* Makes the folder (0700) where it is not there. ERR_BUSY: it has something in it. */
MUST_CHECK int tree_make_empty(const char *folder, struct err *err);
struct tree_counts {
    uint64_t files, bytes;
};
/* All below `from` into the folder `to`, synced; folders that are there already are used. As root,
 * owner and group are those of the folder that each file or folder goes into. file_mode: of files;
 * new folders get the mode of `to`, without what it gives to others. */
MUST_CHECK int tree_copy(const char *from, const char *to, unsigned file_mode,
                         struct tree_counts *counts, struct err *err);
/* The members of `from` into `to`, by rename where that can be, else copied and removed; `from` is
 * removed. */
MUST_CHECK int tree_move(const char *from, const char *to, struct err *err);
/* A file of these bytes, which must not exist yet, synced, with the folder's owner (as root). */
MUST_CHECK int tree_write(const char *path, struct slice bytes, unsigned mode, struct err *err);
MUST_CHECK int tree_remove(const char *path, struct err *err); /* and all below it */
/* Files and bytes below folder. */
MUST_CHECK int tree_count(const char *folder, struct tree_counts *counts, struct err *err);
