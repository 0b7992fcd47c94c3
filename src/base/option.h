/* Options: one typed table describes a command's flags; parsing, --help and completion come from
 * it. Limits: none. Threads: start only. Ownership: texts borrow from argv and from the tables. */
#pragma once
#include "base/str.h"

enum option_kind {
    OPTION_FLAG,   /* bool: present or not */
    OPTION_TEXT,   /* const char * */
    OPTION_LIST,   /* struct option_list: may be given again, each adds */
    OPTION_NUMBER, /* uint64_t between min and max */
    OPTION_CHOICE  /* const char *: one of choices, separated by '|' */
};

struct option_list {
    const char **items;
    size_t count;
};

struct option {
    const char *name; /* --name */
    char letter;      /* -x, or 0 */
    enum option_kind kind;
    size_t offset;     /* of the value in the command's settings struct */
    const char *value; /* what --help calls the value; CHOICE: the choices, a|b|c */
    uint64_t min, max; /* NUMBER */
    const char *help_en, *help_vi;
};

/* Reads argv[0 .. argc) into settings. What is no option goes to operands; `--` ends the options.
 * ERR_USAGE with a sentence that names the nearest known option. */
MUST_CHECK int option_parse(const struct option *options, size_t count, int argc, char **argv,
                            void *settings, struct option_list *operands, struct err *err);
/* The table as --help prints it. */
void option_help(const struct option *options, size_t count, bool vietnamese, struct buf *out);
void option_list_free(struct option_list *list);
