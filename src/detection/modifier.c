/* The key of a detection item: field name and modifiers, and which of them go together. */
#include "base/text.h"
#include "detection/sigma_inside.h"

enum modifier_id {
    MOD_CONTAINS,
    MOD_STARTSWITH,
    MOD_ENDSWITH,
    MOD_ALL,
    MOD_EXISTS,
    MOD_CASED,
    MOD_NEQ,
    MOD_WINDASH,
    MOD_RE,
    MOD_I,
    MOD_M,
    MOD_S,
    MOD_BASE64,
    MOD_BASE64OFFSET,
    MOD_UTF16LE,
    MOD_UTF16BE,
    MOD_UTF16,
    MOD_WIDE,
    MOD_LT,
    MOD_LTE,
    MOD_GT,
    MOD_GTE,
    MOD_MINUTE,
    MOD_HOUR,
    MOD_DAY,
    MOD_WEEK,
    MOD_MONTH,
    MOD_YEAR,
    MOD_CIDR,
    MOD_EXPAND,
    MOD_FIELDREF,
    MOD_UNACCENTED,
    MOD_COUNT
};

#define BIT(id)      (1u << (id))
#define TEXT_OPS     (BIT(MOD_CONTAINS) | BIT(MOD_STARTSWITH) | BIT(MOD_ENDSWITH))
#define REGEX_FLAGS  (BIT(MOD_I) | BIT(MOD_M) | BIT(MOD_S))
#define UTF16_FORMS  (BIT(MOD_UTF16LE) | BIT(MOD_UTF16BE) | BIT(MOD_UTF16) | BIT(MOD_WIDE))
#define BASE64_FORMS (BIT(MOD_BASE64) | BIT(MOD_BASE64OFFSET))
#define ENCODERS     (UTF16_FORMS | BASE64_FORMS)
#define COMPARISONS  (BIT(MOD_LT) | BIT(MOD_LTE) | BIT(MOD_GT) | BIT(MOD_GTE))
#define TIME_PARTS                                                                                 \
    (BIT(MOD_MINUTE) | BIT(MOD_HOUR) | BIT(MOD_DAY) | BIT(MOD_WEEK) | BIT(MOD_MONTH) |             \
     BIT(MOD_YEAR))
#define NOT_TEXT (BIT(MOD_EXISTS) | BIT(MOD_RE) | BIT(MOD_CIDR) | COMPARISONS | TIME_PARTS)

static const char *const names[MOD_COUNT + 1] = {
    "contains", "startswith", "endswith", "all",        "exists", "cased",  "neq",
    "windash",  "re",         "i",        "m",          "s",      "base64", "base64offset",
    "utf16le",  "utf16be",    "utf16",    "wide",       "lt",     "lte",    "gt",
    "gte",      "minute",     "hour",     "day",        "week",   "month",  "year",
    "cidr",     "expand",     "fieldref", "unaccented", NULL};

