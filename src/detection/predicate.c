#include "detection/predicate.h"

#include <math.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"

bool predicate_number_of(struct slice text, double *out)
{
    if (text.len == 0)
        return false;
    char c = text.data[0];
    if ((c < '0' || c > '9') && c != '-' && c != '+' && c != '.')
        return false;
    return slice_to_double(text, out) && isfinite(*out);
}

static bool value_number(const struct predicate_value *value, double *out)
{
    if (value->kind != VALUE_NUMBER && value->kind != VALUE_STRING)
        return false;
    return predicate_number_of(value->text, out);
}

static bool compare_numbers(enum predicate_kind op, double value, double wanted)
{
    switch (op) {
    case PREDICATE_LESS:
        return value < wanted;
    case PREDICATE_LESS_EQUAL:
        return value <= wanted;
    case PREDICATE_GREATER:
        return value > wanted;
    case PREDICATE_GREATER_EQUAL:
        return value >= wanted;
    default:
        return value >= wanted && value <= wanted;
    }
}

static int time_part_of(enum predicate_time_part part, int64_t time_ns)
{
    struct clock_date date;
    clock_to_date(time_ns, 0, &date);
    switch (part) {
    case TIME_MINUTE:
        return date.minute;
    case TIME_HOUR:
        return date.hour;
    case TIME_DAY:
        return date.day;
    case TIME_WEEK:
        return clock_iso_week(time_ns, 0);
    case TIME_MONTH:
        return date.month;
    case TIME_YEAR:
        break;
    }
    return date.year;
}

static bool test_time_part(const struct predicate *p, const struct predicate_value *value)
{
    if (value->kind != VALUE_NUMBER && value->kind != VALUE_STRING)
        return false;
    int64_t time_ns = clock_parse(value->text, NULL, CLOCK_NONE);
    if (time_ns == CLOCK_NONE)
        return false;
    return compare_numbers(p->field_op, time_part_of(p->time_part, time_ns), p->number);
}

static bool test_text(enum predicate_kind op, struct slice value, struct slice wanted)
{
    switch (op) {
    case PREDICATE_STARTSWITH:
        return slice_starts(value, wanted);
    case PREDICATE_ENDSWITH:
        return slice_ends(value, wanted);
    case PREDICATE_CONTAINS:
        return slice_find(value, wanted) != SLICE_NONE;
    default:
        return slice_equal(value, wanted);
    }
}

static bool test_regex(const struct regex *regex, struct regex_scratch *scratch, struct slice text,
                       uint64_t *limit_hits)
{
    if (!regex || !scratch)
        return false;
    int rc = regex_match(regex, scratch, text);
    if (rc == REGEX_LIMIT && limit_hits)
        ++*limit_hits;
    return rc == REGEX_YES;
}

static bool test_any_text(const struct predicate *p, struct slice text)
{
    return p->kind == PREDICATE_PATTERN ? pattern_match(&p->pattern, text)
                                        : test_text(p->kind, text, p->text);
}

static bool is_ascii(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.data[i] >= 0x80)
            return false;
    return true;
}

static bool test_unaccented(const struct predicate *p, struct slice folded)
{
    char room[2048], *text = room;
    if (is_ascii(folded))
        return test_any_text(p, folded);
    if (text_unaccent_room(folded.len) > sizeof(room))
        text = mem_alloc(text_unaccent_room(folded.len));
    bool yes = test_any_text(p, slice_make(text, text_unaccent(text, folded)));
    if (text != room)
        mem_free(text);
    return yes;
}

