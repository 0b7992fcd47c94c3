/* Sheets into the register: what single rows need, and what is told about them: counts, the
 * difference, what is wrong by line and column.
 *
 * Result: {"added","changed","unchanged","removed", "rows":[{"line","name","change","fields":
 * {"title":["before","after"]}}], "errors":[{"line","column","text"}], "more"}: at most
 * IMPORT_TOLD_MAX of each. Threads: the writer's. */
#pragma once
#include "base/map.h"
#include "formats/json.h"
#include "state/db.h"
#include "state/sheet.h"

enum { IMPORT_TOLD_MAX = 500, IMPORT_NAME_BYTES_MAX = 64 };

struct import_field {
    const char *name;
    struct slice before, after;
};

struct import {
    struct command_call *call;
    const struct sheet_column *columns;
    bool has[SHEET_COLUMNS_MAX]; /* the sheet has this column */
    struct map units, systems;   /* text of a cell -> id; 0: refused */
    struct map seen;             /* id -> line */
    uint64_t added, changed, unchanged, removed, told, wrong;
    struct buf rows, errors; /* JSON, without brackets */
    struct err first;        /* the first thing that is wrong */
};
MUST_CHECK int import_open(struct import *im, struct command_call *call, struct sheet *sheet,
                           struct err *err);
/* Result and outcome: ERR_USAGE when anything was wrong; then nothing of the import is left. */
MUST_CHECK int import_end(struct import *im, struct err *err);
void import_close(struct import *im);
/* Something is wrong at line and column. */
void import_wrong(struct import *im, uint32_t line, int column, const char *english,
                  const char *vietnamese);
/* The same with the newest error's text. */
void import_wrong_err(struct import *im, uint32_t line, int column, const struct err *err);
/* Whether no row before named this id; else it is wrong. */
bool import_first(struct import *im, uint32_t line, int column, uint64_t id);
/* Counts a row that is there, tells what differs; true: something does. */
bool import_differs(struct import *im, uint32_t line, struct slice name,
                    const struct import_field *fields, uint32_t count);
void import_tell(struct import *im, uint32_t line, struct slice name, const char *change);
/* Cells. What does not fit is told as wrong; then false. Texts into the call's arena. */
bool import_name(struct import *im, uint32_t line, int column, struct slice cell,
                 struct slice *out);
bool import_bool(struct import *im, uint32_t line, int column, struct slice cell, bool *out);
bool import_level(struct import *im, uint32_t line, int column, struct slice cell, uint64_t *out);
bool import_date(struct import *im, uint32_t line, int column, struct slice cell,
                 struct slice *out);
bool import_text(struct import *im, uint32_t line, int column, struct slice cell, size_t max,
                 struct slice *out);
/* A unit or system by name, number or full name, within the caller's units. */
bool import_unit(struct import *im, uint32_t line, int column, struct slice cell, uint64_t *out);
bool import_system(struct import *im, uint32_t line, int column, struct slice cell, uint64_t *out);
