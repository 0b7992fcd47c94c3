/* The parts of `canh rules`, one file each; shared by cli_rules*.c only. */
#pragma once
#include "program/cli.h"
#include "watch/rules_load.h"

struct rules_settings {
    struct cli_common common;
    const char *placeholders;
    bool lint, strict, sarif;
};

/* A row for their option tables. */
#define CLI_RULES_PLACEHOLDERS_OPTION(settings, member)                                            \
    {                                                                                              \
        "placeholders", 0, OPTION_TEXT, offsetof(struct settings, member), "FILE", 0, 0,           \
            "YAML file with the values of %name% (modifier expand)",                               \
            "tệp YAML chứa giá trị của %tên% (modifier expand)"                          \
    }

void cli_rules_problems_json(const struct rules_load *load, struct buf *out);
void cli_rules_problems_csv(const struct rules_load *load, struct buf *out);
void cli_rules_sarif(const struct rules_load *load, struct buf *out);
void cli_rules_list(const struct rules_load *load, const struct rules_settings *settings,
                    struct buf *out);
void cli_rules_coverage(const struct rules_load *load, const struct rules_settings *settings,
                        struct buf *out);
/* product/category/service, a star for what is not stated: windows/process_creation */
void cli_rules_logsource(const struct rule *rule, struct buf *out);
/* Commands of their own: options differ. */
int cli_rules_explain(int argc, char **argv);
int cli_rules_test(int argc, char **argv);
int cli_rules_update(int argc, char **argv);
int cli_rules_pack(int argc, char **argv);