bool predicate_test(const struct predicate *p, const struct predicate_value *value,
                    const struct regex *regex, struct regex_scratch *scratch, uint64_t *limit_hits)
{
    if (p->kind == PREDICATE_EXISTS)
        return true;
    if (p->kind == PREDICATE_NULL)
        return value->kind == VALUE_NULL;
    if (value->kind == VALUE_NULL || value->kind == VALUE_OBJECT)
        return false;
    struct slice text = p->cased ? value->text : value->folded;
    double number = 0;
    struct ip_address address;
    switch (p->kind) {
    case PREDICATE_EQUALS:
    case PREDICATE_STARTSWITH:
    case PREDICATE_ENDSWITH:
    case PREDICATE_CONTAINS:
    case PREDICATE_PATTERN:
        return p->unaccented ? test_unaccented(p, value->folded) : test_any_text(p, text);
    case PREDICATE_NUMBER:
    case PREDICATE_LESS:
    case PREDICATE_LESS_EQUAL:
    case PREDICATE_GREATER:
    case PREDICATE_GREATER_EQUAL:
        return value_number(value, &number) && compare_numbers(p->kind, number, p->number);
    case PREDICATE_TIME_PART:
        return test_time_part(p, value);
    case PREDICATE_REGEX:
        return test_regex(regex, scratch, value->text, limit_hits);
    case PREDICATE_CIDR:
        return ip_parse(&address, value->text) && ip_network_has(&p->network, &address);
    case PREDICATE_FIELDREF:
    case PREDICATE_EXISTS:
    case PREDICATE_NULL:
        break;
    }
    return false;
}

bool predicate_compare_fields(const struct predicate *p, const struct predicate_value *value,
                              const struct predicate_value *other)
{
    if (value->kind == VALUE_NULL || value->kind == VALUE_OBJECT || other->kind == VALUE_NULL ||
        other->kind == VALUE_OBJECT)
        return false;
    double a, b;
    if (p->field_op == PREDICATE_EQUALS && value->kind == VALUE_NUMBER && value_number(value, &a) &&
        value_number(other, &b))
        return compare_numbers(PREDICATE_NUMBER, a, b);
    if (p->field_op == PREDICATE_EQUALS && other->kind == VALUE_NUMBER && value_number(value, &a) &&
        value_number(other, &b))
        return compare_numbers(PREDICATE_NUMBER, a, b);
    return test_text(p->field_op, p->cased ? value->text : value->folded,
                     p->cased ? other->text : other->folded);
}

static bool pattern_equal(const struct pattern *a, const struct pattern *b)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (a->parts[i].kind != b->parts[i].kind ||
            (a->parts[i].kind == PATTERN_LITERAL &&
             !slice_equal(a->parts[i].literal, b->parts[i].literal)))
            return false;
    return true;
}

bool predicate_equal(const struct predicate *a, const struct predicate *b)
{
    return a->kind == b->kind && a->time_part == b->time_part && a->field_op == b->field_op &&
           a->cased == b->cased && a->unaccented == b->unaccented && a->keyword == b->keyword &&
           a->regex_flags == b->regex_flags && a->all_members == b->all_members &&
           memcmp(&a->number, &b->number, sizeof(a->number)) == 0 &&
           slice_equal(a->field, b->field) && slice_equal(a->text, b->text) &&
           slice_equal(a->other, b->other) && a->network.prefix_bits == b->network.prefix_bits &&
           memcmp(&a->network.base, &b->network.base, sizeof(a->network.base)) == 0 &&
           pattern_equal(&a->pattern, &b->pattern);
}

uint64_t predicate_hash(const struct predicate *p)
{
    uint64_t h = (uint64_t)p->kind | (uint64_t)p->time_part << 8 | (uint64_t)p->field_op << 16 |
                 (uint64_t)p->cased << 24 | (uint64_t)p->keyword << 25 |
                 (uint64_t)p->all_members << 26 | (uint64_t)p->unaccented << 27 |
                 (uint64_t)p->regex_flags << 32;
    h = hash_slice(p->field, h);
    h = hash_slice(p->text, h);
    h = hash_slice(p->other, h);
    h = hash_bytes(&p->number, sizeof(p->number), h);
    for (uint32_t i = 0; i < p->pattern.count; i++) {
        const struct pattern_part *part = &p->pattern.parts[i];
        h = hash_slice(part->kind == PATTERN_LITERAL ? part->literal : (struct slice){"", 0},
                       h + (uint64_t)part->kind);
    }
    return h;
}

