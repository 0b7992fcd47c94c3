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

/* One witness with the rule that it speaks for; sorting brings equal terms together. RULE_NONE: the
 * term is only there to decide its atom. */
struct pending {
    const struct witness *witness;
    uint32_t rule;
};

#define RULE_NONE UINT32_MAX

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
    struct route *route;
    struct pending *pending;
    uint32_t pending_count;
    uint32_t rule_count;      /* of route->rules */
    uint32_t *target_of_slot; /* by slot: its target, 0: none */
};

static uint32_t target_of(struct building *b, uint32_t slot)
{
    if (slot == 0)
        return 0;
    if (!b->target_of_slot[slot])
        b->target_of_slot[slot] = b->route->target_count++;
    return b->target_of_slot[slot];
}

static uint32_t rules_of_run(struct building *b, uint32_t from, uint32_t to)
{
    uint32_t first = b->rule_count;
    for (uint32_t i = from; i < to; i++)
        if (b->pending[i].rule != RULE_NONE)
            b->route->rules[b->rule_count++] = b->pending[i].rule;
    return first;
}

static void route_add_run(struct building *b, uint32_t from, uint32_t to)
{
    const struct witness *w = b->pending[from].witness;
    struct route *route = b->route;
    struct route_target *target = &route->targets[target_of(b, w->slot)];
    if (w->kind == WITNESS_PRESENT) {
        target->rule_first = rules_of_run(b, from, to);
        target->rule_count = b->rule_count - target->rule_first;
        return;
    }
    if (!target->index)
        target->index = field_index_open(&route->arena);
    if (w->slot == 0)
        route->has_keywords = true;
    struct route_term *term = &route->terms[route->term_count];
    *term = (struct route_term){.atom = w->atom, .rule_first = rules_of_run(b, from, to)};
    term->rule_count = b->rule_count - term->rule_first;
    field_index_add(target->index, w->term, w->text, route->term_count++);
    if (w->atom != ATOM_NONE)
        route->atom_decided[w->atom / 64] |= (uint64_t)1 << (w->atom % 64);
}

