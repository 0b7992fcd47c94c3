/* A commit of the engine over a temporary store, and hauls for it, honest at first. Include behind
 * cmocka.h. Threads: one. */
#pragma once
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "program/engine_account.h"
#include "program/engine_commit.h"
#include "program/role.h"
#include "watch/rules_set.h"

static const char rule_text[] = "title: Hit\nid: 11111111-1111-4111-8111-111111111111\n"
                                "logsource: {category: test}\n"
                                "detection:\n  a: {a: hit}\n  condition: a\n";

struct bed {
    char folder[64], data[80];
    struct config *config;
    struct live live;
    uint64_t fingerprint;
    struct store_options store;
    struct store_policy policies[POLICY_MAX];
    pthread_mutex_t care;
    struct engine_watch *watch; /* NULL: nobody learns */
    struct engine_commit *commit;
    struct batch_writer *writer;
    struct harvest *items;
    struct haul_head head;
    struct row_context context;
    struct engine_haul haul;
    int fd;
};

static inline int remove_one(const char *path, const struct stat *about, int kind, struct FTW *ftw)
{
    (void)about;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static inline void commit_open(struct bed *bed)
{
    struct err err;
    (void)snprintf(bed->data, sizeof(bed->data), "%s/data", bed->folder);
    struct engine_commit_options options = {.data = bed->data,
                                            .store = &bed->store,
                                            .live = &bed->live,
                                            .policies = bed->policies,
                                            .policy_count = policy_list(bed->config, bed->policies),
                                            .seal_bytes = bed->config->store.seal_bytes,
                                            .care = &bed->care,
                                            .watch = bed->watch};
    assert_int_equal(engine_commit_open(&bed->commit, &options, &err), ERR_OK);
    engine_commit_start(bed->commit);
}

/* As the engine makes them of what canh.yaml names. */
static inline void rules_make(struct bed *bed)
{
    struct buf bytes = {0}, problems = {0};
    struct live_rules *made;
    struct err err;
    assert_int_equal(rules_set_make(&bed->config->rules, NULL, &bytes, &problems, &err), ERR_OK);
    struct live_bundle bundle = {.bytes = buf_as_slice(&bytes),
                                 .config = &bed->config->rules,
                                 .indicators.bytes = SLICE("")};
    assert_int_equal(live_compile(&bed->live, &bundle, &made, &err), ERR_OK);
    bed->fingerprint = made->fingerprint;
    live_put(&bed->live, made);
    buf_free(&bytes);
    buf_free(&problems);
}

static inline int bed_open(void **state)
{
    struct bed *bed = mem_zeroed(1, sizeof(*bed));
    struct buf path = {0}, yaml = {0};
    struct err err;
    (void)snprintf(bed->folder, sizeof(bed->folder), "/tmp/canh-commit-XXXXXX");
    assert_non_null(mkdtemp(bed->folder));
    buf_printf(&path, "%s/rule.yml", bed->folder);
    FILE *file = fopen(buf_text(&path), "wb");
    assert_non_null(file);
    assert_true(fputs(rule_text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    buf_printf(&yaml,
               "rules: {paths: [\"%s\"]}\n"
               "sources:\n"
               "  - {name: app, category: test, partition: apps, unit: U, system: S}\n"
               "  - {name: other, category: test}\n"
               "  - {name: files, category: test, follow: [\"/var/log/x\"]}\n"
               "listeners:\n"
               "  - {name: in, source: app}\n"
               "  - {name: datagrams, kind: syslog-udp, source: app}\n",
               buf_text(&path));
    assert_int_equal(config_open_text(&bed->config, buf_as_slice(&yaml), &err), ERR_OK);
    struct live_options live = {.config = bed->config, .interpreted = true};
    assert_int_equal(live_open(&bed->live, &live, &err), ERR_OK);
    rules_make(bed);
    assert_int_equal(pthread_mutex_init(&bed->care, NULL), 0);
    bed->store = (struct store_options){.write = true};
    commit_open(bed);
    bed->writer = batch_writer_open();
    bed->items = harvest_open();
    bed->fd = memfd_create("haul", MFD_CLOEXEC);
    assert_true(bed->fd >= 0);
    buf_free(&path);
    buf_free(&yaml);
    *state = bed;
    return 0;
}

static inline int bed_close(void **state)
{
    struct bed *bed = *state;
    engine_commit_close(&bed->commit);
    live_close(&bed->live);
    config_close(&bed->config);
    batch_writer_close(&bed->writer);
    harvest_close(&bed->items);
    (void)close(bed->fd);
    assert_int_equal(pthread_mutex_destroy(&bed->care), 0);
    (void)nftw(bed->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    mem_free(bed);
    return 0;
}

/* What an honest intake says of two events, the second of which a rule holds for. */
static inline void honest(struct bed *bed)
{
    harvest_clear(bed->items);
    bed->head =
        (struct haul_head){.rules = bed->fingerprint,
                           .figures = {.counts = {[LEDGER_RECEIVED] = 2, [LEDGER_BYTES] = 20}},
                           .source = SLICE("app"),
                           .listener = SLICE("in"),
                           .received_ns = 1};
    bed->context = (struct row_context){.partition = SLICE("apps"),
                                        .source = SLICE("app"),
                                        .system = SLICE("S"),
                                        .unit = SLICE("U"),
                                        .file = SLICE("in"),
                                        .configured = SLICE("/test/")};
    struct harvest_item *item = harvest_add(bed->items, HARVEST_FINDING);
    item->row = 1;
    item->line = 2;
    item->time_ns = 5;
    bed->haul = (struct engine_haul){.fd = bed->fd};
}

static inline void packed(struct bed *bed, struct buf *out)
{
    struct record record = {0};
    uint32_t number, index;
    batch_begin(bed->writer, 1, false);
    assert_int_equal(batch_context(bed->writer, &bed->context, &number, NULL), ERR_OK);
    for (uint64_t line = 1; line <= 2; line++) {
        record_reset(&record);
        assert_int_equal(record_add(&record, SLICE("a"), SLICE("hit"), VALUE_STRING, 0, NULL),
                         ERR_OK);
        assert_int_equal(batch_add(bed->writer, number, 5, line, &record, &index, NULL), ERR_OK);
    }
    assert_int_equal(
        haul_pack(&bed->head, batch_raw(bed->writer), bed->items, HAUL_SLOT_BYTES, out, NULL),
        ERR_OK);
    record_free(&record);
}

/* What the engine makes of it. */
static inline int commit(struct bed *bed)
{
    struct buf bytes = {0};
    struct engine_haul *hauls[] = {&bed->haul};
    packed(bed, &bytes);
    assert_int_equal(ftruncate(bed->fd, 0), 0);
    assert_int_equal(pwrite(bed->fd, bytes.data, bytes.len, 0), bytes.len);
    bed->haul.bytes = (uint32_t)bytes.len;
    engine_commit_group(bed->commit, hauls, 1);
    buf_free(&bytes);
    return bed->haul.rc;
}

static inline uint64_t next_sequence(struct bed *bed)
{
    return store_next_sequence(engine_commit_store(bed->commit));
}
