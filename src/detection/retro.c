#include "detection/retro.h"

#include "base/mem.h"
#include "base/text.h"
#include "detection/route.h"

struct retro {
    struct ruleset *set;
    bool asks_keywords;
    const struct route *route;
    struct buf folded;
    uint32_t generation;
    uint32_t *term_seen, *terms, *rule_seen, *rules;
    uint32_t rule_count;
    uint32_t *derived;
    uint64_t *target_masks, *atom_masks;
    uint32_t *tokens; /* of the newest value: terms, and term_count + target: the name is there */
    uint32_t token_count;
    uint32_t row_generation, candidate_count;
    uint32_t *atom_seen; /* row_generation << 1 | certain */
    uint32_t *row_seen, *candidates;
    uint32_t *slot_of_target;
};

struct retro *retro_open(struct ruleset *set, const uint64_t *rules)
{
    struct retro *r = mem_zeroed(1, sizeof(*r));
    r->set = set;
    r->route = route_union(set, rules);
    for (uint32_t i = 0; i < set->atom_count && !r->asks_keywords; i++)
        r->asks_keywords = set->atoms[i].predicate->keyword;
    r->term_seen = mem_zeroed(r->route->core->term_count + 1, sizeof(*r->term_seen));
    r->terms = mem_zeroed(r->route->core->term_count + 1, sizeof(*r->terms));
    r->rule_seen = mem_zeroed(set->rules->count + 1, sizeof(*r->rule_seen));
    r->rules = mem_zeroed(set->rules->count + 1, sizeof(*r->rules));
    r->target_masks = mem_zeroed(r->route->core->target_count + 1, sizeof(*r->target_masks));
    r->atom_masks = mem_zeroed(set->atom_count + 1, sizeof(*r->atom_masks));
    r->tokens = mem_zeroed(r->route->core->term_count + r->route->core->target_count + 1,
                           sizeof(*r->tokens));
    r->slot_of_target = mem_zeroed(r->route->core->target_count + 1, sizeof(*r->slot_of_target));
    for (uint32_t slot = 1; slot < set->slot_count; slot++)
        r->slot_of_target[r->route->core->target_of_slot[slot]] = slot;
    r->atom_seen = mem_zeroed(set->atom_count + 1, sizeof(*r->atom_seen));
    r->row_seen = mem_zeroed(set->rules->count + 1, sizeof(*r->row_seen));
    r->candidates = mem_zeroed(set->rules->count + 1, sizeof(*r->candidates));
    r->derived = mem_zeroed(set->rules->count + 1, sizeof(*r->derived));
    return r;
}

void retro_close(struct retro **out)
{
    struct retro *r = *out;
    if (!r)
        return;
    buf_free(&r->folded);
    mem_free(r->term_seen);
    mem_free(r->terms);
    mem_free(r->rule_seen);
    mem_free(r->rules);
    mem_free(r->derived);
    mem_free(r->target_masks);
    mem_free(r->atom_masks);
    mem_free(r->tokens);
    mem_free(r->slot_of_target);
    mem_free(r->atom_seen);
    mem_free(r->row_seen);
    mem_free(r->candidates);
    mem_free(r);
    *out = NULL;
}

static void node_weigh(struct retro *r, const struct node *node, uint64_t mask)
{
    if (node->kind == NODE_ATOM) {
        r->atom_masks[node->arg] |= mask;
        return;
    }
    for (uint32_t i = 0; i < node->count; i++)
        node_weigh(r, &r->set->nodes[node->arg + i], mask);
}

