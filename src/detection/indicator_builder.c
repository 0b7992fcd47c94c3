#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "detection/indicator_bytes.h"
#include "detection/url.h"

struct built {
    uint64_t identity; /* hash of type, value and source */
    struct indicator_record record;
};

struct built_set {
    struct built *items;
    uint32_t count, capacity;
    uint32_t *index; /* item + 1 by identity, open addressing */
    uint32_t index_capacity;
};

struct indicator_builder {
    struct built_set indicators, exceptions;
    struct buf pool;
    struct map texts, metas; /* text to its offset; struct indicator_meta to its index */
    struct arena arena;      /* their keys */
    struct buf meta_bytes;
    struct indicator_meta last_meta;
    uint32_t last_index;
    struct slice last_source, last_title; /* in the arena */
    uint32_t last_source_at, last_title_at;
};

struct indicator_builder *indicator_builder_open(void)
{
    struct indicator_builder *b = mem_zeroed(1, sizeof(*b));
    buf_append(&b->pool, "\0\0", 2);
    return b;
}

void indicator_builder_close(struct indicator_builder **b)
{
    if (!*b)
        return;
    struct built_set *sets[] = {&(*b)->indicators, &(*b)->exceptions};
    for (size_t i = 0; i < 2; i++) {
        mem_free(sets[i]->items);
        mem_free(sets[i]->index);
    }
    buf_free(&(*b)->pool);
    buf_free(&(*b)->meta_bytes);
    map_free(&(*b)->texts);
    map_free(&(*b)->metas);
    arena_free(&(*b)->arena);
    mem_free(*b);
    *b = NULL;
}

static uint32_t pool_put(struct indicator_builder *b, struct slice text)
{
    uint32_t at = (uint32_t)b->pool.len;
    uint16_t len = (uint16_t)text.len;
    if (text.len == 0)
        return 0;
    buf_append(&b->pool, &len, sizeof(len));
    buf_slice(&b->pool, text);
    return at;
}

static struct slice pool_text(const struct indicator_builder *b, uint32_t at)
{
    uint16_t len;
    memcpy(&len, b->pool.data + at, sizeof(len));
    return slice_make(b->pool.data + at + sizeof(len), len);
}

static struct slice text_cut(struct slice text)
{
    if (text.len > INDICATOR_TEXT_BYTES_MAX)
        text.len = INDICATOR_TEXT_BYTES_MAX;
    return text;
}

/* A text that many share. */
static uint32_t text_put(struct indicator_builder *b, struct slice text, struct slice *last,
                         uint32_t *last_at)
{
    text = text_cut(text);
    if (text.len == 0)
        return 0;
    if (last->len > 0 && slice_equal(*last, text))
        return *last_at;
    struct map_entry *e = map_find(&b->texts, text);
    if (!e)
        e = map_put(&b->texts, arena_copy(&b->arena, text), pool_put(b, text), NULL);
    *last = e->key;
    return *last_at = (uint32_t)e->value;
}

static uint32_t meta_put(struct indicator_builder *b, const struct indicator *i, uint32_t source,
                         uint32_t title)
{
    struct indicator_meta m = {.source = source,
                               .title = title,
                               .from_ns = i->from_ns,
                               .until_ns = i->until_ns,
                               .confidence = i->confidence,
                               .tlp = i->tlp};
    struct slice bytes = slice_make((const char *)&m, sizeof(m));
    uint32_t count = (uint32_t)(b->meta_bytes.len / sizeof(m));
    if (count > 0 && memcmp(&b->last_meta, &m, sizeof(m)) == 0)
        return b->last_index;
    struct map_entry *e = map_find(&b->metas, bytes);
    if (!e) {
        e = map_put(&b->metas, arena_copy(&b->arena, bytes), count, NULL);
        buf_slice(&b->meta_bytes, bytes);
    }
    b->last_meta = m;
    return b->last_index = (uint32_t)e->value;
}

