#include "detection/compile.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "detection/route.h"

enum { REQUIRED_LITERALS_MAX = 16 };

/* Open addressing over atoms by predicate_hash. */
struct atom_map {
    uint32_t *slots; /* atom + 1, 0: free */
    uint64_t *hashes;
    uint32_t capacity, count;
};

struct compiler {
    struct ruleset *set;
    struct atom_map map;
    struct err *err;
};

uint32_t ruleset_slot(struct ruleset *set, struct slice field)
{
    if (field.len == 0)
        return 0;
    bool made;
    struct map_entry *entry = map_put(&set->slot_of_field, field, set->slot_count, &made);
    if (!made)
        return (uint32_t)entry->value;
    if (set->slot_count == set->slot_capacity) {
        set->slot_capacity *= 2;
        set->slots = mem_resize(set->slots, set->slot_capacity, sizeof(*set->slots));
    }
    set->slots[set->slot_count] =
        (struct slot){.field = field, .name = name_add(set->names, field)};
    return set->slot_count++;
}

static void atom_map_grow(struct atom_map *map)
{
    struct atom_map old = *map;
    map->capacity = old.capacity ? old.capacity * 2 : 4096;
    map->slots = mem_zeroed(map->capacity, sizeof(*map->slots));
    map->hashes = mem_zeroed(map->capacity, sizeof(*map->hashes));
    for (uint32_t i = 0; i < old.capacity; i++) {
        if (!old.slots[i])
            continue;
        uint32_t at = (uint32_t)old.hashes[i] & (map->capacity - 1);
        while (map->slots[at])
            at = (at + 1) & (map->capacity - 1);
        map->slots[at] = old.slots[i];
        map->hashes[at] = old.hashes[i];
    }
    mem_free(old.slots);
    mem_free(old.hashes);
}

static uint32_t atom_test_cost(const struct predicate *p)
{
    switch (p->kind) {
    case PREDICATE_EXISTS:
    case PREDICATE_NULL:
        return 1;
    case PREDICATE_EQUALS:
    case PREDICATE_NUMBER:
        return p->keyword ? 20 : 2;
    case PREDICATE_STARTSWITH:
    case PREDICATE_ENDSWITH:
        return p->keyword ? 20 : 2;
    case PREDICATE_CONTAINS:
        return p->keyword ? 100 : p->unaccented ? 30 : 6;
    case PREDICATE_CIDR:
    case PREDICATE_LESS:
    case PREDICATE_LESS_EQUAL:
    case PREDICATE_GREATER:
    case PREDICATE_GREATER_EQUAL:
    case PREDICATE_FIELDREF:
        return 8;
    case PREDICATE_TIME_PART:
        return 30;
    case PREDICATE_PATTERN:
        return 12;
    case PREDICATE_REGEX:
        return 60;
    }
    return 60;
}

/* Literals that must be there for a pattern or regular expression to hold, for the index. */
static void atom_require(struct ruleset *set, struct atom *atom)
{
    const struct predicate *p = atom->predicate;
    struct slice found[REQUIRED_LITERALS_MAX];
    uint32_t count = 0;
    if (p->unaccented)
        return; /* its letters may stand in the event as others */
    if (p->kind == PREDICATE_REGEX) {
        count = regex_required(p->text, p->regex_flags, found, REQUIRED_LITERALS_MAX, &set->arena);
    } else if (p->kind == PREDICATE_PATTERN) {
        for (uint32_t i = 0; i < p->pattern.count; i++) {
            const struct pattern_part *part = &p->pattern.parts[i];
            if (part->kind == PATTERN_LITERAL && (count == 0 || part->literal.len > found[0].len)) {
                found[0] = part->literal;
                count = 1;
            }
        }
    } else if (p->cased && p->text.len > 0) {
        found[0] = p->text;
        count = 1;
    }
    if (count == 0)
        return;
    atom->required = arena_alloc(&set->arena, count * sizeof(*atom->required));
    for (uint32_t i = 0; i < count; i++) {
        if (p->cased) {
            char *room = arena_bytes(&set->arena, text_fold_room(found[i].len));
            found[i] = slice_make(room, text_fold(room, found[i]));
        }
        atom->required[i] = found[i];
    }
    atom->required_count = count;
}

