/* Which log source an event is: by its own fields, by its mapping's constants and look-up tables.
 */
#include "detection/mapping_inside.h"

enum { OWN_PRODUCT, OWN_CATEGORY, OWN_SERVICE, OWN_TEXT_MAX = 64 };

/* The event's own word for a dimension, in lower case; empty when the field is missing or looks
 * like data: log sources are single words. */
static struct slice own_text(const struct mapping_set *set, struct event *e, uint32_t which)
{
    uint32_t field = event_first(e, set->own[which].number);
    if (field == EVENT_NO_FIELD || e->record->fields[field].kind != VALUE_STRING)
        return (struct slice){0};
    struct slice text = mapping_field_text(e, field);
    if (text.len == 0 || text.len > OWN_TEXT_MAX)
        return (struct slice){0};
    bool upper = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool is_upper = c >= 'A' && c <= 'Z';
        upper |= is_upper;
        if (!is_upper && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' &&
            c != '-' && c != '.')
            return (struct slice){0};
    }
    if (!upper)
        return text;
    char *lower = arena_bytes(&e->record->arena, text.len);
    for (size_t i = 0; i < text.len; i++)
        lower[i] =
            (char)(text.data[i] >= 'A' && text.data[i] <= 'Z' ? text.data[i] + 32 : text.data[i]);
    return slice_make(lower, text.len);
}

static void add_category(struct event_source *out, struct slice category)
{
    for (uint32_t i = 0; i < out->category_count; i++)
        if (slice_equal(out->categories[i], category))
            return;
    if (out->category_count < MAPPING_CATEGORIES_MAX)
        out->categories[out->category_count++] = category;
}

struct probe { /* one walk through a table */
    const struct mapping_lookup *lookup;
    struct event *e;
    struct event_source *out;
    unsigned star_mask; /* fields that only need to be there */
    uint32_t probes;
    char key[MAPPING_LOOKUP_KEY_BYTES];
};

static void probe_row(struct probe *p, size_t key_len)
{
    p->probes++;
    const struct map_entry *entry = map_find(&p->lookup->rows, slice_make(p->key, key_len));
    if (!entry)
        return;
    for (uint32_t at = (uint32_t)entry->value; at; at = p->lookup->values[at - 1].next) {
        struct slice text = p->lookup->values[at - 1].text;
        if (p->lookup->gives == MAPPING_CATEGORY)
            add_category(p->out, text);
        else if (!p->out->service.len)
            p->out->service = text;
    }
}

static void probe_from(struct probe *p, uint32_t at, size_t key_len);

static void probe_with(struct probe *p, uint32_t at, size_t key_len, struct slice text)
{
    if (p->probes >= MAPPING_LOOKUP_PROBES_MAX || text.len + 1 > sizeof p->key - key_len)
        return;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        p->key[key_len++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    p->key[key_len++] = '\x1f';
    probe_from(p, at + 1, key_len);
}

static void probe_from(struct probe *p, uint32_t at, size_t key_len)
{
    if (at == p->lookup->field_count) {
        probe_row(p, key_len);
        return;
    }
    const struct mapping_lookup_field *asked = &p->lookup->fields[at];
    bool star = p->star_mask >> at & 1;
    if (asked->is_service) {
        if (p->out->service.len)
            probe_with(p, at, key_len, star ? SLICE("*") : p->out->service);
        return;
    }
    for (uint32_t n = 0; n < asked->names.count; n++) {
        uint32_t field = event_first(p->e, asked->names.items[n].number);
        if (star && field != EVENT_NO_FIELD) {
            probe_with(p, at, key_len, SLICE("*"));
            return;
        }
        for (; field != EVENT_NO_FIELD; field = event_next(p->e, field))
            probe_with(p, at, key_len, mapping_field_text(p->e, field));
    }
}

static void look_up(const struct mapping_lookup *lookup, struct event *e, struct event_source *out)
{
    struct probe p = {.lookup = lookup, .e = e, .out = out};
    for (unsigned mask = 0; mask < 1u << MAPPING_LOOKUP_FIELDS_MAX; mask++)
        if (lookup->masks_used >> mask & 1) {
            p.star_mask = mask;
            probe_from(&p, 0, 0);
        }
}

static bool any_there(const struct mapping_names *names, struct event *e)
{
    for (uint32_t i = 0; i < names->count; i++)
        if (event_first(e, names->items[i].number) != EVENT_NO_FIELD)
            return true;
    return false;
}

static bool all_there(const struct mapping_inside *in, struct event *e,
                      const struct event_source *out)
{
    if (!in->complete || (in->complete_service && !out->service.len))
        return false;
    for (uint32_t i = 0; i < in->complete_count; i++)
        if (!any_there(&in->complete_fields[i], e))
            return false;
    return true;
}

static void source_by_mapping(const struct mapping_inside *in, struct event *e,
                              struct event_source *out)
{
    if (!out->service.len)
        out->service = in->service;
    for (uint32_t i = 0; i < in->categories.count; i++)
        add_category(out, in->categories.items[i]);
    for (uint32_t i = 0; i < in->lookup_count; i++)
        if (in->lookups[i].gives == MAPPING_CATEGORY || !out->service.len)
            look_up(&in->lookups[i], e, out);
    out->categories_known = all_there(in, e, out);
}

void mapping_source(const struct mapping_set *set, struct event *e, struct event_source *out)
{
    const struct mapping_inside *in = e->mapping ? e->mapping->inside : NULL;
    memset(out, 0, sizeof *out);
    if (!in || !in->data_product)
        out->product = own_text(set, e, OWN_PRODUCT);
    if (!in || !in->data_service)
        out->service = own_text(set, e, OWN_SERVICE);
    struct slice category = {0};
    if (!in || !in->data_category)
        category = own_text(set, e, OWN_CATEGORY);
    if (in && (!out->product.len || !in->product.len || slice_equal(out->product, in->product))) {
        if (!out->product.len)
            out->product = in->product;
        source_by_mapping(in, e, out);
    }
    if (category.len) {
        out->categories[0] = category;
        out->category_count = 1;
        out->categories_known = true;
    }
}

static uint32_t add_names(const struct mapping_names *names, uint16_t *out, uint32_t count,
                          uint32_t max)
{
    for (uint32_t n = 0; n < names->count; n++) {
        uint32_t known = 0;
        while (known < count && out[known] != names->items[n].number)
            known++;
        if (known == count && count < max)
            out[count++] = names->items[n].number;
    }
    return count;
}

uint32_t mapping_source_names(const struct mapping_set *set, const struct mapping *mapping,
                              uint16_t *out, uint32_t max)
{
    const struct mapping_inside *in = mapping ? mapping->inside : NULL;
    uint32_t count = 0;
    const bool data[] = {in && in->data_product, in && in->data_category, in && in->data_service};
    for (uint32_t i = 0; i < sizeof data / sizeof *data && count < max; i++)
        if (!data[i])
            out[count++] = set->own[i].number;
    for (uint32_t l = 0; in && l < in->lookup_count; l++)
        for (uint32_t f = 0; f < in->lookups[l].field_count; f++)
            if (!in->lookups[l].fields[f].is_service)
                count = add_names(&in->lookups[l].fields[f].names, out, count, max);
    for (uint32_t i = 0; in && i < in->complete_count; i++)
        count = add_names(&in->complete_fields[i], out, count, max);
    return count;
}
