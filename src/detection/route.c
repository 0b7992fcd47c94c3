#include "detection/route.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"

bool source_contradicts(const struct event_source *source, const struct logsource *rule)
{
    if (rule->product.len && source->product.len && !slice_equal(rule->product, source->product))
        return true;
    if (rule->service.len && source->service.len && !slice_equal(rule->service, source->service))
        return true;
    if (rule->category.len == 0)
        return false;
    for (uint32_t i = 0; i < source->category_count; i++)
        if (slice_equal(rule->category, source->categories[i]))
            return false;
    return source->category_count > 0 || source->categories_known;
}

/* Each dimension that the rule names is known, and the same. */
static bool source_confirms(const struct event_source *source, const struct logsource *rule)
{
    bool category = rule->category.len == 0;
    for (uint32_t i = 0; i < source->category_count; i++)
        category = category || slice_equal(rule->category, source->categories[i]);
    return category && (rule->product.len == 0 || slice_equal(rule->product, source->product)) &&
           (rule->service.len == 0 || slice_equal(rule->service, source->service));
}

bool source_rules_out(const struct ruleset *set, const struct event_source *source, uint32_t rule)
{
    const struct logsource *logsource = &set->rules->rules[rule]->logsource;
    return source_contradicts(source, logsource) ||
           (set->programs[rule].holds_of_nothing && !set->options.trusting &&
            !source_confirms(source, logsource));
}

static int pending_order(const void *a, const void *b)
{
    const struct pending *x = a, *y = b;
    const struct witness *v = x->witness, *w = y->witness;
    if (v->slot != w->slot)
        return v->slot < w->slot ? -1 : 1;
    if (v->kind != w->kind)
        return v->kind < w->kind ? -1 : 1;
    if (v->kind == WITNESS_TERM && v->term != w->term)
        return v->term < w->term ? -1 : 1;
    int order = v->kind == WITNESS_TERM ? slice_compare(v->text, w->text) : 0;
    if (order == 0 && v->kind == WITNESS_TERM && v->atom != w->atom)
        order = v->atom < w->atom ? -1 : 1;
    return order ? order : (x->rule > y->rule) - (x->rule < y->rule);
}

static bool same_term(const struct witness *v, const struct witness *w)
{
    return v->slot == w->slot && v->kind == w->kind &&
           (v->kind == WITNESS_PRESENT ||
            (v->term == w->term && v->atom == w->atom && slice_equal(v->text, w->text)));
}

struct building {
    struct ruleset *set;
    struct route_core *core;
    struct pending *pending;
    uint32_t pending_count;
    uint32_t rule_count; /* of core->rules */
};

static uint32_t target_of(struct building *b, uint32_t slot)
{
    if (slot == 0)
        return 0;
    if (!b->core->target_of_slot[slot])
        b->core->target_of_slot[slot] = b->core->target_count++;
    return b->core->target_of_slot[slot];
}

static uint32_t rules_of_run(struct building *b, uint32_t from, uint32_t to)
{
    uint32_t first = b->rule_count;
    for (uint32_t i = from; i < to; i++)
        if (b->pending[i].rule < RULE_CLOSELY)
            b->core->rules[b->rule_count++] = b->pending[i].rule;
    return first;
}

static void route_add_run(struct building *b, uint32_t from, uint32_t to)
{
    const struct witness *w = b->pending[from].witness;
    struct route_core *core = b->core;
    struct route_target *target = &core->targets[target_of(b, w->slot)];
    if (w->kind == WITNESS_PRESENT) {
        target->rule_first = rules_of_run(b, from, to);
        target->rule_count = b->rule_count - target->rule_first;
        return;
    }
    if (!target->index)
        target->index = field_index_open(&core->arena);
    if (w->slot == 0)
        core->has_keywords = true;
    struct route_term *term = &core->terms[core->term_count];
    *term = (struct route_term){
        .atom = w->atom, .rule_first = rules_of_run(b, from, to), .target = target_of(b, w->slot)};
    term->rule_count = b->rule_count - term->rule_first;
    field_index_add(target->index, w->term, w->text, core->term_count++);
    if (w->atom != ATOM_NONE)
        core->atom_decided[w->atom / 64] |= (uint64_t)1 << (w->atom % 64);
}

