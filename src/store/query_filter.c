/* AND, OR, NOT and brackets over terms. NOT binds most, then AND (also the one that is not
 * written), then OR. What holds always or never is folded away. */
#include "base/mem.h"
#include "store/query_inside.h"

static bool read_or(struct query_reader *r, struct query_node *out);

struct node_list {
    struct expr **items;
    uint32_t count, capacity;
};

static void node_list_add(struct node_list *list, struct expr *e)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 8;
        list->items = mem_resize(list->items, list->capacity, sizeof(*list->items));
    }
    list->items[list->count++] = e;
}

/* A span of time under OR or NOT would be no span: the store looks through one. */
static bool refuse_time(struct query_reader *r, uint32_t time_terms, const char *word)
{
    if (r->time_terms == time_terms)
        return true;
    return query_fail(r, r->time_at, ERR_UNSUPPORTED,
                      "a time can only be joined to the rest by AND, not by %s: ask twice", word);
}

static bool enter(struct query_reader *r, size_t at)
{
    if (++r->depth <= QUERY_DEPTH_MAX)
        return true;
    return query_fail(r, at, ERR_LIMIT, "more than %d brackets and NOTs inside each other",
                      QUERY_DEPTH_MAX);
}

static bool read_brackets(struct query_reader *r, struct query_node *out)
{
    size_t at = r->at;
    if (!enter(r, at))
        return false;
    (void)query_take_char(r, '(');
    if (query_peek(r) == ')')
        return query_fail(r, r->at, ERR_SYNTAX, "the brackets are empty: put a condition in them");
    if (!read_or(r, out))
        return false;
    if (!query_take_char(r, ')'))
        return query_at_end(r) || query_peek(r) == '|'
                   ? query_fail(r, at, ERR_SYNTAX, "')' is missing for the '(' here")
                   : query_fail(r, r->at, ERR_SYNTAX, "')' is expected, not %s",
                                query_found(r, r->at));
    r->depth--;
    return true;
}

static bool ends_group(struct query_reader *r)
{
    query_skip_blanks(r);
    return query_at_end(r) || query_peek(r) == '|' || query_peek(r) == ')';
}

/* Whether something that can be a condition is next. after: the operator before it, or NULL. */
static bool operand_next(struct query_reader *r, const char *after)
{
    if (ends_group(r))
        return after ? query_fail(r, r->at, ERR_SYNTAX, "a condition is expected after %s", after)
                     : query_fail(r, r->at, ERR_SYNTAX, "a condition is expected, not %s",
                                  query_found(r, r->at));
    if (query_word_next(r, "AND") || query_word_next(r, "OR"))
        return query_fail(r, r->at, ERR_SYNTAX,
                          "a condition is expected, not %s (in quotes it is searched as a word)",
                          query_found(r, r->at));
    return true;
}

static bool read_not(struct query_reader *r, struct query_node *out)
{
    uint32_t times = r->time_terms;
    size_t at = r->at;
    struct query_node child;
    if (query_peek(r) == '(')
        return read_brackets(r, out);
    if (!query_take_word(r, "NOT"))
        return query_term(r, out);
    if (!operand_next(r, "NOT") || !enter(r, at) || !read_not(r, &child) ||
        !refuse_time(r, times, "NOT"))
        return false;
    r->depth--;
    *out = child;
    if (child.truth == QUERY_DEPENDS)
        out->expr = query_group(r, EXPR_NOT, &child.expr, 1);
    else
        out->truth = child.truth == QUERY_ALWAYS ? QUERY_NEVER : QUERY_ALWAYS;
    return true;
}

/* Children that always hold are left out of an AND, one that never does decides it; the other way
 * round in an OR. */
static void join(struct query_reader *r, enum expr_kind kind, const struct node_list *list,
                 bool decided, struct query_node *out)
{
    enum query_truth deciding = kind == EXPR_AND ? QUERY_NEVER : QUERY_ALWAYS;
    enum query_truth empty = kind == EXPR_AND ? QUERY_ALWAYS : QUERY_NEVER;
    *out = (struct query_node){.truth = decided ? deciding : empty};
    if (!decided && list->count > 0)
        *out = (struct query_node){QUERY_DEPENDS, query_group(r, kind, list->items, list->count)};
}

static void gather(struct node_list *list, enum expr_kind kind, const struct query_node *child,
                   bool *decided)
{
    if (child->truth == QUERY_DEPENDS)
        node_list_add(list, child->expr);
    else if ((child->truth == QUERY_NEVER) == (kind == EXPR_AND))
        *decided = true;
}

/* after: the operator that stands before, or NULL. */
static bool read_and(struct query_reader *r, const char *after, struct query_node *out)
{
    struct node_list list = {0};
    bool good, decided = false;
    for (;;) {
        struct query_node child;
        good = operand_next(r, after) && read_not(r, &child);
        if (!good)
            break;
        gather(&list, EXPR_AND, &child, &decided);
        if (ends_group(r) || query_word_next(r, "OR"))
            break;
        after = query_take_word(r, "AND") ? "AND" : NULL;
    }
    if (good)
        join(r, EXPR_AND, &list, decided, out);
    mem_free(list.items);
    return good;
}

static bool read_or(struct query_reader *r, struct query_node *out)
{
    struct node_list list = {0};
    uint32_t times = r->time_terms, parts = 0;
    bool good, decided = false;
    do {
        struct query_node child;
        good = read_and(r, parts > 0 ? "OR" : NULL, &child);
        if (good)
            gather(&list, EXPR_OR, &child, &decided);
        parts++;
    } while (good && query_take_word(r, "OR"));
    if (good && parts > 1)
        good = refuse_time(r, times, "OR");
    if (good)
        join(r, EXPR_OR, &list, decided, out);
    mem_free(list.items);
    return good;
}

bool query_filter(struct query_reader *r, struct query_node *out)
{
    if (!read_or(r, out))
        return false;
    if (query_peek(r) == ')' && !query_at_end(r))
        return query_fail(r, r->at, ERR_SYNTAX, "there is no '(' for this ')'");
    return true;
}
