/* Witnesses: for each rule the cheapest set of terms of which one must be in the event when the
 * rule holds. An AND needs the witnesses of one of its children (the rarest), an OR those of all, a
 * NOT has none. Rarity is guessed from the rules themselves: a literal that many rules use
 * (\cmd.exe) is common in logs, too; a longer one is rarer. Wrong guesses cost time, never
 * findings. */
#include "base/mem.h"
#include "detection/compile.h"

enum { WITNESS_LITERALS_MAX = 8192 };

#define COST_PRESENT ((uint64_t)1 << 26)

struct witness_set {
    struct witness *items; /* heap */
    uint32_t count, capacity;
    uint64_t cost;
};

static void witness_add(struct witness_set *set, struct witness witness, uint64_t cost)
{
    if (set->count == set->capacity) {
        set->capacity = set->capacity ? set->capacity * 2 : 4;
        set->items = mem_resize(set->items, set->capacity, sizeof(*set->items));
    }
    set->items[set->count++] = witness;
    set->cost += cost;
}

/* Substrings are found in more places than heads, tails and whole values, and short ones must be
 * looked for at every position. */
static uint64_t term_cost(uint32_t uses, size_t len, enum predicate_kind kind, bool keyword)
{
    size_t halves = (len > 30 ? 30 : len) / 2;
    uint64_t cost = ((uint64_t)uses + 1) << (20 - halves);
    if (kind == PREDICATE_CONTAINS)
        cost *= len < 4 ? 16 : len < 7 ? 4 : 2;
    return cost * (keyword ? 2 : 1);
}

static bool term_kind(enum predicate_kind kind)
{
    return kind == PREDICATE_EQUALS || kind == PREDICATE_STARTSWITH || kind == PREDICATE_ENDSWITH ||
           kind == PREDICATE_CONTAINS;
}

static bool witness_of_atom(struct ruleset *set, uint32_t number, struct witness_set *out)
{
    const struct atom *atom = &set->atoms[number];
    const struct predicate *p = atom->predicate;
    struct witness w = {.kind = WITNESS_TERM, .slot = atom->slot, .atom = number};
    if (p->kind == PREDICATE_NULL)
        return false;
    if (!p->cased && !p->all_members && term_kind(p->kind) &&
        (p->text.len > 0 || p->kind == PREDICATE_EQUALS)) {
        w.term = p->kind;
        w.text = p->text;
        witness_add(out, w, term_cost(atom->uses, p->text.len, p->kind, p->keyword));
        return true;
    }
    char room[NUMBER_CANONICAL_BYTES];
    size_t len = p->kind == PREDICATE_NUMBER ? number_canonical(room, p->text) : 0;
    if (len && !p->all_members) {
        w.term = PREDICATE_NUMBER;
        w.text = arena_copy(&set->arena, slice_make(room, len));
        witness_add(out, w, term_cost(atom->uses, len, PREDICATE_NUMBER, false));
        return true;
    }
    if (atom->required_count && !p->all_members) {
        for (uint32_t i = 0; i < atom->required_count; i++) {
            w.atom = ATOM_NONE;
            w.term = PREDICATE_CONTAINS;
            w.text = atom->required[i];
            witness_add(out, w, term_cost(1, w.text.len, PREDICATE_CONTAINS, p->keyword));
        }
        return true;
    }
    if (atom->slot == 0)
        return false;
    w.kind = WITNESS_PRESENT;
    witness_add(out, w, COST_PRESENT);
    return true;
}

static bool witness_of(struct ruleset *set, const struct node *node, struct witness_set *out);

static bool witness_of_all(struct ruleset *set, const struct node *node, struct witness_set *out)
{
    struct witness_set best = {0};
    bool found = false;
    for (uint32_t i = 0; i < node->count; i++) {
        struct witness_set tried = {0};
        if (witness_of(set, &set->nodes[node->arg + i], &tried) &&
            (!found || tried.cost < best.cost)) {
            mem_free(best.items);
            best = tried;
            found = true;
        } else {
            mem_free(tried.items);
        }
    }
    for (uint32_t i = 0; i < best.count; i++)
        witness_add(out, best.items[i], 0);
    out->cost += best.cost;
    mem_free(best.items);
    return found;
}

/* Adds what one of which must be seen for the node to hold; false: nothing can be told. */
static bool witness_of(struct ruleset *set, const struct node *node, struct witness_set *out)
{
    switch (node->kind) {
    case NODE_ATOM:
        return witness_of_atom(set, node->arg, out);
    case NODE_NOT: {
        const struct node *child = &set->nodes[node->arg];
        if (child->kind != NODE_ATOM || set->atoms[child->arg].predicate->kind != PREDICATE_NULL)
            return false;
        uint32_t slot = set->atoms[child->arg].slot;
        if (slot == 0)
            return false;
        witness_add(out, (struct witness){.kind = WITNESS_PRESENT, .slot = slot}, COST_PRESENT);
        return true;
    }
    case NODE_AND:
        return witness_of_all(set, node, out);
    default:
        for (uint32_t i = 0; i < node->count; i++)
            if (!witness_of(set, &set->nodes[node->arg + i], out) ||
                out->count > WITNESS_LITERALS_MAX)
                return false;
        return true;
    }
}

void witness_choose(struct ruleset *set, struct program *program)
{
    struct witness_set found = {0};
    if (witness_of(set, &set->nodes[program->root], &found)) {
        program->witnesses = arena_alloc(&set->arena, found.count * sizeof(*found.items));
        memcpy(program->witnesses, found.items, found.count * sizeof(*found.items));
        program->witness_count = found.count;
    }
    mem_free(found.items);
}
