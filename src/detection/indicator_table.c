#include "base/mem.h"
#include "detection/indicator_bytes.h"
#include "detection/url.h"

#define NO_RECORD UINT32_MAX

/* The type that a kind of sight is compared with as a whole. */
static const uint8_t exact_types[SIGHT_KINDS] = {[SIGHT_IP] = INDICATOR_IP,
                                                 [SIGHT_HOST] = INDICATOR_DOMAIN,
                                                 [SIGHT_URL] = INDICATOR_URL,
                                                 [SIGHT_MD5] = INDICATOR_MD5,
                                                 [SIGHT_SHA1] = INDICATOR_SHA1,
                                                 [SIGHT_SHA256] = INDICATOR_SHA256,
                                                 [SIGHT_EMAIL] = INDICATOR_EMAIL,
                                                 [SIGHT_FILE_NAME] = INDICATOR_FILE_NAME,
                                                 [SIGHT_URL_PATH] = INDICATOR_URL_PATH};

struct indicator_table {
    struct indicator_header header;
    const struct indicator_record *records;
    const struct indicator_meta *metas;
    const struct indicator_slot *slots;
    const struct indicator_net *nets, *exception_nets;
    const uint32_t *prefixes;
    const uint8_t *heads[2];
    const uint64_t *blooms[SIGHT_KINDS];
    const char *pool;
};

/* The elements of a section, or NULL: they are not inside. */
static const void *section_find(struct slice bytes, const struct indicator_section *section,
                                size_t size_bytes)
{
    if (section->at % 8 || section->at < sizeof(struct indicator_header) ||
        section->at > bytes.len || section->count > (bytes.len - section->at) / size_bytes)
        return NULL;
    return bytes.data + section->at;
}

static bool sections_find(struct indicator_table *t, struct slice bytes)
{
    const struct indicator_header *h = &t->header;
    bool good = true;
    t->records = section_find(bytes, &h->records, sizeof(*t->records));
    t->metas = section_find(bytes, &h->metas, sizeof(*t->metas));
    t->slots = section_find(bytes, &h->slots, sizeof(*t->slots));
    t->nets = section_find(bytes, &h->nets, sizeof(*t->nets));
    t->exception_nets = section_find(bytes, &h->exception_nets, sizeof(*t->nets));
    t->prefixes = section_find(bytes, &h->prefixes, sizeof(*t->prefixes));
    t->pool = section_find(bytes, &h->pool, 1);
    for (int i = 0; i < 2; i++) {
        t->heads[i] = section_find(bytes, &h->heads[i], 1);
        good = good && t->heads[i] && h->heads[i].count == INDICATOR_HEADS_BYTES;
    }
    for (int kind = 0; kind < SIGHT_KINDS; kind++) {
        t->blooms[kind] = section_find(bytes, &h->blooms[kind], INDICATOR_BLOCK_BYTES);
        good = good && t->blooms[kind] && h->blooms[kind].count <= UINT32_MAX;
    }
    return good && t->records && t->metas && t->slots && t->nets && t->exception_nets &&
           t->prefixes && t->pool && h->count <= h->records.count &&
           h->records.count <= INDICATOR_COUNT_MAX && h->slots.count > 0 &&
           h->slots.count <= UINT32_MAX && h->nets.count < UINT32_MAX &&
           h->exception_nets.count < UINT32_MAX && h->kinds <= SIGHT_ALL;
}

static bool text_inside(const struct indicator_table *t, uint32_t at)
{
    uint64_t room = t->header.pool.count;
    uint16_t len;
    if (room < 2 || at > room - 2)
        return false;
    memcpy(&len, t->pool + at, sizeof(len));
    return len <= room - 2 - at;
}

static bool nets_good(const struct indicator_net *nets, uint64_t count, uint64_t records)
{
    for (uint64_t i = 0; i < count; i++)
        if (nets[i].record >= records || nets[i].parent > i || nets[i].prefix_bits > 128)
            return false;
    return true;
}

