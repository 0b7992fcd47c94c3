/* One seed: lives of a store, each with its work, its fault and its end. */
#include <stdio.h>

#include "base/mem.h"
#include "sim/sim.h"
#include "sim/sim_disk.h"

#define MINUTE_NS (60 * CLOCK_SECOND_NS)
#define HOUR_NS   (60 * MINUTE_NS)
enum { OPENS_MAX = 6 /* a start that is cut off, again and again */ };

/* Time goes on in steps of many sizes, and now and then back. */
static void clock_step(struct sim *s)
{
    switch (sim_draw(s, 16)) {
    case 0:
        s->now_ns -= (int64_t)sim_draw(s, 3600) * CLOCK_SECOND_NS;
        break;
    case 1:
        s->now_ns += (int64_t)sim_draw(s, 72) * HOUR_NS;
        break;
    case 2:
        s->now_ns += (int64_t)sim_draw(s, 40) * 24 * HOUR_NS;
        break;
    case 3:
    case 4:
        s->now_ns += (int64_t)sim_draw(s, 300) * CLOCK_SECOND_NS;
        break;
    default:
        s->now_ns += (int64_t)sim_draw(s, 20000) * 1000000;
    }
}

static void operation_fails(struct sim *s, const char *what, int rc, const struct err *err)
{
    sim_say(s, "%s: %d %s", what, rc, err->text);
    if (!disk_sim_is_cut(s->disk) && !s->failing && !(s->full && rc == ERR_FULL))
        sim_fail(s, "%s fails on a disk that is %s: %s", what, s->full ? "full" : "whole",
                 err->text);
}

/* After an error that it could not go round, the store takes nothing more, and says so. */
static void read_only_check(struct sim *s)
{
    struct store_stats stats;
    struct err err;
    if (store_stat(s->store, &stats, &err) == ERR_OK && !stats.read_only)
        sim_fail(s, "a write failed for good and the store does not say that it is read-only");
}

static void append(struct sim *s)
{
    struct sim_group g;
    struct err err = {0};
    uint64_t first = 0;
    sim_group_draw(s, &g);
    struct store_group group = {g.batches, g.batch_count, buf_as_slice(&g.carry), s->now_ns};
    int rc = store_append(s->store, &group, &first, &err);
    if (rc == ERR_OK) {
        sim_say(s, "append %u rows from %llu", g.row_count, (unsigned long long)first);
        if (first != s->row_count + 1)
            sim_fail(s, "event %llu was given out twice or left out, %llu is next",
                     (unsigned long long)first, (unsigned long long)s->row_count + 1);
        sim_model_take(s, &g);
        sim_unknown_forget(s);
        sim_group_free(&g);
        s->appended++;
        return;
    }
    operation_fails(s, "append", rc, &err);
    if (rc == ERR_IO && !disk_sim_is_cut(s->disk))
        read_only_check(s);
    bool refused = rc == ERR_FULL && !s->failing; /* nothing of it was accepted */
    if (s->unknown_count < SIM_UNKNOWN_MAX && !refused)
        s->unknown[s->unknown_count++] = g;
    else
        sim_group_free(&g);
}

/* What is in the notary when all went well must stay. */
static void notary_keep(struct sim *s, int rc)
{
    s->notary_torn |= rc != ERR_OK;
    if (!s->notary_torn && !disk_sim_is_cut(s->disk))
        sim_notary_read(s, &s->notary);
}

static void tick(struct sim *s)
{
    struct err err = {0};
    int rc = store_tick(s->store, s->now_ns, &err);
    if (rc)
        operation_fails(s, "tick", rc, &err);
    notary_keep(s, rc);
}

static void seal(struct sim *s)
{
    struct err err = {0};
    s->sealing = true;
    int rc = store_seal(s->store, s->now_ns, &err);
    s->sealing = false;
    sim_say(s, "seal: %d", rc);
    if (rc)
        operation_fails(s, "seal", rc, &err);
    else
        s->seals++;
}

static void merge(struct sim *s)
{
    struct err err = {0};
    uint64_t merged = 0;
    s->sealing = true;
    int rc = store_merge(s->store, s->now_ns, &merged, &err);
    s->sealing = false;
    sim_say(s, "merge: %d, %llu", rc, (unsigned long long)merged);
    if (rc)
        operation_fails(s, "merge", rc, &err);
    s->merges += merged;
}

