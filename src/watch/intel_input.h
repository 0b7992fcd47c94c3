/* The texts of feeds: files, folders, archives, compressed files, the standard input.
 *
 * In folders and archives only names that feeds have are looked at (.json, .csv, .tsv, .txt, .list,
 * .ioc, .netset, .ipset, .stix, also compressed), and what is hidden is left out; a path that names
 * a file is read whatever its name. UTF-16 becomes UTF-8. Limits: INTEL_TEXT_BYTES_MAX a text,
 * INTEL_INPUT_FILES_MAX texts, those of archive.h. Threads: one. */
#pragma once
#include "base/option.h"

enum { INTEL_INPUT_FILES_MAX = 200000 };

struct intel_input {
    void *context;
    /* One text. name: as given, with its path below a folder, "a.zip!member", "-". searched: found
     * in a folder or archive. Both are good until it returns. A negative code ends the reading. */
    int (*text)(void *context, struct slice name, struct slice text, bool searched,
                struct err *err);
    void (*unreadable)(void *context, struct slice name, const struct err *err);
};
/* What cannot be read is given to unreadable, and reading goes on. ERR_LIMIT past the files' limit;
 * else what text returned. */
MUST_CHECK int intel_input_read(const struct intel_input *input, const struct option_list *paths,
                                struct err *err);
