#include "detection/match.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "detection/match_inside.h"

struct matcher *matcher_open(struct ruleset *set)
{
    struct matcher *m = mem_zeroed(1, sizeof(*m));
    uint32_t rules = set->rules->count + 1;
    m->set = set;
    m->configured = set->options.source;
    event_open(&m->event, set->names);
    m->mapping_scratch = mapping_scratch_open();
    m->regex_scratch = regex_scratch_open();
    m->atom_states = mem_zeroed(set->atom_count + 1, sizeof(*m->atom_states));
    m->rule_seen = mem_zeroed(rules, sizeof(*m->rule_seen));
    m->candidates = mem_zeroed(rules, sizeof(*m->candidates));
    m->found = mem_zeroed(rules, sizeof(*m->found));
    return m;
}

void matcher_close(struct matcher **out)
{
    struct matcher *m = *out;
    if (!m)
        return;
    event_close(&m->event);
    mapping_scratch_close(&m->mapping_scratch);
    regex_scratch_close(&m->regex_scratch);
    arena_free(&m->folds);
    mem_free(m->folded);
    mem_free(m->atom_states);
    mem_free(m->rule_seen);
    mem_free(m->term_seen);
    mem_free(m->terms);
    mem_free(m->candidates);
    mem_free(m->found);
    mem_free(m);
    *out = NULL;
}

static bool field_has_text(const struct field *f)
{
    return f->kind != VALUE_OBJECT && f->kind != VALUE_NULL;
}

/* The folded text of a field's value, made once an event, LITERAL_PADDING readable bytes behind it.
 */
static struct slice field_folded(struct matcher *m, uint32_t field)
{
    if (m->folded[field].data)
        return m->folded[field];
    struct slice text = record_text(m->event.record, &m->event.record->fields[field]);
    char *room = arena_bytes(&m->folds, text_fold_room(text.len) + LITERAL_PADDING);
    size_t len = text_fold(room, text);
    memset(room + len, 0, LITERAL_PADDING);
    m->folded[field] = slice_make(room, len);
    return m->folded[field];
}

static struct predicate_value field_value(struct matcher *m, uint32_t field)
{
    struct field *f = &m->event.record->fields[field];
    struct predicate_value value = {.kind = f->kind};
    if (field_has_text(f)) {
        value.text = record_text(m->event.record, f);
        value.folded = field_folded(m, field);
    }
    return value;
}

/* for each field of a slot: names that stand for it, then the chain of each name */
struct slot_walk {
    const struct name_list *names;
    uint32_t at, field;
};

static bool slot_walk_next(const struct matcher *m, struct slot_walk *walk)
{
    if (walk->field != EVENT_NO_FIELD)
        walk->field = event_next(&m->event, walk->field);
    while (walk->field == EVENT_NO_FIELD && walk->at < walk->names->count)
        walk->field = event_first(&m->event, walk->names->names[walk->at++]);
    return walk->field != EVENT_NO_FIELD;
}

static struct slot_walk slot_walk_begin(const struct matcher *m, uint32_t slot)
{
    return (struct slot_walk){&m->route->slot_names[slot], 0, EVENT_NO_FIELD};
}

static bool value_satisfies(struct matcher *m, const struct atom *atom, uint32_t field)
{
    const struct predicate *p = atom->predicate;
    if (p->kind == PREDICATE_EXISTS)
        return true;
    struct predicate_value value = field_value(m, field);
    if (p->kind != PREDICATE_FIELDREF)
        return predicate_test(p, &value, atom->regex, m->regex_scratch, &m->stats.regex_limits);
    struct slot_walk other = slot_walk_begin(m, atom->other_slot);
    while (slot_walk_next(m, &other)) {
        struct predicate_value right = field_value(m, other.field);
        if (predicate_compare_fields(p, &value, &right))
            return true;
    }
    return false;
}

