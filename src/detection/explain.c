/* Explain: a rule's condition as a tree, as its author wrote it, with what each part found in the
 * event. Every part is asked afresh, in the plain way, so that what is shown does not rest on the
 * indexes. */
#include "detection/match_inside.h"

enum { EXPLAIN_LIST_MAX = 12, EXPLAIN_VALUE_BYTES_MAX = 200 };

static uint32_t atom_of_predicate(const struct ruleset *set, const struct predicate *p)
{
    for (uint32_t i = 0; i < set->atom_count; i++)
        if (set->atoms[i].predicate == p || predicate_equal(set->atoms[i].predicate, p))
            return i;
    return ATOM_NONE;
}

static bool expr_true(struct matcher *m, const struct expr *e)
{
    switch (e->kind) {
    case EXPR_PREDICATE: {
        uint32_t atom = atom_of_predicate(m->set, e->predicate);
        return atom != ATOM_NONE && matcher_atom_true(m, atom);
    }
    case EXPR_NOT:
        return !expr_true(m, e->children[0]);
    case EXPR_AND:
        for (uint32_t i = 0; i < e->child_count; i++)
            if (!expr_true(m, e->children[i]))
                return false;
        return true;
    case EXPR_OR:
        for (uint32_t i = 0; i < e->child_count; i++)
            if (expr_true(m, e->children[i]))
                return true;
        return false;
    }
    return false;
}

static void line_begin(struct buf *out, int depth, bool yes, struct slice label)
{
    buf_printf(out, "%*s%s ", depth * 2, "", yes ? "[x]" : "[ ]");
    if (label.len)
        buf_printf(out, "%.*s: ", (int)label.len, label.data);
}

static void value_show(struct buf *out, struct slice value)
{
    struct slice shown = slice_part(value, 0, EXPLAIN_VALUE_BYTES_MAX);
    buf_char(out, '\'');
    for (size_t i = 0; i < shown.len; i++)
        buf_char(out, (unsigned char)shown.data[i] < 0x20 ? ' ' : shown.data[i]);
    buf_string(out, shown.len < value.len ? "...'" : "'");
}

/* Why a predicate is false, or which value made it true. */
static void predicate_show(struct matcher *m, const struct predicate *p, bool yes, struct buf *out)
{
    uint32_t atom = atom_of_predicate(m->set, p);
    predicate_describe(p, out);
    if (atom == ATOM_NONE)
        return;
    uint32_t field = p->kind == PREDICATE_NULL ? EVENT_NO_FIELD : matcher_atom_field(m, atom);
    if (yes && field != EVENT_NO_FIELD) {
        struct field *f = &m->event.record->fields[field];
        buf_printf(out, "  <- %.*s = ", (int)f->name.len, f->name.data);
        value_show(out, record_text(m->event.record, f));
    } else if (!yes && !p->keyword) {
        struct slice value = matcher_value(m, p->field);
        buf_string(out, value.data ? "  but it is " : "  but the event has no such field");
        if (value.data)
            value_show(out, value);
    }
}

static void expr_show(struct matcher *m, const struct expr *e, int depth, struct buf *out);

/* All parts that hold, and so many of the others that the list stays readable. */
static void children_show(struct matcher *m, const struct expr *e, int depth, struct buf *out)
{
    uint32_t shown = 0, left = 0;
    for (uint32_t i = 0; i < e->child_count; i++) {
        if (shown < EXPLAIN_LIST_MAX || expr_true(m, e->children[i])) {
            expr_show(m, e->children[i], depth, out);
            shown++;
        } else {
            left++;
        }
    }
    if (left)
        buf_printf(out, "%*s[ ] and %u more that do not hold\n", depth * 2, "", left);
}

static void expr_show(struct matcher *m, const struct expr *e, int depth, struct buf *out)
{
    bool yes = expr_true(m, e);
    if (e->child_count == 1 && e->kind != EXPR_NOT && e->label.len == 0) {
        expr_show(m, e->children[0], depth, out);
        return;
    }
    line_begin(out, depth, yes, e->label);
    switch (e->kind) {
    case EXPR_PREDICATE:
        predicate_show(m, e->predicate, yes, out);
        buf_char(out, '\n');
        return;
    case EXPR_NOT:
        buf_string(out, "not\n");
        break;
    case EXPR_AND:
        buf_string(out, "all of\n");
        break;
    case EXPR_OR:
        buf_string(out, "any of\n");
        break;
    }
    children_show(m, e, depth + 1, out);
}

void matcher_explain(struct matcher *m, uint32_t rule, struct buf *out)
{
    const struct rule *r = m->set->rules->rules[rule];
    const struct program *program = &m->set->programs[rule];
    if (program->root == UINT32_MAX) {
        buf_string(out, "This is no detection rule: it has no condition over one event.\n");
        return;
    }
    struct event_source source;
    matcher_source(m, &source);
    const struct mapping *mapping = matcher_mapping(m);
    buf_printf(out, "mapping: %.*s\n", mapping ? (int)mapping->id.len : 4,
               mapping ? mapping->id.data : "none");
    buf_printf(out, "log source of the event: product %.*s, service %.*s, categories",
               source.product.len ? (int)source.product.len : 1,
               source.product.len ? source.product.data : "?",
               source.service.len ? (int)source.service.len : 1,
               source.service.len ? source.service.data : "?");
    for (uint32_t i = 0; i < source.category_count; i++)
        buf_printf(out, " %.*s", (int)source.categories[i].len, source.categories[i].data);
    if (source.category_count == 0)
        buf_string(out, source.categories_known ? " none" : " ?");
    buf_char(out, '\n');
    if (source_contradicts(&source, &r->logsource))
        buf_string(out, "The rule is for another log source, so with routing it is not tried.\n");
    expr_show(m, r->condition, 0, out);
}
