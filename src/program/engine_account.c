#include "program/engine_account.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/map.h"
#include "base/mem.h"
#include "watch/listener.h"

#define OWNER_BEGIN  SLICE("owner:")
#define SENDER_BEGIN SLICE("sender:")
#define ENDED_CURSOR SLICE("ended")
/* A haul that says it came so long before now, or after it, counts for the hour that it is now. */
#define RECEIVED_AGO_MAX_NS (3600 * CLOCK_SECOND_NS)

enum { HEX_DIGITS = 16, GROUP_IDS_BEGIN = 256 };

struct account_sender {
    uint64_t id; /* 0: free place */
    uint32_t role, instance;
    uint64_t brought[TALLY_LISTENERS_MAX], add[TALLY_LISTENERS_MAX]; /* durable; by the group */
    uint64_t cut[TALLY_LISTENERS_MAX];                               /* is_gone */
    bool is_new, is_changed, is_gone, is_leaving;                    /* leaving: with the group */
};

struct account_lane {
    uint64_t lane, sender;
    bool is_new, is_leaving;
};

struct engine_account {
    const struct config *config;
    struct ledger *ledger;
    struct id_key key;
    struct account_sender senders[ENGINE_ACCOUNT_SENDERS_MAX];
    struct account_lane lanes[ENGINE_ACCOUNT_LANES_MAX];
    uint32_t lane_count;
    uint64_t ended, group_ended; /* newest sender whose loss is booked; by the group */
    struct map group_ids; /* of the group: key bytes in ids */
    struct arena arena;   /* of those keys */
    struct carry_id *ids; /* of a haul */
    uint32_t id_capacity;
    struct buf scratch;
};

/* ---- opening ---- */

static bool hex_read(struct slice text, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        uint64_t digit = c >= '0' && c <= '9' ? (uint64_t)(c - '0') : (uint64_t)(c - 'a') + 10;
        if (digit > 15)
            return false;
        *out = *out << 4 | digit;
    }
    return text.len == HEX_DIGITS;
}

static struct account_sender *sender_find(struct engine_account *a, uint64_t id)
{
    for (int i = 0; i < ENGINE_ACCOUNT_SENDERS_MAX; i++)
        if (a->senders[i].id == id)
            return &a->senders[i];
    return NULL;
}

static uint32_t listener_of(const struct engine_account *a, struct slice name)
{
    const struct config_listener *l = a->config->listeners.items;
    for (uint32_t i = 0; i < a->config->listeners.count && i < TALLY_LISTENERS_MAX; i++)
        if (slice_equal(l[i].row.name, name))
            return i;
    return TALLY_LISTENERS_MAX;
}

static void sender_load(void *context, struct slice name, struct slice value)
{
    struct engine_account *a = context;
    struct account_sender *s = sender_find(a, 0);
    uint64_t id, role, instance;
    struct slice who = slice_cut(&value, ' ');
    if (!s || !hex_read(slice_part(name, SENDER_BEGIN.len, SIZE_MAX), &id) ||
        !slice_to_u64(slice_cut(&who, '.'), &role) || !slice_to_u64(who, &instance))
        return;
    *s = (struct account_sender){.id = id, .role = (uint32_t)role, .instance = (uint32_t)instance};
    while (value.len) {
        struct slice records = slice_cut(&value, ' '), listener = slice_cut(&records, '=');
        uint32_t number = listener_of(a, listener);
        if (number < TALLY_LISTENERS_MAX)
            (void)slice_to_u64(records, &s->brought[number]);
    }
}

static void lane_load(void *context, struct slice name, struct slice value)
{
    struct engine_account *a = context;
    struct account_lane lane = {0};
    if (a->lane_count < ENGINE_ACCOUNT_LANES_MAX &&
        hex_read(slice_part(name, OWNER_BEGIN.len, SIZE_MAX), &lane.lane) &&
        hex_read(value, &lane.sender))
        a->lanes[a->lane_count++] = lane;
}

static void senders_load(struct engine_account *a, const struct carry *carry)
{
    carry_cursors(carry, SENDER_BEGIN, sender_load, a);
    carry_cursors(carry, OWNER_BEGIN, lane_load, a);
    a->ended = 0;
    (void)hex_read(carry_cursor(carry, ENDED_CURSOR), &a->ended);
    a->group_ended = a->ended;
}