static void index_put(struct built_set *set, uint32_t item)
{
    uint32_t at = (uint32_t)set->items[item].identity & (set->index_capacity - 1);
    while (set->index[at])
        at = (at + 1) & (set->index_capacity - 1);
    set->index[at] = item + 1;
}

static void set_grow(struct built_set *set)
{
    if (set->count == set->capacity) {
        set->capacity = set->capacity ? set->capacity * 2 : 256;
        set->items = mem_resize(set->items, set->capacity, sizeof(*set->items));
    }
    if (set->count >= set->index_capacity / 2) {
        set->index_capacity = set->index_capacity ? set->index_capacity * 2 : 512;
        mem_free(set->index);
        set->index = mem_zeroed(set->index_capacity, sizeof(*set->index));
        for (uint32_t i = 0; i < set->count; i++)
            index_put(set, i);
    }
}

static struct built *set_find(const struct indicator_builder *b, const struct built_set *set,
                              uint64_t identity, const struct indicator *i, uint32_t source)
{
    const struct indicator_meta *metas = (const void *)b->meta_bytes.data;
    if (set->index_capacity == 0)
        return NULL;
    uint32_t mask = set->index_capacity - 1;
    for (uint32_t at = (uint32_t)identity & mask; set->index[at]; at = (at + 1) & mask) {
        struct built *it = &set->items[set->index[at] - 1];
        if (it->identity == identity && it->record.type == i->type &&
            metas[it->record.meta].source == source &&
            slice_equal(pool_text(b, it->record.value), i->value))
            return it;
    }
    return NULL;
}

static int set_add(struct indicator_builder *b, struct built_set *set, const struct indicator *i,
                   struct err *err)
{
    if (i->value.len == 0 || i->value.len > INDICATOR_VALUE_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "a value has 1 to %d bytes", INDICATOR_VALUE_BYTES_MAX);
    if (b->pool.len > INDICATOR_POOL_BYTES_MAX)
        return err_set(err, ERR_LIMIT,
                       "the texts of all indicators are over %zu bytes: take fewer "
                       "feeds, or shorter titles",
                       INDICATOR_POOL_BYTES_MAX);
    uint32_t source = text_put(b, i->source, &b->last_source, &b->last_source_at);
    uint64_t identity = hash_slice(i->value, (uint64_t)i->type << 32 | source);
    struct built *it = set_find(b, set, identity, i, source);
    if (!it) {
        if (b->indicators.count + b->exceptions.count == INDICATOR_COUNT_MAX)
            return err_set(err, ERR_LIMIT, "more than %d indicators: take fewer feeds",
                           INDICATOR_COUNT_MAX);
        set_grow(set);
        it = &set->items[set->count];
        *it = (struct built){.identity = identity};
        it->record.type = (uint32_t)i->type;
        it->record.value = pool_put(b, i->value);
        index_put(set, set->count++);
    }
    uint32_t title = text_put(b, i->title, &b->last_title, &b->last_title_at);
    it->record.id = pool_put(b, text_cut(i->id));
    it->record.meta = meta_put(b, i, source, title);
    return ERR_OK;
}

int indicator_builder_add(struct indicator_builder *b, const struct indicator *i, struct err *err)
{
    return set_add(b, &b->indicators, i, err);
}

int indicator_builder_add_exception(struct indicator_builder *b, const struct indicator *i,
                                    struct slice list, struct err *err)
{
    struct indicator exception = *i;
    exception.source = list;
    return set_add(b, &b->exceptions, &exception, err);
}

/* The table while it is being laid out. */
struct layout {
    const struct indicator_builder *b;
    struct buf *out; /* begins with the table */
    struct indicator_header header;
    uint64_t *keys;   /* by record; 0 where a record is not in the slots */
    uint32_t *sorted; /* room for record numbers */
};

static struct indicator_record *records(const struct layout *l)
{
    return (void *)(l->out->data + l->header.records.at);
}

