/* Grid: result columns of pipes as lines of JSON or CSV, or as a table whose columns get their
 * widths from its first rows.
 *
 * Limits: GRID_HELD_MAX rows are held until the widths are known. Threads: one. Ownership: borrows
 * options and columns. */
#pragma once
#include "program/output.h"
#include "store/pipe.h"

enum { GRID_HELD_MAX = 200, GRID_CELL_BYTES_MAX = 4096 /* of a cell in a table */ };

struct grid;
struct grid *grid_open(const struct output_options *output, const struct slice_list *columns);
void grid_close(struct grid **g);
void grid_row(struct grid *g, const struct pipe_cell *cells, struct buf *out);
/* Rows that are held are written; widths are settled by the first ones. */
void grid_flush(struct grid *g, struct buf *out);
/* The same, and the heading where there was no row. */
void grid_end(struct grid *g, struct buf *out);
