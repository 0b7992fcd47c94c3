/* The values of a detection item: from a YAML scalar and its modifiers to predicates. */
#include <math.h>

#include "base/text.h"
#include "detection/sigma_inside.h"

static bool refuse(struct sigma_reader *r, const struct yaml_node *value, const char *code,
                   const char *text)
{
    sigma_error(r, code, value->line, value->column, "%s", text);
    return false;
}

static struct predicate predicate_start(const struct modifiers *m, enum predicate_kind kind)
{
    return (struct predicate){.kind = kind,
                              .cased = m->cased,
                              .unaccented = m->unaccented,
                              .keyword = m->keyword,
                              .all_members = m->all_members,
                              .field = m->field};
}

static bool push_predicate(struct sigma_reader *r, const struct predicate *p, uint32_t line)
{
    if (r->predicate_count >= RULE_PREDICATES_MAX) {
        sigma_error(r, "too-large", line, 0, "more than %d values in one rule: divide it",
                    RULE_PREDICATES_MAX);
        return false;
    }
    sigma_push(r, sigma_expr_predicate(r, p, line));
    return true;
}

/* Copies a text into the rule's arena in the form that the match compares. */
static struct slice keep_text(struct sigma_reader *r, struct slice text, const struct predicate *p)
{
    if (p->cased)
        return arena_copy(r->arena, text);
    buf_clear(&r->text);
    buf_reserve(&r->text, p->unaccented ? text_unaccent_room(text.len) : text_fold_room(text.len));
    if (p->unaccented)
        return arena_copy(r->arena, slice_make(r->text.data, text_unaccent(r->text.data, text)));
    return arena_copy(r->arena, slice_make(r->text.data, text_fold(r->text.data, text)));
}

static void keep_pattern(struct sigma_reader *r, struct predicate *p, const struct pattern *pattern)
{
    p->kind = PREDICATE_PATTERN;
    p->pattern.count = pattern->count;
    p->pattern.parts = arena_alloc(r->arena, pattern->count * sizeof(*pattern->parts));
    for (uint32_t i = 0; i < pattern->count; i++) {
        struct pattern_part part = pattern->parts[i];
        if (part.kind == PATTERN_LITERAL)
            part.literal = keep_text(r, part.literal, p);
        else
            part.literal = (struct slice){0};
        p->pattern.parts[i] = part;
    }
}

/* `lit`, `lit*`, `*lit` and `*lit*` have kinds of their own; all else stays a pattern. */
static bool push_pattern(struct sigma_reader *r, const struct modifiers *m, struct pattern *pattern,
                         uint32_t line)
{
    struct predicate p = predicate_start(m, PREDICATE_PATTERN);
    pattern_open(pattern, m->head || m->keyword, m->tail || m->keyword, r->scratch);
    const struct pattern_part *parts = pattern->parts;
    uint32_t count = pattern->count;
    bool head = count > 0 && parts[0].kind == PATTERN_ANY_RUN;
    bool tail = count > 1 && parts[count - 1].kind == PATTERN_ANY_RUN;
    uint32_t middle = count - head - tail;
    bool plain = middle == 1 && parts[head].kind == PATTERN_LITERAL;
    if (count == 0 || plain) {
        static const enum predicate_kind kinds[] = {PREDICATE_EQUALS, PREDICATE_ENDSWITH,
                                                    PREDICATE_STARTSWITH, PREDICATE_CONTAINS};
        p.kind = kinds[(head ? 1 : 0) + (tail ? 2 : 0)];
        p.text = keep_text(r, plain ? parts[head].literal : (struct slice){"", 0}, &p);
    } else {
        keep_pattern(r, &p, pattern);
    }
    return push_predicate(r, &p, line);
}

/* The way of nearly every value: nothing to read in it and nothing to change. */
static bool push_plain(struct sigma_reader *r, const struct modifiers *m, struct slice text,
                       uint32_t line)
{
    static const enum predicate_kind kinds[] = {PREDICATE_EQUALS, PREDICATE_ENDSWITH,
                                                PREDICATE_STARTSWITH, PREDICATE_CONTAINS};
    bool head = m->head || m->keyword, tail = m->tail || m->keyword;
    struct predicate p = predicate_start(m, kinds[(head ? 1 : 0) + (tail ? 2 : 0)]);
    p.text = keep_text(r, text, &p);
    return push_predicate(r, &p, line);
}

