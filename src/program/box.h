/* Box: a page of text for a terminal between two rules, wrapped at words, so that what is copied
 * out of it has no frame in it. Threads: one. Ownership: out is the caller's. */
#pragma once
#include "base/str.h"

enum { BOX_COLUMNS_MIN = 40, BOX_COLUMNS_MAX = 120 };
struct box {
    struct buf *out;
    uint32_t columns;
    bool colour;
};
void box_begin(struct box *box, struct slice title);
void box_heading(struct box *box, const char *text);
/* mark: one sign before it, or "". Lines behind the first are indented as its text. */
void box_item(struct box *box, const char *mark, struct slice text);
void box_command(struct box *box, struct slice text); /* never wrapped: it is to be copied */
void box_end(struct box *box);