static uint32_t keyword_field(struct matcher *m, const struct atom *atom)
{
    const struct record *record = m->event.record;
    for (uint32_t i = 0; i < record->count; i++) {
        const struct field *f = &record->fields[i];
        if (field_has_text(f) && !(f->flags & FIELD_DERIVED) && value_satisfies(m, atom, i))
            return i;
    }
    return EVENT_NO_FIELD;
}

uint32_t matcher_atom_field(struct matcher *m, uint32_t number)
{
    const struct atom *atom = &m->set->atoms[number];
    if (atom->predicate->keyword)
        return keyword_field(m, atom);
    struct slot_walk walk = slot_walk_begin(m, atom->slot);
    uint32_t found = EVENT_NO_FIELD;
    while (slot_walk_next(m, &walk)) {
        bool yes = value_satisfies(m, atom, walk.field);
        if (atom->predicate->all_members) {
            bool member = m->event.record->fields[walk.field].kind != VALUE_OBJECT;
            if (member && !yes)
                return EVENT_NO_FIELD;
            found = yes ? walk.field : found;
        } else if (yes) {
            return walk.field;
        }
    }
    return found;
}

static inline bool plain_holds(const struct atom *atom, struct slice folded)
{
    switch (atom->kind) {
    case PREDICATE_EQUALS:
        return slice_equal(folded, atom->text);
    case PREDICATE_STARTSWITH:
        return slice_starts(folded, atom->text);
    case PREDICATE_ENDSWITH:
        return slice_ends(folded, atom->text);
    default:
        return literal_find(folded, atom->text);
    }
}

static bool plain_test(struct matcher *m, const struct atom *atom)
{
    struct slot_walk walk = slot_walk_begin(m, atom->slot);
    while (slot_walk_next(m, &walk))
        if (field_has_text(&m->event.record->fields[walk.field]) &&
            plain_holds(atom, field_folded(m, walk.field)))
            return true;
    return false;
}

static bool atom_test(struct matcher *m, uint32_t number)
{
    const struct atom *atom = &m->set->atoms[number];
    if (atom->is_plain)
        return plain_test(m, atom);
    if (atom->predicate->kind != PREDICATE_NULL)
        return matcher_atom_field(m, number) != EVENT_NO_FIELD;
    struct slot_walk walk = slot_walk_begin(m, atom->slot);
    bool missing = true;
    while (slot_walk_next(m, &walk)) {
        missing = false;
        if (m->event.record->fields[walk.field].kind == VALUE_NULL)
            return true;
    }
    return missing;
}

bool matcher_atom_true(struct matcher *m, uint32_t number)
{
    uint32_t state = m->atom_states[number];
    if (state >> 1 == m->generation)
        return state & 1;
    if (route_decides(m->route, number))
        return false;
    bool yes = atom_test(m, number);
    m->atom_states[number] = m->generation << 1 | yes;
    return yes;
}

static bool node_true(struct matcher *m, const struct node *node)
{
    const struct node *children = m->set->nodes + node->arg;
    switch (node->kind) {
    case NODE_ATOM:
        return matcher_atom_true(m, node->arg);
    case NODE_NOT:
        return !node_true(m, children);
    case NODE_AND:
        for (uint32_t i = 0; i < node->count; i++)
            if (!node_true(m, &children[i]))
                return false;
        return true;
    default:
        for (uint32_t i = 0; i < node->count; i++)
            if (node_true(m, &children[i]))
                return true;
        return false;
    }
}

static inline void candidates_add(struct matcher *m, const uint32_t *rules, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (m->rule_seen[rules[i]] == m->generation)
            continue;
        m->rule_seen[rules[i]] = m->generation;
        m->candidates[m->candidate_count++] = rules[i];
    }
}

static void terms_apply(struct matcher *m, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        const struct route_term *term = &m->route->core->terms[m->terms[i]];
        if (term->atom != ATOM_NONE)
            m->atom_states[term->atom] = m->generation << 1 | 1;
        candidates_add(m, m->route->core->rules + term->rule_first, term->rule_count);
    }
}