static struct slice record_value(const struct layout *l, uint32_t record)
{
    return pool_text(l->b, records(l)[record].value);
}

/* Zeroed room at the end, 64-aligned. */
static void *section_add(struct layout *l, struct indicator_section *section, size_t count,
                         size_t size_bytes)
{
    size_t at = (l->out->len + 63) & ~(size_t)63, end = at + count * size_bytes;
    buf_reserve(l->out, end - l->out->len);
    memset(l->out->data + l->out->len, 0, end - l->out->len);
    l->out->len = end;
    *section = (struct indicator_section){at, count};
    return l->out->data + at;
}

static void records_write(struct layout *l)
{
    const struct built_set *sets[] = {&l->b->indicators, &l->b->exceptions};
    struct indicator_record *r =
        section_add(l, &l->header.records, (size_t)sets[0]->count + sets[1]->count, sizeof(*r));
    for (size_t set = 0; set < 2; set++)
        for (uint32_t i = 0; i < sets[set]->count; i++)
            *r++ = sets[set]->items[i].record;
}

/* In the slots are all but what is searched by order. Exceptions for addresses are networks. */
static bool in_slots(const struct layout *l, uint32_t record, enum indicator_type type)
{
    bool exception = record >= l->header.count;
    return type != INDICATOR_CIDR && !(exception && type == INDICATOR_IP) &&
           (exception || type != INDICATOR_URL_PREFIX);
}

/* From the last record to the first, so that chains go upwards. */
static void slots_write(struct layout *l)
{
    uint64_t total = l->header.records.count, used = 0;
    for (uint32_t i = 0; i < total; i++) {
        enum indicator_type type = (enum indicator_type)records(l)[i].type;
        bool wanted = in_slots(l, i, type);
        l->keys[i] = wanted ? indicator_key(type, record_value(l, i)) : 0;
        used += wanted;
    }
    uint64_t count = used * 2 + 1;
    struct indicator_slot *slots = section_add(l, &l->header.slots, count, sizeof(*slots));
    for (uint32_t i = (uint32_t)total; i-- > 0;) {
        uint64_t key = l->keys[i];
        if (!in_slots(l, i, (enum indicator_type)records(l)[i].type))
            continue;
        uint64_t at = indicator_slot_at(key, count);
        while (slots[at].record && l->keys[slots[at].record - 1] != key)
            at = at + 1 == count ? 0 : at + 1;
        if (slots[at].record)
            records(l)[i].next = slots[at].record - 1;
        slots[at] = (struct indicator_slot){(uint32_t)key, i + 1};
    }
}

/* The keys that sights of a kind are asked for: one, or two. */
static size_t bloom_keys(const struct layout *l, uint32_t record, uint64_t keys[2])
{
    enum indicator_type type = (enum indicator_type)records(l)[record].type;
    struct slice value = record_value(l, record);
    keys[0] = l->keys[record];
    if (type == INDICATOR_CIDR)
        return 0;
    if (type == INDICATOR_URL_PREFIX) {
        struct slice rest = slice_part(value, url_scheme_bytes(value), value.len);
        keys[0] = sight_hash(SIGHT_URL, slice_cut(&rest, '/'));
    }
    if (type != INDICATOR_IP_PORT)
        return 1;
    struct indicator i = {.type = type, .value = value};
    return indicator_sight_hash(&i, &keys[1]) ? 2 : 1;
}