static int key_open(struct engine_account *a, struct store *store, struct err *err)
{
    struct buf items = {0};
    uint64_t first;
    int rc = id_key_read(store_carry(store), &a->key, err);
    if (rc != ERR_NOT_FOUND)
        return rc;
    id_key_make(&a->key, &items);
    struct store_group group = {.carry = buf_as_slice(&items), .now_ns = clock_now_ns()};
    rc = store_append(store, &group, &first, err);
    buf_free(&items);
    return rc;
}

int engine_account_open(struct engine_account **out, struct store *store,
                        const struct config *config, struct err *err)
{
    struct engine_account *a = mem_zeroed(1, sizeof(*a));
    const struct carry *carry = store_carry(store);
    *out = a;
    a->config = config;
    int rc = key_open(a, store, err);
    if (rc)
        return rc;
    a->ledger = ledger_open(carry);
    senders_load(a, carry);
    return ERR_OK;
}

void engine_account_again(struct engine_account *a, struct store *store)
{
    const struct carry *carry = store_carry(store);
    struct engine_account_gone gone[ENGINE_ACCOUNT_SENDERS_MAX];
    uint32_t gone_count = 0;
    for (int i = 0; i < ENGINE_ACCOUNT_SENDERS_MAX; i++) {
        if (a->senders[i].is_gone) {
            gone[gone_count].id = a->senders[i].id;
            memcpy(gone[gone_count++].cut, a->senders[i].cut, sizeof(gone->cut));
        }
        a->senders[i] = (struct account_sender){0};
    }
    a->lane_count = 0;
    senders_load(a, carry);
    ledger_again(a->ledger, carry);
    for (uint32_t i = 0; i < gone_count; i++)
        engine_account_gone(a, &gone[i]);
}

void engine_account_close(struct engine_account **account)
{
    struct engine_account *a = *account;
    if (!a)
        return;
    ledger_close(&a->ledger);
    map_free(&a->group_ids);
    arena_free(&a->arena);
    mem_free(a->ids);
    buf_free(&a->scratch);
    mem_free(a);
    *account = NULL;
}

struct ledger *engine_account_ledger(struct engine_account *a)
{
    return a->ledger;
}

/* ---- once each ---- */

bool engine_account_is_repeated(const struct engine_account *a, const struct carry *carry,
                                const struct haul_head *head)
{
    char name[HAUL_LANE_BYTES];
    uint64_t number;
    (void)a;
    return head->lane &&
           slice_to_u64(carry_cursor(carry, haul_lane_cursor(head->lane, name)), &number) &&
           head->number <= number;
}

static void known_mark(struct buf *known, uint32_t row)
{
    while (known->len <= row / 8)
        buf_char(known, 0);
    known->data[row / 8] = (char)((unsigned char)known->data[row / 8] | 1u << row % 8);
}

static struct slice id_key_of(const struct carry_id *id)
{
    return slice_make((const char *)id->bytes, CARRY_ID_BYTES);
}

static int known_say(struct engine_haul *haul)
{
    return haul->rc = err_set(&haul->err, ERR_EXISTS,
                              "Events with these ids are stored already: send those without them.");
}

int engine_account_ids(struct engine_account *a, const struct carry *carry,
                       struct engine_commit_work *w)
{
    const struct haul_head *head = &w->head;
    uint32_t known = 0;
    struct map own = {0};
    if (head->id_count > a->id_capacity) {
        a->id_capacity = head->id_count + GROUP_IDS_BEGIN;
        a->ids = mem_resize(a->ids, a->id_capacity, sizeof(*a->ids));
    }
    buf_clear(&w->to->known);
    for (uint32_t i = 0; i < head->id_count; i++) {
        bool is_first;
        a->ids[i] = id_key_hash(&a->key, head->sender, head->ids[i].id, &a->scratch);
        (void)map_put(&own, id_key_of(&a->ids[i]), i, &is_first);
        if (is_first && !map_find(&a->group_ids, id_key_of(&a->ids[i])) &&
            !carry_has_id(carry, head->sender, &a->ids[i]))
            continue;
        known_mark(&w->to->known, head->ids[i].row);
        known++;
    }
    map_free(&own);
    for (uint32_t i = 0; i < head->id_count && known == 0; i++)
        (void)map_put(&a->group_ids, arena_copy(&a->arena, id_key_of(&a->ids[i])), 0, NULL);
    return known ? known_say(w->to) : ERR_OK;
}

/* ---- a group ---- */

static void hex_name(struct buf *out, struct slice begin, uint64_t number)
{
    buf_clear(out);
    buf_slice(out, begin);
    buf_printf(out, "%016" PRIx64, number);
}