/* Every index and offset leads inside, every chain goes one way. */
static bool references_good(const struct indicator_table *t)
{
    const struct indicator_header *h = &t->header;
    uint64_t total = h->records.count;
    for (uint64_t i = 0; i < total; i++) {
        const struct indicator_record *r = &t->records[i];
        if (r->type >= INDICATOR_TYPES || r->meta >= h->metas.count ||
            (r->next && (r->next <= i || r->next >= total)) || !text_inside(t, r->value) ||
            !text_inside(t, r->id))
            return false;
    }
    for (uint64_t i = 0; i < h->metas.count; i++)
        if (!text_inside(t, t->metas[i].source) || !text_inside(t, t->metas[i].title) ||
            t->metas[i].tlp > TLP_RED || t->metas[i].confidence > UINT8_MAX)
            return false;
    for (uint64_t i = 0; i < h->slots.count; i++)
        if (t->slots[i].record > total)
            return false;
    for (uint64_t i = 0; i < h->prefixes.count; i++)
        if (t->prefixes[i] >= h->count)
            return false;
    return nets_good(t->nets, h->nets.count, h->count) &&
           nets_good(t->exception_nets, h->exception_nets.count, total);
}

int indicator_table_open(struct indicator_table **out, struct slice bytes, struct err *err)
{
    struct indicator_header h;
    *out = NULL;
    if (bytes.len < sizeof(h) || (uintptr_t)bytes.data % 8)
        return err_set(err, ERR_DAMAGED, "the indicator table is cut off: import again");
    memcpy(&h, bytes.data, sizeof(h));
    if (h.magic != INDICATOR_MAGIC)
        return err_set(err, ERR_DAMAGED, "this is no indicator table: import again");
    if (h.version != INDICATOR_VERSION)
        return err_set(err, ERR_UNSUPPORTED,
                       "the indicator table is of version %u, this program reads %d: import again",
                       h.version, INDICATOR_VERSION);
    if (h.size_bytes != bytes.len ||
        h.checksum !=
            hash_bytes(bytes.data + INDICATOR_CHECKED_FROM, bytes.len - INDICATOR_CHECKED_FROM, 0))
        return err_set(err, ERR_DAMAGED, "the indicator table is damaged: import again");
    struct indicator_table *t = mem_zeroed(1, sizeof(*t));
    t->header = h;
    if (!sections_find(t, bytes) || !references_good(t)) {
        mem_free(t);
        return err_set(err, ERR_DAMAGED, "the indicator table contradicts itself: import again");
    }
    *out = t;
    return ERR_OK;
}

void indicator_table_close(struct indicator_table **table)
{
    mem_free(*table);
    *table = NULL;
}

uint64_t indicator_table_count(const struct indicator_table *t)
{
    return t->header.count;
}

uint64_t indicator_table_exception_count(const struct indicator_table *t)
{
    return t->header.records.count - t->header.count;
}

unsigned indicator_table_kinds(const struct indicator_table *t)
{
    return t->header.kinds;
}

static struct slice text_at(const struct indicator_table *t, uint32_t at)
{
    uint16_t len;
    memcpy(&len, t->pool + at, sizeof(len));
    return slice_make(t->pool + at + sizeof(len), len);
}

void indicator_table_get(const struct indicator_table *t, uint64_t number, struct indicator *out)
{
    check(number < t->header.count);
    const struct indicator_record *r = &t->records[number];
    const struct indicator_meta *m = &t->metas[r->meta];
    *out = (struct indicator){.type = (enum indicator_type)r->type,
                              .value = text_at(t, r->value),
                              .source = text_at(t, m->source),
                              .id = text_at(t, r->id),
                              .title = text_at(t, m->title),
                              .confidence = (uint8_t)m->confidence,
                              .tlp = (enum indicator_tlp)m->tlp,
                              .from_ns = m->from_ns,
                              .until_ns = m->until_ns};
}

