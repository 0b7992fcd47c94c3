/* Journal export entries out of a stream (journal_export.h): up to the empty line behind them, with
 * values of a given size passed over unread. The span's line is the number of the entry. An entry
 * that is too long is passed over by its structure; one whose sizes do not hold is given up at the
 * next empty line. What was looked at of an unfinished entry is not looked at again. */
#include "base/bytes.h"
#include "formats/journal_export.h"
#include "formats/split_state.h"

enum step { STEP_ON, STEP_MORE, STEP_ENTRY };

struct walk {
    struct split *s;
    struct split_journal *j;
    struct slice block;
    size_t start, at; /* of the entry; of what was not looked at yet */
};

static void entry_drop(struct walk *w, const char *reason)
{
    if (!w->j->dropping)
        split_refuse(w->s, w->s->line, reason);
    w->j->dropping = true;
}

static void framing_lost(struct walk *w)
{
    entry_drop(w, "the size of a field of this entry is not that of its value");
    w->j->sizes_lost = true;
}

/* Passes over a value whose size is known, and its line end. */
static enum step value_pass(struct walk *w)
{
    size_t left = w->block.len - w->at;
    size_t pass = w->j->pass < left ? (size_t)w->j->pass : left;
    w->at += pass;
    w->j->pass -= pass;
    if (w->j->pass > 0 || w->at == w->block.len)
        return STEP_MORE;
    w->j->in_value = false;
    if (w->block.data[w->at] == '\n')
        w->at++;
    else
        framing_lost(w);
    return STEP_ON;
}

/* The rest of a line of an entry that is dropped. */
static enum step line_pass(struct walk *w)
{
    size_t end = slice_find_char(slice_part(w->block, w->at, w->block.len), '\n');
    w->j->in_line = end == SLICE_NONE;
    w->at = end == SLICE_NONE ? w->block.len : w->at + end + 1;
    return end == SLICE_NONE ? STEP_MORE : STEP_ON;
}

static enum step field_pass(struct walk *w)
{
    struct slice rest = slice_part(w->block, w->at, w->block.len);
    size_t end = slice_find_char(rest, '\n');
    if (end == 0)
        return STEP_ENTRY;
    size_t name_len = slice_find_char(slice_part(rest, 0, end), '=');
    bool sized = name_len == SLICE_NONE && !w->j->sizes_lost &&
                 (end == SLICE_NONE ? rest.len : end) <= JOURNAL_NAME_BYTES_MAX;
    if (end == SLICE_NONE) {
        if (w->j->dropping && !sized && rest.len > 0)
            return line_pass(w);
        return STEP_MORE;
    }
    if (!sized) {
        w->at += end + 1;
        return STEP_ON;
    }
    if (rest.len - end - 1 < sizeof(uint64_t))
        return STEP_MORE;
    uint64_t size = bytes_u64(rest.data + end + 1);
    if (size > JOURNAL_VALUE_BYTES_MAX) {
        w->at += end + 1;
        framing_lost(w);
        return STEP_ON;
    }
    w->at += end + 1 + sizeof(uint64_t);
    w->j->pass = size;
    w->j->in_value = true;
    return STEP_ON;
}

static void entry_end(struct walk *w, struct span_list *out)
{
    struct slice text = slice_part(w->block, w->start, w->at - w->start);
    if (text.len > RECORD_BYTES_MAX)
        entry_drop(w, "the entry is longer than a record may be (16 MiB)");
    else if (text.len > 0 && !w->j->dropping)
        split_give(w->s, out, (struct span){.text = text, .line = w->s->line});
    w->s->line += text.len > 0 || w->j->dropping;
    *w->j = (struct split_journal){0};
}

/* Nothing follows: what is left is an entry without the empty line, or it was cut off. */
static void stream_end(struct walk *w, struct span_list *out)
{
    struct slice rest = slice_part(w->block, w->at, w->block.len);
    if (w->j->in_value && !(w->j->pass == 0 && rest.len == 0))
        entry_drop(w, "the entry is cut off");
    else if (rest.len > 0 && (slice_find_char(rest, '=') == SLICE_NONE ||
                              slice_find_char(rest, '\n') != SLICE_NONE))
        entry_drop(w, "the entry is cut off");
    w->at = w->block.len;
    entry_end(w, out);
}

size_t split_journal_feed(struct split *s, struct slice block, bool last, struct span_list *out)
{
    struct walk w = {.s = s, .j = &s->journal, .block = block, .at = s->journal.looked_at};
    for (;;) {
        enum step step = w.j->in_value  ? value_pass(&w)
                         : w.j->in_line ? line_pass(&w)
                                        : field_pass(&w);
        if (step == STEP_MORE)
            break;
        if (step == STEP_ENTRY) {
            entry_end(&w, out);
            w.start = ++w.at;
        }
    }
    if (last) {
        stream_end(&w, out);
        return block.len;
    }
    if (block.len - w.start > RECORD_BYTES_MAX)
        entry_drop(&w, "the entry is longer than a record may be (16 MiB)");
    if (w.j->dropping)
        w.start = w.at;
    w.j->looked_at = w.at - w.start;
    return w.start;
}
