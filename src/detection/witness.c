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

/* What is in the logs of nearly every machine (folded): a literal that is part of it says little.
 */
static const char *const common_texts[] = {
    "c:\\windows\\system32\\svchost.exe -k netsvcs -p -s schedule",
    "c:\\windows\\system32\\services.exe",
    "c:\\windows\\system32\\winlogon.exe",
    "c:\\windows\\system32\\lsass.exe",
    "c:\\windows\\system32\\wbem\\wmiprvse.exe",
    "c:\\windows\\system32\\cmd.exe /c",
    "c:\\windows\\system32\\conhost.exe 0xffffffff -forcev1",
    "c:\\windows\\system32\\windowspowershell\\v1.0\\powershell.exe",
    "c:\\windows\\system32\\rundll32.exe",
    "c:\\windows\\syswow64\\",
    "c:\\windows\\explorer.exe",
    "c:\\windows\\system32\\ntdll.dll+|c:\\windows\\system32\\kernelbase.dll+|",
    "c:\\windows\\system32\\kernel32.dll",
    "c:\\program files (x86)\\google\\chrome\\application\\chrome.exe",
    "c:\\program files\\microsoft office\\root\\office16\\outlook.exe",
    "c:\\users\\administrator\\appdata\\local\\temp\\",
    "c:\\programdata\\microsoft\\windows defender\\",
    "hklm\\software\\microsoft\\windows\\currentversion\\",
    "hklm\\system\\currentcontrolset\\services\\",
    "\\registry\\machine\\system\\currentcontrolset\\",
    "\\registry\\machine\\software\\microsoft\\windows nt\\currentversion\\",
    "nt authority\\system",
    "nt authority\\network service",
    "microsoft corporation",
    "mandatory label\\medium mandatory level",
    "valid success true false high",
    "https://www.microsoft.com/",
    "/usr/bin/bash /bin/sh /usr/sbin/sshd /usr/bin/python3",
};

enum { COMMON_GRAM_BITS = 16 };

static uint32_t common_gram(const char *at)
{
    uint32_t gram;
    memcpy(&gram, at, sizeof(gram));
    return (gram * 0x9e3779b1u) >> (32 - COMMON_GRAM_BITS);
}

void witness_prepare(struct ruleset *set)
{
    set->common_grams = arena_zeroed(&set->arena, 1, ((size_t)1 << COMMON_GRAM_BITS) / 8);
    for (size_t i = 0; i < sizeof(common_texts) / sizeof(common_texts[0]); i++)
        for (const char *at = common_texts[i]; at[1] && at[2] && at[3]; at++) {
            uint32_t bit = common_gram(at);
            set->common_grams[bit / 8] |= (uint8_t)(1u << bit % 8);
        }
}

/* text: 4 bytes or more. Its first and last grams tell most that are not common. */
static bool is_common(const struct ruleset *set, struct slice text)
{
    uint32_t head = common_gram(text.data), tail = common_gram(text.data + text.len - 4);
    if (!(set->common_grams[head / 8] >> head % 8 & set->common_grams[tail / 8] >> tail % 8 & 1))
        return false;
    for (size_t i = 0; i < sizeof(common_texts) / sizeof(common_texts[0]); i++)
        if (slice_find(slice_from(common_texts[i]), text) != SLICE_NONE)
            return true;
    return false;
}

/* Substrings are found in more places than heads, tails and whole values, and short ones must be
 * looked for at every position. */