static inline bool bloom_has(const struct indicator_table *t, enum sight_kind kind, uint64_t key)
{
    uint64_t blocks = t->header.blooms[kind].count;
    return blocks > 0 &&
           indicator_bloom_has(t->blooms[kind] + 8 * indicator_bloom_block(key, blocks), key);
}

/* One question: what is asked with which sight. */
struct question {
    const struct indicator_table *t;
    const struct sight *sight;
    int64_t time_ns;
    indicator_hit *hit;
    void *context;
};

/* The text of a record: `text`, or for ip:port the sight's address and port. */
static bool value_is(const struct indicator_table *t, const struct indicator_record *r,
                     struct slice text, const struct sight *sight)
{
    struct slice value = text_at(t, r->value);
    if (r->type != INDICATOR_IP_PORT)
        return slice_equal(value, text);
    uint64_t port = 0;
    size_t colon = value.len;
    while (colon > 0 && value.data[colon - 1] != ':')
        colon--;
    struct slice host = slice_part(value, 0, colon ? colon - 1 : 0);
    if (host.len > 2 && host.data[0] == '[')
        host = slice_part(host, 1, host.len - 2);
    return slice_to_u64(slice_part(value, colon, value.len), &port) && port == sight->port &&
           slice_equal(host, text);
}

/* The first record of a type and text, from number `from` on, or NO_RECORD. */
static uint32_t record_find(const struct question *q, uint64_t key, enum indicator_type type,
                            struct slice text, uint64_t from)
{
    const struct indicator_table *t = q->t;
    uint64_t count = t->header.slots.count, at = indicator_slot_at(key, count);
    for (uint64_t steps = 0; steps < count && t->slots[at].record; steps++) {
        uint32_t next = t->slots[at].tag == (uint32_t)key ? t->slots[at].record : 0;
        while (next) {
            const struct indicator_record *r = &t->records[next - 1];
            if (next > from && r->type == type && value_is(t, r, text, q->sight))
                return next - 1;
            next = r->next ? r->next + 1 : 0;
        }
        at = at + 1 == count ? 0 : at + 1;
    }
    return NO_RECORD;
}

static uint32_t exception_find(const struct question *q, enum indicator_type type,
                               struct slice text)
{
    uint64_t key = type == INDICATOR_IP_PORT ? indicator_port_key(q->sight->hash, q->sight->port)
                                             : indicator_key(type, text);
    return record_find(q, key, type, text, q->t->header.count);
}

/* The smallest network that holds the address, index + 1, or 0. */
static uint64_t net_find(const struct indicator_net *nets, uint64_t count,
                         const struct ip_address *address)
{
    uint64_t high, low, begin = 0, end = count;
    indicator_words(address, &high, &low);
    while (begin < end) {
        uint64_t middle = (begin + end) / 2;
        const struct indicator_net *n = &nets[middle];
        if (n->high < high || (n->high == high && n->low <= low))
            begin = middle + 1;
        else
            end = middle;
    }
    while (begin > 0) {
        const struct indicator_net *n = &nets[begin - 1];
        unsigned bits = n->prefix_bits;
        uint64_t high_mask = bits >= 64 ? UINT64_MAX : bits ? UINT64_MAX << (64 - bits) : 0;
        uint64_t low_mask = bits <= 64 ? 0 : UINT64_MAX << (128 - bits);
        if (((n->high ^ high) & high_mask) == 0 && ((n->low ^ low) & low_mask) == 0)
            return begin;
        begin = n->parent;
    }
    return 0;
}

static uint32_t exception_of_address(const struct question *q)
{
    const struct indicator_table *t = q->t;
    uint64_t count = t->header.exception_nets.count;
    uint64_t net = net_find(t->exception_nets, count, &q->sight->address);
    return net ? t->exception_nets[net - 1].record
               : exception_find(q, INDICATOR_IP_PORT, q->sight->text);
}

