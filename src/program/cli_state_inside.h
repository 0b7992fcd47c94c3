/* One verb of the command table as a command line. Threads: the main one. Ownership: the verb's
 * arena. */
#pragma once
#include "program/cli_node.h"

enum { VERB_OPTIONS_MAX = COMMAND_PARAMS_MAX * 2 + 24 };

struct verb_settings {
    struct cli_common common;
    struct data_settings data;
    struct server_settings server;
    bool dry_run, admin;
    struct option_list values[COMMAND_PARAMS_MAX]; /* by parameter */
    const char *files[COMMAND_PARAMS_MAX];         /* of secrets */
    bool inputs[COMMAND_PARAMS_MAX];               /* secrets by standard input */
};

struct verb {
    const struct command *command;
    bool vietnamese;
    struct verb_settings settings;
    struct option options[VERB_OPTIONS_MAX];
    size_t option_count;
    struct option_list operands;
    const char *usage;
    struct command_value values[COMMAND_VALUES_MAX];
    uint32_t value_count;
    struct buf secrets[COMMAND_PARAMS_MAX]; /* and sheets */
    struct arena arena;
};
/* cli_state_help.c: options and the usage lines, made of the parameters. */
void verb_describe(struct verb *verb);
/* "internet_exposed" as people type it: internet-exposed. */
const char *verb_dashed(struct arena *arena, const char *name);
/* cli_state_values.c: what was typed as the table wants it. ERR_USAGE and what files give. */
MUST_CHECK int verb_values(struct verb *verb, struct err *err);