/* What senders of the role before this one had. */
static void others_leave(struct engine_account *a, const struct account_sender *one)
{
    for (int i = 0; i < ENGINE_ACCOUNT_SENDERS_MAX; i++) {
        struct account_sender *s = &a->senders[i];
        if (s->id && s != one && s->role == one->role && s->instance == one->instance &&
            !s->is_gone)
            s->is_leaving = true;
    }
}

static struct account_sender *sender_of(struct engine_account *a, const struct engine_haul *haul)
{
    struct account_sender *s = haul->sender_id ? sender_find(a, haul->sender_id) : NULL;
    if (s || haul->sender_id == 0)
        return s;
    s = sender_find(a, 0);
    if (!s)
        return NULL;
    *s = (struct account_sender){.id = haul->sender_id,
                                 .role = haul->sender_role,
                                 .instance = haul->sender_instance,
                                 .is_new = true,
                                 .is_changed = true};
    others_leave(a, s);
    return s;
}

static void lane_take(struct engine_account *a, const struct engine_commit_work *w,
                      struct buf *items)
{
    char name[HAUL_LANE_BYTES], number[24];
    int len = snprintf(number, sizeof(number), "%" PRIu64, w->head.number);
    carry_put_cursor(items, haul_lane_cursor(w->head.lane, name), slice_make(number, (size_t)len));
    for (uint32_t i = 0; i < a->lane_count; i++)
        if (a->lanes[i].lane == w->head.lane)
            return;
    if (w->to->sender_id && a->lane_count < ENGINE_ACCOUNT_LANES_MAX)
        a->lanes[a->lane_count++] =
            (struct account_lane){.lane = w->head.lane, .sender = w->to->sender_id, .is_new = true};
}

static bool is_acknowledged(const struct engine_account *a, uint32_t listener)
{
    const struct config_listener *l = a->config->listeners.items;
    const struct listener_kind *kind = listener_kind_find(l[listener].kind);
    return !kind || kind->service == LISTENER_HTTP;
}

static void brought_take(struct engine_account *a, const struct engine_commit_work *w)
{
    const uint64_t *counts = w->head.figures.counts;
    struct account_sender *s = sender_of(a, w->to);
    uint32_t listener = listener_of(a, w->head.listener);
    if (!s || listener == TALLY_LISTENERS_MAX || is_acknowledged(a, listener) ||
        counts[LEDGER_RECEIVED] <= counts[LEDGER_DROPPED_KERNEL])
        return;
    s->add[listener] += counts[LEDGER_RECEIVED] - counts[LEDGER_DROPPED_KERNEL];
    s->is_changed = true;
}

static void ids_put(struct engine_account *a, const struct haul_head *head, int64_t now_ns,
                    struct buf *items)
{
    if (head->id_count == 0)
        return;
    for (uint32_t i = 0; i < head->id_count; i++)
        a->ids[i] = id_key_hash(&a->key, head->sender, head->ids[i].id, &a->scratch);
    carry_put_ids(items, head->sender, now_ns, a->ids, head->id_count);
}

void engine_account_take(struct engine_account *a, const struct engine_commit_work *w,
                         int64_t now_ns, struct buf *items)
{
    int64_t received_ns = w->head.received_ns;
    struct ledger_figures figures = w->head.figures;
    if (w->head.lane)
        lane_take(a, w, items);
    if (w->to->historical)
        return;
    if (received_ns > now_ns || received_ns < now_ns - RECEIVED_AGO_MAX_NS)
        received_ns = now_ns;
    figures.counts[LEDGER_STORED] = w->batch.row_count; /* that go to the store */
    figures.counts[LEDGER_FINDINGS] = w->to->findings;
    ledger_add(a->ledger, w->head.source, &figures, received_ns);
    brought_take(a, w);
    ids_put(a, &w->head, now_ns, items);
}

/* ---- senders that died ---- */

void engine_account_gone(struct engine_account *a, const struct engine_account_gone *gone)
{
    struct account_sender *s = gone->id ? sender_find(a, gone->id) : NULL;
    bool has_cut = false;
    for (uint32_t i = 0; i < TALLY_LISTENERS_MAX; i++)
        has_cut |= gone->cut[i] > 0;
    if (!s && has_cut && !tally_is_up_to(gone->id, a->ended)) /* no haul of it ever came */
        s = sender_find(a, 0);
    if (!s)
        return;
    s->id = gone->id;
    s->is_gone = true;
    memcpy(s->cut, gone->cut, sizeof(s->cut));
}

bool engine_account_has_gone(const struct engine_account *a)
{
    for (int i = 0; i < ENGINE_ACCOUNT_SENDERS_MAX; i++)
        if (a->senders[i].is_gone)
            return true;
    return false;
}