void retro_weigh(struct retro *r, const uint64_t *rule_masks)
{
    const struct route_core *core = r->route->core;
    const struct ruleset *set = r->set;
    memset(r->atom_masks, 0, set->atom_count * sizeof(*r->atom_masks));
    for (uint32_t rule = 0; rule < set->rules->count; rule++)
        if (set->programs[rule].root != UINT32_MAX)
            node_weigh(r, &set->nodes[set->programs[rule].root], rule_masks[rule]);
    for (uint32_t t = 0; t < core->target_count; t++) {
        r->target_masks[t] = 0;
        for (uint32_t i = 0; i < core->targets[t].rule_count; i++)
            r->target_masks[t] |= rule_masks[core->rules[core->targets[t].rule_first + i]];
    }
    for (uint32_t i = 0; i < core->term_count; i++) {
        const struct route_term *term = &core->terms[i];
        for (uint32_t k = 0; k < term->rule_count; k++)
            r->target_masks[term->target] |= rule_masks[core->rules[term->rule_first + k]];
        if (term->atom != ATOM_NONE)
            r->target_masks[term->target] |= r->atom_masks[term->atom];
    }
}

void retro_name(const struct retro *r, struct slice name, bool derived, struct retro_name *out)
{
    *out = (struct retro_name){.number = name_find(r->set->names, name),
                               .keywords = r->route->core->has_keywords && !derived};
    uint32_t list = out->number == NAME_NONE ? 0 : r->route->target_of_name[out->number];
    out->asked = out->keywords || list;
    out->mask = out->keywords ? r->target_masks[0] : 0;
    for (const uint16_t *t = &r->route->target_lists[list]; list && *t; t++)
        out->mask |= r->target_masks[*t];
}

static void rules_raise(struct retro *r, uint32_t first, uint32_t count)
{
    const uint32_t *rules = r->route->core->rules + first;
    for (uint32_t i = 0; i < count; i++) {
        if (r->rule_seen[rules[i]] == r->generation)
            continue;
        r->rule_seen[rules[i]] = r->generation;
        r->rules[r->rule_count++] = rules[i];
    }
}

static void target_ask(struct retro *r, uint32_t number, bool has_text, struct slice folded)
{
    const struct route_core *core = r->route->core;
    const struct route_target *target = &core->targets[number];
    rules_raise(r, target->rule_first, target->rule_count);
    if (target->rule_count)
        r->tokens[r->token_count++] = core->term_count + number;
    if (!target->index || !has_text)
        return;
    uint32_t count =
        field_index_scan(target->index, folded, r->term_seen, r->generation, r->terms, 0);
    for (uint32_t i = 0; i < count; i++) {
        rules_raise(r, core->terms[r->terms[i]].rule_first, core->terms[r->terms[i]].rule_count);
        r->tokens[r->token_count++] = r->terms[i];
    }
}

static void retro_next_generation(struct retro *r)
{
    r->rule_count = r->token_count = 0;
    if (++r->generation)
        return;
    memset(r->term_seen, 0, (r->route->core->term_count + 1) * sizeof(*r->term_seen));
    memset(r->rule_seen, 0, (r->set->rules->count + 1) * sizeof(*r->rule_seen));
    r->generation = 1;
}

uint32_t retro_value(struct retro *r, const struct retro_name *name, enum value_kind kind,
                     struct slice text, const uint32_t **rules)
{
    bool has_text = kind != VALUE_NULL && kind != VALUE_OBJECT;
    struct slice folded = {"", 0};
    retro_next_generation(r);
    if (has_text) {
        buf_clear(&r->folded);
        buf_reserve(&r->folded, text_fold_room(text.len) + LITERAL_PADDING);
        folded = slice_make(r->folded.data, text_fold(r->folded.data, text));
        memset(r->folded.data + folded.len, 0, LITERAL_PADDING);
    }
    if (name->keywords && has_text)
        target_ask(r, 0, true, folded);
    uint32_t list = r->route->target_of_name[name->number];
    if (name->number != NAME_NONE && list)
        for (const uint16_t *t = &r->route->target_lists[list]; *t; t++)
            target_ask(r, *t, has_text, folded);
    *rules = r->rules;
    return r->rule_count;
}

uint32_t retro_tokens(const struct retro *r, const uint32_t **tokens)
{
    *tokens = r->tokens;
    return r->token_count;
}

