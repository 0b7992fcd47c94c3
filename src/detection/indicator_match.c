#include "detection/indicator_match.h"

#include "base/mem.h"

struct indicator_matcher {
    const struct indicator_table *table;
    unsigned kinds;
    struct record *record;
    int64_t time_ns;
    uint32_t field; /* under way */
    uint16_t ports[INDICATOR_PORTS_MAX];
    uint32_t port_count;
    bool ports_known; /* of this record */
    struct indicator_matches matches;
};

struct indicator_matcher *indicator_matcher_open(const struct indicator_table *table)
{
    struct indicator_matcher *m = mem_zeroed(1, sizeof(*m));
    m->table = table;
    m->kinds = indicator_table_kinds(table);
    return m;
}

void indicator_matcher_close(struct indicator_matcher **m)
{
    mem_free(*m);
    *m = NULL;
}

static void hit_take(void *context, uint64_t number, const struct sight *sight)
{
    struct indicator_matcher *m = context;
    struct indicator_matches *all = &m->matches;
    for (uint32_t i = 0; i < all->count; i++)
        if (all->items[i].number == number)
            return;
    if (all->count == INDICATOR_HITS_MAX) {
        all->overflow = true;
        return;
    }
    struct field *f = &m->record->fields[m->field];
    all->items[all->count++] = (struct indicator_match){.number = number,
                                                        .field = m->field,
                                                        .name = f->name,
                                                        .value = f->value,
                                                        .kind = sight->kind};
}

static bool names_port(struct slice name)
{
    for (size_t i = 0; i + 4 <= name.len; i++)
        if (slice_equal_nocase(slice_part(name, i, 4), SLICE("port")))
            return true;
    return false;
}

/* The distinct ports that the record's fields tell. */
static void ports_find(struct indicator_matcher *m)
{
    m->ports_known = true;
    m->port_count = 0;
    for (uint32_t i = 0; i < m->record->count && m->port_count < INDICATOR_PORTS_MAX; i++) {
        struct field *f = &m->record->fields[i];
        uint64_t port = 0;
        bool known = false;
        if (f->kind > VALUE_NUMBER || f->value.len > 5 || !slice_to_u64(f->value, &port) ||
            port == 0 || port > UINT16_MAX || !names_port(f->name))
            continue;
        for (uint32_t p = 0; p < m->port_count; p++)
            known = known || m->ports[p] == port;
        if (!known)
            m->ports[m->port_count++] = (uint16_t)port;
    }
}

static void sight_take(void *context, const struct sight *sight)
{
    struct indicator_matcher *m = context;
    if (!indicator_table_match(m->table, sight, m->time_ns, hit_take, m) || sight->port > 0)
        return;
    if (!m->ports_known)
        ports_find(m);
    for (uint32_t i = 0; i < m->port_count; i++) {
        struct sight with = *sight;
        with.port = m->ports[i];
        indicator_table_match(m->table, &with, m->time_ns, hit_take, m);
    }
}

const struct indicator_matches *indicator_matcher_run(struct indicator_matcher *m,
                                                      struct record *record, int64_t time_ns)
{
    m->record = record;
    m->time_ns = time_ns;
    m->ports_known = false;
    m->matches.count = 0;
    m->matches.overflow = false;
    for (uint32_t i = 0; i < record->count; i++) {
        struct field *f = &record->fields[i];
        if (f->kind != VALUE_STRING || f->flags & FIELD_DERIVED)
            continue;
        m->field = i;
        sight_scan_kinds(record_text(record, f), m->kinds, sight_take, m);
    }
    return &m->matches;
}