static bool is_plain(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == '*' || text.data[i] == '?' || text.data[i] == '\\')
            return false;
    return text.len > 0;
}

static bool push_text(struct sigma_reader *r, const struct modifiers *m, struct slice text,
                      const struct yaml_node *value)
{
    if (m->keyword && text.len == 0)
        return refuse(r, value, "empty-keyword", "an empty keyword is in every event: remove it");
    if (!m->windash && m->encoder_count == 0 && is_plain(text))
        return push_plain(r, m, text, value->line);
    struct pattern pattern;
    struct err err;
    if (pattern_parse(&pattern, text, r->scratch, &err)) {
        sigma_error(r, "bad-value", value->line, value->column, "%s", err.text);
        return false;
    }
    struct pattern_list list = {0};
    pattern_list_add(&list, &pattern, r->scratch);
    if (m->windash && !modifier_windash(r, &list, value))
        return false;
    for (uint32_t i = 0; i < m->encoder_count; i++)
        if (!modifier_encode(r, m->encoders[i], &list, value))
            return false;
    for (uint32_t i = 0; i < list.count; i++)
        if (!push_pattern(r, m, &list.items[i], value->line))
            return false;
    return true;
}

static bool push_cidr(struct sigma_reader *r, const struct modifiers *m, struct slice text,
                      const struct yaml_node *value)
{
    struct predicate p = predicate_start(m, PREDICATE_CIDR);
    if (!ip_network_parse(&p.network, text)) {
        sigma_error(r, "bad-network", value->line, value->column,
                    "'%.*s' is no network: write it like 10.0.0.0/8 or fe80::/10",
                    sigma_width(text), text.data);
        return false;
    }
    p.text = arena_copy(r->arena, text);
    return push_predicate(r, &p, value->line);
}

static bool push_one_text(struct sigma_reader *r, const struct modifiers *m, struct slice text,
                          const struct yaml_node *value)
{
    return m->cidr ? push_cidr(r, m, text, value) : push_text(r, m, text, value);
}

static bool push_expanded(struct sigma_reader *r, const struct modifiers *m, struct slice text,
                          const struct yaml_node *value)
{
    struct slice_list texts;
    if (!modifier_expand(r, text, &texts, value))
        return false;
    for (uint32_t i = 0; i < texts.count; i++)
        if (!push_one_text(r, m, texts.items[i], value))
            return false;
    return true;
}

static bool push_regex(struct sigma_reader *r, const struct modifiers *m,
                       const struct yaml_node *value)
{
    struct predicate p = predicate_start(m, PREDICATE_REGEX);
    struct regex *regex;
    struct err err;
    if (value->text.len == 0)
        return refuse(r, value, "bad-regex", "an empty regular expression matches everything");
    if (regex_open(&regex, value->text, m->regex_flags, false, &err)) {
        sigma_error(r, "bad-regex", value->line, value->column, "%s", err.text);
        return false;
    }
    regex_close(&regex);
    p.regex_flags = m->regex_flags;
    p.text = arena_copy(r->arena, value->text);
    return push_predicate(r, &p, value->line);
}

/* One spelling for one number, so that equal ones are one predicate. */
static struct slice number_text(struct sigma_reader *r, double number)
{
    if (floor(number) >= number && fabs(number) < 1e15)
        return arena_printf(r->arena, "%.0f", number + 0.0);
    return arena_printf(r->arena, "%.17g", number);
}

static bool push_number(struct sigma_reader *r, const struct modifiers *m,
                        const struct yaml_node *value)
{
    struct predicate p = predicate_start(m, m->number_op);
    static const double lowest[] = {0, 0, 1, 1, 1, 0}, highest[] = {59, 23, 31, 53, 12, 9999};
    if (value->kind == YAML_BOOL || !predicate_number_of(value->text, &p.number))
        return refuse(r, value, "needs-number", "this needs a number");
    if (p.number == 0)
        p.number = 0; /* no minus zero */
    p.cased = p.unaccented = false;
    p.text = number_text(r, p.number);
    if (m->time) {
        p.kind = PREDICATE_TIME_PART;
        p.field_op = m->number_op;
        p.time_part = m->time_part;
        if (p.number < lowest[m->time_part] || p.number > highest[m->time_part]) {
            sigma_error(r, "bad-time-part", value->line, value->column,
                        "this part of a time is from %.0f to %.0f", lowest[m->time_part],
                        highest[m->time_part]);
            return false;
        }
    }
    return push_predicate(r, &p, value->line);
}

