/* Forms: --help of every command as one manual page, or as a completion script: both come from the
 * option tables and the command table, by running each command's --help with another form set.
 *
 * Threads: the main one, at the start. */
#pragma once
#include "base/option.h"

enum cli_form { CLI_FORM_TEXT, CLI_FORM_MAN, CLI_FORM_BASH };
void cli_form_set(enum cli_form form);
enum cli_form cli_form_now(void);
/* Heading and foot of the whole. */
void cli_form_begin(bool vietnamese, struct buf *out);
void cli_form_end(struct buf *out);
/* One command: usage begins with its name. */
void cli_form_command(const struct option *options, size_t count, const char *usage,
                      bool vietnamese, struct buf *out);
