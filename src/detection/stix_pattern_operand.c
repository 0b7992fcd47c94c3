#include "base/text.h"
#include "detection/stix_pattern_inside.h"

/* A value of an object as the operators see it. */
struct operand {
    enum { OPERAND_NONE, OPERAND_NUMBER, OPERAND_TEXT, OPERAND_BYTES, OPERAND_BOOL } kind;
    bool exact; /* integer holds the number, too */
    bool boolean;
    int64_t integer;
    double number;
    struct slice text; /* or bytes */
};

int stix_trial_spend(struct stix_trial *trial, uint64_t steps)
{
    if (trial->steps < steps)
        return err_set(
            trial->err, ERR_LIMIT,
            "matching the pattern takes more than %d steps on these observations: divide "
            "the pattern, or give it fewer observations",
            STIX_MATCH_STEPS_MAX);
    trial->steps -= steps;
    return ERR_OK;
}

/* Properties whose names end in _hex and _bin hold bytes; what does not decode stays a text. */
static void operand_text(struct stix_trial *trial, struct operand *o, struct slice text,
                         struct slice name)
{
    bool hex = slice_ends(name, SLICE("_hex")), base64 = slice_ends(name, SLICE("_bin"));
    o->kind = OPERAND_TEXT;
    o->text = text;
    buf_clear(&trial->bytes);
    if ((hex && text_hex_decode(&trial->bytes, text)) ||
        (base64 && text_base64_decode(&trial->bytes, text))) {
        o->kind = OPERAND_BYTES;
        o->text = buf_as_slice(&trial->bytes);
    }
}

static struct operand operand_make(struct stix_trial *trial, const struct stix_value *value,
                                   struct slice name)
{
    struct operand o = {.kind = OPERAND_NONE};
    switch (value->kind) {
    case STIX_BOOL:
        o.kind = OPERAND_BOOL;
        o.boolean = value->as.boolean;
        break;
    case STIX_INTEGER:
        o = (struct operand){.kind = OPERAND_NUMBER,
                             .exact = true,
                             .integer = value->as.integer,
                             .number = (double)value->as.integer};
        break;
    case STIX_FLOAT:
        o.kind = OPERAND_NUMBER;
        o.number = value->as.number;
        break;
    case STIX_STRING:
        operand_text(trial, &o, value->as.text, name);
        break;
    default:
        break;
    }
    return o;
}

/* The bytes of a text whose characters are all below 256, into out; false: one is not. */
static bool text_to_bytes(struct buf *out, struct slice text)
{
    buf_clear(out);
    for (size_t at = 0; at < text.len;) {
        uint32_t c = text_next_char(text, &at);
        if (c > 0xff)
            return false;
        buf_char(out, (char)(unsigned char)c);
    }
    return true;
}

static void bytes_to_text(struct buf *out, struct slice bytes)
{
    char encoded[4];
    buf_clear(out);
    for (size_t i = 0; i < bytes.len; i++)
        buf_append(out, encoded, text_put_char(encoded, (unsigned char)bytes.data[i]));
}

static int compare_numbers(const struct operand *o, const struct stix_constant *constant)
{
    if (o->exact && constant->kind == CONSTANT_INTEGER)
        return (o->integer > constant->integer) - (o->integer < constant->integer);
    return (o->number > constant->number) - (o->number < constant->number);
}

/* Texts by code point; a text against bytes as the bytes of its characters. false: it has others.
 */
static bool compare_texts(struct stix_trial *trial, const struct operand *o,
                          const struct stix_constant *constant, int *order)
{
    struct slice left = o->text, right = constant->text;
    bool binary = constant->kind == CONSTANT_BINARY;
    if (binary && o->kind == OPERAND_TEXT) {
        if (!text_to_bytes(&trial->text, left))
            return false;
        left = buf_as_slice(&trial->text);
    } else if (!binary && o->kind == OPERAND_BYTES) {
        if (!text_to_bytes(&trial->text, right))
            return false;
        right = buf_as_slice(&trial->text);
    }
    *order = slice_compare(left, right);
    return true;
}

enum comparability { NOT_COMPARABLE, NOT_CONVERTIBLE, COMPARABLE };

