/* Speed of the state: durable commands by groups, lists of 100,000 hosts and 1,000,000 audit rows,
 * and checking that chain: bench_state FOLDER [--json]. FOLDER is made, and should be on the disk
 * that is measured; the caller removes it. Latencies are the worst of ten readings. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "state/audit.h"
#include "state/commands_state.h"
#include "state/state.h"

enum {
    COMMANDS_NS_MAX = 2000000000, /* of measuring one group size */
    AUDIT_ROWS = 1000000,
    AUDIT_GROUP = 10000,
    HOSTS = 100000,
    UNITS = 1000,
    READINGS = 10
};

static bool json;

static void row_print(const char *name, const char *unit, double value)
{
    if (json)
        printf("{\"name\":\"%s\",\"unit\":\"%s\",\"value\":%.1f}\n", name, unit, value);
    else
        printf("%-52s %12.1f %s\n", name, value, unit);
}

static void must(int rc, const struct err *err)
{
    if (rc == ERR_OK)
        return;
    fprintf(stderr, "bench_state: %s\n", err->text);
    check(rc == ERR_OK);
}

/* Units are changed, a group at a time. */
static void commands_measure(struct state *state, uint32_t group_size)
{
    static struct command_call calls[100], *group[100];
    static struct command_value values[100][3];
    static char names[100][32];
    static uint32_t number;
    const struct command *command = command_find(state_table(state), SLICE("unit.change"));
    struct err err = {0};
    uint64_t start = clock_monotonic_ns(), spent = 0, done = 0;
    while (spent < COMMANDS_NS_MAX) {
        for (uint32_t i = 0; i < group_size; i++) {
            (void)snprintf(names[i], sizeof(names[i]), "u%u", number++ % UNITS);
            values[i][0] = (struct command_value){SLICE("unit"), slice_from(names[i])};
            values[i][1] = (struct command_value){SLICE("title"), SLICE("Phòng Công nghệ số")};
            calls[i] = (struct command_call){.command = command,
                                             .caller = caller_system(),
                                             .values = values[i],
                                             .value_count = 2};
            group[i] = &calls[i];
        }
        must(state_execute(state, group, group_size, clock_now_ns(), &err), &err);
        for (uint32_t i = 0; i < group_size; i++) {
            must(calls[i].rc, &calls[i].err);
            command_call_free(&calls[i]);
        }
        done += group_size;
        spent = clock_monotonic_ns() - start;
        if (done % 1000 < group_size)
            must(state_checkpoint(state, &err), &err);
    }
    char name[64];
    (void)snprintf(name, sizeof(name), "durable commands, groups of %u", group_size);
    row_print(name, "a second", (double)done * 1e9 / (double)spent);
}

static void audit_fill(struct state *state, const struct sign_key *key)
{
    struct audit *audit;
    struct err err = {0};
    char object[32], actor[32];
    must(audit_open(&audit, state_db(state), key, clock_now_ns(), &err), &err);
    for (uint32_t i = 0; i < AUDIT_ROWS; i += AUDIT_GROUP) {
        must(database_begin(state_db(state), &err), &err);
        for (uint32_t n = i; n < i + AUDIT_GROUP; n++) {
            (void)snprintf(object, sizeof(object), "host/%u", n % HOSTS + 1);
            (void)snprintf(actor, sizeof(actor), "officer%u", n % 50);
            struct audit_row row = {.time_ns = clock_now_ns(),
                                    .actor = slice_from(actor),
                                    .from = SLICE("10.20.30.40"),
                                    .user_id = n % 50 + 1,
                                    .command = SLICE("host.change"),
                                    .object = slice_from(object),
                                    .unit_id = n % 40 + 1,
                                    .detail = SLICE("{\"host\":\"web01\",\"title\":\"Máy chủ cổng "
                                                    "thông tin điện tử\",\"host_id\":12}")};
            must(audit_add(audit, &row, &err), &err);
        }
        must(audit_seal(audit, clock_now_ns(), &err), &err);
        must(database_commit(state_db(state), &err), &err);
        must(database_checkpoint(state_db(state), false, NULL, &err), &err);
        audit_settled(audit, true);
    }
    audit_close(&audit);
}

static const char units_sql[] =
    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999)"
    " INSERT INTO unit(name, title, kind, search, made_ns)"
    " SELECT 'u' || i, 'Phòng ' || i, 'department', 'u' || i, i FROM n";

static const char hosts_sql[] =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
    " INSERT INTO host(name, title, unit_id, os, kind, search, made_ns)"
    " SELECT 'host' || i, 'Máy chủ ' || i, i % 40 + 1, 'Windows Server 2019', 'server',"
    "  'host' || i || ' may chu ' || i || ' windows server 2019 ', i FROM n;"
    "INSERT INTO host_address(unit_id, address, host_id)"
    " SELECT unit_id, '10.' || (id / 65536) || '.' || (id / 256 % 256) || '.' || (id % 256), id"
    " FROM host";

