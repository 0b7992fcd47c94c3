#include <stdio.h>

#include "base/text.h"
#include "detection/stix_pattern_inside.h"

/* The inside of a string with \' and \\ undone. */
static struct slice string_take(struct stix_parser *p)
{
    char *out = arena_bytes(&p->pattern->arena, p->text.len);
    size_t len = 0;
    for (size_t i = 0; i < p->text.len; i++) {
        if (p->text.data[i] == '\\')
            i++;
        out[len++] = p->text.data[i];
    }
    return slice_make(out, len);
}

static int constant_bytes(struct stix_parser *p, struct stix_constant *constant)
{
    struct buf bytes = {0};
    constant->kind = CONSTANT_BINARY;
    bool good = p->token == TOKEN_HEX ? text_hex_decode(&bytes, p->text)
                                      : text_base64_decode(&bytes, p->text);
    constant->text = arena_copy(&p->pattern->arena, buf_as_slice(&bytes));
    buf_free(&bytes);
    if (good)
        return ERR_OK;
    return stix_parse_error(p, ERR_SYNTAX, p->start,
                            p->token == TOKEN_HEX ? "h'...' needs pairs of hexadecimal digits"
                                                  : "b'...' needs base64 with its padding");
}

static int constant_number(struct stix_parser *p, struct stix_constant *constant)
{
    struct slice digits = p->text;
    bool negative = digits.data[0] == '-';
    uint64_t magnitude;
    if (digits.data[0] == '+' || negative)
        digits = slice_part(digits, 1, digits.len);
    constant->kind = CONSTANT_FLOAT;
    if (p->token == TOKEN_INTEGER && slice_to_u64(digits, &magnitude) && magnitude <= INT64_MAX) {
        constant->kind = CONSTANT_INTEGER;
        constant->integer = negative ? -(int64_t)magnitude : (int64_t)magnitude;
        constant->number = (double)constant->integer;
        return ERR_OK;
    }
    struct slice whole = digits.data[0] == '.' ? arena_printf(&p->pattern->arena, "0%.*s",
                                                              (int)digits.len, digits.data)
                                               : digits;
    if (!slice_to_double(whole, &constant->number))
        return stix_parse_error(p, ERR_SYNTAX, p->start, "this number is too large");
    constant->number = negative ? -constant->number : constant->number;
    return ERR_OK;
}

int stix_constant_parse(struct stix_parser *p, struct stix_constant **out)
{
    struct stix_constant *constant;
    int code = stix_parse_node(p, &constant, sizeof(*constant));
    if (code)
        return code;
    *out = constant;
    switch (p->token) {
    case TOKEN_STRING:
        constant->kind = CONSTANT_STRING;
        constant->text = string_take(p);
        break;
    case TOKEN_HEX:
    case TOKEN_BINARY:
        code = constant_bytes(p, constant);
        break;
    case TOKEN_TIME:
        constant->kind = CONSTANT_TIME;
        if (!stix_time_parse(&constant->time, p->text))
            code = stix_parse_error(p, ERR_SYNTAX, p->start,
                                    "t'...' needs a time such as t'2026-11-22T10:36:00Z'");
        break;
    case TOKEN_INTEGER:
    case TOKEN_FLOAT:
        code = constant_number(p, constant);
        break;
    default:
        if (!stix_token_is(p, TOKEN_WORD, "true") && !stix_token_is(p, TOKEN_WORD, "false"))
            return stix_token_unexpected(p, "a constant such as 'text', 5, true or t'...'");
        constant->kind = CONSTANT_BOOL;
        constant->boolean = stix_token_is(p, TOKEN_WORD, "true");
    }
    return code ? code : stix_token_next(p);
}

static bool key_is_plain(struct slice key)
{
    return slice_find_char(key, '-') == SLICE_NONE;
}