/* From slots to the names that events carry under this mapping. */
static void route_bind_names(struct building *b)
{
    struct route *route = b->route;
    uint32_t names = name_count(b->set->names);
    uint32_t *counts = mem_zeroed(names, sizeof(*counts)), total = 1;
    for (uint32_t s = 1; s < b->set->slot_count; s++)
        for (uint32_t i = 0; b->target_of_slot[s] && i < route->slot_names[s].count; i++)
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
    for (uint32_t s = 1; s < b->set->slot_count; s++)
        for (uint32_t i = 0; b->target_of_slot[s] && i < route->slot_names[s].count; i++) {
            uint16_t name = route->slot_names[s].names[i];
            route->target_lists[route->target_of_name[name] + counts[name]++] =
                (uint16_t)b->target_of_slot[s];
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

static void node_mark_cheap(const struct ruleset *set, const struct node *node, uint64_t *marks)
{
    if (node->kind == NODE_ATOM) {
        if (atom_is_cheap(&set->atoms[node->arg]))
            marks[node->arg / 64] |= (uint64_t)1 << (node->arg % 64);
        return;
    }
    for (uint32_t i = 0; i < node->count; i++)
        node_mark_cheap(set, &set->nodes[node->arg + i], marks);
}

/* Pending terms without rules for the marked atoms. */
static void gather_cheap(struct building *b, const uint64_t *marks)
{
    for (uint32_t a = 0; a < b->set->atom_count; a++) {
        if (!(marks[a / 64] >> (a % 64) & 1))
            continue;
        struct witness *w = arena_alloc(&b->route->arena, sizeof(*w));
        *w = (struct witness){.kind = WITNESS_TERM,
                              .slot = b->set->atoms[a].slot,
                              .atom = a,
                              .term = (enum predicate_kind)b->set->atoms[a].kind,
                              .text = b->set->atoms[a].text};
        b->pending[b->pending_count++] = (struct pending){w, RULE_NONE};
    }
}

static void route_gather(struct building *b, const uint64_t *allowed)
{
    struct ruleset *set = b->set;
    uint64_t *marks = mem_zeroed(set->atom_count / 64 + 1, sizeof(*marks));
    uint32_t total = 0, always = 0;
    for (uint32_t r = 0; r < set->rules->count; r++)
        if (rule_allowed(allowed, r)) {
            total += set->programs[r].witness_count;
            always += set->programs[r].witness_count == 0;
            if (!set->options.plain)
                node_mark_cheap(set, &set->nodes[set->programs[r].root], marks);
        }
    for (uint32_t w = 0; w <= set->atom_count / 64; w++)
        total += (uint32_t)__builtin_popcountll(marks[w]);
    b->pending = mem_zeroed(total, sizeof(*b->pending));
    b->route->always = arena_alloc(&b->route->arena, always * sizeof(uint32_t));
    for (uint32_t r = 0; r < set->rules->count; r++) {
        const struct program *program = &set->programs[r];
        if (!rule_allowed(allowed, r))
            continue;
        if (program->witness_count == 0)
            b->route->always[b->route->always_count++] = r;
        for (uint32_t i = 0; i < program->witness_count; i++)
            b->pending[b->pending_count++] = (struct pending){&program->witnesses[i], r};
    }
    gather_cheap(b, marks);
    mem_free(marks);
    qsort(b->pending, b->pending_count, sizeof(*b->pending), pending_order);
}

static struct route *route_build(struct ruleset *set, const struct mapping *mapping,
                                 const uint64_t *allowed)
{
    struct route *route = mem_zeroed(1, sizeof(*route));
    struct building b = {.set = set, .route = route};
    route->slot_names = set->slot_names[mapping ? mapping->index : 0];
    route_gather(&b, allowed);
    b.target_of_slot = mem_zeroed(set->slot_count, sizeof(*b.target_of_slot));
    route->target_count = 1;
    route->targets = arena_zeroed(&route->arena, set->slot_count + 1, sizeof(*route->targets));
    route->terms = arena_alloc(&route->arena, b.pending_count * sizeof(*route->terms));
    route->rules = arena_alloc(&route->arena, b.pending_count * sizeof(*route->rules));
    route->atom_decided = arena_zeroed(&route->arena, set->atom_count / 64 + 1, sizeof(uint64_t));
    for (uint32_t from = 0, to; from < b.pending_count; from = to) {
        for (to = from + 1; to < b.pending_count; to++)
            if (!same_term(b.pending[from].witness, b.pending[to].witness))
                break;
        route_add_run(&b, from, to);
    }
    for (uint32_t t = 0; t < route->target_count; t++)
        if (route->targets[t].index)
            field_index_finish(route->targets[t].index, &route->arena);
    route_bind_names(&b);
    mem_free(b.target_of_slot);
    mem_free(b.pending);
    return route;
}

void route_close(struct route **route)
{
    if (!*route)
        return;
    arena_free(&(*route)->arena);
    mem_free(*route);
    *route = NULL;
}

/* The route for these rules, shared by all sources that leave the same ones. NULL: no room for
 * more. */
static struct route *route_for_rules(struct ruleset *set, const struct mapping *mapping,
                                     const uint64_t *allowed, uint32_t words)
{
    struct buf key = {0};
    uint32_t index = mapping ? mapping->index : 0;
    buf_append(&key, &index, sizeof(index));
    buf_append(&key, allowed, words * sizeof(*allowed));
    struct map_entry *known = map_find(&set->routes_by_rules, buf_as_slice(&key));
    struct route *route = known ? (struct route *)(uintptr_t)known->value : NULL;
    if (!route && set->route_count < RULESET_ROUTES_MAX) {
        route = route_build(set, mapping, allowed);
        set->route_list[set->route_count++] = route;
        (void)map_put(&set->routes_by_rules, arena_copy(&set->arena, buf_as_slice(&key)),
                      (uint64_t)(uintptr_t)route, NULL);
    }
    buf_free(&key);
    return route;
}

static struct route *route_make(struct ruleset *set, const struct mapping *mapping,
                                const struct event_source *source)
{
    uint32_t words = set->rules->count / 64 + 1;
    uint64_t *allowed = mem_zeroed(words, sizeof(*allowed));
    for (uint32_t r = 0; r < set->rules->count; r++)
        if (set->programs[r].root != UINT32_MAX &&
            !(set->options.routing && source_contradicts(source, &set->rules->rules[r]->logsource)))
            allowed[r / 64] |= (uint64_t)1 << (r % 64);
    struct route *route = route_for_rules(set, mapping, allowed, words);
    mem_free(allowed);
    return route;
}

/* The last resort when there are more sources than routes: one more route, with every rule, under
 * no mapping's names but the mapping's own when it was seen before. */
static struct route *route_of_all(struct ruleset *set, const struct mapping *mapping)
{
    char text[32];
    int len = snprintf(text, sizeof(text), "all %u", mapping ? mapping->index : 0u);
    struct slice key = slice_make(text, (size_t)len);
    struct map_entry *known = map_find(&set->routes_by_rules, key);
    if (known)
        return (struct route *)(uintptr_t)known->value;
    uint32_t words = set->rules->count / 64 + 1;
    uint64_t *allowed = mem_zeroed(words, sizeof(*allowed));
    for (uint32_t r = 0; r < set->rules->count; r++)
        if (set->programs[r].root != UINT32_MAX)
            allowed[r / 64] |= (uint64_t)1 << (r % 64);
    struct route *route = route_build(set, mapping, allowed);
    route->check_source = set->options.routing;
    set->route_list[set->route_count++] = route;
    (void)map_put(&set->routes_by_rules, arena_copy(&set->arena, key), (uint64_t)(uintptr_t)route,
                  NULL);
    mem_free(allowed);
    return route;
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
    struct map_entry *known = map_find(&set->routes, buf_as_slice(&key));
    struct route *route = known ? (struct route *)(uintptr_t)known->value : NULL;
    if (!route) {
        route = route_make(set, mapping, source);
        if (!route)
            route = route_of_all(set, mapping);
        if (set->routes.count < SOURCES_MAX && key.len <= SOURCE_KEY_BYTES_MAX)
            (void)map_put(&set->routes, arena_copy(&set->arena, buf_as_slice(&key)),
                          (uint64_t)(uintptr_t)route, NULL);
    }
    check(pthread_mutex_unlock(&set->route_lock) == 0);
    buf_free(&key);
    return route;
}