static uint64_t term_cost(const struct ruleset *set, uint32_t uses, struct slice text,
                          enum predicate_kind kind, bool keyword)
{
    size_t halves = (text.len > 30 ? 30 : text.len) / 2;
    uint64_t cost = ((uint64_t)uses + 1) << (20 - halves);
    if (kind == PREDICATE_CONTAINS)
        cost *= text.len < 4 ? 16 : text.len < 7 ? 4 : 2;
    if (text.len > 3 && kind != PREDICATE_NUMBER && is_common(set, text))
        cost += COST_PRESENT / 4;
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
    if (!p->cased && !p->unaccented && !p->all_members && term_kind(p->kind) &&
        (p->text.len > 0 || p->kind == PREDICATE_EQUALS)) {
        w.term = p->kind;
        w.text = p->text;
        witness_add(out, w, term_cost(set, atom->uses, p->text, p->kind, p->keyword));
        return true;
    }
    char room[NUMBER_CANONICAL_BYTES];
    size_t len = p->kind == PREDICATE_NUMBER ? number_canonical(room, p->text) : 0;
    if (len && !p->all_members) {
        w.term = PREDICATE_NUMBER;
        w.text = arena_copy(&set->arena, slice_make(room, len));
        witness_add(out, w, term_cost(set, atom->uses, w.text, PREDICATE_NUMBER, false));
        return true;
    }
    if (atom->required_count && !p->all_members) {
        for (uint32_t i = 0; i < atom->required_count; i++) {
            w.atom = ATOM_NONE;
            w.term = PREDICATE_CONTAINS;
            w.text = atom->required[i];
            witness_add(out, w, term_cost(set, 1, w.text, PREDICATE_CONTAINS, p->keyword));
        }
        return true;
    }
    if (atom->slot == 0)
        return false;
    w.kind = WITNESS_PRESENT;
    witness_add(out, w, COST_PRESENT);
    return true;
}

static bool witness_of(struct ruleset *set, const struct node *node, bool negated,
                       struct witness_set *out);

/* The cheapest child's, where all children must hold. */
static bool witness_of_all(struct ruleset *set, const struct node *node, bool negated,
                           struct witness_set *out)
{
    struct witness_set best = {0};
    bool found = false;
    for (uint32_t i = 0; i < node->count; i++) {
        struct witness_set tried = {0};
        if (witness_of(set, &set->nodes[node->arg + i], negated, &tried) &&
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

/* Every child's, where one child must hold. */
static bool witness_of_any(struct ruleset *set, const struct node *node, bool negated,
                           struct witness_set *out)
{
    for (uint32_t i = 0; i < node->count; i++)
        if (!witness_of(set, &set->nodes[node->arg + i], negated, out) ||
            out->count > WITNESS_LITERALS_MAX)
            return false;
    return true;
}

/* Only `not null` tells something when it is negated: the field is there. */
static bool witness_of_negated_atom(struct ruleset *set, uint32_t number, struct witness_set *out)
{
    const struct atom *atom = &set->atoms[number];
    if (atom->predicate->kind != PREDICATE_NULL || atom->slot == 0)
        return false;
    witness_add(out,
                (struct witness){.kind = WITNESS_PRESENT, .slot = atom->slot, .atom = ATOM_NONE},
                COST_PRESENT);
    return true;
}

/* Adds what one of which must be seen for the node to hold (or, negated, not to hold); false:
 * nothing can be told. */
static bool witness_of(struct ruleset *set, const struct node *node, bool negated,
                       struct witness_set *out)
{
    switch (node->kind) {
    case NODE_ATOM:
        return negated ? witness_of_negated_atom(set, node->arg, out)
                       : witness_of_atom(set, node->arg, out);
    case NODE_NOT:
        return witness_of(set, &set->nodes[node->arg], !negated, out);
    case NODE_AND:
        return negated ? witness_of_any(set, node, true, out)
                       : witness_of_all(set, node, false, out);
    default:
        return negated ? witness_of_all(set, node, true, out)
                       : witness_of_any(set, node, false, out);
    }
}

void witness_choose(struct ruleset *set, struct program *program)
{
    struct witness_set found = {0};
    if (witness_of(set, &set->nodes[program->root], false, &found) && found.items) {
        program->witnesses = arena_alloc(&set->arena, found.count * sizeof(*found.items));
        memcpy(program->witnesses, found.items, found.count * sizeof(*found.items));
        program->witness_count = found.count;
    }
    mem_free(found.items);
}