static int atom_make(struct compiler *c, const struct predicate *p, uint32_t *out)
{
    struct ruleset *set = c->set;
    if (set->atom_count == set->atom_capacity) {
        set->atom_capacity = set->atom_capacity ? set->atom_capacity * 2 : 4096;
        set->atoms = mem_resize(set->atoms, set->atom_capacity, sizeof(*set->atoms));
    }
    struct atom *atom = &set->atoms[set->atom_count];
    bool plain = p->kind == PREDICATE_EQUALS || p->kind == PREDICATE_STARTSWITH ||
                 p->kind == PREDICATE_ENDSWITH || p->kind == PREDICATE_CONTAINS;
    *atom = (struct atom){.kind = (uint8_t)p->kind,
                          .is_plain = plain && !p->cased && !p->unaccented && !p->keyword &&
                                      !p->all_members,
                          .text = p->text,
                          .predicate = p,
                          .cost = atom_test_cost(p)};
    atom->slot = ruleset_slot(set, p->keyword ? (struct slice){0} : p->field);
    if (p->kind == PREDICATE_FIELDREF)
        atom->other_slot = ruleset_slot(set, p->other);
    if (p->kind == PREDICATE_REGEX) {
        int rc = regex_open(&atom->regex, p->text, p->regex_flags, set->options.jit, c->err);
        if (rc)
            return rc;
    }
    atom_require(set, atom);
    *out = set->atom_count++;
    return ERR_OK;
}

static int atom_of(struct compiler *c, const struct predicate *p, uint32_t *out)
{
    if (c->map.count * 2 >= c->map.capacity)
        atom_map_grow(&c->map);
    uint64_t hash = predicate_hash(p);
    uint32_t at = (uint32_t)hash & (c->map.capacity - 1);
    for (; c->map.slots[at]; at = (at + 1) & (c->map.capacity - 1)) {
        uint32_t atom = c->map.slots[at] - 1;
        if (c->map.hashes[at] == hash && predicate_equal(c->set->atoms[atom].predicate, p)) {
            *out = atom;
            return ERR_OK;
        }
    }
    int rc = atom_make(c, p, out);
    if (rc)
        return rc;
    c->map.slots[at] = *out + 1;
    c->map.hashes[at] = hash;
    c->map.count++;
    return ERR_OK;
}

static uint32_t nodes_add(struct ruleset *set, const struct node *nodes, uint32_t count)
{
    while (set->node_count + count > set->node_capacity) {
        set->node_capacity = set->node_capacity ? set->node_capacity * 2 : 8192;
        set->nodes = mem_resize(set->nodes, set->node_capacity, sizeof(*set->nodes));
    }
    memcpy(set->nodes + set->node_count, nodes, count * sizeof(*nodes));
    set->node_count += count;
    return set->node_count - count;
}

static int node_order(const void *a, const void *b)
{
    const struct node *x = a, *y = b;
    return (x->cost > y->cost) - (x->cost < y->cost);
}

static int node_of(struct compiler *c, const struct expr *e, struct node *out);

static uint32_t expr_flat_count(const struct expr *e, enum expr_kind kind)
{
    if (e->kind != kind && !(e->child_count == 1 && e->kind != EXPR_NOT))
        return 1;
    if (e->kind == EXPR_PREDICATE)
        return 1;
    uint32_t count = 0;
    for (uint32_t i = 0; i < e->child_count; i++)
        count += expr_flat_count(e->children[i], kind);
    return count;
}

/* Children of the same kind (and groups of one) are put into their parent. */
static int nodes_flatten(struct compiler *c, const struct expr *e, enum expr_kind kind,
                         struct node **next)
{
    bool same = e->kind == kind || (e->child_count == 1 && e->kind != EXPR_NOT);
    if (!same || e->kind == EXPR_PREDICATE)
        return node_of(c, e, (*next)++);
    for (uint32_t i = 0; i < e->child_count; i++) {
        int rc = nodes_flatten(c, e->children[i], kind, next);
        if (rc)
            return rc;
    }
    return ERR_OK;
}

