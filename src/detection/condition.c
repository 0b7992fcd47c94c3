/* The condition language: or, and, not, `x of pattern`, parentheses (loosest first). */
#include "base/text.h"
#include "detection/sigma_inside.h"

struct parser {
    struct sigma_reader *r;
    struct selection_list *selections;
    const struct yaml_node *place;
    struct slice rest;
    struct slice token; /* the one to be read next; empty at the end */
    uint32_t depth;
};

static struct expr *read_or(struct parser *p);

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_single(char c)
{
    return c == '(' || c == ')' || c == '|';
}

static void advance(struct parser *p)
{
    size_t start = 0;
    while (start < p->rest.len && is_blank(p->rest.data[start]))
        start++;
    size_t end = start;
    if (end < p->rest.len && is_single(p->rest.data[end]))
        end++;
    else
        while (end < p->rest.len && !is_blank(p->rest.data[end]) && !is_single(p->rest.data[end]))
            end++;
    p->token = slice_part(p->rest, start, end - start);
    p->rest = slice_part(p->rest, end, SIZE_MAX);
}

static bool at_word(const struct parser *p, const char *word)
{
    return slice_equal_nocase(p->token, slice_from(word));
}

static struct slice next_token(const struct parser *p)
{
    struct parser ahead = *p;
    advance(&ahead);
    return ahead.token;
}

static struct expr *fail(struct parser *p, const char *code, const char *text)
{
    if (p->token.len > 0)
        sigma_error(p->r, code, p->place->line, p->place->column, "%s (at '%.*s')", text,
                    sigma_width(p->token), p->token.data);
    else
        sigma_error(p->r, code, p->place->line, p->place->column, "%s (at the end)", text);
    return NULL;
}

static bool name_matches(struct slice pattern, struct slice name)
{
    size_t star = slice_find_char(pattern, '*');
    if (star == SLICE_NONE)
        return slice_equal(pattern, name);
    if (!slice_starts(name, slice_part(pattern, 0, star)))
        return false;
    name = slice_part(name, star, SIZE_MAX);
    pattern = slice_part(pattern, star + 1, SIZE_MAX);
    /* each text between two stars at its first place; the last one at the end */
    while ((star = slice_find_char(pattern, '*')) != SLICE_NONE) {
        struct slice piece = slice_part(pattern, 0, star);
        size_t at = slice_find(name, piece);
        if (at == SLICE_NONE)
            return false;
        name = slice_part(name, at + piece.len, SIZE_MAX);
        pattern = slice_part(pattern, star + 1, SIZE_MAX);
    }
    return slice_ends(name, pattern);
}

static struct expr *unknown_selection(struct parser *p)
{
    struct slice names[SIGMA_SELECTIONS_MAX];
    uint32_t count = 0;
    for (; count < p->selections->count && count < SIGMA_SELECTIONS_MAX; count++)
        names[count] = p->selections->items[count].name;
    struct slice near = sigma_nearest(p->token, names, count);
    const struct yaml_node *place = p->place;
    if (slice_find_char(p->token, '*') != SLICE_NONE)
        sigma_error(p->r, "bad-condition", place->line, place->column,
                    "'%.*s' needs '1 of' or 'all of' before it", sigma_width(p->token),
                    p->token.data);
    else if (near.len > 0)
        sigma_error(p->r, "unknown-selection", place->line, place->column,
                    "there is no selection '%.*s': did you mean '%.*s'?", sigma_width(p->token),
                    p->token.data, sigma_width(near), near.data);
    else
        sigma_error(p->r, "unknown-selection", place->line, place->column,
                    "there is no selection '%.*s'", sigma_width(p->token), p->token.data);
    return NULL;
}

/* Selections that `them` or the pattern stands for, pushed. */
static uint32_t push_matching(struct parser *p, struct slice pattern)
{
    uint32_t count = 0;
    bool them = slice_equal_nocase(pattern, SLICE("them"));
    for (uint32_t i = 0; i < p->selections->count; i++) {
        struct selection *s = &p->selections->items[i];
        bool hidden = s->name.len > 0 && s->name.data[0] == '_';
        if (them ? hidden : !name_matches(pattern, s->name))
            continue;
        s->used = true;
        sigma_push(p->r, s->expr);
        count++;
    }
    return count;
}

/* Combinations of `least` out of count, each with its size, stopping past limit. */
static uint64_t combination_size(uint64_t count, uint64_t least, uint64_t limit)
{
    uint64_t ways = 1;
    if (least > count - least) {
        for (uint64_t i = 1; i <= count - least && ways <= limit; i++)
            ways = ways * (least + i) / i;
    } else {
        for (uint64_t i = 1; i <= least && ways <= limit; i++)
            ways = ways * (count - least + i) / i;
    }
    return ways * least;
}

/* At least `least` of the count items: a first one, and one fewer of those behind it. */
static struct expr *at_least(struct sigma_reader *r, struct expr *const *items, uint32_t count,
                             uint32_t least, uint32_t line)
{
    uint32_t base = r->stack.count;
    if (least == 1 || least == count) {
        for (uint32_t i = 0; i < count; i++)
            sigma_push(r, items[i]);
        return sigma_pop_group(r, base, least == 1 ? EXPR_OR : EXPR_AND, line);
    }
    for (uint32_t i = 0; i + least <= count; i++) {
        uint32_t inner = r->stack.count;
        struct expr *rest = at_least(r, items + i + 1, count - i - 1, least - 1, line);
        sigma_push(r, items[i]);
        sigma_push(r, rest);
        sigma_push(r, sigma_pop_group(r, inner, EXPR_AND, line));
    }
    return sigma_pop_group(r, base, EXPR_OR, line);
}

