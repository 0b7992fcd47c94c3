/* Cells of tables for terminals and spreadsheets.
 *
 * What stands in logs and in others' rules is not trusted: what could steer a terminal, turn a line
 * round or run in a spreadsheet is made harmless. Limits: none of its own. Threads: any. */
#pragma once
#include "base/str.h"

/* Control characters, bytes that are no UTF-8 (text_next_char), and what changes the direction of
 * writing. */
bool cell_is_unsafe(uint32_t code_point);
/* Text up to `columns` wide (0: all of it), with a sign where it was cut. Unsafe characters become
 * U+FFFD. Returns its width. */
uint32_t cell_terminal(struct slice text, uint32_t columns, struct buf *out);
void cell_blanks(struct buf *out, uint32_t count);
/* As RFC 4180 has it. What a spreadsheet would take for a formula gets an apostrophe before it. */
void cell_csv(struct slice text, struct buf *out);