static void blooms_write(struct layout *l)
{
    uint64_t counts[SIGHT_KINDS] = {0}, keys[2];
    uint64_t *blooms[SIGHT_KINDS];
    for (uint32_t i = 0; i < l->header.count; i++) {
        enum indicator_type type = (enum indicator_type)records(l)[i].type;
        uint8_t kind = indicator_sight_kinds[type];
        l->header.kinds |= 1u << kind;
        counts[kind] += type == INDICATOR_IP_PORT ? 2 : 1;
    }
    for (int kind = 0; kind < SIGHT_KINDS; kind++) {
        uint64_t bits = counts[kind] * INDICATOR_BLOOM_BITS;
        uint64_t blocks = counts[kind] ? bits / (INDICATOR_BLOCK_BYTES * 8) + 1 : 0;
        section_add(l, &l->header.blooms[kind], blocks, INDICATOR_BLOCK_BYTES);
    }
    for (int kind = 0; kind < SIGHT_KINDS; kind++)
        blooms[kind] = (void *)(l->out->data + l->header.blooms[kind].at);
    for (uint32_t i = 0; i < l->header.count; i++) {
        uint8_t kind = indicator_sight_kinds[records(l)[i].type];
        uint64_t blocks = l->header.blooms[kind].count;
        for (size_t k = bloom_keys(l, i, keys); k-- > 0;)
            indicator_bloom_put(blooms[kind] + 8 * indicator_bloom_block(keys[k], blocks), keys[k]);
    }
}

static int net_compare(const void *a, const void *b)
{
    const struct indicator_net *x = a, *y = b;
    if (x->high != y->high)
        return x->high < y->high ? -1 : 1;
    if (x->low != y->low)
        return x->low < y->low ? -1 : 1;
    if (x->prefix_bits != y->prefix_bits)
        return x->prefix_bits < y->prefix_bits ? -1 : 1;
    return x->record < y->record ? -1 : x->record > y->record;
}

static bool net_holds(const struct indicator_net *outer, const struct indicator_net *inner)
{
    struct ip_network network = {.prefix_bits = (uint8_t)outer->prefix_bits};
    struct ip_address address;
    uint64_t words[4] = {__builtin_bswap64(outer->high), __builtin_bswap64(outer->low),
                         __builtin_bswap64(inner->high), __builtin_bswap64(inner->low)};
    memcpy(network.base.bytes, words, 16);
    memcpy(address.bytes, words + 2, 16);
    return outer->prefix_bits <= inner->prefix_bits && ip_network_has(&network, &address);
}

/* Sorts, chains the records of equal networks, finds each network's parent. The count. */
static uint32_t nets_order(struct layout *l, struct indicator_net *nets, uint32_t count)
{
    uint32_t kept = 0, last = 0;
    if (count > 0)
        qsort(nets, count, sizeof(*nets), net_compare);
    for (uint32_t i = 0; i < count; i++) {
        struct indicator_net net = nets[i], *top = kept ? &nets[kept - 1] : NULL;
        if (top && top->high == net.high && top->low == net.low &&
            top->prefix_bits == net.prefix_bits) {
            records(l)[last].next = net.record;
        } else {
            uint32_t parent = kept;
            while (parent > 0 && !net_holds(&nets[parent - 1], &net))
                parent = nets[parent - 1].parent;
            net.parent = parent;
            nets[kept++] = net;
        }
        last = net.record;
    }
    return kept;
}

static void nets_write(struct layout *l, bool exceptions)
{
    uint32_t begin = exceptions ? (uint32_t)l->header.count : 0, count = 0;
    uint32_t end = (uint32_t)(exceptions ? l->header.records.count : l->header.count);
    struct ip_network network;
    for (uint32_t i = begin; i < end; i++) {
        uint32_t type = records(l)[i].type;
        if (type == INDICATOR_CIDR || (exceptions && type == INDICATOR_IP))
            l->sorted[count++] = i;
    }
    struct indicator_net *nets = mem_zeroed((size_t)count + 1, sizeof(*nets));
    uint32_t good = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!ip_network_parse(&network, record_value(l, l->sorted[i])))
            continue; /* not from indicator_parse: never matches */
        nets[good].record = l->sorted[i];
        nets[good].prefix_bits = network.prefix_bits;
        indicator_words(&network.base, &nets[good].high, &nets[good].low);
        good++;
    }
    good = nets_order(l, nets, good);
    struct indicator_section *section = exceptions ? &l->header.exception_nets : &l->header.nets;
    memcpy(section_add(l, section, good, sizeof(*nets)), nets, good * sizeof(*nets));
    mem_free(nets);
}

