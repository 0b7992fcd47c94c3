#include "detection/indicator_set.h"

#include "base/mem.h"
#include "detection/indicator_bytes.h"

/* Open addressing, at most half full; 0 is free, and a hash of 0 is kept as 1. */
struct hashes {
    uint64_t *slots;
    uint64_t mask, count;
};

struct indicator_set {
    const struct indicator_table *table;
    struct hashes kinds[SIGHT_KINDS];
    bool has_networks;
    bool any_url; /* an indicator that no stored hash can tell of: every URL may be one */
};

static void hashes_grow(struct hashes *h);

static void hashes_put(struct hashes *h, uint64_t hash)
{
    hash += hash == 0;
    if (h->count * 2 >= h->mask)
        hashes_grow(h);
    uint64_t at = hash & h->mask;
    while (h->slots[at] && h->slots[at] != hash)
        at = (at + 1) & h->mask;
    h->count += h->slots[at] == 0;
    h->slots[at] = hash;
}

static void hashes_grow(struct hashes *h)
{
    struct hashes old = *h;
    h->mask = old.mask ? old.mask * 2 + 1 : 1023;
    h->slots = mem_zeroed(h->mask + 1, sizeof(*h->slots));
    h->count = 0;
    for (uint64_t i = 0; old.slots && i <= old.mask; i++)
        if (old.slots[i])
            hashes_put(h, old.slots[i]);
    mem_free(old.slots);
}

static bool hashes_has(const struct hashes *h, uint64_t hash)
{
    hash += hash == 0;
    if (!h->slots)
        return false;
    for (uint64_t at = hash & h->mask; h->slots[at]; at = (at + 1) & h->mask)
        if (h->slots[at] == hash)
            return true;
    return false;
}

static void indicator_put(struct indicator_set *set, const struct indicator *i)
{
    uint64_t hash;
    if (i->type == INDICATOR_CIDR) {
        set->has_networks = true;
    } else if (!indicator_sight_hash(i, &hash)) {
        set->any_url = true;
    } else if (i->type == INDICATOR_IP_PORT || i->type == INDICATOR_URL_PREFIX) {
        hashes_put(&set->kinds[SIGHT_IP], hash);
        hashes_put(&set->kinds[SIGHT_HOST], hash);
    } else {
        hashes_put(&set->kinds[indicator_sight_kinds[i->type]], hash);
    }
}

struct indicator_set *indicator_set_open(const struct indicator_table *table)
{
    struct indicator_set *set = mem_zeroed(1, sizeof(*set));
    struct indicator i;
    set->table = table;
    for (uint64_t number = 0; number < indicator_table_count(table); number++) {
        indicator_table_get(table, number, &i);
        indicator_put(set, &i);
    }
    return set;
}

void indicator_set_close(struct indicator_set **set)
{
    if (!*set)
        return;
    for (int kind = 0; kind < SIGHT_KINDS; kind++)
        mem_free((*set)->kinds[kind].slots);
    mem_free(*set);
    *set = NULL;
}

bool indicator_set_may(const struct indicator_set *set, enum sight_kind kind, uint64_t hash)
{
    return (set->any_url && kind == SIGHT_URL) || hashes_has(&set->kinds[kind], hash);
}

static void network_hit(void *context, uint64_t number, const struct sight *sight)
{
    bool *hit = context;
    (void)number;
    (void)sight;
    *hit = true;
}

bool indicator_set_may_ip(const struct indicator_set *set, const struct ip_address *address)
{
    char room[IP_TEXT_BYTES];
    struct sight sight = {.kind = SIGHT_IP, .address = *address};
    bool hit = false;
    sight.text = slice_make(room, ip_text(room, address));
    sight.hash = sight_hash(SIGHT_IP, sight.text);
    if (hashes_has(&set->kinds[SIGHT_IP], sight.hash))
        return true;
    if (set->has_networks)
        (void)indicator_table_match(set->table, &sight, CLOCK_NONE, network_hit, &hit);
    return hit;
}
