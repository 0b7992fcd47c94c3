#include "formats/json.h"
#include "watch/render_inside.h"

static bool is_index_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

int render_index_check(struct slice pattern, struct err *err)
{
    if (pattern.len == 0 || pattern.len > RENDER_INDEX_BYTES_MAX)
        return err_set(err, ERR_USAGE, "an index name has 1 to %d characters",
                       RENDER_INDEX_BYTES_MAX);
    if (slice_find_char(SLICE("-_.+"), pattern.data[0]) != SLICE_NONE)
        return err_set(err, ERR_USAGE, "an index name begins with a letter or digit, not '%c'",
                       pattern.data[0]);
    for (size_t i = 0; i < pattern.len; i++) {
        char c = pattern.data[i], next = i + 1 < pattern.len ? pattern.data[i + 1] : '\0';
        if (c == '%' && (next == 'Y' || next == 'm' || next == 'd'))
            i++;
        else if (!is_index_char(c))
            return err_set(err, ERR_USAGE,
                           "an index name is of small letters, digits, '-', '_', '.' and the "
                           "date's %%Y, %%m and %%d; character %zu is none of them",
                           i + 1);
    }
    return ERR_OK;
}

void render_index(struct slice pattern, int64_t received_ns, struct buf *out)
{
    struct clock_date date;
    clock_to_date(received_ns == CLOCK_NONE ? 0 : received_ns, 0, &date);
    for (size_t i = 0; i < pattern.len; i++) {
        char c = pattern.data[i];
        char next = c == '%' && i + 1 < pattern.len ? pattern.data[++i] : '\0';
        if (next == 'Y')
            buf_printf(out, "%04d", date.year);
        else if (next)
            buf_printf(out, "%02d", next == 'm' ? date.month : date.day);
        else
            buf_char(out, c);
    }
}

bool render_bulk(const struct row *row, const struct render_options *options,
                 enum render_action action, struct slice index_pattern, struct buf *out)
{
    struct arena arena = {0};
    struct buf index = {0};
    render_index(index_pattern, row->received_ns, &index);
    buf_string(out,
               action == RENDER_CREATE ? "{\"create\":{\"_index\":" : "{\"index\":{\"_index\":");
    json_write_string(out, buf_as_slice(&index));
    buf_string(out, ",\"_id\":");
    json_write_string(out, render_id(&arena, row, options));
    buf_string(out, "}}\n");
    bool whole = render_ecs(row, options, out);
    buf_char(out, '\n');
    buf_free(&index);
    arena_free(&arena);
    return whole;
}
