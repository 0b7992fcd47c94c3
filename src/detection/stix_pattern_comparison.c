#include "base/text.h"
#include "detection/stix_pattern_inside.h"

static const struct {
    const char *text;
    enum stix_operator op;
} OPERATORS[] = {
    {"=", OPERATOR_EQUAL},
    {"==", OPERATOR_EQUAL},
    {"!=", OPERATOR_UNEQUAL},
    {"<>", OPERATOR_UNEQUAL},
    {"<", OPERATOR_LESS},
    {">", OPERATOR_GREATER},
    {"<=", OPERATOR_LESS_EQUAL},
    {">=", OPERATOR_GREATER_EQUAL},
    {"IN", OPERATOR_IN},
    {"LIKE", OPERATOR_LIKE},
    {"MATCHES", OPERATOR_MATCHES},
    {"ISSUBSET", OPERATOR_SUBSET},
    {"ISSUPERSET", OPERATOR_SUPERSET},
};

static int operator_parse(struct stix_parser *p, enum stix_operator *op)
{
    if (p->token == TOKEN_OPERATOR || p->token == TOKEN_WORD)
        for (size_t i = 0; i < sizeof(OPERATORS) / sizeof(OPERATORS[0]); i++)
            if (slice_equal(p->text, slice_from(OPERATORS[i].text))) {
                *op = OPERATORS[i].op;
                return stix_token_next(p);
            }
    return stix_token_unexpected(
        p, "a comparison (=, !=, <, >, <=, >=, IN, LIKE, MATCHES, ISSUBSET, ISSUPERSET)");
}

static enum stix_constant_kind kind_of_set(const struct stix_constant *constant)
{
    return constant->kind == CONSTANT_FLOAT ? CONSTANT_INTEGER : constant->kind;
}

static int set_parse(struct stix_parser *p, struct stix_comparison *term)
{
    struct stix_constant *last = NULL;
    int code = stix_token_expect(p, TOKEN_SIGN, "(");
    if (code || stix_token_is(p, TOKEN_SIGN, ")"))
        return code ? code : stix_token_next(p);
    for (;;) {
        size_t start = p->start;
        struct stix_constant *constant;
        code = stix_constant_parse(p, &constant);
        if (code)
            return code;
        if (!last)
            term->constants = constant;
        else if (kind_of_set(last) != kind_of_set(constant))
            return stix_parse_error(p, ERR_SYNTAX, start,
                                    "all constants of one set must be of the same type");
        else
            last->next = constant;
        last = constant;
        if (!stix_token_is(p, TOKEN_SIGN, ","))
            return stix_token_expect(p, TOKEN_SIGN, ")");
        code = stix_token_next(p);
        if (code)
            return code;
    }
}

static void like_literal(struct pattern *like, struct slice text)
{
    if (text.len > 0)
        like->parts[like->count++] = (struct pattern_part){PATTERN_LITERAL, text};
}

/* % is any run, _ any one code point; both sides are compared in their NFC form. */
static int like_compile(struct stix_parser *p, struct stix_comparison *term, size_t start)
{
    struct arena *arena = &p->pattern->arena;
    struct buf composed = {0};
    text_nfc(&composed, term->constants->text);
    struct slice rest = arena_copy(arena, buf_as_slice(&composed));
    buf_free(&composed);
    uint32_t wildcards = 0;
    for (size_t i = 0; i < rest.len; i++)
        wildcards += rest.data[i] == '%' || rest.data[i] == '_';
    if (wildcards * 2 + 1 > PATTERN_PARTS_MAX)
        return stix_parse_error(p, ERR_LIMIT, start, "LIKE has more wildcards here than are read");
    term->like.parts = arena_alloc(arena, (wildcards * 2 + 1) * sizeof(*term->like.parts));
    for (size_t i = 0; i < rest.len;) {
        char c = rest.data[i];
        if (c != '%' && c != '_') {
            i++;
            continue;
        }
        like_literal(&term->like, slice_part(rest, 0, i));
        term->like.parts[term->like.count++] =
            (struct pattern_part){.kind = c == '%' ? PATTERN_ANY_RUN : PATTERN_ANY_ONE};
        rest = slice_part(rest, i + 1, rest.len);
        i = 0;
    }
    like_literal(&term->like, rest);
    return ERR_OK;
}

