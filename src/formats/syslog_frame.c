#include "formats/syslog_frame.h"

enum { COUNT_DIGITS_MAX = 8, UTF8_LATER_BYTES_MAX = 3 };

enum head { HEAD_COUNTED, HEAD_LINE, HEAD_MORE };

struct reading {
    struct syslog_frame *frame;
    struct slice block;
    struct span_list *out;
    size_t at;
    size_t nul; /* offset of the first NUL from `at` on, or block.len */
    bool last;
};

static void give(struct reading *r, size_t len, enum span_part part)
{
    struct syslog_frame *f = r->frame;
    f->count++;
    f->messages += part != SPAN_LATER_PART;
    span_list_add(r->out, (struct span){.text = {r->block.data + r->at, len},
                                        .line = f->messages,
                                        .part = (uint8_t)part});
}

/* Gives out a part of `len` bytes or a little less: not in the middle of a character. */
static size_t give_part(struct reading *r, size_t len, enum span_part part)
{
    const char *text = r->block.data + r->at;
    size_t end = len;
    while (end > len - UTF8_LATER_BYTES_MAX && ((unsigned char)text[end] & 0xc0) == 0x80)
        end--;
    if (((unsigned char)text[end] & 0xc0) == 0x80)
        end = len;
    give(r, end, part);
    r->frame->oversized += part == SPAN_FIRST_PART;
    r->at += end;
    return end;
}

/* Whether "NUMBER SP <" stands at the start of text; *digits of it, the number in *len. */
static enum head read_head(struct slice text, bool last, size_t *digits, size_t *len)
{
    size_t count = 0, number = 0;
    while (count < text.len && count <= COUNT_DIGITS_MAX && text.data[count] >= '0' &&
           text.data[count] <= '9')
        number = number * 10 + (size_t)(text.data[count++] - '0');
    if (count > COUNT_DIGITS_MAX || number > SYSLOG_FRAME_COUNTED_MAX)
        return HEAD_LINE;
    if (count < text.len && text.data[count] != ' ')
        return HEAD_LINE;
    if (count + 1 >= text.len)
        return last ? HEAD_LINE : HEAD_MORE;
    if (text.data[count + 1] != '<')
        return HEAD_LINE;
    *digits = count;
    *len = number;
    return HEAD_COUNTED;
}

/* In a counted message that is given out in parts. False: the rest of the block waits. */
static bool take_counted_rest(struct reading *r)
{
    struct syslog_frame *f = r->frame;
    size_t there = r->block.len - r->at;
    if (f->counted_left > f->max_bytes) {
        if (there > f->max_bytes) {
            f->counted_left -= give_part(r, f->max_bytes, SPAN_LATER_PART);
            return true;
        }
    } else if (there >= f->counted_left) {
        give(r, f->counted_left, SPAN_LATER_PART);
        r->at += f->counted_left;
        f->counted_left = 0;
        return true;
    }
    if (!r->last)
        return false;
    give(r, there, SPAN_LATER_PART);
    f->unfinished++;
    f->counted_left = 0;
    r->at = r->block.len;
    return true;
}

static bool take_counted(struct reading *r, size_t head, size_t len)
{
    struct syslog_frame *f = r->frame;
    size_t there = r->block.len - r->at - head;
    if (len <= f->max_bytes ? there >= len : there > f->max_bytes) {
        r->at += head;
        if (len > f->max_bytes) {
            f->counted_left = len - give_part(r, f->max_bytes, SPAN_FIRST_PART);
        } else {
            give(r, len, SPAN_WHOLE);
            r->at += len;
        }
        return true;
    }
    if (!r->last)
        return false;
    r->at += head;
    give(r, there, SPAN_UNFINISHED);
    f->unfinished++;
    r->at = r->block.len;
    return true;
}

static size_t find_nul(struct slice block, size_t from)
{
    const char *found = memchr(block.data + from, '\0', block.len - from);
    return found ? (size_t)(found - block.data) : block.len;
}

/* A line, or what is left of one. */
static bool take_line(struct reading *r)
{
    struct syslog_frame *f = r->frame;
    const char *start = r->block.data + r->at;
    if (r->nul < r->at)
        r->nul = find_nul(r->block, r->at);
    size_t there = r->nul - r->at;
    size_t room = there < f->max_bytes + 2 ? there : f->max_bytes + 2;
    const char *found = memchr(start, '\n', room);
    size_t len = found ? (size_t)(found - start) : room;
    bool ends = found || (room == there && r->nul < r->block.len);
    size_t next = r->at + len + ends;
    if (ends && len > 0 && start[len - 1] == '\r')
        len--;
    if (len > f->max_bytes && (ends || r->last || room == f->max_bytes + 2)) {
        give_part(r, f->max_bytes, f->in_line ? SPAN_LATER_PART : SPAN_FIRST_PART);
        f->in_line = true;
        return true;
    }
    if (!ends && !r->last)
        return false;
    bool empty =
        len == 0 || ((unsigned char)start[0] <= ' ' && slice_trim(slice_make(start, len)).len == 0);
    if (!empty || f->in_line)
        give(r, len, f->in_line ? SPAN_LATER_PART : SPAN_WHOLE);
    f->in_line = false;
    r->at = next;
    return true;
}

/* False: the rest of the block waits for more. */
static bool take_next(struct reading *r)
{
    if (r->frame->counted_left > 0)
        return take_counted_rest(r);
    char c = r->block.data[r->at];
    if (r->frame->in_line || c < '1' || c > '9')
        return take_line(r);
    size_t digits, len;
    switch (read_head(slice_part(r->block, r->at, SIZE_MAX), r->last, &digits, &len)) {
    case HEAD_COUNTED:
        return take_counted(r, digits + 1, len);
    case HEAD_MORE:
        return false;
    case HEAD_LINE:
        break;
    }
    return take_line(r);
}

void syslog_frame_feed(struct syslog_frame *f, struct slice block, bool last, struct span_list *out,
                       size_t *used_bytes)
{
    check(f->max_bytes >= SYSLOG_FRAME_HEAD_BYTES);
    struct reading r = {.frame = f, .block = block, .out = out, .last = last};
    r.nul = block.len > 0 ? find_nul(block, 0) : 0;
    while (r.at < block.len && take_next(&r))
        continue;
    *used_bytes = r.at;
    if (last) {
        f->unfinished += f->counted_left > 0;
        f->counted_left = 0;
        f->in_line = false;
    }
    check(r.at <= block.len && (!last || r.at == block.len));
}
