/* What all subcommands share: exit codes, the options that every one takes, writing to stdout.
 * Threads: the main thread of a command. Ownership: nothing is kept. */
#pragma once
#include "base/option.h"

enum cli_exit {
    CLI_OK = 0,
    CLI_PROBLEMS = 1, /* a check found problems */
    CLI_USAGE = 2,
    CLI_FAILURE = 3
};

struct cli_common {
    const char *output; /* auto, table, ndjson, csv, and what else the command offers */
    const char *lang;   /* vi, en, or NULL: by the environment */
    bool quiet, verbose, help;
};

/* Rows for a command's option table: settings is its struct type, with a member of cli_common. */
#define CLI_OPTIONS(settings, member, outputs)                                                     \
    {"output",                                                                                     \
     'o',                                                                                          \
     OPTION_CHOICE,                                                                                \
     offsetof(struct settings, member.output),                                                     \
     outputs,                                                                                      \
     0,                                                                                            \
     0,                                                                                            \
     "form of the output",                                                                         \
     "dạng kết quả"},                                                                              \
        {"lang",                                                                                   \
         0,                                                                                        \
         OPTION_CHOICE,                                                                            \
         offsetof(struct settings, member.lang),                                                   \
         "vi|en",                                                                                  \
         0,                                                                                        \
         0,                                                                                        \
         "language (else by LANG)",                                                                \
         "ngôn ngữ (nếu không: theo LANG)"},                                                       \
        {"quiet",                                                                                  \
         'q',                                                                                      \
         OPTION_FLAG,                                                                              \
         offsetof(struct settings, member.quiet),                                                  \
         NULL,                                                                                     \
         0,                                                                                        \
         0,                                                                                        \
         "say less on stderr",                                                                     \
         "bớt thông báo ra stderr"},                                                               \
        {"verbose",                                                                                \
         'v',                                                                                      \
         OPTION_FLAG,                                                                              \
         offsetof(struct settings, member.verbose),                                                \
         NULL,                                                                                     \
         0,                                                                                        \
         0,                                                                                        \
         "say more on stderr",                                                                     \
         "thêm thông báo ra stderr"},                                                              \
    {                                                                                              \
        "help", 'h', OPTION_FLAG, offsetof(struct settings, member.help), NULL, 0, 0,              \
            "print this text", "in phần trợ giúp này"                                        \
    }

struct cli_command {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns an exit code */
    const char *help_en, *help_vi;     /* one line each */
};

int cli_audit(int argc, char **argv);
int cli_backup(int argc, char **argv);
int cli_doctor(int argc, char **argv);
int cli_restore(int argc, char **argv);
int cli_sources(int argc, char **argv);
int cli_status(int argc, char **argv);
int cli_config(int argc, char **argv);
int cli_detect(int argc, char **argv);
int cli_export(int argc, char **argv);
int cli_import(int argc, char **argv);
/* Runs the command of a table (ended by a row without a name) that argv[1] names. Without one, or
 * with an unknown one, says which there are: CLI_USAGE. prefix: what stands before the name:
 * "canh". */
int cli_dispatch(const struct cli_command *commands, const char *prefix, int argc, char **argv);

int cli_hunt(int argc, char **argv);
int cli_intel(int argc, char **argv);
int cli_key(int argc, char **argv);
int cli_prove(int argc, char **argv);
int cli_rules(int argc, char **argv);
int cli_search(int argc, char **argv);
int cli_serve(int argc, char **argv);
int cli_store(int argc, char **argv);
int cli_tail(int argc, char **argv);
int cli_verify(int argc, char **argv);
int cli_version(int argc, char **argv);
int cli_watch(int argc, char **argv);

bool cli_vietnamese(const struct cli_common *common); /* --lang, else LC_ALL, LC_MESSAGES, LANG */
/* Parses argv[1 ..); prints usage and options when --help was asked. Returns -1 to go on, else the
 * exit code to leave with. usage: the lines of the synopsis, each with a newline. */
int cli_parse(const struct option *options, size_t count, int argc, char **argv, void *settings,
              const struct cli_common *common, struct option_list *operands, const char *usage);
/* Writes and empties out. A reader that went away ends the command quietly: CLI_OK, and *closed
 * (may be NULL) is set. CLI_FAILURE, with a message on stderr, when it cannot be written. */
int cli_write(struct buf *out, bool *closed);
int cli_fail(int code, const struct err *err); /* "canh: text" on stderr; returns code */
/* From here on cli_fail puts its errors into err (the newest one counts) instead of onto stderr:
 * for a role that runs a command for somebody else. NULL: as before. */
void cli_catch(struct err *err);
bool cli_is_catching(void);