/* Of a host: the nearest of the names from itself up to those of at least len_min bytes. */
static uint32_t exception_of_host(const struct question *q, size_t len_min)
{
    struct slice name = q->sight->text;
    uint32_t found = NO_RECORD;
    for (size_t at = 0; at != SLICE_NONE && found == NO_RECORD && name.len - at >= len_min;
         at = sight_parent(name, at))
        found = exception_find(q, INDICATOR_DOMAIN, slice_part(name, at, name.len));
    return found;
}

static bool is_excepted(const struct question *q, const struct indicator_record *r)
{
    struct slice value = text_at(q->t, r->value);
    if (q->t->header.records.count == q->t->header.count)
        return false;
    switch (r->type) {
    case INDICATOR_IP:
    case INDICATOR_CIDR:
    case INDICATOR_IP_PORT:
        return exception_of_address(q) != NO_RECORD;
    case INDICATOR_DOMAIN:
        return exception_of_host(q, value.len) != NO_RECORD ||
               (slice_starts(value, SLICE("www.")) &&
                exception_find(q, INDICATOR_DOMAIN, slice_part(value, 4, value.len)) != NO_RECORD);
    default:
        return exception_find(q, (enum indicator_type)r->type, value) != NO_RECORD;
    }
}

static void record_hit(const struct question *q, uint32_t number)
{
    const struct indicator_record *r = &q->t->records[number];
    const struct indicator_meta *m = &q->t->metas[r->meta];
    if (q->time_ns != CLOCK_NONE && ((m->from_ns != CLOCK_NONE && q->time_ns < m->from_ns) ||
                                     (m->until_ns != CLOCK_NONE && q->time_ns >= m->until_ns)))
        return;
    if (!is_excepted(q, r))
        q->hit(q->context, number, q->sight);
}

/* All indicators of a type and text. */
static void match_key(const struct question *q, uint64_t key, enum indicator_type type,
                      struct slice text)
{
    uint32_t r = record_find(q, key, type, text, 0);
    for (; r < q->t->header.count; r = q->t->records[r].next) {
        const struct indicator_record *record = &q->t->records[r];
        if (record->type == type && value_is(q->t, record, text, q->sight))
            record_hit(q, r);
        if (!record->next)
            break;
    }
}

static bool match_address(const struct question *q)
{
    const struct indicator_table *t = q->t;
    const uint8_t *bytes = q->sight->address.bytes;
    bool seen = bloom_has(t, SIGHT_IP, q->sight->hash);
    bool v4 = ip_is_v4(&q->sight->address);
    unsigned head = v4 ? (unsigned)bytes[12] << 8 | bytes[13] : (unsigned)bytes[0] << 8 | bytes[1];
    if (seen) {
        match_key(q, q->sight->hash, INDICATOR_IP, q->sight->text);
        uint64_t key = indicator_port_key(q->sight->hash, q->sight->port);
        if (q->sight->port > 0 && bloom_has(t, SIGHT_IP, key))
            match_key(q, key, INDICATOR_IP_PORT, q->sight->text);
    }
    if (!(t->heads[!v4][head >> 3] >> (head & 7) & 1))
        return seen;
    uint64_t net = net_find(t->nets, t->header.nets.count, &q->sight->address);
    for (; net; net = t->nets[net - 1].parent)
        for (uint32_t r = t->nets[net - 1].record;; r = t->records[r].next) {
            if (r < t->header.count)
                record_hit(q, r);
            if (!t->records[r].next)
                break;
        }
    return seen;
}