/* What each must not stand with; one direction of a pair is enough. */
static const uint32_t conflicts[MOD_COUNT] = {
    [MOD_CONTAINS] = TEXT_OPS | NOT_TEXT,
    [MOD_STARTSWITH] = TEXT_OPS | NOT_TEXT,
    [MOD_ENDSWITH] = TEXT_OPS | NOT_TEXT,
    [MOD_EXISTS] = UINT32_MAX,
    [MOD_CASED] = NOT_TEXT,
    [MOD_WINDASH] = NOT_TEXT | BIT(MOD_FIELDREF),
    [MOD_RE] = NOT_TEXT | ENCODERS | BIT(MOD_FIELDREF) | BIT(MOD_EXPAND),
    [MOD_BASE64] = NOT_TEXT | BASE64_FORMS | BIT(MOD_FIELDREF),
    [MOD_BASE64OFFSET] = NOT_TEXT | BASE64_FORMS | BIT(MOD_FIELDREF),
    [MOD_UTF16LE] = NOT_TEXT | UTF16_FORMS | BIT(MOD_FIELDREF),
    [MOD_UTF16BE] = NOT_TEXT | UTF16_FORMS | BIT(MOD_FIELDREF),
    [MOD_UTF16] = NOT_TEXT | UTF16_FORMS | BIT(MOD_FIELDREF),
    [MOD_WIDE] = NOT_TEXT | UTF16_FORMS | BIT(MOD_FIELDREF),
    [MOD_LT] = COMPARISONS | BIT(MOD_CIDR),
    [MOD_LTE] = COMPARISONS | BIT(MOD_CIDR),
    [MOD_GT] = COMPARISONS | BIT(MOD_CIDR),
    [MOD_GTE] = COMPARISONS | BIT(MOD_CIDR),
    [MOD_MINUTE] = TIME_PARTS | BIT(MOD_CIDR),
    [MOD_HOUR] = TIME_PARTS | BIT(MOD_CIDR),
    [MOD_DAY] = TIME_PARTS | BIT(MOD_CIDR),
    [MOD_WEEK] = TIME_PARTS | BIT(MOD_CIDR),
    [MOD_MONTH] = TIME_PARTS | BIT(MOD_CIDR),
    [MOD_YEAR] = TIME_PARTS | BIT(MOD_CIDR),
    [MOD_EXPAND] = BIT(MOD_RE) | COMPARISONS | TIME_PARTS | BIT(MOD_FIELDREF),
    [MOD_FIELDREF] = NOT_TEXT,
    [MOD_UNACCENTED] = NOT_TEXT | ENCODERS | BIT(MOD_CASED) | BIT(MOD_FIELDREF),
};

/* What must not stand before each: the order in which a value is changed. */
static const uint32_t never_before[MOD_COUNT] = {
    [MOD_WINDASH] = ENCODERS, [MOD_EXPAND] = ENCODERS | BIT(MOD_WINDASH),
    [MOD_BASE64] = TEXT_OPS,  [MOD_BASE64OFFSET] = TEXT_OPS,
    [MOD_UTF16LE] = TEXT_OPS, [MOD_UTF16BE] = TEXT_OPS,
    [MOD_UTF16] = TEXT_OPS,   [MOD_WIDE] = TEXT_OPS,
};

#define KEYWORD_MODIFIERS                                                                          \
    (BIT(MOD_CONTAINS) | BIT(MOD_ALL) | BIT(MOD_CASED) | BIT(MOD_WINDASH) | BIT(MOD_RE) |          \
     REGEX_FLAGS | ENCODERS | BIT(MOD_EXPAND) | BIT(MOD_UNACCENTED))

/* Rules stay readable for every engine: what only search offers is unknown in them. A query has no
 * placeholders. */
static bool is_offered(const struct sigma_reader *r, enum modifier_id id)
{
    return id != (r->search ? MOD_EXPAND : MOD_UNACCENTED);
}

static enum modifier_id modifier_find(const struct sigma_reader *r, struct slice word)
{
    for (int id = 0; id < MOD_COUNT; id++)
        if (slice_equal(word, slice_from(names[id])) && is_offered(r, (enum modifier_id)id))
            return (enum modifier_id)id;
    return MOD_COUNT;
}

static const char *first_name(uint32_t set)
{
    return names[__builtin_ctz(set)];
}

static void modifier_unknown(struct sigma_reader *r, struct slice word, const struct modifiers *m)
{
    const char *near = text_nearest(word, names);
    if (near == names[r->search ? MOD_EXPAND : MOD_UNACCENTED])
        near = NULL;
    if (word.len == 0)
        sigma_error(r, "unknown-modifier", m->line, m->column,
                    "a modifier name is missing after '|'");
    else if (near)
        sigma_error(r, "unknown-modifier", m->line, m->column,
                    "there is no modifier '%.*s': did you mean '%s'?", sigma_width(word), word.data,
                    near);
    else
        sigma_error(r, "unknown-modifier", m->line, m->column,
                    "there is no modifier '%.*s': docs/%s.md lists them", sigma_width(word),
                    word.data, r->search ? "query" : "sigma");
}