static void key_print(struct buf *out, struct slice key)
{
    bool plain = key.len > 0 && !(key.data[0] >= '0' && key.data[0] <= '9');
    for (size_t i = 0; i < key.len; i++) {
        char c = key.data[i];
        plain = plain && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '_');
    }
    if (plain) {
        buf_slice(out, key);
        return;
    }
    buf_char(out, '\'');
    for (size_t i = 0; i < key.len; i++) {
        if (key.data[i] == '\'' || key.data[i] == '\\')
            buf_char(out, '\\');
        buf_char(out, key.data[i]);
    }
    buf_char(out, '\'');
}

static int key_parse(struct stix_parser *p, struct stix_step *step)
{
    step->kind = STEP_KEY;
    if (p->token == TOKEN_WORD && key_is_plain(p->text))
        step->key = arena_copy(&p->pattern->arena, p->text);
    else if (p->token == TOKEN_STRING)
        step->key = string_take(p);
    else if (p->token == TOKEN_WORD)
        return stix_token_unexpected(
            p, "a property name without a hyphen, or one in quotes ('SHA-256'),");
    else
        return stix_token_unexpected(p, "a property name");
    return stix_token_next(p);
}

static int index_parse(struct stix_parser *p, struct stix_step *step)
{
    int code = stix_token_next(p);
    if (code)
        return code;
    if (stix_token_is(p, TOKEN_SIGN, "*"))
        step->kind = STEP_ALL;
    else if (p->token == TOKEN_INTEGER && slice_to_u64(p->text, &step->index))
        step->kind = STEP_INDEX;
    else
        return stix_token_unexpected(p, "a list index such as [0], or [*],");
    code = stix_token_next(p);
    return code ? code : stix_token_expect(p, TOKEN_SIGN, "]");
}

static int step_parse(struct stix_parser *p, bool key, struct stix_step **out, struct buf *text)
{
    struct stix_step *step;
    int code = stix_parse_node(p, &step, sizeof(*step));
    if (code)
        return code;
    *out = step;
    code = key ? key_parse(p, step) : index_parse(p, step);
    if (code)
        return code;
    if (step->kind == STEP_KEY)
        key_print(text, step->key);
    else if (step->kind == STEP_ALL)
        buf_string(text, "[*]");
    else
        buf_printf(text, "[%llu]", (unsigned long long)step->index);
    return ERR_OK;
}

static int steps_parse(struct stix_parser *p, struct stix_comparison *term, struct buf *text)
{
    struct stix_step *step;
    int code = step_parse(p, true, &step, text);
    term->steps = step;
    for (uint32_t count = 1; code == ERR_OK; count++) {
        bool key = stix_token_is(p, TOKEN_SIGN, ".");
        struct stix_step *next;
        if (!key && !stix_token_is(p, TOKEN_SIGN, "["))
            break;
        if (count == STIX_PATH_STEPS_MAX)
            return stix_parse_error(p, ERR_LIMIT, p->start,
                                    "the path has more steps than are read");
        if (key) {
            buf_char(text, '.');
            code = stix_token_next(p);
            if (code)
                break;
        }
        code = step_parse(p, key, &next, text);
        if (code == ERR_OK) {
            step->next = next;
            step = next;
        }
    }
    return code;
}

int stix_path_parse(struct stix_parser *p, struct stix_comparison *term)
{
    struct buf text = {0};
    if (p->token != TOKEN_WORD)
        return stix_token_unexpected(p, "an object type such as file");
    term->type = arena_copy(&p->pattern->arena, p->text);
    buf_slice(&text, term->type);
    buf_char(&text, ':');
    int code = stix_token_next(p);
    if (code == ERR_OK)
        code = stix_token_expect(p, TOKEN_SIGN, ":");
    if (code == ERR_OK)
        code = steps_parse(p, term, &text);
    term->path_text = arena_copy(&p->pattern->arena, buf_as_slice(&text));
    buf_free(&text);
    return code;
}
