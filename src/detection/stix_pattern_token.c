#include <stdio.h>

#include "base/text.h"
#include "detection/stix_pattern_inside.h"

enum { FOUND_BYTES_MAX = 24 };

int stix_parse_error(struct stix_parser *p, int code, size_t start, const char *what)
{
    return err_set_at(p->err, code, 1, (uint32_t)start + 1, "at byte %zu of the pattern: %s",
                      start + 1, what);
}

int stix_token_unexpected(struct stix_parser *p, const char *expected)
{
    char what[ERR_TEXT_BYTES];
    struct slice found = slice_part(p->input, p->start, p->at - p->start);
    if (found.len > FOUND_BYTES_MAX) {
        found.len = FOUND_BYTES_MAX;
        found.len = text_utf8_valid(found);
    }
    if (p->token == TOKEN_END)
        (void)snprintf(what, sizeof(what), "%s should come here, but the pattern ends", expected);
    else
        (void)snprintf(what, sizeof(what), "%s should come here, but %.*s is there", expected,
                       (int)found.len, found.data);
    return stix_parse_error(p, ERR_SYNTAX, p->start, what);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_blank_point(uint32_t c)
{
    return (c >= '\t' && c <= '\r') || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

/* Over blanks and comments (as the published grammar has them). */
static int blanks_skip(struct stix_parser *p)
{
    while (p->at < p->input.len) {
        struct slice rest = slice_part(p->input, p->at, p->input.len);
        size_t next = p->at;
        if (slice_starts(rest, SLICE("//"))) {
            size_t end = slice_find_char(rest, '\n');
            p->at = end == SLICE_NONE ? p->input.len : p->at + end;
        } else if (slice_starts(rest, SLICE("/*"))) {
            size_t end = slice_find(slice_part(rest, 2, rest.len), SLICE("*/"));
            if (end == SLICE_NONE)
                return stix_parse_error(p, ERR_SYNTAX, p->at, "the comment does not end");
            p->at += end + 4;
        } else if (is_blank_point(text_next_char(p->input, &next))) {
            p->at = next;
        } else {
            break;
        }
    }
    return ERR_OK;
}

static int quoted_read(struct stix_parser *p, enum stix_token token)
{
    size_t at = p->at + 1;
    for (; at < p->input.len && p->input.data[at] != '\''; at++) {
        if (p->input.data[at] != '\\')
            continue;
        at++;
        if (token != TOKEN_STRING || at == p->input.len ||
            (p->input.data[at] != '\'' && p->input.data[at] != '\\'))
            return stix_parse_error(p, ERR_SYNTAX, at - 1,
                                    "a backslash must be doubled, or stand before a quote");
    }
    if (at >= p->input.len)
        return stix_parse_error(p, ERR_SYNTAX, p->start, "the quote here is not closed");
    p->text = slice_part(p->input, p->at + 1, at - p->at - 1);
    p->token = token;
    p->at = at + 1;
    return ERR_OK;
}

static int number_read(struct stix_parser *p)
{
    size_t at = p->at, digits;
    if (p->input.data[at] == '-' || p->input.data[at] == '+')
        at++;
    digits = at;
    while (at < p->input.len && is_digit(p->input.data[at]))
        at++;
    bool leading_zero = at - digits > 1 && p->input.data[digits] == '0';
    p->token = TOKEN_INTEGER;
    if (at + 1 < p->input.len && p->input.data[at] == '.' && is_digit(p->input.data[at + 1])) {
        p->token = TOKEN_FLOAT;
        for (at++; at < p->input.len && is_digit(p->input.data[at]);)
            at++;
    } else if (leading_zero || at == digits) {
        return stix_parse_error(p, ERR_SYNTAX, p->start,
                                "a number such as 5, -1 or 2.5 is meant here, but it is not one");
    }
    p->text = slice_part(p->input, p->at, at - p->at);
    p->at = at;
    return ERR_OK;
}

static int word_read(struct stix_parser *p)
{
    static const enum stix_token quoted[] = {
        ['h'] = TOKEN_HEX, ['b'] = TOKEN_BINARY, ['t'] = TOKEN_TIME};
    size_t at = p->at + 1;
    char first = p->input.data[p->at];
    if (at < p->input.len && p->input.data[at] == '\'' &&
        (first == 'h' || first == 'b' || first == 't')) {
        p->at++;
        return quoted_read(p, quoted[(unsigned char)first]);
    }
    while (at < p->input.len && (is_word_start(p->input.data[at]) || is_digit(p->input.data[at]) ||
                                 p->input.data[at] == '-'))
        at++;
    p->token = TOKEN_WORD;
    p->text = slice_part(p->input, p->at, at - p->at);
    p->at = at;
    return ERR_OK;
}

static bool sign_read(struct stix_parser *p)
{
    static const char *const operators[] = {"==", "!=", "<>", "<=", ">=", "=", "<", ">"};
    struct slice rest = slice_part(p->input, p->at, p->input.len);
    size_t len = 0;
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]) && len == 0; i++)
        if (slice_starts(rest, slice_from(operators[i])))
            len = strlen(operators[i]);
    p->token = TOKEN_OPERATOR;
    if (len == 0 && memchr("[](),:.*", rest.data[0], 8)) {
        p->token = TOKEN_SIGN;
        len = 1;
    }
    p->text = slice_part(rest, 0, len);
    p->at += len;
    return len > 0;
}

int stix_token_next(struct stix_parser *p)
{
    int code = blanks_skip(p);
    if (code)
        return code;
    p->start = p->at;
    p->text = SLICE("");
    p->token = TOKEN_END;
    if (p->at == p->input.len)
        return ERR_OK;
    char c = p->input.data[p->at];
    char second = p->at + 1 < p->input.len ? p->input.data[p->at + 1] : '\0';
    if (c == '\'')
        return quoted_read(p, TOKEN_STRING);
    if (is_digit(c) || c == '-' || c == '+' || (c == '.' && is_digit(second)))
        return number_read(p);
    if (is_word_start(c))
        return word_read(p);
    if (sign_read(p))
        return ERR_OK;
    return stix_parse_error(p, ERR_SYNTAX, p->at, "no part of a pattern begins with this sign");
}

bool stix_token_is(const struct stix_parser *p, enum stix_token token, const char *text)
{
    return p->token == token && slice_equal(p->text, slice_from(text));
}

int stix_token_expect(struct stix_parser *p, enum stix_token token, const char *text)
{
    if (!stix_token_is(p, token, text))
        return stix_token_unexpected(p, text);
    return stix_token_next(p);
}

int stix_parse_node(struct stix_parser *p, void *node, size_t size_bytes)
{
    if (p->nodes++ == STIX_PATTERN_NODES_MAX)
        return stix_parse_error(p, ERR_LIMIT, p->start,
                                "the pattern has more parts than are read: divide it");
    *(void **)node = arena_zeroed(&p->pattern->arena, 1, size_bytes);
    return ERR_OK;
}

int stix_parse_deeper(struct stix_parser *p)
{
    if (p->depth++ == STIX_PATTERN_DEPTH_MAX)
        return stix_parse_error(p, ERR_LIMIT, p->start,
                                "there are more parentheses in parentheses than are read");
    return ERR_OK;
}
