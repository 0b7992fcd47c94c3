/* Draws fields out of the texts of an event, by the steps of its mapping. A step that does not
 * apply costs one look at a field and one search for a literal. */
#include "base/mem.h"
#include "detection/mapping_inside.h"
#include "formats/keyvalue.h"

struct mapping_scratch {
    struct regex_scratch *regex;
};

struct mapping_scratch *mapping_scratch_open(void)
{
    struct mapping_scratch *scratch = mem_zeroed(1, sizeof *scratch);
    scratch->regex = regex_scratch_open();
    return scratch;
}

void mapping_scratch_close(struct mapping_scratch **scratch)
{
    if (!*scratch)
        return;
    regex_scratch_close(&(*scratch)->regex);
    mem_free(*scratch);
    *scratch = NULL;
}

/* A full record keeps what it has: derived fields are extras. */
static bool add_derived(struct event *e, struct slice name, struct slice value)
{
    return record_add(e->record, name, value, VALUE_STRING, FIELD_DERIVED, NULL) == ERR_OK;
}

/* A quoted CSV cell that begins at *at (the quote): its inside, doubled quotes undone in the arena;
 * *at moves behind the closing quote. */
static struct slice quoted_cell(struct slice text, size_t *at, struct arena *arena)
{
    size_t start = ++*at, doubled = 0;
    for (; *at < text.len; ++*at) {
        if (text.data[*at] != '"')
            continue;
        if (*at + 1 >= text.len || text.data[*at + 1] != '"')
            break;
        doubled++;
        ++*at;
    }
    struct slice inside = slice_part(text, start, *at - start);
    if (*at < text.len)
        ++*at;
    if (!doubled)
        return inside;
    char *out = arena_bytes(arena, inside.len);
    size_t len = 0;
    for (size_t i = 0; i < inside.len; i++) {
        out[len++] = inside.data[i];
        if (inside.data[i] == '"')
            i++;
    }
    return slice_make(out, len);
}

static bool derive_keyvalue(struct event *e, struct slice text)
{
    uint32_t before = e->record->count;
    /* past the record's limits the pairs before stay */
    (void)!keyvalue_add(e->record, text, NULL, NULL);
    for (uint32_t i = before; i < e->record->count; i++)
        e->record->fields[i].flags |= FIELD_DERIVED;
    return e->record->count > before;
}

/* Comma-separated values by position; a column named `_` is skipped, an empty value is no field. */
static void derive_columns(struct event *e, const struct mapping_step *step, struct slice text)
{
    char separator = step->separator.len ? step->separator.data[0] : ',';
    size_t at = 0;
    for (uint32_t i = 0; i < step->columns.count && at <= text.len; i++) {
        struct slice value;
        if (at < text.len && text.data[at] == '"') {
            value = quoted_cell(text, &at, &e->record->arena);
            while (at < text.len && text.data[at] != separator)
                at++;
        } else {
            size_t start = at;
            while (at < text.len && text.data[at] != separator)
                at++;
            value = slice_part(text, start, at - start);
        }
        at++;
        if (value.len && !slice_equal(step->columns.items[i], SLICE("_")) &&
            !add_derived(e, step->columns.items[i], value))
            return;
    }
}

/* The fields <from>0, <from>1 ... as one text. Linear in the record: for the rare event that has
 * them. */
static void derive_join(struct event *e, const struct mapping_step *step)
{
    struct slice prefix = step->from.items[0].text;
    struct slice parts[MAPPING_JOIN_MAX] = {{0}};
    uint32_t count = e->record->count;
    for (uint32_t i = 0; i < count; i++) {
        struct field *f = &e->record->fields[i];
        uint64_t number = 0;
        if (slice_starts(f->name, prefix) && f->name.len > prefix.len &&
            slice_to_u64(slice_part(f->name, prefix.len, f->name.len), &number) &&
            number < MAPPING_JOIN_MAX) {
            if (number == 0) /* SYSCALL has a0 too: the later list is the one */
                memset(parts, 0, sizeof parts);
            parts[number] = record_text(e->record, f);
        }
    }
    size_t len = 0;
    uint32_t used = 0;
    for (; used < MAPPING_JOIN_MAX && parts[used].data; used++)
        len += parts[used].len + step->separator.len;
    if (!used)
        return;
    char *out = arena_bytes(&e->record->arena, len);
    size_t at = 0;
    for (uint32_t i = 0; i < used; i++) {
        if (i && step->separator.len) {
            memcpy(out + at, step->separator.data, step->separator.len);
            at += step->separator.len;
        }
        if (parts[i].len)
            memcpy(out + at, parts[i].data, parts[i].len);
        at += parts[i].len;
    }
    add_derived(e, step->join_name, slice_make(out, at));
}