/* How a value stands to a constant (*order as of memcmp); or an error. */
static int compare(struct stix_trial *trial, const struct operand *o,
                   const struct stix_constant *constant, int *order)
{
    struct stix_time time;
    switch (constant->kind) {
    case CONSTANT_INTEGER:
    case CONSTANT_FLOAT:
        *order = compare_numbers(o, constant);
        return o->kind == OPERAND_NUMBER ? COMPARABLE : NOT_COMPARABLE;
    case CONSTANT_BOOL:
        *order = (int)o->boolean - (int)constant->boolean;
        return o->kind == OPERAND_BOOL ? COMPARABLE : NOT_COMPARABLE;
    case CONSTANT_TIME:
        if (o->kind != OPERAND_TEXT)
            return NOT_COMPARABLE;
        if (!stix_time_parse(&time, o->text))
            return err_set(trial->err, ERR_SYNTAX,
                           "a value that the pattern compares with a time is not one such as "
                           "2026-11-22T10:36:00Z");
        *order = stix_time_compare(time, constant->time);
        return COMPARABLE;
    default:
        if (o->kind != OPERAND_TEXT && o->kind != OPERAND_BYTES)
            return NOT_COMPARABLE;
        return compare_texts(trial, o, constant, order) ? COMPARABLE : NOT_CONVERTIBLE;
    }
}

static bool order_fits(enum stix_operator op, int order)
{
    switch (op) {
    case OPERATOR_LESS:
        return order < 0;
    case OPERATOR_GREATER:
        return order > 0;
    case OPERATOR_LESS_EQUAL:
        return order <= 0;
    case OPERATOR_GREATER_EQUAL:
        return order >= 0;
    default:
        return order == 0;
    }
}

static int equality_holds(struct stix_trial *trial, const struct stix_comparison *term,
                          const struct operand *o)
{
    bool found = false;
    for (const struct stix_constant *c = term->constants; c && !found; c = c->next) {
        int order = 0, how = stix_trial_spend(trial, 1);
        if (how == ERR_OK)
            how = compare(trial, o, c, &order);
        if (how < 0)
            return how;
        found = how == COMPARABLE && order == 0;
    }
    return (found != (term->op == OPERATOR_UNEQUAL)) != term->negated;
}

/* Types without an order between them are in none, whether NOT stands there or not. */
static int order_holds(struct stix_trial *trial, const struct stix_comparison *term,
                       const struct operand *o)
{
    int order = 0, how = compare(trial, o, term->constants, &order);
    if (how < 0 || how == NOT_COMPARABLE)
        return how < 0 ? how : 0;
    return (how == COMPARABLE && order_fits(term->op, order)) != term->negated;
}

static int text_holds(struct stix_trial *trial, const struct stix_comparison *term,
                      const struct operand *o)
{
    int found = 0;
    if (o->kind == OPERAND_TEXT) {
        buf_clear(&trial->text);
        text_nfc(&trial->text, o->text);
    } else if (o->kind == OPERAND_BYTES) {
        bytes_to_text(&trial->text, o->text);
    } else {
        return term->negated;
    }
    struct slice text = buf_as_slice(&trial->text);
    if (term->op == OPERATOR_LIKE) {
        int code = stix_trial_spend(trial, text.len / 8 * term->like.count);
        if (code)
            return code;
        found = pattern_match(&term->like, text);
    } else {
        found = regex_match(term->regex, trial->scratch, text);
        if (found == REGEX_LIMIT)
            return err_set(trial->err, ERR_LIMIT,
                           "a regular expression of the pattern took too long on a value of the "
                           "observations: write it without nested repetitions");
    }
    return (found != 0) != term->negated;
}

static int network_holds(const struct stix_comparison *term, const struct operand *o)
{
    struct ip_network network;
    bool found = false;
    if (o->kind == OPERAND_TEXT && ip_network_parse(&network, o->text)) {
        const struct ip_network *inner = &network, *outer = &term->network;
        if (term->op == OPERATOR_SUPERSET) {
            inner = &term->network;
            outer = &network;
        }
        found = outer->prefix_bits <= inner->prefix_bits && ip_network_has(outer, &inner->base);
    }
    return found != term->negated;
}

int stix_term_holds(struct stix_trial *trial, const struct stix_comparison *term,
                    const struct stix_value *value, struct slice name)
{
    uint64_t bytes = value->kind == STIX_STRING ? value->as.text.len : 0;
    int code = stix_trial_spend(trial, 1 + bytes / 64);
    if (code)
        return code;
    struct operand o = operand_make(trial, value, name);
    switch (term->op) {
    case OPERATOR_EQUAL:
    case OPERATOR_UNEQUAL:
    case OPERATOR_IN:
        return equality_holds(trial, term, &o);
    case OPERATOR_LIKE:
    case OPERATOR_MATCHES:
        return text_holds(trial, term, &o);
    case OPERATOR_SUBSET:
    case OPERATOR_SUPERSET:
        return network_holds(term, &o);
    case OPERATOR_EXISTS:
        return 1;
    default:
        return order_holds(trial, term, &o);
    }
}