/* Whether this one may follow those before it. */
static bool modifier_check(struct sigma_reader *r, const struct modifiers *m, enum modifier_id id,
                           uint32_t before, enum modifier_id last)
{
    uint32_t clash = before & conflicts[id];
    for (int other = 0; other < MOD_COUNT && !clash; other++)
        if ((before & BIT(other)) && (conflicts[other] & BIT(id)))
            clash = BIT(other);
    if (before & BIT(id)) {
        sigma_error(r, "doubled-modifier", m->line, m->column, "'%s' is there twice", names[id]);
        return false;
    }
    if (clash) {
        sigma_error(r, "modifier-conflict", m->line, m->column, "'%s' cannot stand with '%s'%s",
                    names[id], first_name(clash),
                    id == MOD_RE || clash == BIT(MOD_RE)
                        ? ": a regular expression is not anchored, write it in full"
                        : "");
        return false;
    }
    bool after_re = last != MOD_COUNT && (BIT(last) & (BIT(MOD_RE) | REGEX_FLAGS));
    if ((BIT(id) & REGEX_FLAGS) && !after_re) {
        sigma_error(r, "modifier-order", m->line, m->column,
                    "'%s' must follow 're' at once: write 're|%s'", names[id], names[id]);
        return false;
    }
    if (before & never_before[id]) {
        sigma_error(r, "modifier-order", m->line, m->column,
                    "'%s' must stand before '%s': modifiers change the value in their order",
                    names[id], first_name(before & never_before[id]));
        return false;
    }
    if (m->keyword && !(BIT(id) & KEYWORD_MODIFIERS)) {
        sigma_error(r, "modifier-needs-field", m->line, m->column,
                    "'%s' needs a field: keywords are searched in every value", names[id]);
        return false;
    }
    return true;
}

static void encoder_add(struct modifiers *m, enum modifier_encoder encoder)
{
    check(m->encoder_count < MODIFIER_ENCODERS_MAX);
    m->encoders[m->encoder_count++] = encoder;
}

static void modifier_set(struct modifiers *m, enum modifier_id id)
{
    static const enum predicate_kind comparisons[] = {PREDICATE_LESS, PREDICATE_LESS_EQUAL,
                                                      PREDICATE_GREATER, PREDICATE_GREATER_EQUAL};
    static const enum modifier_encoder encoders[] = {ENCODE_BASE64,  ENCODE_BASE64OFFSET,
                                                     ENCODE_UTF16LE, ENCODE_UTF16BE,
                                                     ENCODE_UTF16,   ENCODE_UTF16LE};
    static const uint8_t flags[] = {REGEX_NOCASE, REGEX_MULTILINE, REGEX_DOTALL};
    m->head = m->head || id == MOD_CONTAINS || id == MOD_ENDSWITH;
    m->tail = m->tail || id == MOD_CONTAINS || id == MOD_STARTSWITH;
    m->all = m->all || id == MOD_ALL;
    m->exists = m->exists || id == MOD_EXISTS;
    m->cased = m->cased || id == MOD_CASED;
    m->unaccented = m->unaccented || id == MOD_UNACCENTED;
    m->neq = m->neq || id == MOD_NEQ;
    m->windash = m->windash || id == MOD_WINDASH;
    m->re = m->re || id == MOD_RE;
    m->cidr = m->cidr || id == MOD_CIDR;
    m->expand = m->expand || id == MOD_EXPAND;
    m->fieldref = m->fieldref || id == MOD_FIELDREF;
    if (BIT(id) & REGEX_FLAGS)
        m->regex_flags |= flags[id - MOD_I];
    if (BIT(id) & ENCODERS)
        encoder_add(m, encoders[id - MOD_BASE64]);
    if (BIT(id) & COMPARISONS)
        m->number_op = comparisons[id - MOD_LT];
    if (BIT(id) & TIME_PARTS) {
        m->time = true;
        m->time_part = (enum predicate_time_part)(id - MOD_MINUTE);
    }
}

