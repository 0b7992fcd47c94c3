#include "base/mem.h"
#include "base/text.h"
#include "detection/stix_pattern_inside.h"

static int pattern_read(struct stix_pattern *pattern, struct slice text, enum stix_version version,
                        struct err *err)
{
    struct stix_parser p = {.pattern = pattern, .version = version, .input = text, .err = err};
    size_t valid = text_utf8_valid(text);
    if (valid < text.len)
        return stix_parse_error(&p, ERR_SYNTAX, valid, "the text is not UTF-8");
    int code = stix_token_next(&p);
    if (code == ERR_OK)
        code = stix_expression_parse(&p, &pattern->root);
    if (code == ERR_OK && p.token != TOKEN_END)
        code = stix_token_unexpected(&p, "AND, OR, FOLLOWEDBY, a qualifier or the end");
    return code;
}

int stix_pattern_open(struct stix_pattern **out, struct slice text, enum stix_version version,
                      struct err *err)
{
    *out = NULL;
    if (text.len > STIX_PATTERN_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "the pattern is longer than %d bytes: divide it",
                       STIX_PATTERN_BYTES_MAX);
    *out = mem_zeroed(1, sizeof(**out));
    int code = pattern_read(*out, text, version, err);
    if (code)
        stix_pattern_close(out);
    return code;
}

void stix_pattern_close(struct stix_pattern **pattern)
{
    if (!*pattern)
        return;
    for (uint32_t i = 0; i < (*pattern)->regex_count; i++)
        regex_close(&(*pattern)->regexes[i]);
    arena_free(&(*pattern)->arena);
    mem_free(*pattern);
    *pattern = NULL;
}

int stix_pattern_strict(const struct stix_pattern *pattern, struct err *err)
{
    if (pattern->repeated_at == 0)
        return ERR_OK;
    return err_set_at(err, ERR_SYNTAX, 1, (uint32_t)pattern->repeated_at,
                      "at byte %zu of the pattern: REPEATS is there already: put the expression "
                      "and its first REPEATS into parentheses if both are meant",
                      pattern->repeated_at);
}

int stix_pattern_match(const struct stix_pattern *pattern,
                       const struct stix_observations *observations, bool *match, struct err *err)
{
    struct stix_trial trial = {
        .observations = observations, .steps = STIX_MATCH_STEPS_MAX, .err = err};
    if (pattern->regex_count > 0)
        trial.scratch = regex_scratch_open();
    int code = stix_expression_holds(&trial, pattern->root);
    *match = code == 1;
    regex_scratch_close(&trial.scratch);
    buf_free(&trial.bytes);
    buf_free(&trial.text);
    return code < 0 ? code : ERR_OK;
}

struct visitor {
    stix_term_visit *visit;
    void *context;
};

static bool term_visit(const struct stix_comparison *c, const struct visitor *visitor)
{
    bool all = true;
    if (c->negated || (c->op != OPERATOR_EQUAL && c->op != OPERATOR_IN && c->op != OPERATOR_SUBSET))
        return false;
    for (const struct stix_constant *constant = c->constants; constant; constant = constant->next) {
        if (constant->kind == CONSTANT_STRING) {
            struct stix_term term = {c->type, c->path_text, constant->text,
                                     c->op == OPERATOR_SUBSET};
            visitor->visit(visitor->context, &term);
        } else {
            all = false;
        }
    }
    return all;
}

static bool comparison_visit(const struct stix_comparison *c, const struct visitor *visitor)
{
    if (c->kind == COMPARISON_TERM)
        return term_visit(c, visitor);
    bool all = c->kind == COMPARISON_OR;
    for (const struct stix_comparison *child = c->children; child; child = child->next)
        all = comparison_visit(child, visitor) && all;
    return all;
}

static bool expression_visit(const struct stix_expression *e, const struct visitor *visitor)
{
    if (e->kind == EXPRESSION_SINGLE)
        return comparison_visit(e->comparison, visitor);
    bool all = e->kind == EXPRESSION_OR;
    for (const struct stix_expression *child = e->children; child; child = child->next)
        all = expression_visit(child, visitor) && all;
    return all;
}

bool stix_pattern_values(const struct stix_pattern *pattern, stix_term_visit *visit, void *context)
{
    struct visitor visitor = {visit, context};
    return expression_visit(pattern->root, &visitor);
}