static int node_of_group(struct compiler *c, const struct expr *e, struct node *out)
{
    uint32_t count = expr_flat_count(e, e->kind);
    struct node *children = mem_zeroed(count, sizeof(*children)), *next = children;
    int rc = nodes_flatten(c, e, e->kind, &next);
    if (rc == ERR_OK && count == 1) {
        *out = children[0];
    } else if (rc == ERR_OK) {
        qsort(children, count, sizeof(*children), node_order);
        uint64_t cost = 0;
        for (uint32_t i = 0; i < count; i++)
            cost += children[i].cost;
        *out = (struct node){.kind = e->kind == EXPR_AND ? NODE_AND : NODE_OR,
                             .arg = nodes_add(c->set, children, count),
                             .count = count,
                             .cost = cost > UINT32_MAX ? UINT32_MAX : (uint32_t)cost};
    }
    mem_free(children);
    return rc;
}

static int node_of(struct compiler *c, const struct expr *e, struct node *out)
{
    int rc;
    if (e->kind == EXPR_PREDICATE) {
        uint32_t atom;
        rc = atom_of(c, e->predicate, &atom);
        if (rc == ERR_OK) {
            c->set->atoms[atom].uses++;
            *out = (struct node){.kind = NODE_ATOM, .arg = atom, .cost = c->set->atoms[atom].cost};
        }
        return rc;
    }
    if (e->kind == EXPR_NOT) {
        struct node child;
        rc = node_of(c, e->children[0], &child);
        if (rc == ERR_OK)
            *out = (struct node){.kind = NODE_NOT,
                                 .arg = nodes_add(c->set, &child, 1),
                                 .count = 1,
                                 .cost = child.cost};
        return rc;
    }
    return node_of_group(c, e, out);
}

static bool stated_alike(struct slice filter, struct slice rule)
{
    return filter.len == 0 || slice_equal(filter, rule);
}

/* `any` means the rules of the filter's log source, or a filter for one product would blind others.
 */
static bool filter_names(const struct rule *filter, const struct rule *rule)
{
    bool alike = stated_alike(filter->logsource.product, rule->logsource.product) &&
                 stated_alike(filter->logsource.category, rule->logsource.category) &&
                 stated_alike(filter->logsource.service, rule->logsource.service);
    for (uint32_t i = 0; i < filter->filter_rules.count; i++) {
        struct slice name = filter->filter_rules.items[i];
        if ((alike && slice_equal(name, SLICE("any"))) ||
            (rule->id.len && slice_equal(name, rule->id)) ||
            (rule->name.len && slice_equal(name, rule->name)))
            return true;
    }
    return false;
}

/* The rule's condition AND NOT each filter that names it. */
static const struct expr *filtered_condition(struct ruleset *set, const struct rule *rule)
{
    const struct expr *condition = rule->condition;
    for (uint32_t i = 0; i < set->filters.count; i++) {
        const struct rule *filter = set->filters.rules[i];
        if (!filter_names(filter, rule))
            continue;
        struct expr *parts = arena_zeroed(&set->arena, 2, sizeof(*parts));
        struct expr **lists = arena_alloc(&set->arena, 3 * sizeof(*lists));
        parts[0] = (struct expr){.kind = EXPR_NOT, .child_count = 1, .children = lists + 2};
        parts[1] = (struct expr){.kind = EXPR_AND, .child_count = 2, .children = lists};
        memcpy(&lists[0], &condition, sizeof(condition));
        lists[1] = &parts[0];
        lists[2] = filter->condition;
        condition = &parts[1];
    }
    return condition;
}

/* Whether it is true of an event without any field. */
static bool node_of_nothing(const struct ruleset *set, const struct node *node)
{
    const struct node *children = set->nodes + node->arg;
    if (node->kind == NODE_ATOM)
        return set->atoms[node->arg].predicate->kind == PREDICATE_NULL;
    if (node->kind == NODE_NOT)
        return !node_of_nothing(set, children);
    bool all = node->kind == NODE_AND;
    for (uint32_t i = 0; i < node->count; i++)
        if (node_of_nothing(set, &children[i]) != all)
            return !all;
    return all;
}