static struct expr *read_some(struct parser *p, uint32_t base, uint32_t count, uint64_t least)
{
    struct sigma_reader *r = p->r;
    if (least > count) {
        sigma_error(r, "bad-condition", p->place->line, p->place->column,
                    "%llu of %u selections can never be", (unsigned long long)least, count);
        return NULL;
    }
    if (least > RULE_DEPTH_MAX ||
        combination_size(count, least, RULE_PREDICATES_MAX) > RULE_PREDICATES_MAX) {
        sigma_error(r, "too-large", p->place->line, p->place->column,
                    "%llu of %u selections are too many combinations", (unsigned long long)least,
                    count);
        return NULL;
    }
    struct expr **items = arena_alloc(r->scratch, count * sizeof(struct expr *));
    memcpy(items, r->stack.items + base, count * sizeof(struct expr *));
    r->stack.count = base;
    return at_least(r, items, count, (uint32_t)least, p->place->line);
}

/* `1 of them`, `all of selection*`, `2 of x_*` */
static struct expr *read_quantifier(struct parser *p)
{
    uint64_t least = 1;
    bool all = at_word(p, "all");
    if (!all && !at_word(p, "any") && (!slice_to_u64(p->token, &least) || least == 0))
        return fail(p, "bad-condition", "before 'of' stands all, any or a number from 1 on");
    advance(p);
    advance(p);
    if (p->token.len == 0 || is_single(p->token.data[0]))
        return fail(p, "bad-condition", "after 'of' stands 'them' or a pattern like selection*");
    struct slice pattern = p->token;
    uint32_t base = p->r->stack.count;
    uint32_t count = push_matching(p, pattern);
    advance(p);
    if (count == 0) {
        sigma_error(p->r, "unknown-selection", p->place->line, p->place->column,
                    "no selection has a name like '%.*s'", sigma_width(pattern), pattern.data);
        return NULL;
    }
    if (all || least == 1)
        return sigma_pop_group(p->r, base, all ? EXPR_AND : EXPR_OR, p->place->line);
    struct expr *e = read_some(p, base, count, least);
    p->r->stack.count = base;
    return e;
}

static struct expr *read_primary(struct parser *p)
{
    if (p->token.len == 0 || p->token.data[0] == ')')
        return fail(p, "bad-condition", "a selection is missing");
    if (p->token.data[0] == '(') {
        advance(p);
        struct expr *e = read_or(p);
        if (!e)
            return NULL;
        if (p->token.len == 0 || p->token.data[0] != ')')
            return fail(p, "bad-condition", "a closing parenthesis is missing");
        advance(p);
        return e;
    }
    if (slice_equal_nocase(next_token(p), SLICE("of")))
        return read_quantifier(p);
    if (at_word(p, "and") || at_word(p, "or") || at_word(p, "of"))
        return fail(p, "bad-condition", "a selection is missing");
    for (uint32_t i = 0; i < p->selections->count; i++) {
        struct selection *s = &p->selections->items[i];
        if (!slice_equal(s->name, p->token))
            continue;
        s->used = true;
        advance(p);
        return s->expr;
    }
    return unknown_selection(p);
}

static struct expr *read_not(struct parser *p)
{
    if (++p->depth > RULE_DEPTH_MAX)
        return fail(p, "too-deep", "the condition has too many levels");
    struct expr *e;
    if (at_word(p, "not")) {
        advance(p);
        e = read_not(p);
        if (e)
            e = sigma_expr_not(p->r, e, p->place->line);
    } else {
        e = read_primary(p);
    }
    p->depth--;
    return e;
}

static struct expr *read_chain(struct parser *p, const char *word, enum expr_kind kind,
                               struct expr *(*read_part)(struct parser *))
{
    uint32_t base = p->r->stack.count;
    for (;;) {
        struct expr *e = read_part(p);
        if (!e) {
            p->r->stack.count = base;
            return NULL;
        }
        sigma_push(p->r, e);
        if (!at_word(p, word))
            break;
        advance(p);
    }
    return sigma_pop_group(p->r, base, kind, p->place->line);
}

static struct expr *read_and(struct parser *p)
{
    return read_chain(p, "and", EXPR_AND, read_not);
}

static struct expr *read_or(struct parser *p)
{
    return read_chain(p, "or", EXPR_OR, read_and);
}

struct expr *condition_read(struct sigma_reader *r, struct selection_list *selections,
                            struct slice text, const struct yaml_node *place)
{
    struct parser p = {.r = r, .selections = selections, .place = place, .rest = text};
    if (text.len > SIGMA_CONDITION_BYTES_MAX) {
        sigma_error(r, "too-large", place->line, place->column,
                    "the condition is longer than %d bytes", SIGMA_CONDITION_BYTES_MAX);
        return NULL;
    }
    if (slice_find_char(text, '|') != SLICE_NONE) {
        sigma_error(r, "old-aggregation", place->line, place->column,
                    "'| count()' and its like left the Sigma specification with version 2: write a "
                    "correlation rule (type event_count or value_count) that names this rule");
        return NULL;
    }
    advance(&p);
    struct expr *e = read_or(&p);
    if (!e)
        return NULL;
    if (p.token.len > 0)
        return fail(&p, "bad-condition", "'and' or 'or' is missing");
    return e;
}
