/* Modifiers that make other texts of a value: windash, base64, base64offset, utf16, expand. */
#include "base/text.h"
#include "detection/sigma_inside.h"

enum { PLACEHOLDER_BYTES_MAX = 200 };

void pattern_list_add(struct pattern_list *list, const struct pattern *p, struct arena *arena)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity ? list->capacity * 5 : 1;
        struct pattern *items = arena_alloc(arena, capacity * sizeof(*items));
        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof(*items));
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = *p;
}

bool modifier_room(struct sigma_reader *r, uint64_t bytes, const struct yaml_node *value)
{
    r->expanded_bytes += bytes;
    if (r->expanded_bytes <= SIGMA_EXPANDED_BYTES_MAX)
        return true;
    sigma_error(r, "too-large", value->line, value->column,
                "modifiers make more than %d bytes of texts of this rule: divide it",
                SIGMA_EXPANDED_BYTES_MAX);
    return false;
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Nothing or no word character before, a word character behind: the start of a flag. A wildcard
 * beside it counts as nothing. */
static bool is_flag_dash(struct slice literal, size_t at)
{
    return (literal.data[at] == '-' || literal.data[at] == '/') &&
           (at == 0 || !is_word_char(literal.data[at - 1])) && at + 1 < literal.len &&
           is_word_char(literal.data[at + 1]);
}

struct dash_place {
    uint32_t part;
    size_t at;
};

static uint32_t find_dashes(const struct pattern *p,
                            struct dash_place places[SIGMA_WINDASH_PLACES_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        struct slice literal = p->parts[i].literal;
        if (p->parts[i].kind != PATTERN_LITERAL)
            continue;
        for (size_t at = 0; at < literal.len && count < SIGMA_WINDASH_PLACES_MAX; at++)
            if (is_flag_dash(literal, at))
                places[count++] = (struct dash_place){i, at};
    }
    return count;
}

/* Base-5 digits of `number`, the last place lowest, say which dash goes where. */
static void windash_variant(struct sigma_reader *r, const struct pattern *p,
                            const struct dash_place *places, uint32_t place_count, uint32_t number,
                            struct pattern *out)
{
    static const char *const dashes[] = {"-", "/", "\xe2\x80\x93", "\xe2\x80\x94", "\xe2\x80\x95"};
    *out = (struct pattern){.count = p->count};
    out->parts = arena_alloc(r->scratch, p->count * sizeof(*out->parts));
    if (p->count > 0)
        memcpy(out->parts, p->parts, p->count * sizeof(*out->parts));
    for (uint32_t i = place_count; i-- > 0; number /= 5) {
        const char *dash = dashes[number % 5];
        struct slice *literal = &out->parts[places[i].part].literal;
        size_t at = places[i].at, length = strlen(dash);
        char *changed = arena_bytes(r->scratch, literal->len + length);
        memcpy(changed, literal->data, at);
        memcpy(changed + at, dash, length);
        memcpy(changed + at + length, literal->data + at + 1, literal->len - at - 1);
        *literal = slice_make(changed, literal->len - 1 + length);
    }
}

bool modifier_windash(struct sigma_reader *r, struct pattern_list *list,
                      const struct yaml_node *value)
{
    struct pattern_list out = {0};
    for (uint32_t i = 0; i < list->count; i++) {
        struct dash_place places[SIGMA_WINDASH_PLACES_MAX];
        uint32_t count = find_dashes(&list->items[i], places), variants = 1;
        for (uint32_t j = 0; j < count; j++)
            variants *= 5;
        if (out.count + variants > SIGMA_EXPANSIONS_MAX) {
            sigma_error(r, "too-large", value->line, value->column,
                        "this value becomes more than %d texts: use fewer placeholders or dashes",
                        SIGMA_EXPANSIONS_MAX);
            return false;
        }
        uint64_t bytes = value->text.len + 3u * count;
        if (!modifier_room(r, bytes * variants, value))
            return false;
        for (uint32_t n = 0; n < variants; n++) {
            struct pattern variant;
            windash_variant(r, &list->items[i], places, count, n, &variant);
            pattern_list_add(&out, &variant, r->scratch);
        }
    }
    *list = out;
    return true;
}

static void add_literal(struct sigma_reader *r, struct pattern_list *list, struct slice text)
{
    struct pattern p;
    pattern_literal(&p, text, r->scratch);
    pattern_list_add(list, &p, r->scratch);
}

/* The middle of the value's Base64 that stays the same whatever stands around it, for each of the
 * three places it may begin at. */
static bool add_base64_offsets(struct sigma_reader *r, struct pattern_list *list, struct slice text,
                               const struct yaml_node *value)
{
    static const size_t skip_head[] = {0, 2, 3}, skip_tail[] = {0, 3, 2};
    for (size_t offset = 0; offset < 3; offset++) {
        struct buf shifted = {0}, encoded = {0};
        buf_append(&shifted, "  ", offset);
        buf_slice(&shifted, text);
        text_base64(&encoded, buf_as_slice(&shifted));
        size_t tail = skip_tail[shifted.len % 3], head = skip_head[offset];
        bool any = encoded.len > head + tail;
        if (any)
            add_literal(r, list,
                        slice_part(buf_as_slice(&encoded), head, encoded.len - head - tail));
        buf_free(&shifted);
        buf_free(&encoded);
        if (!any) {
            sigma_error(r, "bad-encoding", value->line, value->column,
                        "base64offset needs at least two bytes: nothing of this value is certain");
            return false;
        }
    }
    return true;
}

static void add_encoded(struct sigma_reader *r, enum modifier_encoder encoder,
                        struct pattern_list *list, struct slice text)
{
    struct buf encoded = {0};
    if (encoder == ENCODE_UTF16)
        buf_append(&encoded, "\xff\xfe", 2);
    if (encoder == ENCODE_BASE64)
        text_base64(&encoded, text);
    else
        text_utf16(&encoded, text, encoder == ENCODE_UTF16BE);
    add_literal(r, list, buf_as_slice(&encoded));
    buf_free(&encoded);
}

bool modifier_encode(struct sigma_reader *r, enum modifier_encoder encoder,
                     struct pattern_list *list, const struct yaml_node *value)
{
    struct pattern_list out = {0};
    for (uint32_t i = 0; i < list->count; i++) {
        const struct pattern *p = &list->items[i];
        if (p->count != 1 || p->parts[0].kind != PATTERN_LITERAL) {
            sigma_error(r, "bad-encoding", value->line, value->column,
                        p->count == 0
                            ? "an empty value cannot be encoded"
                            : "a value with wildcards cannot be encoded: write \\* or \\? "
                              "for the characters, contains for 'anywhere'");
            return false;
        }
        struct slice text = p->parts[0].literal;
        if (!modifier_room(r, (uint64_t)text.len * 4, value))
            return false;
        if (encoder != ENCODE_BASE64OFFSET)
            add_encoded(r, encoder, &out, text);
        else if (!add_base64_offsets(r, &out, text, value))
            return false;
    }
    *list = out;
    return true;
}

static bool is_name_char(char c)
{
    return is_word_char(c) || c == '-' || c == '.';
}

/* The %name% that begins at `at`, or an empty slice. */
static struct slice placeholder_at(struct slice text, size_t at)
{
    size_t end = at + 1;
    while (end < text.len && is_name_char(text.data[end]))
        end++;
    if (end >= text.len || text.data[end] != '%' || end - at - 1 > PLACEHOLDER_BYTES_MAX)
        return (struct slice){0};
    return slice_part(text, at + 1, end - at - 1);
}

static const struct slice_list *placeholder_values(struct sigma_reader *r, struct slice name,
                                                   const struct yaml_node *value)
{
    const struct sigma_placeholders *known = r->options ? r->options->placeholders : NULL;
    const struct map_entry *entry = known ? map_find(&known->names, name) : NULL;
    if (entry && known->lists[entry->value].count > 0)
        return &known->lists[entry->value];
    sigma_error(r, "unresolved-placeholder", value->line, value->column,
                "the rule needs values for %%%.*s%%: give them in the placeholders file",
                sigma_width(name), name.data);
    return NULL;
}

static bool multiply(struct sigma_reader *r, struct slice_list *texts,
                     const struct slice_list *values, const struct yaml_node *value)
{
    uint64_t count = (uint64_t)texts->count * values->count;
    if (count > SIGMA_EXPANSIONS_MAX) {
        sigma_error(r, "too-large", value->line, value->column,
                    "the placeholders of this value make more than %d texts", SIGMA_EXPANSIONS_MAX);
        return false;
    }
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < texts->count; i++)
        bytes += texts->items[i].len * values->count;
    for (uint32_t j = 0; j < values->count; j++)
        bytes += values->items[j].len * texts->count;
    if (!modifier_room(r, bytes, value))
        return false;
    struct slice *items = arena_alloc(r->scratch, count * sizeof(*items));
    size_t n = 0;
    for (uint32_t i = 0; i < texts->count; i++)
        for (uint32_t j = 0; j < values->count; j++) {
            struct slice a = texts->items[i], b = values->items[j];
            char *joined = arena_bytes(r->scratch, a.len + b.len + 1);
            if (a.len > 0)
                memcpy(joined, a.data, a.len);
            if (b.len > 0)
                memcpy(joined + a.len, b.data, b.len);
            items[n++] = slice_make(joined, a.len + b.len);
        }
    *texts = (struct slice_list){.items = items, .count = (uint32_t)count};
    return true;
}

bool modifier_expand(struct sigma_reader *r, struct slice text, struct slice_list *out,
                     const struct yaml_node *value)
{
    struct slice empty = {"", 0};
    *out = (struct slice_list){.items = arena_alloc(r->scratch, sizeof(empty)), .count = 1};
    out->items[0] = empty;
    size_t start = 0;
    for (size_t i = 0; i <= text.len; i++) {
        bool escaped = i + 1 < text.len && text.data[i] == '\\' && text.data[i + 1] == '%';
        struct slice name = {0};
        if (i < text.len && text.data[i] == '%')
            name = placeholder_at(text, i);
        if (i < text.len && !escaped && name.len == 0)
            continue;
        struct slice before = slice_part(text, start, i - start);
        if (!multiply(r, out, &(struct slice_list){.items = &before, .count = 1}, value))
            return false;
        if (escaped) {
            start = i + 1; /* the percent sign is text */
            i++;
        } else if (name.len > 0) {
            const struct slice_list *values = placeholder_values(r, name, value);
            if (!values || !multiply(r, out, values, value))
                return false;
            i += name.len + 1;
            start = i + 1;
        }
    }
    return true;
}