/* From slots to the names that events carry under a mapping. */
static void route_bind_names(const struct ruleset *set, struct route *route)
{
    const uint32_t *target_of_slot = route->core->target_of_slot;
    uint32_t names = name_count(set->names);
    uint32_t *counts = mem_zeroed(names, sizeof(*counts)), total = 1;
    for (uint32_t s = 1; s < set->slot_count; s++)
        for (uint32_t i = 0; target_of_slot[s] && i < route->slot_names[s].count; i++)
            counts[route->slot_names[s].names[i]]++;
    route->target_of_name = arena_zeroed(&route->arena, names, sizeof(*route->target_of_name));
    for (uint32_t n = 0; n < names; n++)
        if (counts[n]) {
            check(total + counts[n] + 1 <= UINT16_MAX);
            route->target_of_name[n] = (uint16_t)total;
            total += counts[n] + 1;
        }
    route->target_lists = arena_zeroed(&route->arena, total, sizeof(*route->target_lists));
    memset(counts, 0, names * sizeof(*counts));
    for (uint32_t s = 1; s < set->slot_count; s++)
        for (uint32_t i = 0; target_of_slot[s] && i < route->slot_names[s].count; i++) {
            uint16_t name = route->slot_names[s].names[i];
            route->target_lists[route->target_of_name[name] + counts[name]++] =
                (uint16_t)target_of_slot[s];
        }
    mem_free(counts);
}

static bool rule_allowed(const uint64_t *bits, uint32_t rule)
{
    return bits[rule / 64] >> (rule % 64) & 1;
}

/* Whole values, heads and tails cost the index next to nothing, so all that the rules ask are in
 * it, and evaluating a rule finds their truth there. */
static bool atom_is_cheap(const struct atom *atom)
{
    return atom->is_plain && (atom->kind == PREDICATE_EQUALS ||
                              (atom->text.len > 0 && (atom->kind == PREDICATE_STARTSWITH ||
                                                      atom->kind == PREDICATE_ENDSWITH)));
}

/* Stored values are looked at once each, whatever number of events have them: there substrings are
 * worth deciding as well. */
static bool atom_is_substring(const struct atom *atom)
{
    return atom->is_plain && atom->kind == PREDICATE_CONTAINS && atom->text.len > 0;
}

static void node_mark(const struct ruleset *set, const struct node *node, bool closely,
                      uint64_t *marks)
{
    if (node->kind == NODE_ATOM) {
        const struct atom *atom = &set->atoms[node->arg];
        if (atom_is_cheap(atom) || (closely && atom_is_substring(atom)))
            marks[node->arg / 64] |= (uint64_t)1 << (node->arg % 64);
        return;
    }
    for (uint32_t i = 0; i < node->count; i++)
        node_mark(set, &set->nodes[node->arg + i], closely, marks);
}

/* All witnesses and all cheap atoms of the rule set, in the order in which terms are entered:
 * sorted once, so that each core only has to pick its own. */
static void pending_sort(struct ruleset *set)
{
    uint32_t total = set->atom_count;
    for (uint32_t r = 0; r < set->rules->count; r++)
        total += set->programs[r].witness_count;
    set->pending = mem_zeroed(total, sizeof(*set->pending));
    for (uint32_t r = 0; r < set->rules->count; r++)
        for (uint32_t i = 0; i < set->programs[r].witness_count; i++)
            set->pending[set->pending_count++] =
                (struct pending){&set->programs[r].witnesses[i], r};
    for (uint32_t a = 0; a < set->atom_count; a++) {
        bool cheap = atom_is_cheap(&set->atoms[a]);
        if (set->options.plain || (!cheap && !atom_is_substring(&set->atoms[a])))
            continue;
        struct witness *w = arena_alloc(&set->arena, sizeof(*w));
        *w = (struct witness){.kind = WITNESS_TERM,
                              .slot = set->atoms[a].slot,
                              .atom = a,
                              .term = (enum predicate_kind)set->atoms[a].kind,
                              .text = set->atoms[a].text};
        set->pending[set->pending_count++] = (struct pending){w, cheap ? RULE_NONE : RULE_CLOSELY};
    }
    if (set->pending_count)
        qsort(set->pending, set->pending_count, sizeof(*set->pending), pending_order);
}

static void gather_always(struct building *b, const uint64_t *allowed)
{
    struct ruleset *set = b->set;
    uint32_t always = 0;
    for (uint32_t r = 0; r < set->rules->count; r++)
        always += rule_allowed(allowed, r) && set->programs[r].witness_count == 0;
    b->core->always = arena_alloc(&b->core->arena, always * sizeof(uint32_t));
    for (uint32_t r = 0; r < set->rules->count; r++)
        if (rule_allowed(allowed, r) && set->programs[r].witness_count == 0)
            b->core->always[b->core->always_count++] = r;
}