static uint32_t target_scan(struct matcher *m, const struct route_target *target, uint32_t field,
                            uint32_t term_count)
{
    if (target->rule_count)
        candidates_add(m, m->route->core->rules + target->rule_first, target->rule_count);
    if (!target->index || !field_has_text(&m->event.record->fields[field]))
        return term_count;
    uint32_t more = field_index_scan(target->index, field_folded(m, field), m->term_seen,
                                     m->generation, m->terms, term_count);
    terms_apply(m, term_count, more);
    return more;
}

/* What parts the values when all are looked at as one text: no UTF-8 literal has this byte. */
enum { VALUE_SEPARATOR = 0xff };

/* All received values folded, one behind the other: substrings of keywords are then found in one
 * look instead of one a value. */
static struct slice fields_fold_all(struct matcher *m)
{
    struct record *record = m->event.record;
    size_t room = LITERAL_PADDING, len = 0;
    for (uint32_t i = 0; i < record->count; i++)
        room += text_fold_room(record->fields[i].value.len) + 1;
    char *whole = arena_bytes(&m->folds, room);
    for (uint32_t i = 0; i < record->count; i++) {
        struct field *f = &record->fields[i];
        if (!field_has_text(f) || f->flags & FIELD_DERIVED)
            continue;
        size_t folded = text_fold(whole + len, record_text(record, f));
        m->folded[i] = slice_make(whole + len, folded);
        len += folded;
        whole[len++] = (char)VALUE_SEPARATOR;
    }
    memset(whole + len, 0, LITERAL_PADDING);
    return slice_make(whole, len);
}

static uint32_t keywords_scan(struct matcher *m)
{
    const struct field_index *index = m->route->core->targets[0].index;
    const struct record *record = m->event.record;
    struct slice whole = fields_fold_all(m);
    uint32_t count = 0;
    if (field_index_only_contains(index)) {
        count = field_index_scan(index, whole, m->term_seen, m->generation, m->terms, 0);
        terms_apply(m, 0, count);
        return count;
    }
    for (uint32_t i = 0; i < record->count; i++)
        if (!(record->fields[i].flags & FIELD_DERIVED))
            count = target_scan(m, &m->route->core->targets[0], i, count);
    return count;
}

static void fields_scan(struct matcher *m)
{
    const struct route *route = m->route;
    const struct record *record = m->event.record;
    uint32_t term_count = route->core->has_keywords ? keywords_scan(m) : 0;
    for (uint32_t i = 0; i < record->count; i++) {
        uint32_t list = route->target_of_name[m->event.field_names[i]];
        if (list)
            for (const uint16_t *t = &route->target_lists[list]; *t; t++)
                term_count = target_scan(m, &route->core->targets[*t], i, term_count);
    }
}

/* All values of a name count: an array has several. */
static uint64_t route_key_add(struct matcher *m, uint16_t name, uint64_t key)
{
    for (uint32_t field = event_first(&m->event, name); field != EVENT_NO_FIELD;
         field = event_next(&m->event, field)) {
        struct slice value = record_text(m->event.record, &m->event.record->fields[field]);
        key = hash_bytes(value.data ? value.data : "", value.len, key + 1);
    }
    return key;
}

/* The route, remembered by a keyed hash of the values that decide it. */
static const struct route *matcher_route(struct matcher *m)
{
    struct ruleset *set = m->set;
    const struct mapping *mapping = m->event.mapping;
    uint64_t key = hash_seed() ^ (mapping ? mapping->index : 0u) * 0x9e3779b97f4a7c15ull ^
                   (uint64_t)(uintptr_t)m->configured * 0xbf58476d1ce4e5b9ull;
    if (set->options.routing) {
        const struct name_list *names = &set->source_names[mapping ? mapping->index : 0];
        for (uint32_t i = 0; i < names->count; i++)
            key = route_key_add(m, names->names[i], key + i);
    }
    key |= 1;
    struct route_cache_slot *slot = &m->route_cache[key >> 32 & (ROUTE_CACHE_SLOTS - 1)];
    if (slot->route && slot->key == key)
        return slot->route;
    struct event_source source;
    matcher_source(m, &source);
    *slot = (struct route_cache_slot){key, route_get(set, mapping, &source)};
    return slot->route;
}

