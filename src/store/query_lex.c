/* The smallest parts of a query's text: blanks, words, quoted texts, names. */
#include <stdio.h>

#include "base/text.h"
#include "store/query_inside.h"

uint32_t query_column(struct query_reader *r, size_t at)
{
    if (at < r->counted_to)
        r->counted_to = r->counted_column = 0;
    for (; r->counted_to < at && r->counted_to < r->text.len; r->counted_column++)
        (void)text_next_char(r->text, &r->counted_to);
    return r->counted_column + 1;
}

bool query_fail(struct query_reader *r, size_t at, int code, const char *format, ...)
{
    char text[ERR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)err_set_at(r->err, code, 1, query_column(r, at), "%s", text);
    return false;
}

enum { FOUND_BYTES_MAX = QUERY_FOUND_BYTES - 8 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* What ends a word wherever it stands. */
static bool ends_word(char c)
{
    return is_blank(c) || c == '(' || c == ')' || c == '|' || c == 0;
}

void query_skip_blanks(struct query_reader *r)
{
    while (!query_at_end(r) && is_blank(r->text.data[r->at]))
        r->at++;
}

bool query_word_next(const struct query_reader *r, const char *word)
{
    size_t after = r->at + strlen(word);
    struct slice here = slice_part(r->text, r->at, strlen(word));
    if (!slice_equal_nocase(here, slice_from(word)))
        return false;
    return after >= r->text.len || ends_word(r->text.data[after]) ||
           strchr(",]}", r->text.data[after]);
}

bool query_take_word(struct query_reader *r, const char *word)
{
    query_skip_blanks(r);
    if (!query_word_next(r, word))
        return false;
    r->at += strlen(word);
    query_skip_blanks(r);
    return true;
}

bool query_take_char(struct query_reader *r, char c)
{
    query_skip_blanks(r);
    if (query_at_end(r) || r->text.data[r->at] != c)
        return false;
    r->at++;
    query_skip_blanks(r);
    return true;
}

/* The offset of the closing quote of the text that opens at `at`, or SLICE_NONE. */
static size_t quote_end(const struct query_reader *r, size_t at)
{
    char quote = r->text.data[at];
    for (size_t i = at + 1; i < r->text.len; i++) {
        char c = r->text.data[i], next = i + 1 < r->text.len ? r->text.data[i + 1] : 0;
        if ((quote == '"' && c == '\\' && (next == '"' || next == '\\')) ||
            (quote == '\'' && c == quote && next == quote))
            i++;
        else if (c == quote)
            return i;
    }
    return SLICE_NONE;
}

/* Between double quotes \" is a quote; every other backslash is left for the value's own reading
 * (docs/sigma.md, escapes), in pairs, so that \\" ends the text. Between single quotes '' is a
 * quote, as in a rule file. */
static bool read_quoted(struct query_reader *r, struct query_word *out)
{
    size_t open = r->at, end = quote_end(r, open), length = 0;
    char quote = r->text.data[open];
    if (end == SLICE_NONE)
        return query_fail(r, open, ERR_SYNTAX, "the quote that opens here is not closed%s",
                          quote == '"' ? ": a backslash before the last quote is written \\\\"
                                       : "");
    char *kept = arena_bytes(&r->query->arena, end - open);
    for (size_t i = open + 1; i < end; i++) {
        char c = r->text.data[i];
        bool pair = c == '\\' && quote == '"' && r->text.data[i + 1] == '\\';
        if ((c == '\\' && quote == '"' && r->text.data[i + 1] == '"') || c == quote)
            i++;
        if (pair)
            kept[length++] = r->text.data[i++];
        kept[length++] = r->text.data[i];
    }
    *out = (struct query_word){.text = slice_make(kept, length), .quoted = true, .at = open};
    r->at = end + 1;
    return true;
}

bool query_read_word(struct query_reader *r, const char *stops, struct query_word *out)
{
    char c = query_peek(r);
    if (c == '"' || c == '\'') {
        if (!read_quoted(r, out))
            return false;
        c = query_peek(r);
        if (query_at_end(r) || ends_word(c) || c == ':' || c == ',' || strchr(stops, c))
            return true;
        return query_fail(r, r->at, ERR_SYNTAX,
                          "a blank, a bracket or the end is expected after a quoted text, not %s",
                          query_found(r, r->at));
    }
    size_t from = r->at;
    while (!query_at_end(r) && !ends_word(r->text.data[r->at]) && !strchr(stops, query_peek(r)))
        r->at++;
    *out = (struct query_word){.text = slice_part(r->text, from, r->at - from), .at = from};
    return true;
}

/* sum(bytes), percentile(f, 95): the column of a table, written as the function was. */
static bool read_call_name(struct query_reader *r, struct query_word *out)
{
    size_t close = r->at;
    while (close < r->text.len && r->text.data[close] != ')' && r->text.data[close] != '|')
        close++;
    if (close == r->text.len || r->text.data[close] != ')')
        return query_fail(r, r->at, ERR_SYNTAX, "')' is missing behind this '('");
    char *kept = arena_bytes(&r->query->arena, close + 1 - out->at);
    size_t length = 0;
    for (size_t i = out->at; i <= close; i++)
        if (!is_blank(r->text.data[i]))
            kept[length++] = r->text.data[i];
    out->text = slice_make(kept, length);
    r->at = close + 1;
    return true;
}

bool query_read_name(struct query_reader *r, struct query_word *out)
{
    query_skip_blanks(r);
    if (!query_read_word(r, ",:", out))
        return false;
    if (out->text.len == 0)
        return query_fail(r, out->at, ERR_SYNTAX, "the name of a field is missing here");
    return out->quoted || query_peek(r) != '(' || read_call_name(r, out);
}

const char *query_found(struct query_reader *r, size_t at)
{
    size_t end = at;
    if (at >= r->text.len)
        return "the end of the query";
    while (end < r->text.len && !is_blank(r->text.data[end]) && end - at < FOUND_BYTES_MAX)
        (void)text_next_char(r->text, &end);
    (void)snprintf(r->found, sizeof(r->found), "'%.*s'", (int)(end - at), r->text.data + at);
    return r->found;
}

struct slice query_nearest(struct slice word, const struct slice *names, uint32_t count)
{
    unsigned limit = word.len / 3 > 8 ? 8 : word.len > 2 ? (unsigned)(word.len / 3) : 1;
    struct slice nearest = {"", 0};
    for (uint32_t i = 0; i < count; i++) {
        unsigned distance = text_distance(word, names[i], limit);
        if (distance > limit || (nearest.len && distance == limit))
            continue;
        nearest = names[i];
        limit = distance;
    }
    return nearest;
}