static void route_gather(struct building *b, const uint64_t *allowed, bool closely)
{
    struct ruleset *set = b->set;
    uint64_t *marks = mem_zeroed(set->atom_count / 64 + 1, sizeof(*marks));
    for (uint32_t r = 0; r < set->rules->count; r++)
        if (rule_allowed(allowed, r))
            node_mark(set, &set->nodes[set->programs[r].root], closely, marks);
    gather_always(b, allowed);
    b->pending = mem_zeroed(set->pending_count, sizeof(*b->pending));
    for (uint32_t i = 0; i < set->pending_count; i++) {
        const struct pending *p = &set->pending[i];
        uint32_t atom = p->witness->atom;
        if (p->rule >= RULE_CLOSELY ? marks[atom / 64] >> (atom % 64) & 1
                                    : rule_allowed(allowed, p->rule))
            b->pending[b->pending_count++] = *p;
    }
    mem_free(marks);
}

static struct route_core *core_build(struct ruleset *set, const uint64_t *allowed, bool closely)
{
    struct route_core *core = mem_zeroed(1, sizeof(*core));
    struct building b = {.set = set, .core = core};
    route_gather(&b, allowed, closely);
    core->target_of_slot =
        arena_zeroed(&core->arena, set->slot_count, sizeof(*core->target_of_slot));
    core->target_count = 1;
    core->targets = arena_zeroed(&core->arena, set->slot_count + 1, sizeof(*core->targets));
    core->terms = arena_alloc(&core->arena, b.pending_count * sizeof(*core->terms));
    core->rules = arena_alloc(&core->arena, b.pending_count * sizeof(*core->rules));
    core->atom_decided = arena_zeroed(&core->arena, set->atom_count / 64 + 1, sizeof(uint64_t));
    for (uint32_t from = 0, to; from < b.pending_count; from = to) {
        for (to = from + 1; to < b.pending_count; to++)
            if (!same_term(b.pending[from].witness, b.pending[to].witness))
                break;
        route_add_run(&b, from, to);
    }
    for (uint32_t t = 0; t < core->target_count; t++)
        if (core->targets[t].index)
            field_index_finish(core->targets[t].index, &core->arena);
    mem_free(b.pending);
    core->number = set->core_count;
    set->cores[set->core_count++] = core;
    return core;
}

void route_core_close(struct route_core **core)
{
    if (!*core)
        return;
    arena_free(&(*core)->arena);
    mem_free(*core);
    *core = NULL;
}

void route_close(struct route **route)
{
    if (!*route)
        return;
    arena_free(&(*route)->arena);
    mem_free(*route);
    *route = NULL;
}

static void *known_of(const struct map *map, const struct buf *key)
{
    struct map_entry *known = map_find(map, buf_as_slice(key));
    return known ? (void *)(uintptr_t)known->value : NULL;
}

static void known_add(struct ruleset *set, struct map *map, const struct buf *key, void *value)
{
    (void)map_put(map, arena_copy(&set->arena, buf_as_slice(key)), (uint64_t)(uintptr_t)value,
                  NULL);
}

/* The core for these rules, shared by all sources that leave the same ones. NULL: no room for more.
 */
static struct route_core *core_of(struct ruleset *set, const uint64_t *allowed, bool closely)
{
    struct buf key = {0};
    buf_append(&key, allowed, (set->rules->count / 64 + 1) * sizeof(*allowed));
    buf_char(&key, closely ? 'c' : ' ');
    struct route_core *core = known_of(&set->cores_by_rules, &key);
    if (!core && set->core_count < RULESET_ROUTES_MAX) {
        core = core_build(set, allowed, closely);
        known_add(set, &set->cores_by_rules, &key, core);
    }
    buf_free(&key);
    return core;
}

/* The rules that source does not contradict; NULL: all. */
static uint64_t *rules_allowed(const struct ruleset *set, const struct event_source *source)
{
    uint64_t *allowed = mem_zeroed(set->rules->count / 64 + 1, sizeof(*allowed));
    for (uint32_t r = 0; r < set->rules->count; r++)
        if (set->programs[r].root != UINT32_MAX && !(source && source_rules_out(set, source, r)))
            allowed[r / 64] |= (uint64_t)1 << (r % 64);
    return allowed;
}

static struct route_core *core_of_all(struct ruleset *set)
{
    uint64_t *allowed = rules_allowed(set, NULL);
    if (!set->core_of_all)
        set->core_of_all = core_of(set, allowed, false);
    if (!set->core_of_all)
        set->core_of_all = core_build(set, allowed, false);
    mem_free(allowed);
    return set->core_of_all;
}

void route_prepare(struct ruleset *set)
{
    pending_sort(set);
    if (!set->options.routing)
        (void)core_of_all(set);
}

