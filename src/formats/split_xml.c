/* <Event ...>...</Event> out of a stream, with or without a name space prefix; what stands between
 * them (declarations, <Events>, line ends) is passed over. Comments and CDATA are known, so a tag
 * in them is text. An <Event> in an <Event> means that the outer one was cut off: it is refused. */
#include "formats/split_state.h"

enum { NAME_BYTES_MAX = 80, TAG_BYTES_MAX = 4096 };

enum tag { TAG_OTHER, TAG_OPEN, TAG_EMPTY, TAG_CLOSE, TAG_SECTION, TAG_MORE };

static bool ends_name(char c)
{
    return c == '>' || c == '/' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Is it the name Event, with or without a prefix? */
static bool is_event(struct slice tag)
{
    size_t len = 0;
    while (len < tag.len && len < NAME_BYTES_MAX && !ends_name(tag.data[len]))
        len++;
    struct slice name = slice_make(tag.data, len);
    size_t colon = slice_find_char(name, ':');
    if (colon != SLICE_NONE)
        name = slice_part(name, colon + 1, name.len);
    return slice_equal(name, SLICE("Event"));
}

/* What begins at the < that rest begins with, and how long it is. A comment or CDATA without end
 * takes the rest of the file, a tag longer than TAG_BYTES_MAX is none. */
static enum tag read_tag(struct slice rest, bool last, size_t *len)
{
    static const struct slice cdata = {"<![CDATA[", 9}, comment = {"<!--", 4};
    *len = 1;
    if (rest.len < NAME_BYTES_MAX && !last && !memchr(rest.data, '>', rest.len))
        return TAG_MORE;
    if (slice_starts(rest, cdata) || slice_starts(rest, comment)) {
        bool is_cdata = rest.data[2] == '[';
        struct slice inside = slice_part(rest, 4, rest.len);
        size_t end = slice_find(inside, is_cdata ? SLICE("]]>") : SLICE("-->"));
        if (end == SLICE_NONE && !last)
            return TAG_MORE;
        *len = end == SLICE_NONE ? rest.len : 4 + end + 3;
        return TAG_SECTION;
    }
    bool closing = rest.len > 1 && rest.data[1] == '/';
    if (!is_event(slice_part(rest, closing ? 2 : 1, NAME_BYTES_MAX)))
        return TAG_OTHER;
    const char *end = memchr(rest.data, '>', rest.len < TAG_BYTES_MAX ? rest.len : TAG_BYTES_MAX);
    if (!end)
        return last || rest.len >= TAG_BYTES_MAX ? TAG_OTHER : TAG_MORE;
    *len = (size_t)(end - rest.data) + 1;
    if (closing)
        return TAG_CLOSE;
    return end[-1] == '/' ? TAG_EMPTY : TAG_OPEN;
}

enum event_end { EVENT_WHOLE, EVENT_MORE, EVENT_CUT };

/* block.data[at] is behind <Event ...>; *end: behind </Event>, or of the next <Event. */
static enum event_end find_event_end(struct slice block, size_t at, bool last, size_t *end)
{
    for (;;) {
        const char *open = at < block.len ? memchr(block.data + at, '<', block.len - at) : NULL;
        if (!open)
            break;
        at = (size_t)(open - block.data);
        size_t len;
        enum tag tag = read_tag(slice_part(block, at, block.len), last, &len);
        if (tag == TAG_MORE)
            break;
        *end = tag == TAG_CLOSE ? at + len : at;
        if (tag == TAG_CLOSE)
            return EVENT_WHOLE;
        if (tag == TAG_OPEN || tag == TAG_EMPTY)
            return EVENT_CUT;
        at += len;
    }
    *end = block.len;
    return last ? EVENT_CUT : EVENT_MORE;
}

/* The next <Event ...> from *at: its tag's length, *at at its <. 0: none, *at is what is done with.
 */
static size_t find_event(struct slice block, size_t *at, bool last)
{
    for (;;) {
        const char *open = *at < block.len ? memchr(block.data + *at, '<', block.len - *at) : NULL;
        *at = open ? (size_t)(open - block.data) : block.len;
        if (!open)
            return 0;
        size_t len;
        enum tag tag = read_tag(slice_part(block, *at, block.len), last, &len);
        if (tag == TAG_MORE)
            return 0;
        if (tag == TAG_OPEN || tag == TAG_EMPTY)
            return len;
        *at += len;
    }
}

static void count_to(struct split *s, struct slice block, size_t from, size_t to)
{
    s->line += split_count_lines(slice_part(block, from, to - from));
}

size_t split_xml_feed(struct split *s, struct slice block, bool last, struct span_list *out)
{
    size_t at = 0;
    for (;;) {
        size_t start = at, end;
        size_t tag_len = find_event(block, &at, last);
        bool too_long = block.len - at > RECORD_BYTES_MAX;
        if (tag_len == 0 && too_long) {
            split_refuse(s, s->line, "a comment is longer than a record may be (16 MiB)");
            at = block.len;
        }
        count_to(s, block, start, at);
        if (tag_len == 0)
            return last ? block.len : at;
        enum event_end result = EVENT_WHOLE;
        if (block.data[at + tag_len - 2] == '/')
            end = at + tag_len;
        else
            result = find_event_end(block, at + tag_len, last, &end);
        if (result == EVENT_MORE && !too_long)
            return at;
        if (end - at > RECORD_BYTES_MAX)
            split_refuse(s, s->line, "the event is longer than a record may be (16 MiB)");
        else if (result == EVENT_WHOLE)
            split_give(s, out,
                       (struct span){.text = slice_part(block, at, end - at), .line = s->line});
        else
            split_refuse(s, s->line, "the event is cut off: it has no </Event>");
        if (result == EVENT_MORE)
            end = at + tag_len; /* what is left of it holds no <Event, so it passes unseen */
        count_to(s, block, at, end);
        at = end;
    }
}