static bool derive_regex(struct event *e, const struct mapping_step *step,
                         struct mapping_scratch *scratch, struct slice text, uint64_t *limit_hits)
{
    int found = regex_match(step->regex, scratch->regex, text);
    if (found == REGEX_LIMIT && limit_hits)
        ++*limit_hits;
    if (found != REGEX_YES)
        return false;
    for (uint32_t i = 0; i < step->group_count; i++) {
        struct slice value = regex_group(scratch->regex, text, step->group_numbers[i]);
        if (value.data && value.len)
            add_derived(e, step->group_names[i], value);
    }
    return true;
}

/* One text of the step's field: false when its guards or its expression do not hold. */
static bool step_text(struct event *e, const struct mapping_step *step,
                      struct mapping_scratch *scratch, struct slice text, uint64_t *limit_hits)
{
    if (!slice_starts(text, step->starts))
        return false;
    if (step->contains.len && slice_find(text, step->contains) == SLICE_NONE)
        return false;
    if (step->after.len) {
        size_t at = slice_find(text, step->after);
        if (at == SLICE_NONE)
            return false;
        text = slice_part(text, at + step->after.len, text.len);
    }
    switch (step->kind) {
    case MAPPING_DERIVE_SET:
        return true;
    case MAPPING_DERIVE_REGEX:
        return derive_regex(e, step, scratch, text, limit_hits);
    case MAPPING_DERIVE_KEYVALUE:
        return derive_keyvalue(e, text);
    case MAPPING_DERIVE_COLUMNS:
        derive_columns(e, step, text);
        return true;
    case MAPPING_DERIVE_JOIN:
        break;
    }
    return false;
}

/* The first text of the step's fields that its guards let through. */
static bool step_run(struct event *e, const struct mapping_step *step,
                     struct mapping_scratch *scratch, uint64_t *limit_hits)
{
    if (step->when.count && !mapping_cases_hold(&step->when, e))
        return false;
    if (step->kind == MAPPING_DERIVE_JOIN) {
        derive_join(e, step);
        return true;
    }
    for (uint32_t i = 0; i < step->from.count; i++) {
        uint32_t field = event_first(e, step->from.items[i].number);
        for (; field != EVENT_NO_FIELD; field = event_next(e, field))
            if (step_text(e, step, scratch, mapping_field_text(e, field), limit_hits))
                return true;
    }
    return step->from.count == 0;
}

void mapping_derive(const struct mapping_set *set, struct event *e, struct mapping_scratch *scratch,
                    uint64_t *limit_hits)
{
    (void)set;
    const struct mapping_inside *in = e->mapping ? e->mapping->inside : NULL;
    for (uint32_t i = 0; in && i < in->step_count; i++) {
        const struct mapping_step *step = &in->steps[i];
        uint32_t before = e->record->count;
        if (!step_run(e, step, scratch, limit_hits))
            continue;
        for (uint32_t k = 0; k < step->constant_count; k++)
            add_derived(e, step->constants[k].name, step->constants[k].value);
        if (e->record->count > before)
            event_bind_more(e, before);
    }
}

/* The names that the steps before gave count as received, too: a step may read them. */
struct name_walk {
    bool (*has_name)(void *context, struct slice name);
    void *context;
    void (*visit)(void *context, struct slice name);
    void *visit_context;
    struct map given;
    bool any;
};

static void walk_give(struct name_walk *w, struct slice name)
{
    (void)map_put(&w->given, name, 0, NULL);
    w->visit(w->visit_context, name);
}

static bool step_possible(const struct name_walk *w, const struct mapping_step *step)
{
    if (step->kind == MAPPING_DERIVE_JOIN || step->from.count == 0 || w->any)
        return true;
    for (uint32_t i = 0; i < step->from.count; i++) {
        struct slice name = step->from.items[i].text;
        if (w->has_name(w->context, name) || map_find(&w->given, name))
            return true;
    }
    return false;
}

static void step_names(struct name_walk *w, const struct mapping_step *step)
{
    for (uint32_t i = 0; i < step->constant_count; i++)
        walk_give(w, step->constants[i].name);
    for (uint32_t i = 0; i < step->group_count; i++)
        walk_give(w, step->group_names[i]);
    for (uint32_t i = 0; i < step->columns.count; i++)
        if (step->columns.items[i].len)
            walk_give(w, step->columns.items[i]);
    if (step->kind == MAPPING_DERIVE_JOIN)
        walk_give(w, step->join_name);
    if (step->kind == MAPPING_DERIVE_KEYVALUE) {
        w->any = true;
        w->visit(w->visit_context, SLICE(""));
    }
}

void mapping_derived_names(const struct mapping_set *set,
                           bool (*has_name)(void *context, struct slice name), void *context,
                           void (*visit)(void *visit_context, struct slice name),
                           void *visit_context)
{
    for (uint32_t i = 0; i < set->count; i++) {
        struct name_walk w = {has_name, context, visit, visit_context, {0}, false};
        const struct mapping_inside *in = set->mappings[i];
        for (uint32_t k = 0; k < in->step_count; k++)
            if (step_possible(&w, &in->steps[k]))
                step_names(&w, &in->steps[k]);
        map_free(&w.given);
    }
}