/* field[any] and field[all] of version 3; the mark is dropped from the name. */
static bool read_brackets(struct sigma_reader *r, struct modifiers *m)
{
    size_t at;
    bool any = false;
    while ((at = slice_find(m->field, SLICE("["))) != SLICE_NONE) {
        struct slice mark = slice_part(m->field, at, 5);
        bool is_any = slice_equal(mark, SLICE("[any]")), is_all = slice_equal(mark, SLICE("[all]"));
        if (!is_any && !is_all)
            return true;
        if (r->version < 3) {
            sigma_error(r, "array-matching", m->line, m->column,
                        "'%.*s' is array matching, which is not in version 2.1 of the Sigma "
                        "specification: say 'sigma-version: 3' in the rule",
                        sigma_width(m->field), m->field.data);
            return false;
        }
        any = any || is_any;
        m->all_members = m->all_members || is_all;
        if (any && m->all_members) {
            sigma_error(r, "array-matching", m->line, m->column,
                        "[any] and [all] cannot stand in one field name");
            return false;
        }
        char *joined = arena_bytes(r->arena, m->field.len);
        struct slice rest = slice_part(m->field, at + mark.len, SIZE_MAX);
        memcpy(joined, m->field.data, at);
        memcpy(joined + at, rest.data, rest.len);
        m->field = slice_make(joined, at + rest.len);
    }
    return true;
}

static bool read_field(struct sigma_reader *r, struct modifiers *m, struct slice name)
{
    char *kept = arena_bytes(r->arena, name.len + 1);
    size_t length = 0;
    for (size_t i = 0; i < name.len; i++)
        if (name.data[i] != ' ' && name.data[i] != '\t')
            kept[length++] = name.data[i];
    m->field = slice_make(kept, length);
    m->keyword = length == 0;
    if (length > SIGMA_FIELD_BYTES_MAX) {
        sigma_error(r, "field-name", m->line, m->column, "the field name is longer than %d bytes",
                    SIGMA_FIELD_BYTES_MAX);
        return false;
    }
    return read_brackets(r, m);
}

bool modifier_read(struct sigma_reader *r, struct modifiers *m, struct slice key, uint32_t line,
                   uint32_t column)
{
    *m = (struct modifiers){.number_op = PREDICATE_NUMBER, .line = line, .column = column};
    struct slice rest = key;
    bool more = slice_find_char(rest, '|') != SLICE_NONE;
    if (!read_field(r, m, slice_cut(&rest, '|')))
        return false;
    if (m->keyword && !more) {
        sigma_error(r, "field-name", line, column,
                    "the field name is empty: write keywords as a list, or '|all' before them");
        return false;
    }
    uint32_t before = 0;
    enum modifier_id last = MOD_COUNT;
    while (more) {
        more = slice_find_char(rest, '|') != SLICE_NONE;
        struct slice word = slice_trim(slice_cut(&rest, '|'));
        enum modifier_id id = modifier_find(r, word);
        if (id == MOD_COUNT) {
            modifier_unknown(r, word, m);
            return false;
        }
        if (!modifier_check(r, m, id, before, last))
            return false;
        before |= BIT(id);
        last = id;
        modifier_set(m, id);
    }
    if ((before & BIT(MOD_BASE64OFFSET)) && !(before & TEXT_OPS) && !m->keyword)
        sigma_warning(r, "base64offset-alone", line, column,
                      "base64offset without contains matches only values that are nothing else: "
                      "add '|contains'");
    return true;
}