void matcher_source(struct matcher *m, struct event_source *out)
{
    *out = (struct event_source){0};
    mapping_source(m->set->mappings, &m->event, out);
    const struct logsource *configured = m->configured;
    if (!configured)
        return;
    if (configured->product.len)
        out->product = configured->product;
    if (configured->service.len)
        out->service = configured->service;
    if (configured->category.len) {
        out->categories[0] = configured->category;
        out->category_count = 1;
    }
}

void matcher_watch(struct matcher *m, struct rule_burden *burden)
{
    m->burden = burden;
}

void matcher_configure(struct matcher *m, const struct logsource *source)
{
    m->configured = source ? source : m->set->options.source;
}

static void matcher_reserve(struct matcher *m)
{
    uint32_t fields = m->event.record->count;
    if (fields > m->folded_capacity) {
        m->folded_capacity = fields * 2;
        m->folded = mem_resize(m->folded, m->folded_capacity, sizeof(*m->folded));
    }
    memset(m->folded, 0, fields * sizeof(*m->folded));
    if (m->route->core->term_count > m->term_capacity) {
        m->term_capacity = m->route->core->term_count;
        m->terms = mem_resize(m->terms, m->term_capacity, sizeof(*m->terms));
        mem_free(m->term_seen);
        m->term_seen = mem_zeroed(m->term_capacity, sizeof(*m->term_seen));
    }
}

static void matcher_next_generation(struct matcher *m)
{
    if (++m->generation < UINT32_MAX / 2)
        return;
    memset(m->atom_states, 0, m->set->atom_count * sizeof(*m->atom_states));
    memset(m->rule_seen, 0, m->set->rules->count * sizeof(*m->rule_seen));
    memset(m->term_seen, 0, m->term_capacity * sizeof(*m->term_seen));
    m->generation = 1;
}

/* Insertion sort: a handful of findings at most. */
static void rules_sort(uint32_t *rules, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        for (uint32_t k = i; k > 0 && rules[k - 1] > rules[k]; k--) {
            uint32_t swap = rules[k];
            rules[k] = rules[k - 1];
            rules[k - 1] = swap;
        }
}

