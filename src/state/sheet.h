/* Sheets: tables that people keep (CSV, also as spreadsheets save it), cut into cells by whoever
 * sends them, so that the engine reads no foreign text: it takes the flat form and checks it.
 *
 * Columns are told by their headings, Vietnamese (with or without marks) or English. Limits:
 * SHEET_ROWS_MAX rows, SHEET_COLUMNS_MAX columns, SHEET_CELL_BYTES_MAX a cell. Threads: any. */
#pragma once
#include "base/arena.h"
#include "base/bytes.h"

enum { SHEET_ROWS_MAX = 200000, SHEET_COLUMNS_MAX = 32, SHEET_CELL_BYTES_MAX = 1024 };
struct sheet_column {
    const char *name;         /* of the register's field */
    const char *const *heads; /* headings it is known by, without marks, lower case; NULL ends */
    bool required;
    const char *title_en, *title_vi; /* in messages */
};
/* CSV (comma, semicolon or tab; UTF-8 with or without BOM, or UTF-16) into the flat form: columns
 * by number of `columns`, rows with their line numbers. ERR_SYNTAX with line and column: an unknown
 * heading names the nearest known one; a missing required one is named. */
MUST_CHECK int sheet_read_csv(struct slice csv, const struct sheet_column *columns,
                              uint32_t column_count, bool vietnamese, struct buf *flat,
                              struct err *err);
struct sheet {
    struct bytes_in in;
    uint32_t column_count;             /* that the sheet has */
    uint8_t column[SHEET_COLUMNS_MAX]; /* number in `columns` of each */
    uint32_t rows, next;
};
struct sheet_row {
    uint32_t line;                         /* in the file */
    struct slice cells[SHEET_COLUMNS_MAX]; /* by number in `columns`; empty where there is none */
};
/* The walk checks everything. ERR_DAMAGED. */
MUST_CHECK int sheet_open(struct sheet *sheet, struct slice flat, uint32_t column_count,
                          struct err *err);
/* ERR_END behind the last row. */
MUST_CHECK int sheet_next(struct sheet *sheet, struct sheet_row *row, struct err *err);
/* The columns that a command's PARAM_SHEET takes: "system.import", "host.import"; or NULL. */
const struct sheet_column *sheet_columns(const char *command, uint32_t *count);