/* core under the names of mapping: made once, at most one for each core and mapping. */
static struct route *route_of(struct ruleset *set, const struct mapping *mapping,
                              const struct route_core *core, bool check_source)
{
    struct buf key = {0};
    uint32_t index = mapping ? mapping->index : 0;
    buf_printf(&key, "%u %u %d", core->number, index, check_source);
    struct route *route = known_of(&set->routes_by_core, &key);
    if (!route) {
        route = mem_zeroed(1, sizeof(*route));
        route->core = core;
        route->slot_names = set->slot_names[index];
        route->check_source = check_source;
        route_bind_names(set, route);
        known_add(set, &set->routes_by_core, &key, route);
    }
    buf_free(&key);
    return route;
}

static struct route *route_make(struct ruleset *set, const struct mapping *mapping,
                                const struct event_source *source)
{
    if (!set->options.routing)
        return route_of(set, mapping, core_of_all(set), false);
    uint64_t *allowed = rules_allowed(set, source);
    const struct route_core *core = core_of(set, allowed, false);
    mem_free(allowed);
    return core ? route_of(set, mapping, core, false)
                : route_of(set, mapping, core_of_all(set), true);
}

static void source_key(struct buf *key, const struct mapping *mapping,
                       const struct event_source *source, bool routing)
{
    buf_printf(key, "%u", mapping ? mapping->index : 0u);
    if (!routing)
        return;
    buf_printf(key, "|%.*s|%.*s|%d", (int)source->product.len, source->product.data,
               (int)source->service.len, source->service.data, source->categories_known);
    for (uint32_t i = 0; i < source->category_count; i++)
        buf_printf(key, "|%.*s", (int)source->categories[i].len, source->categories[i].data);
}

enum { SOURCES_MAX = 65536, SOURCE_KEY_BYTES_MAX = 1024 };

const struct route *route_get(struct ruleset *set, const struct mapping *mapping,
                              const struct event_source *source)
{
    struct buf key = {0};
    source_key(&key, mapping, source, set->options.routing);
    check(pthread_mutex_lock(&set->route_lock) == 0);
    struct route *route = known_of(&set->routes, &key);
    if (!route) {
        route = route_make(set, mapping, source);
        if (set->routes.count < SOURCES_MAX && key.len <= SOURCE_KEY_BYTES_MAX)
            known_add(set, &set->routes, &key, route);
    }
    check(pthread_mutex_unlock(&set->route_lock) == 0);
    buf_free(&key);
    return route;
}

/* By slot: every name that stands for it under any mapping. */
static struct name_list *union_slot_names(struct ruleset *set)
{
    uint32_t mappings = mapping_set_count(set->mappings);
    struct name_list *lists = arena_zeroed(&set->arena, set->slot_count, sizeof(*lists));
    bool *seen = mem_zeroed(name_count(set->names), sizeof(*seen));
    for (uint32_t s = 1; s < set->slot_count; s++) {
        uint32_t room = 0;
        for (uint32_t m = 0; m <= mappings; m++)
            room += set->slot_names[m][s].count;
        lists[s].names = arena_alloc(&set->arena, (room + 1) * sizeof(*lists[s].names));
        for (uint32_t m = 0; m <= mappings; m++)
            for (uint32_t i = 0; i < set->slot_names[m][s].count; i++) {
                uint16_t name = set->slot_names[m][s].names[i];
                if (!seen[name])
                    lists[s].names[lists[s].count++] = name;
                seen[name] = true;
            }
        for (uint32_t i = 0; i < lists[s].count; i++)
            seen[lists[s].names[i]] = false;
    }
    mem_free(seen);
    return lists;
}

const struct route *route_union(struct ruleset *set, const uint64_t *rules)
{
    struct buf key = {0};
    uint64_t *allowed = rules_allowed(set, NULL);
    for (uint32_t i = 0; rules && i <= set->rules->count / 64; i++)
        allowed[i] &= rules[i];
    check(pthread_mutex_lock(&set->route_lock) == 0);
    const struct route_core *core = rules ? core_of(set, allowed, true) : NULL;
    if (!core)
        core = core_of_all(set);
    mem_free(allowed);
    buf_printf(&key, "union %u", core->number);
    struct route *route = known_of(&set->routes_by_core, &key);
    if (!route) {
        if (!set->union_names)
            set->union_names = union_slot_names(set);
        route = mem_zeroed(1, sizeof(*route));
        route->core = core;
        route->slot_names = set->union_names;
        route_bind_names(set, route);
        known_add(set, &set->routes_by_core, &key, route);
    }
    check(pthread_mutex_unlock(&set->route_lock) == 0);
    buf_free(&key);
    return route;
}
