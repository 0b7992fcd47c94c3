/* Rules from files, folders and archives (.zip, .tar and its compressed forms): read, checked,
 * collected.
 *
 * In folders and archives only *.yml and *.yaml are read, and what is hidden (a name that begins
 * with a dot) is left out; a path that names a file is read whatever its name. Limits:
 * RULES_LOAD_FILES_MAX files, YAML_BYTES_MAX a file; those of sigma.h. Threads: one. Ownership: a
 * rules_load owns the rules, their texts and the problems, until rules_load_free. */
#pragma once
#include "base/option.h"
#include "detection/sigma.h"
#include "watch/bundle.h"

enum { RULES_LOAD_FILES_MAX = 200000 };

struct rules_load {
    struct arena arena;
    struct rule_list rules;       /* in the order of the paths, by name within a folder */
    struct problem_list problems; /* in the order they were found */
    uint32_t file_count;          /* files read */
    uint64_t fingerprint;         /* of their names and texts, in order */
    uint32_t refused_count;       /* documents that are no usable rule */
    uint32_t unreadable_count;    /* paths that could not be read: problems of code `unreadable` */
};

/* All files of rules below the paths, archives' members, too, one after another. visit: false ends
 * it. */
typedef bool rules_visit(void *context, struct slice name, struct slice text);
typedef void rules_unreadable(void *context, const char *path, const struct err *err);
void rules_walk(const struct option_list *paths, rules_visit *visit, rules_unreadable *unreadable,
                void *context);
/* Those of one archive, which is open; name: shown. No file is opened. */
void rules_walk_archive(const char *name, int fd, rules_visit *visit, rules_unreadable *unreadable,
                        void *context);
/* Reads all paths, then checks the set as a whole (sigma_check_set). What is wrong with a file or a
 * rule is a problem, and reading goes on. out is zeroed by the caller. */
void rules_load_paths(struct rules_load *out, const struct option_list *paths,
                      const struct sigma_options *options);
/* The same of a bundle's rules and filters; files are named pack/name. Texts are borrowed from it.
 */
void rules_load_bundle(struct rules_load *out, const struct bundle *bundle,
                       const struct sigma_options *options);
void rules_load_free(struct rules_load *load);
/* `file:line: message` with a newline, as compilers write it. */
void rules_load_problem_text(struct buf *out, const struct problem *problem, bool vietnamese);
/* How many rules cannot be used, as a line; nothing when all can. */
void rules_load_refused_text(struct buf *out, const struct rules_load *load, bool vietnamese);