static int number_order(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static bool rule_holds_timed(struct matcher *m, uint32_t rule)
{
    uint64_t start = rule_burden_ticks(m->burden);
    bool yes = node_true(m, &m->set->nodes[m->set->programs[rule].root]);
    rule_burden_add(m->burden, rule, rule_burden_ticks(m->burden) - start);
    return yes;
}

/* What is evaluated for one event: timed by turns, and passing over what is suspended. */
static uint32_t candidates_judge_watched(struct matcher *m, const struct event_source *source)
{
    const struct ruleset *set = m->set;
    const atomic_bool *suspended = rule_burden_flags(m->burden);
    bool timed = burden_turn_next(&m->burden_turn);
    uint32_t found = 0;
    for (uint32_t i = 0; i < m->candidate_count; i++) {
        uint32_t rule = m->candidates[i];
        uint64_t limits = m->stats.regex_limits;
        if ((source && source_rules_out(set, source, rule)) ||
            (suspended && atomic_load_explicit(&suspended[rule], memory_order_relaxed)))
            continue;
        if (timed ? rule_holds_timed(m, rule) : node_true(m, &set->nodes[set->programs[rule].root]))
            m->found[found++] = rule;
        if (m->stats.regex_limits != limits)
            rule_burden_limit(m->burden, rule);
    }
    return found;
}

static uint32_t candidates_judge_plain(struct matcher *m, const struct event_source *source)
{
    const struct ruleset *set = m->set;
    uint32_t found = 0;
    for (uint32_t i = 0; i < m->candidate_count; i++) {
        uint32_t rule = m->candidates[i];
        if (source && source_rules_out(set, source, rule))
            continue;
        if (node_true(m, &set->nodes[set->programs[rule].root]))
            m->found[found++] = rule;
    }
    return found;
}

static uint32_t candidates_judge(struct matcher *m)
{
    struct event_source source, *asked = NULL;
    if (m->route->check_source) {
        matcher_source(m, &source);
        asked = &source;
    }
    uint32_t found =
        m->burden ? candidates_judge_watched(m, asked) : candidates_judge_plain(m, asked);
    m->stats.candidates += m->candidate_count;
    if (found > 32)
        qsort(m->found, found, sizeof(*m->found), number_order);
    else
        rules_sort(m->found, found);
    return found;
}

uint32_t matcher_run(struct matcher *m, struct record *record, const uint32_t **rules)
{
    struct ruleset *set = m->set;
    event_bind(&m->event, record);
    m->event.mapping = mapping_select(set->mappings, &m->event);
    if (m->event.mapping)
        mapping_derive(set->mappings, &m->event, m->mapping_scratch, &m->stats.regex_limits);
    m->route = matcher_route(m);
    arena_reset(&m->folds);
    matcher_reserve(m);
    matcher_next_generation(m);
    m->candidate_count = 0;
    fields_scan(m);
    candidates_add(m, m->route->core->always, m->route->core->always_count);
    m->stats.events++;
    *rules = m->found;
    return candidates_judge(m);
}

static uint32_t matched_add(struct matcher *m, uint32_t number, struct matched_field *out,
                            uint32_t count)
{
    const struct predicate *p = m->set->atoms[number].predicate;
    uint32_t field = p->kind == PREDICATE_NULL ? EVENT_NO_FIELD : matcher_atom_field(m, number);
    if (field == EVENT_NO_FIELD || count == MATCHED_FIELDS_MAX)
        return count;
    struct field *f = &m->event.record->fields[field];
    struct slice name = p->keyword ? f->name : p->field;
    for (uint32_t i = 0; i < count; i++)
        if (slice_equal(out[i].name, name))
            return count;
    out[count] = (struct matched_field){name, record_text(m->event.record, f)};
    return count + 1;
}

/* What is true on the way down: all of an AND, the first of an OR, nothing under a NOT. */
static uint32_t node_matched(struct matcher *m, const struct node *node, struct matched_field *out,
                             uint32_t count)
{
    const struct node *children = m->set->nodes + node->arg;
    if (node->kind == NODE_ATOM)
        return matched_add(m, node->arg, out, count);
    if (node->kind == NODE_AND)
        for (uint32_t i = 0; i < node->count; i++)
            count = node_matched(m, &children[i], out, count);
    if (node->kind == NODE_OR)
        for (uint32_t i = 0; i < node->count; i++)
            if (node_true(m, &children[i]))
                return node_matched(m, &children[i], out, count);
    return count;
}

uint32_t matcher_matched(struct matcher *m, uint32_t rule,
                         struct matched_field out[MATCHED_FIELDS_MAX])
{
    return node_matched(m, &m->set->nodes[m->set->programs[rule].root], out, 0);
}

int64_t matcher_time(struct matcher *m, int64_t near_ns)
{
    return mapping_time(m->set->mappings, &m->event, m->set->options.zone, near_ns);
}

struct slice matcher_host(struct matcher *m)
{
    return mapping_host(m->set->mappings, &m->event);
}

struct slice matcher_value(struct matcher *m, struct slice field)
{
    struct map_entry *slot = map_find(&m->set->slot_of_field, field);
    if (!slot)
        return (struct slice){0};
    struct slot_walk walk = slot_walk_begin(m, (uint32_t)slot->value);
    while (slot_walk_next(m, &walk)) {
        struct field *f = &m->event.record->fields[walk.field];
        if (field_has_text(f))
            return record_text(m->event.record, f);
    }
    return (struct slice){0};
}

bool matcher_found(struct matcher *m, struct mapping_found *out)
{
    return mapping_found(&m->event, out);
}

const struct mapping *matcher_mapping(const struct matcher *m)
{
    return m->event.mapping;
}

void matcher_count(const struct matcher *m, struct matcher_stats *out)
{
    *out = m->stats;
}