void retro_row_begin(struct retro *r)
{
    r->candidate_count = 0;
    if (++r->row_generation < UINT32_MAX / 2)
        return;
    memset(r->atom_seen, 0, r->set->atom_count * sizeof(*r->atom_seen));
    memset(r->row_seen, 0, r->set->rules->count * sizeof(*r->row_seen));
    r->row_generation = 1;
}

static void candidates_add(struct retro *r, uint32_t first, uint32_t count)
{
    const uint32_t *rules = r->route->core->rules + first;
    for (uint32_t i = 0; i < count; i++) {
        if (r->row_seen[rules[i]] == r->row_generation)
            continue;
        r->row_seen[rules[i]] = r->row_generation;
        r->candidates[r->candidate_count++] = rules[i];
    }
}

void retro_row_add(struct retro *r, const uint32_t *tokens, uint32_t count, bool exact)
{
    const struct route_core *core = r->route->core;
    for (uint32_t i = 0; i < count; i++) {
        if (tokens[i] >= core->term_count) {
            const struct route_target *target = &core->targets[tokens[i] - core->term_count];
            candidates_add(r, target->rule_first, target->rule_count);
            continue;
        }
        const struct route_term *term = &core->terms[tokens[i]];
        if (term->atom != ATOM_NONE) {
            uint32_t *seen = &r->atom_seen[term->atom];
            bool before = *seen >> 1 == r->row_generation && *seen & 1;
            *seen = r->row_generation << 1 | (exact || before);
        }
        candidates_add(r, term->rule_first, term->rule_count);
    }
}

static bool node_possible(const struct retro *r, const struct node *node);

static bool node_certain(const struct retro *r, const struct node *node)
{
    const struct node *children = r->set->nodes + node->arg;
    switch (node->kind) {
    case NODE_ATOM:
        return r->atom_seen[node->arg] == (r->row_generation << 1 | 1);
    case NODE_NOT:
        return !node_possible(r, children);
    case NODE_AND:
        for (uint32_t i = 0; i < node->count; i++)
            if (!node_certain(r, &children[i]))
                return false;
        return true;
    default:
        for (uint32_t i = 0; i < node->count; i++)
            if (node_certain(r, &children[i]))
                return true;
        return false;
    }
}

/* What is not decided by the values' terms is possible, and never certain. */
static bool node_possible(const struct retro *r, const struct node *node)
{
    const struct node *children = r->set->nodes + node->arg;
    switch (node->kind) {
    case NODE_ATOM:
        return r->atom_seen[node->arg] >> 1 == r->row_generation ||
               !route_decides(r->route, node->arg);
    case NODE_NOT:
        return !node_certain(r, children);
    case NODE_AND:
        for (uint32_t i = 0; i < node->count; i++)
            if (!node_possible(r, &children[i]))
                return false;
        return true;
    default:
        for (uint32_t i = 0; i < node->count; i++)
            if (node_possible(r, &children[i]))
                return true;
        return false;
    }
}

bool retro_row_possible(struct retro *r, const uint64_t *masks, uint64_t bits)
{
    for (uint32_t i = 0; i < r->candidate_count; i++) {
        uint32_t rule = r->candidates[i];
        if (masks[rule] & bits && node_possible(r, &r->set->nodes[r->set->programs[rule].root]))
            return true;
    }
    return false;
}

uint16_t retro_mapping(const struct retro *r, struct slice id)
{
    for (uint32_t i = 1; id.len && i <= mapping_set_count(r->set->mappings); i++)
        if (slice_equal(mapping_set_get(r->set->mappings, i)->id, id))
            return (uint16_t)i;
    return 0;
}

bool retro_name_exact(const struct retro *r, const struct retro_name *name, uint16_t mapping)
{
    uint32_t list = name->number == NAME_NONE ? 0 : r->route->target_of_name[name->number];
    for (const uint16_t *t = &r->route->target_lists[list]; list && *t; t++) {
        const struct name_list *names = &r->set->slot_names[mapping][r->slot_of_target[*t]];
        bool found = false;
        for (uint32_t i = 0; i < names->count && !found; i++)
            found = names->names[i] == name->number;
        if (!found)
            return false;
    }
    return true;
}

