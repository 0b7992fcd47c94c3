/* Manifest: the files of a backup with their SHA-256, as `sha256sum -c` reads it.
 *
 * Lines that begin with # say what the backup is: `# key: value`. Limits: MANIFEST_FILES_MAX files,
 * MANIFEST_BYTES_MAX. Threads: any. Ownership: the caller's. */
#pragma once
#include "base/str.h"

#define MANIFEST_FILE      "MANIFEST"
#define MANIFEST_BYTES_MAX ((size_t)256 << 20)
enum { MANIFEST_FILES_MAX = 1 << 20, MANIFEST_PATH_BYTES_MAX = 1000 };

/* Lines for every file under folder (but MANIFEST itself), appended, ascending by path. */
MUST_CHECK int manifest_make(const char *folder, struct buf *out, struct err *err);
/* The files are those of the manifest, none more and none less, and none was changed. text is
 * appended what MANIFEST holds. ERR_NOT_FOUND: there is none; ERR_SYNTAX; ERR_DAMAGED with the
 * first file that does not hold. */
MUST_CHECK int manifest_check(const char *folder, struct buf *text, struct err *err);
/* The value of a `# key: value` line; empty: there is none. */
struct slice manifest_value(struct slice text, struct slice key);
typedef int manifest_visit(void *context, struct slice path, struct err *err);
MUST_CHECK int manifest_each(struct slice text, manifest_visit *visit, void *context,
                             struct err *err);