static bool push_exists(struct sigma_reader *r, const struct modifiers *m,
                        const struct yaml_node *value)
{
    struct predicate p = predicate_start(m, PREDICATE_EXISTS);
    if (value->kind != YAML_BOOL)
        return refuse(r, value, "bad-exists", "exists needs true or false, without quotes");
    if (!push_predicate(r, &p, value->line))
        return false;
    if (slice_equal_nocase(value->text, SLICE("false"))) {
        struct expr **top = &r->stack.items[r->stack.count - 1];
        *top = sigma_expr_not(r, *top, value->line);
    }
    return true;
}

static bool push_fieldref(struct sigma_reader *r, const struct modifiers *m,
                          const struct yaml_node *value)
{
    static const enum predicate_kind kinds[] = {PREDICATE_EQUALS, PREDICATE_ENDSWITH,
                                                PREDICATE_STARTSWITH, PREDICATE_CONTAINS};
    struct predicate p = predicate_start(m, PREDICATE_FIELDREF);
    p.field_op = kinds[(m->head ? 1 : 0) + (m->tail ? 2 : 0)];
    char *name = arena_bytes(r->arena, value->text.len + 1);
    size_t length = 0;
    for (size_t i = 0; i < value->text.len; i++)
        if (value->text.data[i] != ' ' && value->text.data[i] != '\t')
            name[length++] = value->text.data[i];
    if (value->kind != YAML_TEXT || length == 0 || length > SIGMA_FIELD_BYTES_MAX)
        return refuse(r, value, "bad-fieldref", "fieldref needs the name of a field");
    p.other = slice_make(name, length);
    return push_predicate(r, &p, value->line);
}

static bool push_null(struct sigma_reader *r, const struct modifiers *m,
                      const struct yaml_node *value)
{
    struct predicate p = predicate_start(m, PREDICATE_NULL);
    if (m->keyword)
        return refuse(r, value, "bad-null", "null is no keyword: quote it to search for the word");
    if (m->head || m->tail || m->re || m->cidr || m->fieldref || m->windash || m->expand ||
        m->time || m->encoder_count > 0 || m->number_op != PREDICATE_NUMBER)
        return refuse(r, value, "bad-null",
                      "null takes no modifier but neq: quote it if the text is meant");
    p.cased = p.unaccented = false;
    return push_predicate(r, &p, value->line);
}

/* true, false and numbers under a modifier of texts are taken as they are written. */
static bool push_scalar(struct sigma_reader *r, const struct modifiers *m,
                        const struct yaml_node *value)
{
    bool as_text = m->head || m->tail || m->keyword || m->cidr;
    if (m->exists)
        return push_exists(r, m, value);
    if (value->kind == YAML_NULL)
        return push_null(r, m, value);
    if (m->re)
        return push_regex(r, m, value);
    if (m->fieldref)
        return push_fieldref(r, m, value);
    if (m->time || m->number_op != PREDICATE_NUMBER)
        return push_number(r, m, value);
    if (value->kind != YAML_TEXT && (m->encoder_count > 0 || m->windash))
        return refuse(r, value, "needs-text",
                      "this modifier changes texts: put the value in quotes");
    if (!as_text && (value->kind == YAML_INT || value->kind == YAML_FLOAT))
        return push_number(r, m, value);
    struct slice text = value->text;
    if (value->kind == YAML_BOOL)
        text = slice_equal_nocase(text, SLICE("true")) ? SLICE("true") : SLICE("false");
    if (m->expand)
        return push_expanded(r, m, text, value);
    return push_one_text(r, m, text, value);
}

bool modifier_value(struct sigma_reader *r, const struct modifiers *m,
                    const struct yaml_node *value)
{
    if (value->kind == YAML_LIST || value->kind == YAML_MAP)
        return refuse(r, value, "bad-value",
                      value->kind == YAML_LIST
                          ? "a list in a list of values: write one list"
                          : "a map where a value is wanted: write nested fields with dots, a.b");
    uint32_t base = r->stack.count;
    if (!push_scalar(r, m, value))
        return false;
    if (m->all && r->stack.count - base > 1)
        sigma_push(r, sigma_pop_group(r, base, EXPR_OR, value->line));
    return true;
}
