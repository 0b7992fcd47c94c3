#include "program/cli_rules_trial.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "base/map.h"
#include "base/mem.h"
#include "program/hunt_run.h"
#include "program/output.h"

#define TRIAL_NS ((uint64_t)30 * CLOCK_SECOND_NS)
#define DAY_NS   ((int64_t)86400 * CLOCK_SECOND_NS)
enum { NOISY_A_DAY = 50, LINES_MAX = 20, TRIAL_ROWS_MAX = 5000000 };
#define TRIAL_BYTES_MAX ((size_t)256 << 20)

struct trial {
    const struct rules_diff *diff;
    struct detector detector; /* of the rules that are tried, which are the diff's */
    struct finding_rules shown;
    uint64_t *counts; /* by rule */
    uint64_t began_ns;
    bool canceled;
};

static void progress(void *context, const struct store_progress *p)
{
    struct trial *t = context;
    t->canceled = t->canceled || clock_monotonic_ns() - t->began_ns > TRIAL_NS ||
                  p->rows_judged > TRIAL_ROWS_MAX;
}

/* Detections only: what a correlation would find needs its inputs, which may be old ones. */
static int rules_take(struct trial *t, struct err *err)
{
    const struct rules_diff *d = t->diff;
    struct ruleset_options options = {.routing = true, .jit = true};
    for (uint32_t i = 0; i < d->count; i++)
        if (d->items[i].change != RULES_REMOVED && d->items[i].use == RULE_LIVE &&
            d->items[i].rule->kind == RULE_DETECTION)
            rule_list_add(&t->detector.load.rules, (struct rule *)(uintptr_t)d->items[i].rule);
    t->counts = mem_zeroed(t->detector.load.rules.count + INDICATOR_TYPES, sizeof(*t->counts));
    if (t->detector.load.rules.count == 0)
        return ERR_END;
    t->detector.mappings = mapping_set_open();
    int rc = detector_load_mappings(t->detector.mappings, NULL, err);
    if (rc == ERR_OK)
        rc = ruleset_open(&t->detector.set, &t->detector.load.rules, t->detector.mappings, &options,
                          err);
    return rc ? rc : correlate_plan_open(&t->detector.plan, &t->detector.load.rules, err);
}

/* Lines of NDJSON name the rule by its id. */
static void findings_count(struct trial *t, struct slice text)
{
    struct map number = {0};
    struct slice mark = SLICE("\"id\":\"");
    for (uint32_t i = 0; i < t->detector.load.rules.count; i++)
        (void)map_put(&number, t->detector.load.rules.rules[i]->id, i, NULL);
    while (text.len) {
        struct slice line = slice_cut(&text, '\n');
        size_t at = slice_find(line, mark);
        struct slice id = slice_part(line, at == SLICE_NONE ? line.len : at + mark.len, SIZE_MAX);
        struct map_entry *known = map_find(&number, slice_cut(&id, '"'));
        if (known)
            t->counts[known->value]++;
    }
    map_free(&number);
}

static int trial_run(struct trial *t, const struct data *data, uint64_t days, struct err *err)
{
    struct output_options shown = {.kind = OUTPUT_NDJSON, .now_ns = CLOCK_NONE};
    struct hunt_run_result result = {0};
    struct io_map map = {.bytes = SLICE("")};
    int fd = memfd_create("trial", MFD_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, errno, "cannot make memory");
    finding_rules_open(&t->shown, &t->detector.load.rules);
    struct hunt_run_options options = {.store = data->store,
                                       .detector = &t->detector,
                                       .rules = &t->shown,
                                       .output = output_open(&shown, &t->shown.all),
                                       .out_fd = fd,
                                       .from_ns = CLOCK_NONE,
                                       .until_ns = CLOCK_NONE,
                                       .received_from_ns = clock_now_ns() - (int64_t)days * DAY_NS,
                                       .received_until_ns = CLOCK_NONE,
                                       .memory_bytes = data->config->store.query_memory_bytes,
                                       .canceled = &t->canceled,
                                       .progress = progress,
                                       .context = t};
    t->began_ns = clock_monotonic_ns();
    int rc = hunt_run(&options, &result, err);
    output_close(&options.output);
    if (rc == ERR_CANCELED)
        rc = ERR_OK;
    if (rc == ERR_OK)
        rc = io_map_descriptor(&map, fd, "findings", TRIAL_BYTES_MAX, err);
    if (rc == ERR_OK)
        findings_count(t, map.bytes);
    io_unmap(&map);
    (void)close(fd);
    return rc;
}

static void trial_show(const struct trial *t, uint64_t days, bool vietnamese)
{
    uint32_t shown = 0;
    (void)printf(vietnamese ? "trên sự kiện đã lưu trong %llu ngày:\n"
                            : "on the events stored in %llu days:\n",
                 (unsigned long long)days);
    for (uint32_t i = 0; i < t->detector.load.rules.count; i++) {
        double a_day = (double)t->counts[i] / (double)days;
        if (t->counts[i] == 0 || shown++ >= LINES_MAX)
            continue;
        (void)printf(vietnamese ? "  %.*s: %llu kết quả, %.1f mỗi ngày%s\n"
                                : "  %.*s: %llu findings, %.1f a day%s\n",
                     (int)t->detector.load.rules.rules[i]->title.len,
                     t->detector.load.rules.rules[i]->title.data, (unsigned long long)t->counts[i],
                     a_day,
                     a_day < NOISY_A_DAY ? ""
                     : vietnamese        ? ": nhiều, hãy tinh chỉnh trước khi bật"
                                         : ": noisy, tune it before enabling");
    }
    if (shown == 0)
        (void)puts(vietnamese ? "  không có kết quả nào" : "  no findings");
    if (t->canceled)
        (void)puts(vietnamese ? "  (chỉ xét một phần: chạm giới hạn thời gian)"
                              : "  (a part of them: a limit of time or events was reached)");
}

void cli_rules_trial(const struct rules_diff *diff, const struct data_settings *settings,
                     uint64_t days, bool vietnamese)
{
    struct trial t = {.diff = diff};
    struct data data = {0};
    struct err err;
    int rc = rules_take(&t, &err);
    if (rc == ERR_OK)
        rc = data_open(&data, settings, false, &err);
    if (rc == ERR_OK)
        rc = trial_run(&t, &data, days, &err);
    if (rc == ERR_OK)
        trial_show(&t, days, vietnamese);
    else if (rc != ERR_END && rc != ERR_NOT_FOUND)
        (void)fprintf(stderr, "canh: %s\n", err.text);
    data_close(&data);
    finding_rules_close(&t.shown);
    detector_close(&t.detector);
    mem_free(t.counts);
}