static int ruleset_compile(struct ruleset *set, struct err *err)
{
    struct compiler c = {.set = set, .err = err};
    int rc = ERR_OK;
    set->programs = arena_zeroed(&set->arena, set->rules->count, sizeof(*set->programs));
    for (uint32_t i = 0; i < set->rules->count; i++)
        if (set->rules->rules[i]->kind == RULE_FILTER)
            rule_list_add(&set->filters, set->rules->rules[i]);
    for (uint32_t i = 0; i < set->rules->count && rc == ERR_OK; i++) {
        const struct rule *rule = set->rules->rules[i];
        set->programs[i].root = UINT32_MAX;
        if (rule->kind != RULE_DETECTION)
            continue;
        struct node root;
        rc = node_of(&c, filtered_condition(set, rule), &root);
        if (rc == ERR_OK)
            set->programs[i].root = nodes_add(set, &root, 1);
        else
            (void)err_prefix(err, "%.*s", (int)rule->file.len, rule->file.data);
    }
    mem_free(c.map.slots);
    mem_free(c.map.hashes);
    witness_prepare(set);
    for (uint32_t i = 0; i < set->rules->count && rc == ERR_OK; i++)
        if (set->programs[i].root != UINT32_MAX) {
            if (!set->options.plain)
                witness_choose(set, &set->programs[i]);
            set->always_count += set->programs[i].witness_count == 0;
            set->programs[i].holds_of_nothing =
                node_of_nothing(set, &set->nodes[set->programs[i].root]);
        }
    return rc;
}

static void name_list_add(struct ruleset *set, struct name_list *list, uint16_t name)
{
    if (name == NAME_NONE)
        return;
    for (uint32_t i = 0; i < list->count; i++)
        if (list->names[i] == name)
            return;
    if (list->count % 4 == 0) {
        uint16_t *more = arena_alloc(&set->arena, (list->count + 4) * sizeof(*more));
        if (list->count)
            memcpy(more, list->names, list->count * sizeof(*more));
        list->names = more;
    }
    list->names[list->count++] = name;
}

/* Which received names stand for each slot under one mapping (NULL: the name itself). */
static struct name_list *mapping_slot_names(struct ruleset *set, const struct mapping *mapping)
{
    struct name_list *lists = arena_zeroed(&set->arena, set->slot_count, sizeof(*lists));
    struct buf text = {0};
    for (uint32_t s = 1; s < set->slot_count; s++) {
        name_list_add(set, &lists[s], set->slots[s].name);
        for (uint32_t i = 0; mapping && i < mapping->prefixes.count; i++) {
            buf_clear(&text);
            buf_slice(&text, mapping->prefixes.items[i]);
            buf_slice(&text, set->slots[s].field);
            name_list_add(set, &lists[s], name_add(set->names, buf_as_slice(&text)));
        }
    }
    for (uint32_t a = 0; mapping && a < mapping->alias_count; a++) {
        const struct mapping_alias *alias = &mapping->aliases[a];
        struct map_entry *slot = map_find(&set->slot_of_field, alias->name);
        for (uint32_t i = 0; slot && i < alias->originals.count; i++)
            name_list_add(set, &lists[slot->value],
                          name_add(set->names, alias->originals.items[i]));
    }
    buf_free(&text);
    return lists;
}

enum { SOURCE_NAMES_MAX = 32 };

static void ruleset_bind_source_names(struct ruleset *set, uint32_t mappings)
{
    uint16_t names[SOURCE_NAMES_MAX];
    set->source_names = arena_zeroed(&set->arena, mappings + 1, sizeof(*set->source_names));
    for (uint32_t i = 0; i <= mappings; i++) {
        const struct mapping *mapping = i ? mapping_set_get(set->mappings, i) : NULL;
        uint32_t count = mapping_source_names(set->mappings, mapping, names, SOURCE_NAMES_MAX);
        for (uint32_t k = 0; k < count; k++)
            name_list_add(set, &set->source_names[i], names[k]);
    }
}