/* segments/PARTITION/DAY/FIRST-LAST.gN.segment */
static void expired_note(void *context, struct slice path, uint64_t rows, uint64_t bytes,
                         const char *reason)
{
    struct sim *s = context;
    uint64_t first, last, found = 0;
    (void)bytes, (void)reason;
    (void)slice_cut(&path, '/');
    struct slice partition = slice_cut(&path, '/');
    (void)slice_cut(&path, '/');
    struct slice from = slice_cut(&path, '-'), until = slice_cut(&path, '.');
    if (!slice_to_u64(from, &first) || !slice_to_u64(until, &last) || last > s->row_count) {
        sim_fail(s, "retention names a file that is none");
        return;
    }
    for (uint64_t i = first; i <= last; i++) {
        if (!slice_equal(sim_partitions[s->rows[i - 1].partition], partition))
            continue;
        s->rows[i - 1].gone = true;
        found++;
    }
    if (found != rows)
        sim_fail(s, "retention removes %llu events and says %llu", (unsigned long long)found,
                 (unsigned long long)rows);
    s->expired += rows;
}

static void expire(struct sim *s)
{
    struct store_policy policies[2] = {
        {.keep_ns = (int64_t)sim_draw(s, 96) * HOUR_NS, .keep_bytes = sim_draw(s, 3) * 40000},
        {.partition = sim_partitions[sim_draw(s, 5)], .hold = sim_draw(s, 2)}};
    struct store_expired expired;
    struct err err = {0};
    int rc = store_expire(s->store, policies, 2, s->now_ns, false, expired_note, s, &expired, &err);
    sim_say(s, "expire: %d, %llu rows", rc, (unsigned long long)expired.rows);
    if (rc)
        operation_fails(s, "expire", rc, &err);
    notary_keep(s, rc);
}

static void operation(struct sim *s)
{
    clock_step(s);
    s->operations++;
    uint32_t draw = sim_draw(s, 100);
    bool alive = !disk_sim_is_cut(s->disk);
    if (draw < 58)
        append(s);
    else if (draw < 70)
        tick(s);
    else if (draw < 82 || store_wants_seal(s->store, s->now_ns))
        seal(s);
    else if (draw < 86)
        merge(s);
    else if (draw < 89)
        expire(s);
    else if (alive && draw < 93)
        sim_check_now(s);
    else if (alive)
        sim_check_one(s);
}

/* Between two calls of a seal or merge on files that no lock is held for. */
static void passed(void *context, const char *path)
{
    struct sim *s = context;
    struct slice p = slice_from(path);
    if (!s->sealing || s->why[0] || sim_draw(s, 12) ||
        !(slice_starts(p, SLICE("tmp/")) || slice_starts(p, SLICE("segments/")) ||
          slice_starts(p, SLICE("checkpoint"))))
        return;
    s->sealing = false;
    uint32_t draw = sim_draw(s, 8);
    if (draw < 5)
        append(s);
    else if (draw < 7)
        tick(s);
    else if (!disk_sim_is_cut(s->disk))
        sim_check_now(s);
    s->sealing = true;
}

static void fault_draw(struct sim *s)
{
    static const enum disk_sim_call calls[] = {
        DISK_SIM_WRITE,  DISK_SIM_SYNC,    DISK_SIM_SYNC,   DISK_SIM_SYNC_FOLDER,
        DISK_SIM_RENAME, DISK_SIM_RESERVE, DISK_SIM_CREATE, DISK_SIM_REMOVE};
    if (sim_draw(s, 3)) {
        uint32_t far = sim_draw(s, 3) ? 60 : 400;
        uint64_t n = 1 + sim_draw(s, far);
        disk_sim_cut_at(s->disk, n);
        sim_say(s, "a cut in change %llu", (unsigned long long)n);
    }
    if (sim_draw(s, 3) == 0) {
        enum disk_sim_call call = calls[sim_draw(s, sizeof calls / sizeof calls[0])];
        uint64_t n = 1 + sim_draw(s, 12);
        s->failing = true;
        disk_sim_fail_at(s->disk, call, n);
        sim_say(s, "an error in call %llu of kind %d", (unsigned long long)n, (int)call);
    }
    if (sim_draw(s, 5) == 0) {
        s->full = true;
        disk_sim_capacity(s->disk, disk_sim_used(s->disk) + sim_draw(s, 200000));
        sim_say(s, "the disk is nearly full");
    }
}

void sim_store_open(struct sim *s, bool expected)
{
    struct err err = {0};
    int rc = store_open(&s->store, "simulated", &s->options, &err);
    sim_say(s, "open: %d %s", rc, rc ? err.text : "");
    if (rc == ERR_OK)
        return;
    s->store = NULL;
    if (expected && !disk_sim_is_cut(s->disk))
        sim_fail(s, "the store does not open: %s", err.text);
}