void engine_account_take_gone(struct engine_account *a, int64_t now_ns)
{
    const struct config_listener *l = a->config->listeners.items;
    for (int i = 0; i < ENGINE_ACCOUNT_SENDERS_MAX; i++) {
        struct account_sender *s = &a->senders[i];
        if (!s->is_gone)
            continue;
        s->is_leaving = true;
        if (!tally_is_up_to(s->id, a->group_ended))
            a->group_ended = s->id;
        for (uint32_t k = 0; k < a->config->listeners.count && k < TALLY_LISTENERS_MAX; k++) {
            struct ledger_figures lost = {0};
            uint64_t records = tally_lost(s->cut[k], s->brought[k] + s->add[k]);
            lost.counts[LEDGER_RECEIVED] = lost.counts[LEDGER_DROPPED_ENDED] = records;
            if (records)
                ledger_add(a->ledger, l[k].source, &lost, now_ns);
        }
    }
}

/* ---- the group's carry ---- */

static void sender_put(struct engine_account *a, const struct account_sender *s, struct buf *items)
{
    const struct config_listener *l = a->config->listeners.items;
    struct buf value = {0};
    hex_name(&a->scratch, SENDER_BEGIN, s->id);
    buf_printf(&value, "%lu.%lu", (unsigned long)s->role, (unsigned long)s->instance);
    for (uint32_t i = 0; i < a->config->listeners.count && i < TALLY_LISTENERS_MAX; i++)
        if (s->brought[i] + s->add[i])
            buf_printf(&value, " %.*s=%" PRIu64, (int)l[i].row.name.len, l[i].row.name.data,
                       s->brought[i] + s->add[i]);
    if (s->is_leaving)
        buf_clear(&value);
    carry_put_cursor(items, buf_as_slice(&a->scratch), buf_as_slice(&value));
    buf_free(&value);
}

static void lane_put(struct engine_account *a, struct account_lane *lane, struct buf *items)
{
    char name[HAUL_LANE_BYTES], id[HEX_DIGITS + 1];
    const struct account_sender *owner = sender_find(a, lane->sender);
    lane->is_leaving = !lane->is_new && (!owner || owner->is_leaving);
    int len = snprintf(id, sizeof(id), "%016" PRIx64, lane->sender);
    hex_name(&a->scratch, OWNER_BEGIN, lane->lane);
    if (lane->is_new || lane->is_leaving)
        carry_put_cursor(items, buf_as_slice(&a->scratch),
                         lane->is_leaving ? SLICE("") : slice_make(id, (size_t)len));
    if (lane->is_leaving)
        carry_put_cursor(items, haul_lane_cursor(lane->lane, name), SLICE(""));
}

static void ended_put(struct engine_account *a, struct buf *items)
{
    hex_name(&a->scratch, SLICE(""), a->group_ended);
    carry_put_cursor(items, ENDED_CURSOR, buf_as_slice(&a->scratch));
}

void engine_account_put(struct engine_account *a, struct buf *items)
{
    for (int i = 0; i < ENGINE_ACCOUNT_SENDERS_MAX; i++)
        if (a->senders[i].id && (a->senders[i].is_changed || a->senders[i].is_leaving))
            sender_put(a, &a->senders[i], items);
    for (uint32_t i = 0; i < a->lane_count; i++)
        lane_put(a, &a->lanes[i], items);
    if (a->group_ended != a->ended)
        ended_put(a, items);
    ledger_put(a->ledger, items);
}

static void sender_settle(struct account_sender *s, bool durable)
{
    for (uint32_t i = 0; i < TALLY_LISTENERS_MAX; i++) {
        s->brought[i] += durable ? s->add[i] : 0;
        s->add[i] = 0;
    }
    if (durable ? s->is_leaving : s->is_new)
        *s = (struct account_sender){0};
    s->is_new = s->is_changed = s->is_leaving = false;
}

void engine_account_settle(struct engine_account *a, bool durable)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < a->lane_count; i++) {
        struct account_lane lane = a->lanes[i];
        bool goes = durable ? lane.is_leaving : lane.is_new;
        lane.is_new = lane.is_leaving = false;
        if (!goes)
            a->lanes[kept++] = lane;
    }
    a->lane_count = kept;
    for (int i = 0; i < ENGINE_ACCOUNT_SENDERS_MAX; i++)
        sender_settle(&a->senders[i], durable);
    a->ended = a->group_ended = durable ? a->group_ended : a->ended;
    ledger_settle(a->ledger, durable);
    map_free(&a->group_ids);
    arena_reset(&a->arena);
}
