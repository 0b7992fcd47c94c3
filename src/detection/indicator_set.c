#include "detection/indicator_set.h"

#include "base/mem.h"

/* Open addressing, at most half full; 0 is free, and a hash of 0 is kept as 1. */
struct hashes {
    uint64_t *slots;
    uint64_t mask, count;
};

struct indicator_set {
    const struct indicator_table *table;
    struct hashes kinds[SIGHT_KINDS];
    bool has_networks;
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

/* The host of a URL or of address and port: behind the scheme, up to port or path. */
static void host_put(struct indicator_set *set, struct slice value)
{
    size_t scheme = slice_find(value, SLICE("://")), end = 0;
    struct slice rest = scheme == SLICE_NONE ? value : slice_part(value, scheme + 3, value.len);
    struct ip_address address;
    size_t at = slice_find_char(rest, '@'), slash = slice_find_char(rest, '/');
    if (at != SLICE_NONE && (slash == SLICE_NONE || at < slash))
        rest = slice_part(rest, at + 1, rest.len);
    if (rest.len && rest.data[0] == '[') {
        end = slice_find_char(rest, ']');
        rest = slice_part(rest, 1, end == SLICE_NONE ? 0 : end - 1);
    } else {
        while (end < rest.len && rest.data[end] != '/' && rest.data[end] != ':' &&
               rest.data[end] != '?')
            end++;
        rest = slice_part(rest, 0, end);
    }
    enum sight_kind kind = ip_parse(&address, rest) ? SIGHT_IP : SIGHT_HOST;
    hashes_put(&set->kinds[kind], sight_hash(kind, rest));
}

static void indicator_put(struct indicator_set *set, const struct indicator *i)
{
    static const uint8_t kinds[INDICATOR_TYPES] = {[INDICATOR_IP] = SIGHT_IP,
                                                   [INDICATOR_DOMAIN] = SIGHT_HOST,
                                                   [INDICATOR_URL] = SIGHT_URL,
                                                   [INDICATOR_MD5] = SIGHT_MD5,
                                                   [INDICATOR_SHA1] = SIGHT_SHA1,
                                                   [INDICATOR_SHA256] = SIGHT_SHA256,
                                                   [INDICATOR_EMAIL] = SIGHT_EMAIL,
                                                   [INDICATOR_FILE_NAME] = SIGHT_FILE_NAME,
                                                   [INDICATOR_URL_PATH] = SIGHT_URL_PATH};
    if (i->type == INDICATOR_CIDR)
        set->has_networks = true;
    else if (i->type == INDICATOR_IP_PORT || i->type == INDICATOR_URL_PREFIX)
        host_put(set, i->value);
    else
        hashes_put(&set->kinds[kinds[i->type]],
                   sight_hash((enum sight_kind)kinds[i->type], i->value));
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
    return hashes_has(&set->kinds[kind], hash);
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
