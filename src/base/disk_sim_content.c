#include "base/disk_sim_inside.h"

#include "base/hash.h"
#include "base/mem.h"

enum { SECTOR = DISK_SIM_SECTOR_BYTES };

uint64_t chance_next(struct chance *c)
{
    uint64_t z = c->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

unsigned chance_share(struct chance *c)
{
    static const unsigned shares[] = {0, 0, 3, 8, 13, 16};
    return shares[chance_below(c, sizeof(shares) / sizeof(shares[0]))];
}

struct content *content_make(void)
{
    struct content *c = mem_zeroed(1, sizeof(*c));
    c->users = 1;
    return c;
}

void content_drop(struct content *c)
{
    if (!c || --c->users > 0)
        return;
    mem_free(c->now);
    mem_free(c->durable);
    mem_free(c->dirty);
    mem_free(c);
}

static void grow(struct content *c, uint64_t size_bytes)
{
    size_t need = (size_t)((size_bytes + SECTOR - 1) / SECTOR), had = c->sectors;
    if (need <= had)
        return;
    c->sectors = need > had * 2 ? need : had * 2;
    c->now = mem_resize(c->now, c->sectors, SECTOR);
    c->durable = mem_resize(c->durable, c->sectors, SECTOR);
    c->dirty = mem_resize(c->dirty, c->sectors, 1);
    memset(c->now + had * SECTOR, 0, (c->sectors - had) * SECTOR);
    memset(c->durable + had * SECTOR, 0, (c->sectors - had) * SECTOR);
    memset(c->dirty + had, 0, c->sectors - had);
}

static void sector_settle(struct content *c, size_t sector)
{
    memcpy(c->durable + sector * SECTOR, c->now + sector * SECTOR, SECTOR);
    c->dirty[sector] = 0;
}

void content_write(struct content *c, struct chance *chance, uint64_t offset, struct slice data)
{
    if (data.len == 0)
        return;
    uint64_t end = offset + data.len;
    grow(c, end);
    for (size_t s = (size_t)(offset / SECTOR); s <= (end - 1) / SECTOR; s++) {
        if (c->dirty[s] && chance_below(chance, 4) == 0)
            sector_settle(c, s); /* the system wrote the older contents meanwhile */
        c->dirty[s] = 1;
    }
    memcpy(c->now + offset, data.data, data.len);
    if (end > c->now_bytes)
        c->now_bytes = end;
}

void content_resize(struct content *c, uint64_t size_bytes)
{
    grow(c, size_bytes);
    if (size_bytes < c->now_bytes) {
        memset(c->now + size_bytes, 0, (size_t)(c->now_bytes - size_bytes));
        for (size_t s = (size_t)(size_bytes / SECTOR); s <= (c->now_bytes - 1) / SECTOR; s++)
            c->dirty[s] = 1;
    }
    c->now_bytes = size_bytes;
}

void content_reserve(struct content *c, uint64_t size_bytes)
{
    if (size_bytes > c->now_bytes)
        content_resize(c, size_bytes);
}

void content_sync(struct content *c)
{
    for (size_t s = 0; s < c->sectors; s++)
        if (c->dirty[s])
            sector_settle(c, s);
    c->durable_bytes = c->now_bytes;
}

void content_sync_fails(struct content *c, struct chance *chance)
{
    for (size_t s = 0; s < c->sectors; s++) {
        if (!c->dirty[s])
            continue;
        uint64_t fate = chance_below(chance, 3);
        if (fate == 0)
            sector_settle(c, s);
        else if (fate == 1)
            c->dirty[s] = 0;
    }
}

static uint64_t size_after_cut(const struct content *c, struct chance *chance)
{
    uint64_t low = c->durable_bytes, high = c->now_bytes;
    if (low > high) {
        low = c->now_bytes;
        high = c->durable_bytes;
    }
    switch (chance_below(chance, 4)) {
    case 0:
        return low + chance_below(chance, high - low + 1);
    case 1:
        return c->now_bytes;
    default:
        return c->durable_bytes;
    }
}

void content_cut(struct content *c, struct chance *chance)
{
    unsigned share = chance_share(chance);
    for (size_t s = 0; s < c->sectors; s++) {
        if (c->dirty[s] && chance_in_16(chance, share))
            sector_settle(c, s);
        c->dirty[s] = 0;
    }
    if (c->durable_bytes != c->now_bytes)
        c->durable_bytes = size_after_cut(c, chance);
    size_t room = c->sectors * SECTOR;
    if (c->durable_bytes < room)
        memset(c->durable + c->durable_bytes, 0, room - (size_t)c->durable_bytes);
    if (room)
        memcpy(c->now, c->durable, room);
    c->now_bytes = c->durable_bytes;
}

uint64_t content_hash(const struct content *c, uint64_t seed)
{
    size_t used = (size_t)(c->now_bytes > c->durable_bytes ? c->now_bytes : c->durable_bytes);
    uint64_t h = hash_bytes(&c->now_bytes, sizeof(c->now_bytes), seed);
    h = hash_bytes(&c->durable_bytes, sizeof(c->durable_bytes), h);
    if (used == 0)
        return h;
    h = hash_bytes(c->now, used, h);
    h = hash_bytes(c->durable, used, h);
    return hash_bytes(c->dirty, (used + SECTOR - 1) / SECTOR, h);
}