static void match_host(const struct question *q)
{
    struct slice name = q->sight->text;
    uint64_t key = q->sight->hash;
    for (size_t at = 0; at != SLICE_NONE; at = sight_parent(name, at)) {
        struct slice parent = slice_part(name, at, name.len);
        if (at > 0)
            key = sight_hash(SIGHT_HOST, parent);
        if (bloom_has(q->t, SIGHT_HOST, key))
            match_key(q, key, INDICATOR_DOMAIN, parent);
    }
}

static struct slice prefix_rest(const struct indicator_table *t, uint64_t at)
{
    struct slice value = text_at(t, t->records[t->prefixes[at]].value);
    return slice_part(value, url_scheme_bytes(value), value.len);
}

/* How many prefixes are not after text in order. */
static uint64_t prefixes_upto(const struct indicator_table *t, struct slice text)
{
    uint64_t begin = 0, end = t->header.prefixes.count;
    while (begin < end) {
        uint64_t middle = (begin + end) / 2;
        if (slice_compare(prefix_rest(t, middle), text) <= 0)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

/* All prefixes of a URL: the last one in order that is not after it either begins it, or shows how
 * short the next one to look for is at most. */
static void match_prefixes(const struct question *q)
{
    const struct indicator_table *t = q->t;
    struct slice whole = q->sight->text;
    struct slice url = slice_part(whole, url_scheme_bytes(whole), whole.len);
    struct slice scheme = slice_part(whole, 0, whole.len - url.len);
    struct slice upto = url;
    while (upto.len > q->sight->authority.len) {
        uint64_t at = prefixes_upto(t, upto);
        if (at == 0)
            return;
        struct slice found = prefix_rest(t, at - 1);
        size_t common = 0;
        while (common < found.len && common < upto.len && found.data[common] == upto.data[common])
            common++;
        if (common < found.len) {
            upto.len = common < upto.len ? common : upto.len - 1;
            continue;
        }
        for (; at > 0 && slice_equal(prefix_rest(t, at - 1), found); at--) {
            struct slice value = text_at(t, t->records[t->prefixes[at - 1]].value);
            if (value.len == found.len || slice_starts(value, scheme))
                record_hit(q, t->prefixes[at - 1]);
        }
        if (found.len == 0)
            return;
        upto.len = found.len - 1;
    }
}

static void match_url(const struct question *q)
{
    if (bloom_has(q->t, SIGHT_URL, q->sight->hash))
        match_key(q, q->sight->hash, INDICATOR_URL, q->sight->text);
    if (q->t->header.prefixes.count > 0 &&
        bloom_has(q->t, SIGHT_URL, sight_hash(SIGHT_URL, q->sight->authority)))
        match_prefixes(q);
}

bool indicator_table_match(const struct indicator_table *t, const struct sight *sight,
                           int64_t time_ns, indicator_hit *hit, void *context)
{
    struct question q = {t, sight, time_ns, hit, context};
    if (!(t->header.kinds >> sight->kind & 1))
        return false;
    if (sight->kind == SIGHT_IP)
        return match_address(&q);
    if (sight->kind == SIGHT_HOST)
        match_host(&q);
    else if (sight->kind == SIGHT_URL)
        match_url(&q);
    else if (bloom_has(t, sight->kind, sight->hash))
        match_key(&q, sight->hash, (enum indicator_type)exact_types[sight->kind], sight->text);
    return false;
}

struct slice indicator_table_exception(const struct indicator_table *t, const struct sight *sight)
{
    struct question q = {.t = t, .sight = sight, .time_ns = CLOCK_NONE};
    uint32_t found = NO_RECORD;
    if (t->header.records.count == t->header.count)
        return (struct slice){"", 0};
    if (sight->kind == SIGHT_IP)
        found = exception_of_address(&q);
    else if (sight->kind == SIGHT_HOST)
        found = exception_of_host(&q, 0);
    else
        found = exception_find(&q, (enum indicator_type)exact_types[sight->kind], sight->text);
    return found == NO_RECORD ? (struct slice){"", 0}
                              : text_at(t, t->metas[t->records[found].meta].source);
}