static void ruleset_bind_names(struct ruleset *set)
{
    uint32_t mappings = mapping_set_count(set->mappings);
    ruleset_bind_source_names(set, mappings);
    set->slot_names = arena_zeroed(&set->arena, mappings + 1, sizeof(*set->slot_names));
    set->slot_names[0] = mapping_slot_names(set, NULL);
    for (uint32_t i = 1; i <= mappings; i++)
        set->slot_names[i] = mapping_slot_names(set, mapping_set_get(set->mappings, i));
}

/* Correlations read fields that no detection may name. */
static void ruleset_add_correlation_fields(struct ruleset *set)
{
    for (uint32_t i = 0; i < set->rules->count; i++) {
        const struct correlation *c = set->rules->rules[i]->correlation;
        if (set->rules->rules[i]->kind != RULE_CORRELATION)
            continue;
        for (uint32_t k = 0; k < c->group_by.count; k++)
            (void)ruleset_slot(set, c->group_by.items[k]);
        for (uint32_t k = 0; k < c->fields.count; k++)
            (void)ruleset_slot(set, c->fields.items[k]);
        for (uint32_t a = 0; a < c->alias_count; a++)
            for (uint32_t k = 0; k < c->aliases[a].fields.count; k++)
                (void)ruleset_slot(set, c->aliases[a].fields.items[k]);
    }
}

int ruleset_open(struct ruleset **out, const struct rule_list *rules, struct mapping_set *mappings,
                 const struct ruleset_options *options, struct err *err)
{
    struct ruleset *set = mem_zeroed(1, sizeof(*set));
    *out = NULL;
    set->options = *options;
    set->rules = rules;
    set->mappings = mappings;
    set->names = name_table_open();
    set->slot_capacity = 512;
    set->slots = mem_zeroed(set->slot_capacity, sizeof(*set->slots));
    set->slot_count = 1;
    check(pthread_mutex_init(&set->route_lock, NULL) == 0);
    mapping_set_bind(mappings, set->names);
    int rc = ruleset_compile(set, err);
    if (rc) {
        ruleset_close(&set);
        return rc;
    }
    ruleset_add_correlation_fields(set);
    ruleset_bind_names(set);
    set->cores = mem_zeroed(RULESET_ROUTES_MAX + 1, sizeof(*set->cores));
    route_prepare(set);
    *out = set;
    return ERR_OK;
}

void ruleset_close(struct ruleset **out)
{
    struct ruleset *set = *out;
    if (!set)
        return;
    for (struct map_entry *e = NULL; (e = map_next(&set->routes_by_core, e));) {
        struct route *route = (struct route *)(uintptr_t)e->value;
        route_close(&route);
    }
    for (uint32_t i = 0; i < set->core_count; i++)
        route_core_close(&set->cores[i]);
    mem_free(set->cores);
    mem_free(set->pending);
    rule_list_free(&set->filters);
    map_free(&set->routes);
    map_free(&set->cores_by_rules);
    map_free(&set->routes_by_core);
    check(pthread_mutex_destroy(&set->route_lock) == 0);
    for (uint32_t i = 0; i < set->atom_count; i++)
        regex_close(&set->atoms[i].regex);
    mem_free(set->atoms);
    mem_free(set->nodes);
    mem_free(set->slots);
    map_free(&set->slot_of_field);
    name_table_close(&set->names);
    arena_free(&set->arena);
    mem_free(set);
    *out = NULL;
}

uint32_t ruleset_rule_count(const struct ruleset *set)
{
    return set->rules->count;
}

void ruleset_count(const struct ruleset *set, struct ruleset_counts *out)
{
    *out = (struct ruleset_counts){.atoms = set->atom_count,
                                   .always = set->always_count,
                                   .routes = (uint32_t)set->routes_by_core.count};
    for (uint32_t i = 0; i < set->rules->count; i++)
        out->rules += set->programs[i].root != UINT32_MAX;
}