static int regex_compile(struct stix_parser *p, struct stix_comparison *term, size_t start)
{
    struct buf composed = {0};
    if (p->pattern->regex_count == STIX_PATTERN_REGEXES_MAX)
        return stix_parse_error(p, ERR_LIMIT, start, "there are more MATCHES than are read");
    text_nfc(&composed, term->constants->text);
    int code = regex_open(&term->regex, buf_as_slice(&composed), 0, false, p->err);
    buf_free(&composed);
    if (code == ERR_OK)
        p->pattern->regexes[p->pattern->regex_count++] = term->regex;
    else
        (void)err_prefix(p->err, "at byte %zu of the pattern", start + 1);
    return code;
}

static int text_operand_parse(struct stix_parser *p, struct stix_comparison *term)
{
    struct stix_constant *constant;
    size_t start = p->start;
    if (p->token != TOKEN_STRING)
        return stix_token_unexpected(p, "a text in quotes");
    int code = stix_constant_parse(p, &constant);
    term->constants = constant;
    if (code)
        return code;
    if (term->op == OPERATOR_LIKE)
        return like_compile(p, term, start);
    if (term->op == OPERATOR_MATCHES)
        return regex_compile(p, term, start);
    if (!ip_network_parse(&term->network, constant->text))
        return stix_parse_error(p, ERR_SYNTAX, start,
                                "an address or network such as '192.0.2.0/24' should come here");
    return ERR_OK;
}

static int operand_parse(struct stix_parser *p, struct stix_comparison *term)
{
    struct stix_constant *constant;
    if (term->op == OPERATOR_IN)
        return set_parse(p, term);
    if (term->op >= OPERATOR_LIKE)
        return text_operand_parse(p, term);
    if (term->op >= OPERATOR_LESS && p->token == TOKEN_WORD)
        return stix_token_unexpected(p, "a constant that has an order (number, text, time)");
    int code = stix_constant_parse(p, &constant);
    term->constants = constant;
    return code;
}

static int term_parse(struct stix_parser *p, struct stix_comparison **out)
{
    struct stix_comparison *term;
    int code = stix_parse_node(p, &term, sizeof(*term));
    if (code)
        return code;
    *out = term;
    term->negated = stix_token_is(p, TOKEN_WORD, "NOT");
    if (term->negated)
        code = stix_token_next(p);
    if (code == ERR_OK && (term->negated || stix_token_is(p, TOKEN_WORD, "EXISTS"))) {
        term->op = OPERATOR_EXISTS;
        code = stix_token_expect(p, TOKEN_WORD, "EXISTS");
        return code ? code : stix_path_parse(p, term);
    }
    if (code == ERR_OK)
        code = stix_path_parse(p, term);
    if (code == ERR_OK && stix_token_is(p, TOKEN_WORD, "NOT")) {
        term->negated = true;
        code = stix_token_next(p);
    }
    if (code == ERR_OK)
        code = operator_parse(p, &term->op);
    return code ? code : operand_parse(p, term);
}

static int primary_parse(struct stix_parser *p, struct stix_comparison **out)
{
    if (!stix_token_is(p, TOKEN_SIGN, "("))
        return term_parse(p, out);
    int code = stix_parse_deeper(p);
    if (code == ERR_OK)
        code = stix_token_next(p);
    if (code == ERR_OK)
        code = stix_comparison_parse(p, out);
    p->depth--;
    return code ? code : stix_token_expect(p, TOKEN_SIGN, ")");
}

/* Operands with one word between them; a single one stands for itself. */
static int list_parse(struct stix_parser *p, enum stix_comparison_kind kind,
                      struct stix_comparison **out)
{
    const char *word = kind == COMPARISON_AND ? "AND" : "OR";
    struct stix_comparison *list = NULL, *last;
    int code = kind == COMPARISON_AND ? primary_parse(p, out) : list_parse(p, COMPARISON_AND, out);
    last = *out;
    while (code == ERR_OK && stix_token_is(p, TOKEN_WORD, word)) {
        if (!list) {
            code = stix_parse_node(p, &list, sizeof(*list));
            if (code)
                return code;
            list->kind = kind;
            list->children = *out;
            *out = list;
        }
        code = stix_token_next(p);
        if (code == ERR_OK)
            code = kind == COMPARISON_AND ? primary_parse(p, &last->next)
                                          : list_parse(p, COMPARISON_AND, &last->next);
        if (code == ERR_OK)
            last = last->next;
    }
    return code;
}

int stix_comparison_parse(struct stix_parser *p, struct stix_comparison **out)
{
    return list_parse(p, COMPARISON_OR, out);
}
