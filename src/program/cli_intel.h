/* The parts of `canh intel`, one file each; shared by cli_intel*.c only. */
#pragma once
#include "detection/indicator.h"
#include "program/cli.h"
#include "program/output.h"

int cli_intel_import(int argc, char **argv);
int cli_intel_list(int argc, char **argv);
int cli_intel_remove(int argc, char **argv);
int cli_intel_match(int argc, char **argv);
int cli_intel_pattern(int argc, char **argv);

/* What cannot be used of feeds, on stderr: the first CLI_INTEL_SHOWN, all with verbose, none with
 * quiet; then how many more there were. */
enum { CLI_INTEL_SHOWN = 10 };
struct cli_intel_problems {
    const struct cli_common *common;
    uint64_t count;
};
void cli_intel_problem(void *problems, const char *text);
void cli_intel_note(void *problems, const char *text); /* with verbose only */
void cli_intel_problems_end(const struct cli_intel_problems *p);

/* Rows of indicators. value: what was asked for, of a hit; else the empty slice. */
void cli_intel_head(const struct output_options *form, bool with_value, struct buf *out);
void cli_intel_row(const struct output_options *form, const struct slice *value,
                   const struct indicator *i, struct buf *out);