static const char *kind_modifier(enum predicate_kind kind)
{
    switch (kind) {
    case PREDICATE_STARTSWITH:
        return "|startswith";
    case PREDICATE_ENDSWITH:
        return "|endswith";
    case PREDICATE_CONTAINS:
        return "|contains";
    case PREDICATE_LESS:
        return "|lt";
    case PREDICATE_LESS_EQUAL:
        return "|lte";
    case PREDICATE_GREATER:
        return "|gt";
    case PREDICATE_GREATER_EQUAL:
        return "|gte";
    case PREDICATE_REGEX:
        return "|re";
    case PREDICATE_CIDR:
        return "|cidr";
    case PREDICATE_EXISTS:
        return "|exists";
    case PREDICATE_EQUALS:
    case PREDICATE_PATTERN:
    case PREDICATE_NUMBER:
    case PREDICATE_TIME_PART:
    case PREDICATE_FIELDREF:
    case PREDICATE_NULL:
        break;
    }
    return "";
}

/* Quotes doubled as YAML wants them, wildcards escaped, control bytes made visible. */
static void describe_text(struct slice text, bool escape, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c == 0x7f) {
            buf_printf(out, "\\x%02x", c);
            continue;
        }
        if (c == '\'' || (escape && (c == '*' || c == '?')))
            buf_char(out, c == '\'' ? '\'' : '\\');
        buf_char(out, (char)c);
    }
}

static void describe_value(const struct predicate *p, struct buf *out)
{
    switch (p->kind) {
    case PREDICATE_NULL:
        buf_string(out, "null");
        return;
    case PREDICATE_EXISTS:
        buf_string(out, "true");
        return;
    case PREDICATE_NUMBER:
    case PREDICATE_LESS:
    case PREDICATE_LESS_EQUAL:
    case PREDICATE_GREATER:
    case PREDICATE_GREATER_EQUAL:
    case PREDICATE_TIME_PART:
        buf_printf(out, "%.15g", p->number);
        return;
    default:
        break;
    }
    buf_char(out, '\'');
    if (p->kind == PREDICATE_FIELDREF)
        buf_slice(out, p->other);
    else if (p->kind != PREDICATE_PATTERN)
        describe_text(p->text, p->kind != PREDICATE_REGEX, out);
    for (uint32_t i = 0; p->kind == PREDICATE_PATTERN && i < p->pattern.count; i++) {
        const struct pattern_part *part = &p->pattern.parts[i];
        if (part->kind == PATTERN_LITERAL)
            describe_text(part->literal, true, out);
        else
            buf_char(out, part->kind == PATTERN_ANY_RUN ? '*' : '?');
    }
    buf_char(out, '\'');
}

void predicate_describe(const struct predicate *p, struct buf *out)
{
    static const char *const parts[] = {"minute", "hour", "day", "week", "month", "year"};
    static const char *const regex_flags[] = {"|i", "|m", "|s"};
    if (p->keyword)
        buf_string(out, "keyword");
    else
        buf_slice(out, p->field);
    if (p->all_members)
        buf_string(out, "[all]");
    if (!p->keyword || p->kind != PREDICATE_CONTAINS)
        buf_string(out, kind_modifier(p->kind));
    if (p->kind == PREDICATE_TIME_PART)
        buf_printf(out, "|%s%s", parts[p->time_part], kind_modifier(p->field_op));
    if (p->kind == PREDICATE_FIELDREF)
        buf_printf(out, "%s|fieldref", kind_modifier(p->field_op));
    for (unsigned i = 0; p->kind == PREDICATE_REGEX && i < 3; i++)
        if (p->regex_flags & 1u << i)
            buf_string(out, regex_flags[i]);
    if (p->cased)
        buf_string(out, "|cased");
    if (p->unaccented)
        buf_string(out, "|unaccented");
    buf_string(out, ": ");
    describe_value(p, out);
}
