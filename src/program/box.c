#include "program/box.h"

#include "program/cell.h"

enum { INDENT = 2, TEXT_INDENT = 4, COMMAND_INDENT = 7 };

static void rule_put(struct box *box, uint32_t from)
{
    for (uint32_t i = from; i < box->columns; i++)
        buf_string(box->out, "─");
    buf_char(box->out, '\n');
}

static void bold_put(struct box *box, struct slice text)
{
    if (box->colour)
        buf_string(box->out, "\033[1m");
    (void)cell_terminal(text, 0, box->out);
    if (box->colour)
        buf_string(box->out, "\033[0m");
}

void box_begin(struct box *box, struct slice title)
{
    struct buf measured = {0};
    if (box->columns < BOX_COLUMNS_MIN)
        box->columns = BOX_COLUMNS_MIN;
    if (box->columns > BOX_COLUMNS_MAX)
        box->columns = BOX_COLUMNS_MAX;
    uint32_t width = cell_terminal(title, 0, &measured);
    buf_string(box->out, "── ");
    bold_put(box, title);
    buf_char(box->out, ' ');
    rule_put(box, width + 4);
    buf_free(&measured);
}

void box_heading(struct box *box, const char *text)
{
    bold_put(box, slice_from(text));
    buf_char(box->out, '\n');
}

void box_item(struct box *box, const char *mark, struct slice text)
{
    uint32_t used = TEXT_INDENT;
    bool first = true;
    cell_blanks(box->out, INDENT);
    buf_string(box->out, mark[0] ? mark : " ");
    buf_char(box->out, ' ');
    while (text.len) {
        struct buf shown = {0};
        uint32_t width = cell_terminal(slice_cut(&text, ' '), 0, &shown);
        if (!first && used + 1 + width > box->columns) {
            buf_char(box->out, '\n');
            cell_blanks(box->out, TEXT_INDENT);
            used = TEXT_INDENT;
        } else if (!first) {
            buf_char(box->out, ' ');
            used++;
        }
        buf_slice(box->out, buf_as_slice(&shown));
        used += width;
        first = false;
        buf_free(&shown);
    }
    buf_char(box->out, '\n');
}

void box_command(struct box *box, struct slice text)
{
    cell_blanks(box->out, COMMAND_INDENT);
    (void)cell_terminal(text, 0, box->out);
    buf_char(box->out, '\n');
}

void box_end(struct box *box)
{
    rule_put(box, 0);
}