static int row_take(void *context, const struct listing *listing,
                    const struct listing_value *values)
{
    struct buf *out = context;
    buf_clear(out);
    listing_json(listing, values, out);
    return ERR_OK;
}

static void list_measure(struct database *db, const char *what, const char *name,
                         const struct listing_ask *ask)
{
    const struct listing_table table = {state_listings, state_listing_count};
    const struct listing *listing = listing_find(&table, slice_from(name));
    struct buf out = {0};
    uint64_t worst = 0, next = 0;
    struct err err = {0};
    check(listing);
    for (int i = 0; i < READINGS; i++) {
        uint64_t start = clock_monotonic_ns();
        must(listing_read(db, listing, ask, row_take, &out, &next, &err), &err);
        uint64_t spent = clock_monotonic_ns() - start;
        worst = spent > worst ? spent : worst;
    }
    row_print(what, "ms", (double)worst / 1e6);
    buf_free(&out);
}

static void lists_measure(struct database *db)
{
    static const uint64_t few[] = {3, 4};
    const struct caller all = {.rights = RIGHT_ALL, .everywhere = true},
                        scoped = {.rights = RIGHT_ALL, .units = few, .unit_count = 2};
    const struct listing_filter object = {SLICE("object"), SLICE("host/777")},
                                actor = {SLICE("actor"), SLICE("nobody")},
                                host = {SLICE("name"), SLICE("host99999")};
    list_measure(db, "hosts, first 100", "hosts", &(struct listing_ask){.caller = &all});
    list_measure(db, "hosts, 100 behind 50,000", "hosts",
                 &(struct listing_ask){.caller = &all, .after = 50000});
    list_measure(db, "hosts of two units, first 100", "hosts",
                 &(struct listing_ask){.caller = &scoped});
    list_measure(db, "hosts, by name", "hosts",
                 &(struct listing_ask){.caller = &all, .filters = &host, .filter_count = 1});
    list_measure(db, "hosts, text that none has", "hosts",
                 &(struct listing_ask){.caller = &all, .text = SLICE("Không có")});
    list_measure(db, "audit, newest 100", "audit", &(struct listing_ask){.caller = &all});
    list_measure(db, "audit, newest 1,000", "audit",
                 &(struct listing_ask){.caller = &all, .limit = 1000});
    list_measure(db, "audit, 100 below 500,000", "audit",
                 &(struct listing_ask){.caller = &all, .after = 500000});
    list_measure(db, "audit of two units, newest 100", "audit",
                 &(struct listing_ask){.caller = &scoped});
    list_measure(db, "audit, of one object", "audit",
                 &(struct listing_ask){.caller = &all, .filters = &object, .filter_count = 1});
    list_measure(db, "audit, of somebody unknown", "audit",
                 &(struct listing_ask){.caller = &all, .filters = &actor, .filter_count = 1});
}

static void verify_measure(struct database *db, const struct sign_key *key)
{
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    struct audit_verified out;
    struct err err = {0};
    sign_key_public(key, public_key);
    uint64_t start = clock_monotonic_ns();
    must(audit_verify(db, public_key, SLICE(""), NULL, NULL, &out, &err), &err);
    check(out.problems == 0);
    row_print("audit chain verified, rows", "a second",
              (double)out.rows * 1e9 / (double)(clock_monotonic_ns() - start));
}

int main(int argc, char **argv)
{
    struct command_table table = {state_commands, state_command_count};
    struct sign_key *key = sign_key_make();
    struct state *state;
    struct database *reader;
    struct err err = {0};
    json = argc > 2 && strcmp(argv[2], "--json") == 0;
    if (argc < 2 || mkdir(argv[1], 0750) != 0) {
        fprintf(stderr, "usage: bench_state NEW-FOLDER [--json]\n");
        return 2;
    }
    struct state_options options = {
        .data = argv[1], .table = &table, .key = key, .now_ns = clock_now_ns()};
    must(state_open(&state, &options, &err), &err);
    must(database_run(state_db(state), units_sql, &err), &err);
    commands_measure(state, 1);
    commands_measure(state, 10);
    commands_measure(state, 100);
    must(database_run(state_db(state), hosts_sql, &err), &err);
    state_close(&state);
    must(state_open(&state, &options, &err), &err);
    audit_fill(state, key);
    must(state_read_open(&reader, argv[1], &err), &err);
    lists_measure(reader);
    verify_measure(reader, key);
    database_close(&reader);
    state_close(&state);
    uint64_t start = clock_monotonic_ns();
    must(state_open(&state, &options, &err), &err);
    row_print("start with these rows", "ms", (double)(clock_monotonic_ns() - start) / 1e6);
    state_close(&state);
    sign_key_close(&key);
    return 0;
}