/* Which first 16 bits any network touches: v4 by its own, all others by theirs. */
static void heads_write(struct layout *l)
{
    uint8_t *heads[2];
    for (int i = 0; i < 2; i++)
        section_add(l, &l->header.heads[i], INDICATOR_HEADS_BYTES, 1);
    for (int i = 0; i < 2; i++)
        heads[i] = (uint8_t *)l->out->data + l->header.heads[i].at;
    const struct indicator_net *nets = (const void *)(l->out->data + l->header.nets.at);
    for (uint64_t i = 0; i < l->header.nets.count; i++) {
        bool v4 = nets[i].prefix_bits >= 96 && nets[i].high == 0 && nets[i].low >> 32 == 0xffff;
        unsigned bits = nets[i].prefix_bits - (v4 ? 96 : 0);
        unsigned first = (unsigned)((v4 ? nets[i].low >> 16 : nets[i].high >> 48) & 0xffff);
        unsigned last = bits >= 16 ? first : first | (0xffffu >> bits);
        for (unsigned head = first; head <= last; head++)
            heads[!v4][head >> 3] |= (uint8_t)(1u << (head & 7));
        if (!v4 && nets[i].prefix_bits < 96 && nets[i].high == 0 && nets[i].low >> 32 <= 0xffff)
            memset(heads[0], 0xff, INDICATOR_HEADS_BYTES); /* ::/0 and the like hold v4, too */
    }
}

static struct slice prefix_rest(const struct layout *l, uint32_t record)
{
    struct slice value = record_value(l, record);
    return slice_part(value, url_scheme_bytes(value), value.len);
}

static int prefix_compare(const void *a, const void *b, void *layout)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    int order = slice_compare(prefix_rest(layout, x), prefix_rest(layout, y));
    return order ? order : x < y ? -1 : x > y;
}

static void prefixes_write(struct layout *l)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < l->header.count; i++)
        if (records(l)[i].type == INDICATOR_URL_PREFIX)
            l->sorted[count++] = i;
    qsort_r(l->sorted, count, sizeof(uint32_t), prefix_compare, l);
    memcpy(section_add(l, &l->header.prefixes, count, sizeof(uint32_t)), l->sorted,
           count * sizeof(uint32_t));
}

void indicator_builder_finish(struct indicator_builder *b, struct buf *out)
{
    struct layout l = {.b = b, .out = out};
    struct indicator_section whole;
    size_t total = (size_t)b->indicators.count + b->exceptions.count;
    check(out->len == 0);
    l.keys = mem_zeroed(total + 1, sizeof(*l.keys));
    l.sorted = mem_zeroed(total + 1, sizeof(*l.sorted));
    section_add(&l, &whole, 1, sizeof(l.header));
    l.header = (struct indicator_header){.magic = INDICATOR_MAGIC, .version = INDICATOR_VERSION};
    l.header.count = b->indicators.count;
    records_write(&l);
    struct slice metas = buf_as_slice(&b->meta_bytes);
    memcpy(section_add(&l, &l.header.metas, metas.len / sizeof(struct indicator_meta),
                       sizeof(struct indicator_meta)),
           metas.data, metas.len);
    slots_write(&l);
    blooms_write(&l);
    nets_write(&l, false);
    nets_write(&l, true);
    heads_write(&l);
    prefixes_write(&l);
    memcpy(section_add(&l, &l.header.pool, b->pool.len, 1), b->pool.data, b->pool.len);
    l.header.size_bytes = out->len;
    memcpy(out->data, &l.header, sizeof(l.header));
    l.header.checksum = hash_bytes(out->data + INDICATOR_CHECKED_FROM,
                                   l.header.size_bytes - INDICATOR_CHECKED_FROM, 0);
    memcpy(out->data, &l.header, sizeof(l.header));
    mem_free(l.keys);
    mem_free(l.sorted);
}
