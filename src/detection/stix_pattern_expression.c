#include "detection/stix_pattern_inside.h"

static int wrap(struct stix_parser *p, enum stix_expression_kind kind, struct stix_expression **out)
{
    struct stix_expression *outer;
    int code = stix_parse_node(p, &outer, sizeof(*outer));
    if (code)
        return code;
    outer->kind = kind;
    outer->children = *out;
    *out = outer;
    return ERR_OK;
}

static int repeats_parse(struct stix_parser *p, struct stix_expression **out)
{
    int code = wrap(p, EXPRESSION_REPEATS, out);
    if (code)
        return code;
    struct slice digits = p->text;
    if (p->token == TOKEN_INTEGER && slice_starts(digits, SLICE("+")))
        digits = slice_part(digits, 1, digits.len);
    if (p->token != TOKEN_INTEGER || !slice_to_u64(digits, &(*out)->count) || (*out)->count == 0)
        return stix_token_unexpected(p, "a whole number above 0");
    code = stix_token_next(p);
    return code ? code : stix_token_expect(p, TOKEN_WORD, "TIMES");
}

static int within_parse(struct stix_parser *p, struct stix_expression **out)
{
    int code = wrap(p, EXPRESSION_WITHIN, out);
    if (code)
        return code;
    struct slice digits = p->text;
    if (slice_starts(digits, SLICE("+")))
        digits = slice_part(digits, 1, digits.len);
    struct stix_time *duration = &(*out)->duration;
    if ((p->token != TOKEN_INTEGER && p->token != TOKEN_FLOAT) ||
        !stix_time_parse_duration(duration, digits) ||
        (duration->seconds == 0 && duration->nanoseconds == 0))
        return stix_token_unexpected(p, "a number of seconds above 0");
    code = stix_token_next(p);
    return code ? code : stix_token_expect(p, TOKEN_WORD, "SECONDS");
}

static int time_parse(struct stix_parser *p, struct stix_time *out)
{
    enum stix_token wanted = p->version == STIX_2_0 ? TOKEN_STRING : TOKEN_TIME;
    if (p->token != wanted || !stix_time_parse(out, p->text))
        return stix_token_unexpected(p, wanted == TOKEN_TIME
                                            ? "a time such as t'2026-11-22T10:36:00Z'"
                                            : "a time such as '2026-11-22T10:36:00Z'");
    return stix_token_next(p);
}

static int between_parse(struct stix_parser *p, struct stix_expression **out)
{
    int code = wrap(p, EXPRESSION_BETWEEN, out);
    if (code == ERR_OK)
        code = time_parse(p, &(*out)->start);
    if (code == ERR_OK)
        code = stix_token_expect(p, TOKEN_WORD, "STOP");
    return code ? code : time_parse(p, &(*out)->stop);
}

static int qualifiers_parse(struct stix_parser *p, struct stix_expression **out)
{
    static const char *const words[] = {"REPEATS", "WITHIN", "START"};
    static int (*const parse[])(struct stix_parser *, struct stix_expression **) = {
        repeats_parse, within_parse, between_parse};
    unsigned seen = 0;
    for (unsigned count = 0;; count++) {
        unsigned i = 0;
        while (i < 3 && !stix_token_is(p, TOKEN_WORD, words[i]))
            i++;
        if (i == 3)
            return ERR_OK;
        if (count == STIX_QUALIFIERS_MAX)
            return stix_parse_error(p, ERR_LIMIT, p->start,
                                    "one expression has more qualifiers than are read");
        if (seen & 1u << i) {
            if (i > 0)
                return stix_parse_error(p, ERR_SYNTAX, p->start,
                                        "this qualifier is there already: put the expression and "
                                        "its first qualifier into parentheses if both are meant");
            if (p->pattern->repeated_at == 0)
                p->pattern->repeated_at = p->start + 1;
        }
        seen |= 1u << i;
        int code = stix_token_next(p);
        if (code == ERR_OK)
            code = parse[i](p, out);
        if (code)
            return code;
    }
}

static int single_parse(struct stix_parser *p, struct stix_expression **out)
{
    struct stix_comparison *comparison;
    int code = stix_token_next(p);
    if (code == ERR_OK)
        code = stix_parse_node(p, out, sizeof(**out));
    if (code == ERR_OK)
        code = stix_comparison_parse(p, &comparison);
    if (code)
        return code;
    (*out)->comparison = comparison;
    return stix_token_expect(p, TOKEN_SIGN, "]");
}

static int primary_parse(struct stix_parser *p, struct stix_expression **out)
{
    int code;
    if (stix_token_is(p, TOKEN_SIGN, "[")) {
        code = single_parse(p, out);
    } else if (stix_token_is(p, TOKEN_SIGN, "(")) {
        code = stix_parse_deeper(p);
        if (code == ERR_OK)
            code = stix_token_next(p);
        if (code == ERR_OK)
            code = stix_expression_parse(p, out);
        if (code == ERR_OK)
            code = stix_token_expect(p, TOKEN_SIGN, ")");
        p->depth--;
    } else {
        code = stix_token_unexpected(p, "[ or (");
    }
    return code ? code : qualifiers_parse(p, out);
}

/* Operands of AND, and of OR, which are lists of AND. */
static int list_parse(struct stix_parser *p, enum stix_expression_kind kind,
                      struct stix_expression **out)
{
    const char *word = kind == EXPRESSION_AND ? "AND" : "OR";
    struct stix_expression *last;
    bool wrapped = false;
    int code = kind == EXPRESSION_AND ? primary_parse(p, out) : list_parse(p, EXPRESSION_AND, out);
    last = *out;
    while (code == ERR_OK && stix_token_is(p, TOKEN_WORD, word)) {
        if (!wrapped)
            code = wrap(p, kind, out);
        wrapped = true;
        if (code == ERR_OK)
            code = stix_token_next(p);
        if (code == ERR_OK)
            code = kind == EXPRESSION_AND ? primary_parse(p, &last->next)
                                          : list_parse(p, EXPRESSION_AND, &last->next);
        if (code == ERR_OK)
            last = last->next;
    }
    return code;
}

int stix_expression_parse(struct stix_parser *p, struct stix_expression **out)
{
    int code = list_parse(p, EXPRESSION_OR, out);
    for (unsigned count = 0; code == ERR_OK && stix_token_is(p, TOKEN_WORD, "FOLLOWEDBY");
         count++) {
        if (count == STIX_FOLLOWEDBY_MAX)
            return stix_parse_error(p, ERR_LIMIT, p->start,
                                    "there are more FOLLOWEDBY in a row than are read");
        struct stix_expression *left = *out;
        code = wrap(p, EXPRESSION_FOLLOWED, out);
        if (code == ERR_OK)
            code = stix_token_next(p);
        if (code == ERR_OK)
            code = list_parse(p, EXPRESSION_OR, &left->next);
    }
    return code;
}