/* The end of a life: closed, killed, or without power. */
static void life_end(struct sim *s)
{
    uint32_t draw = sim_draw(s, 4);
    if (!disk_sim_is_cut(s->disk)) {
        disk_sim_cut_at(s->disk, draw == 0 ? 1 : draw == 1 ? 1 + sim_draw(s, 6) : 0);
        sim_say(s, draw > 1 ? "closed" : "killed or cut while it closes");
    }
    store_close(&s->store);
    if (!disk_sim_is_cut(s->disk) && !s->failing && !s->full && !s->notary_torn)
        sim_notary_read(s, &s->notary);
    bool power = sim_draw(s, 3) != 0;
    sim_say(s, power ? "power cut" : "process killed");
    disk_sim_restart(s->disk, power ? DISK_SIM_POWER : DISK_SIM_KILL);
    disk_sim_capacity(s->disk, 0);
    s->failing = s->full = s->notary_torn = false;
}

/* Opens, perhaps cut off in doing so, until it is open. */
static void life_begin(struct sim *s)
{
    for (uint32_t i = 0; i < OPENS_MAX && !s->store && !s->why[0]; i++) {
        bool last = i + 1 == OPENS_MAX || sim_draw(s, 4);
        disk_sim_cut_at(s->disk, last ? 0 : 1 + sim_draw(s, 60));
        sim_store_open(s, true);
        if (disk_sim_is_cut(s->disk)) {
            store_close(&s->store);
            disk_sim_restart(s->disk, sim_draw(s, 2) ? DISK_SIM_POWER : DISK_SIM_KILL);
        }
        disk_sim_cut_at(s->disk, 0);
    }
}

static void life(struct sim *s)
{
    s->lives++;
    sim_say(s, "life %llu, %llu rows", (unsigned long long)s->lives,
            (unsigned long long)s->row_count);
    life_begin(s);
    if (s->store && !s->why[0])
        sim_check_start(s);
    if (s->store && !s->why[0]) {
        if (sim_draw(s, 4))
            fault_draw(s);
        uint32_t operations = 4 + sim_draw(s, 24);
        for (uint32_t i = 0; i < operations && !s->why[0]; i++) {
            operation(s);
            if (disk_sim_is_cut(s->disk))
                break;
            if (s->full && sim_draw(s, 8) == 0) { /* room is made: it goes on */
                disk_sim_capacity(s->disk, 0);
                s->full = false;
            }
        }
    }
    if (s->store)
        life_end(s);
}

static void options_draw(struct sim *s)
{
    s->options = (struct store_options){.write = true,
                                        .seal_rows = 30 + sim_draw(s, 400),
                                        .seal_bytes = 4000 + sim_draw(s, 100000),
                                        .journal_file_bytes = 65536u << sim_draw(s, 2),
                                        .query_ns = MINUTE_NS,
                                        .disk = s->passed};
}

bool sim_run(uint64_t seed, const char *mutation, bool loud, char why[SIM_WHY_BYTES])
{
    struct sim s = {.seed = seed, .random = {seed * 0x9e3779b97f4a7c15ull}, .loud = loud};
    s.disk = disk_sim_open(seed);
    disk_sim_mutate(s.disk, mutation);
    s.passed = sim_disk_open(s.disk, passed, &s);
    s.writer = batch_writer_open();
    s.carry = carry_open();
    s.now_ns = 1767571200ll * CLOCK_SECOND_NS + (int64_t)sim_draw(&s, 86400) * CLOCK_SECOND_NS;
    options_draw(&s);
    uint32_t lives = 2 + sim_draw(&s, 5);
    for (uint32_t i = 0; i < lives && !s.why[0] && !s.over; i++) {
        life(&s);
        if (!mutation && !s.why[0] && sim_draw(&s, 4) == 0)
            sim_rot(&s);
    }
    if (!s.why[0] && !s.over) { /* what is there in the end is looked at once more */
        sim_store_open(&s, true);
        if (s.store)
            sim_check_start(&s);
    }
    store_close(&s.store);
    if (loud) {
        const char *class;
        for (size_t i = 0; (class = disk_sim_class(s.disk, i)); i++)
            sim_say(&s, "call: %s", class);
        sim_say(&s,
                "%llu operations, %llu groups, %llu rows, %llu seals, %llu merged, %llu expired",
                (unsigned long long)s.operations, (unsigned long long)s.appended,
                (unsigned long long)s.row_count, (unsigned long long)s.seals,
                (unsigned long long)s.merges, (unsigned long long)s.expired);
    }
    memcpy(why, s.why, SIM_WHY_BYTES);
    sim_unknown_forget(&s);
    carry_close(&s.carry);
    batch_writer_close(&s.writer);
    record_free(&s.record);
    arena_free(&s.arena);
    mem_free(s.rows);
    buf_free(&s.notary);
    sim_disk_close(&s.passed);
    disk_sim_close(&s.disk);
    return why[0] == '\0';
}