const uint32_t *retro_always(const struct retro *r, uint32_t *count)
{
    *count = r->route->core->always_count;
    return r->route->core->always;
}

void retro_sources(const struct retro *r, const struct event_source *sources, uint32_t count,
                   uint64_t *masks)
{
    const struct ruleset *set = r->set;
    for (uint32_t rule = 0; rule < set->rules->count; rule++) {
        masks[rule] = 0;
        for (uint32_t s = 0; s < count; s++)
            if (!set->options.routing || !source_rules_out(set, &sources[s], rule))
                masks[rule] |= (uint64_t)1 << s;
    }
}

struct derived_names {
    bool *marks; /* by name's number */
    bool any;
    const struct name_table *names;
};

static void derived_mark(void *context, struct slice name)
{
    struct derived_names *d = context;
    if (name.len == 0)
        d->any = true;
    else
        d->marks[name_find(d->names, name)] = true;
}

static bool slot_marked(const struct retro *r, uint32_t slot, const struct derived_names *d)
{
    const struct name_list *names = &r->route->slot_names[slot];
    for (uint32_t i = 0; i < names->count; i++)
        if (d->marks[names->names[i]])
            return true;
    return false;
}

const uint32_t *retro_derived(struct retro *r, retro_has_name *has_name, void *context,
                              uint32_t *count)
{
    struct derived_names d = {mem_zeroed(name_count(r->set->names), sizeof(*d.marks)), false,
                              r->set->names};
    mapping_derived_names(r->set->mappings, has_name, context, derived_mark, &d);
    d.marks[NAME_NONE] = false;
    *count = 0;
    for (uint32_t rule = 0; rule < r->set->rules->count; rule++) {
        const struct program *p = &r->set->programs[rule];
        bool found = d.any && p->root != UINT32_MAX;
        for (uint32_t i = 0; i < p->witness_count && !found; i++)
            found = slot_marked(r, p->witnesses[i].slot, &d);
        if (found)
            r->derived[(*count)++] = rule;
    }
    mem_free(d.marks);
    return r->derived;
}

bool retro_needs(const struct retro *r, struct slice name)
{
    return r->asks_keywords || name_find(r->set->names, name) != NAME_NONE;
}

static bool witness_possible(const struct retro *r, const struct witness *w,
                             const struct retro_presence *p)
{
    const struct name_list *names = &r->route->slot_names[w->slot];
    double number = 0;
    bool equals = w->kind == WITNESS_TERM && w->term == PREDICATE_EQUALS;
    bool is_number = w->kind == WITNESS_TERM && w->term == PREDICATE_NUMBER &&
                     predicate_number_of(w->text, &number);
    if (w->slot == 0)
        return true;
    for (uint32_t i = 0; i < names->count; i++) {
        uint16_t name = names->names[i];
        if (equals      ? p->has_text(p->context, name, w->text)
            : is_number ? p->has_number(p->context, name, number)
                        : p->has_name(p->context, name))
            return true;
    }
    return false;
}

bool retro_prunes(const struct retro *r, const struct retro_presence *presence)
{
    for (uint32_t rule = 0; rule < r->set->rules->count; rule++) {
        const struct program *p = &r->set->programs[rule];
        if (p->root == UINT32_MAX)
            continue;
        if (p->witness_count == 0)
            return false;
        for (uint32_t i = 0; i < p->witness_count; i++)
            if (witness_possible(r, &p->witnesses[i], presence))
                return false;
    }
    return true;
}

uint64_t retro_mapping_set(const struct retro *r)
{
    return mapping_set_fingerprint(r->set->mappings);
}

uint32_t retro_rule_count(const struct retro *r)
{
    return r->set->rules->count;
}
