/* What a test build's role does to the engine on its wire, as somebody who has taken it over: once
 * the wire is there, and again whenever the role was started again. */
#include <poll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "program/role_inject.h"
#include "watch/haul.h"
#include "watch/live.h"

enum {
    RULES_MS = 10000,
    FLOOD_MS = 5,
    FLOOD_BURST = 256,
    FLOODS = 400,
    GARBAGE = 64,
    GARBAGE_BYTES = 512
};

struct rogue {
    struct role_context *context;
    void (*on_peer)(struct role_context *c, enum role role, uint32_t instance, int fd);
    struct wire *wire;
    uv_timer_t timer;
    uint16_t type; /* what is sent again and again */
    struct buf payload;
    uint32_t floods;
    bool reads;
};
static struct rogue rogue;

static void garbage(struct rogue *r)
{
    char bytes[GARBAGE_BYTES];
    uint16_t len;
    for (int i = 0; i < GARBAGE; i++) {
        check(getrandom(&len, sizeof(len), 0) == (ssize_t)sizeof(len));
        check(getrandom(bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes));
        struct iovec piece = {bytes, 1 + len % sizeof(bytes)};
        struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
        if (sendmsg(wire_fd(r->wire), &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            return;
    }
}

static void say(struct rogue *r, uint16_t type, struct slice payload)
{
    struct err err;
    if (wire_send(r->wire, type, 1, payload, NULL, 0, &err) != ERR_OK)
        log_err(LOG_INFO, "injection", &err);
}

static void burst(uv_timer_t *timer)
{
    struct rogue *r = timer->data;
    struct wire_message message = {0};
    struct err err;
    int rc = ERR_OK;
    while (r->reads && wire_receive(r->wire, &message, NULL) == ERR_OK)
        continue;
    wire_message_free(&message);
    for (int i = 0; i < FLOOD_BURST && rc == ERR_OK; i++)
        rc = wire_events(r->wire) & POLLOUT
                 ? ERR_FULL
                 : wire_send(r->wire, r->type, 1, buf_as_slice(&r->payload), NULL, 0, &err);
    rc = wire_flush(r->wire, &err);
    if (rc == ERR_OK && (!r->reads || ++r->floods < FLOODS))
        return;
    log_say(LOG_INFO, "injection", "%s has flooded: %s", role_specs[r->context->role].name,
            rc == ERR_OK ? "to the end" : err.text);
    (void)uv_timer_stop(&r->timer);
}

static void flood(struct rogue *r, uint16_t type, bool reads)
{
    r->type = type;
    r->reads = reads;
    buf_clear(&r->payload);
    if (type == MESSAGE_WHO) {
        bytes_put_text(&r->payload, SLICE("canh_of_nobody"));
        bytes_put_text(&r->payload, SLICE("192.0.2.1"));
    }
    if (!r->timer.data)
        check(uv_timer_init(&r->context->loop, &r->timer) == 0);
    r->timer.data = r;
    check(uv_timer_start(&r->timer, burst, 0, FLOOD_MS) == 0);
}

static void flood_who(struct rogue *r)
{
    flood(r, MESSAGE_WHO, true);
}

static void no_read(struct rogue *r)
{
    flood(r, MESSAGE_WHO, false);
}

/* Whose answers are long. */
static void no_read_long(struct rogue *r)
{
    flood(r, MESSAGE_METRICS, false);
}

static void haul_tell(struct rogue *r, uint32_t slot, size_t bytes)
{
    struct buf payload = {0};
    bytes_put_u32(&payload, slot);
    bytes_put_u32(&payload, (uint32_t)bytes);
    say(r, MESSAGE_HAUL, buf_as_slice(&payload));
    buf_free(&payload);
}

static void flood_haul(struct rogue *r)
{
    for (uint32_t i = 0; i < 2 * HAUL_SLOTS; i++)
        haul_tell(r, i % HAUL_SLOTS, HAUL_SLOT_BYTES);
}

static void haul_send(struct rogue *r, const struct haul_head *head, struct slice raw,
                      const struct harvest *haul)
{
    struct buf packed = {0};
    check(haul_pack(head, raw, haul, HAUL_SLOT_BYTES, &packed, NULL) == ERR_OK);
    char *slot =
        mmap(NULL, HAUL_SLOT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, r->context->shared_fd, 0);
    check(slot != MAP_FAILED);
    memcpy(slot, packed.data, packed.len);
    haul_tell(r, 0, packed.len);
    buf_free(&packed);
}

/* Which rules the engine says that it judges by. */
static uint64_t rules_learn(struct rogue *r)
{
    struct wire_message message = {0};
    struct err err;
    uint64_t fingerprint = 0;
    if (wire_wait(r->wire, &message, RULES_MS, &err) == ERR_OK && message.type == MESSAGE_RULES) {
        struct bytes_in in = bytes_in(buf_as_slice(&message.payload));
        (void)bytes_take_text(&in, LIVE_VERSION_BYTES);
        fingerprint = bytes_take_u64(&in);
    }
    wire_message_free(&message);
    return fingerprint;
}

/* One event, or one finding, of a listener that is there: all but one thing is as it must be. */
static void forge(struct rogue *r, struct slice partition, uint32_t rule)
{
    const struct config_listener *l = r->context->config->listeners.items;
    struct live live = {0};
    struct live_options options = {.config = r->context->config, .interpreted = true};
    uint64_t fingerprint = rules_learn(r);
    struct err err;
    struct record record = {0};
    uint32_t number, index;
    check(r->context->config->listeners.count > 0);
    if (live_open(&live, &options, &err) != ERR_OK) {
        log_err(LOG_ERROR, "injection", &err);
        return;
    }
    const struct origin *row = &live_source(&live, l->source)->row;
    struct haul_head head = {.rules = fingerprint,
                             .figures = {.counts = {[LEDGER_RECEIVED] = 1, [LEDGER_BYTES] = 1}},
                             .source = row->name,
                             .listener = l->row.name,
                             .received_ns = 1};
    struct row_context context = {.partition = partition.len ? partition : row->partition,
                                  .source = row->name,
                                  .system = row->system,
                                  .unit = row->unit,
                                  .file = l->row.name,
                                  .configured = row->configured};
    struct batch_writer *writer = batch_writer_open();
    struct harvest *haul = harvest_open();
    if (rule)
        harvest_add(haul, HARVEST_FINDING)->rule = rule;
    batch_begin(writer, 1, false);
    check(batch_context(writer, &context, &number, NULL) == ERR_OK);
    check(record_add(&record, SLICE("a"), SLICE("b"), VALUE_STRING, 0, NULL) == ERR_OK);
    check(batch_add(writer, number, 1, 1, &record, &index, NULL) == ERR_OK);
    haul_send(r, &head, batch_raw(writer), haul);
    record_free(&record);
    batch_writer_close(&writer);
    harvest_close(&haul);
    live_close(&live);
}

static void forged_partition(struct rogue *r)
{
    forge(r, SLICE("_findings"), 0);
}

static void forged_rule(struct rogue *r)
{
    forge(r, SLICE(""), 1 << 20);
}

static void sent_unknown(struct rogue *r)
{
    struct buf payload = {0};
    bytes_put_u32(&payload, ERR_OK);
    bytes_put_text(&payload, SLICE(""));
    say(r, MESSAGE_SENT, buf_as_slice(&payload));
    buf_free(&payload);
}

static const struct {
    const char *name;
    void (*act)(struct rogue *r);
} acts[] = {
    {"garbage", garbage},
    {"flood_who", flood_who},
    {"flood_haul", flood_haul},
    {"no_read", no_read},
    {"no_read_long", no_read_long},
    {"forged_rule", forged_rule},
    {"forged_partition", forged_partition},
    {"sent_unknown", sent_unknown},
};

static void on_peer(struct role_context *c, enum role role, uint32_t instance, int fd)
{
    if (role != ROLE_ENGINE) {
        rogue.on_peer(c, role, instance, fd);
        return;
    }
    wire_close(&rogue.wire);
    rogue.wire = wire_open(fd, -1);
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
        if (strcmp(acts[i].name, c->injection) == 0)
            acts[i].act(&rogue);
}

void role_inject_wire(struct role_context *c)
{
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        if (strcmp(acts[i].name, c->injection) != 0)
            continue;
        log_say(LOG_INFO, "injection", "%s does %s", role_specs[c->role].name, c->injection);
        rogue.context = c;
        rogue.on_peer = c->on_peer;
        c->on_peer = on_peer;
    }
}
