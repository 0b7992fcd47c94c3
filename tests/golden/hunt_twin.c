/* hunt == detect: events made of the rules' own literals, late ones among them, in several
 * partitions, a half of them read with other mappings than today's, appended with seals in between;
 * then the findings of a hunt (pruned, and with every row judged) are those of detect on the same
 * events, correlations included: with a journal, all sealed, merged, and opened again. Searches for
 * single rules, which prune whole segments, find what the matcher found. Prints the share of the
 * rules that fired. usage: hunt_twin SEED EVENTS FOLDER RULES... (FOLDER: empty, for files and the
 * store; RULES: first one's correlations are fed more often) */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "program/detect_run.h"
#include "program/hunt_run.h"
#include "watch/pipeline.h"
#include "support/event_make.h"

enum { FILES = 2, MODES = 3, GROUP_ROWS = 150, SINGLE_RULES = 60, SEALS = 6, PATH_BYTES = 4200 };
#define BASE_NS     (1788000000 * CLOCK_SECOND_NS)
#define RECEIVED_NS (1790000000 * CLOCK_SECOND_NS)
#define LATER_NS    (RECEIVED_NS + 3 * 86400 * CLOCK_SECOND_NS) /* days have ended: merged */

/* How events are read before they are stored: with today's mappings, with none, with one more. */
enum mode { MODE_TODAY, MODE_NONE, MODE_MORE };

struct reading {
    struct mapping_set *mappings;
    struct rule_list no_rules;
    struct ruleset *set;
    struct matcher *matcher;
    struct record record;
};

struct fired {
    uint32_t rule;
    uint64_t sequence;
};

struct twin {
    uint64_t seed, events;
    const char *folder;
    char paths[FILES][PATH_BYTES], data[PATH_BYTES];
    struct detector detector;
    struct finding_rules rules;
    struct buf table_bytes;
    struct indicator_table *table;
    struct event_make make;
    struct reading readings[MODES];
    struct store *store;
    struct batch_writer *writer;
    struct batch batch;
    struct fired *fired;
    size_t fired_count, fired_capacity;
    uint64_t stored, seals;
    struct buf detected;
};

static void fail(const struct twin *t, const char *what, const char *text)
{
    (void)printf("hunt_twin: %s: %s\nagain: CANH_HUNT_SEED=%llu ctest -R golden/hunt\n", what, text,
                 (unsigned long long)t->seed);
    exit(1);
}

static void must(const struct twin *t, const char *what, int rc, const struct err *err)
{
    if (rc != ERR_OK)
        fail(t, what, err->text);
}

/* --- events --- */

static const struct rule *rule_pick(struct twin *t, uint64_t number)
{
    const struct rule_list *rules = &t->detector.load.rules;
    const struct slice *fields;
    bool wanted = false;
    uint32_t at = (uint32_t)((number * 7919 + t->seed) % rules->count);
    /* every sixth event is one that a correlation waits for */
    if (number % 6 == 0)
        for (uint32_t tries = 0; tries < 2000 && !wanted; tries++) {
            at = (uint32_t)event_make_random(&t->make, rules->count);
            (void)correlate_plan_fields(t->detector.plan, at, &fields, &wanted);
            wanted &= rules->rules[at]->kind == RULE_DETECTION;
        }
    while (rules->rules[at]->kind != RULE_DETECTION)
        at = (at + 1) % rules->count;
    return rules->rules[at];
}

static void events_write(struct twin *t)
{
    struct buf text = {0};
    struct err err;
    for (uint64_t i = 0; i < t->events; i++) {
        int64_t time_ns = BASE_NS + (int64_t)i * CLOCK_SECOND_NS;
        uint64_t chance = event_make_random(&t->make, 100);
        if (chance < 8)
            time_ns -= (int64_t)event_make_random(&t->make, 7200) * CLOCK_SECOND_NS;
        t->make.overflow_names = i < t->events / SEALS * 2 ? 4000 : 0;
        t->make.misses = event_make_random(&t->make, 4) == 0;
        event_make_line(&t->make, rule_pick(t, i), chance == 99 ? CLOCK_NONE : time_ns, &text);
        if (i + 1 == t->events / FILES || i + 1 == t->events) {
            const char *path = t->paths[i + 1 == t->events];
            int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
            must(t, path, io_write_all(fd, text.data, text.len, &err), &err);
            (void)close(fd);
            buf_clear(&text);
        }
    }
    buf_free(&text);
}

/* --- what detect says --- */

static void output_read(struct twin *t, int fd, struct buf *out)
{
    struct buf all = {0};
    char part[65536];
    ssize_t got;
    check(lseek(fd, 0, SEEK_SET) == 0);
    while ((got = read(fd, part, sizeof part)) > 0)
        buf_append(&all, part, (size_t)got);
    /* without the numbers of stored events, which files do not have */
    struct slice rest = buf_as_slice(&all);
    while (rest.len) {
        size_t at = slice_find(rest, SLICE("{\"id\":\"1:"));
        if (at == SLICE_NONE)
            at = rest.len;
        buf_append(out, rest.data, at);
        rest = slice_part(rest, at, rest.len);
        if (rest.len) {
            buf_char(out, '{');
            rest = slice_part(rest, 7, rest.len);
            (void)slice_cut(&rest, ',');
        }
    }
    buf_free(&all);
    (void)close(fd);
    (void)t;
}

static int output_file(const struct twin *t)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/findings", t->folder);
    int fd = open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
    check(fd >= 0);
    return fd;
}

static void detect_all(struct twin *t)
{
    const char *paths[FILES] = {t->paths[0], t->paths[1]};
    struct output_options shown = {.kind = OUTPUT_NDJSON, .epoch = 1};
    struct detect_run_result result;
    struct err err;
    struct detect_run_options options = {
        .detector = &t->detector,
        .rules = &t->rules,
        .indicators = t->table,
        .input = {.paths = paths, .path_count = FILES, .format = format_find(SLICE("json"))},
        .output = output_open(&shown, &t->rules.all),
        .out_fd = output_file(t),
        .threads = 1};
    must(t, "detect", detect_run(&options, &result, &err), &err);
    if (result.events != t->events)
        fail(t, "detect", "not all events were read");
    output_read(t, options.out_fd, &t->detected);
    output_close(&options.output);
}

/* --- storing --- */

static const char mapping_more[] = "id: twin-more\n"
                                   "version: 1\n"
                                   "title: One more\n"
                                   "priority: 1\n"
                                   "when: [{no_such_field_of_the_twin: '*'}]\n"
                                   "logsource: {product: twin}\n";

static void reading_open(struct twin *t, enum mode mode)
{
    struct reading *r = &t->readings[mode];
    struct ruleset_options options = {.routing = true, .jit = true};
    struct err err;
    r->mappings = mapping_set_open();
    must(t, "mappings",
         detector_load_mappings(r->mappings, mode == MODE_NONE ? "none" : NULL, &err), &err);
    if (mode == MODE_MORE)
        must(t, "mapping",
             mapping_set_add(r->mappings, SLICE("more.yaml"), SLICE(mapping_more), &err), &err);
    must(t, "rule set",
         ruleset_open(&r->set, mode == MODE_TODAY ? &t->detector.load.rules : &r->no_rules,
                      r->mappings, &options, &err),
         &err);
    r->matcher = matcher_open(r->set);
}

static void reading_close(struct reading *r)
{
    matcher_close(&r->matcher);
    ruleset_close(&r->set);
    mapping_set_close(&r->mappings);
    record_free(&r->record);
}

static uint32_t reading_run(struct twin *t, struct reading *r, const struct span *span,
                            const uint32_t **rules)
{
    struct err err;
    record_reset(&r->record);
    must(t, "event", format_find(SLICE("json"))->parse(&r->record, span->text, span->header, &err),
         &err);
    return matcher_run(r->matcher, &r->record, rules);
}

static void row_store(struct twin *t, struct reading *r, const struct input_file *file,
                      uint64_t line)
{
    static const char *const partitions[] = {"alpha", "beta", "gamma"};
    const struct mapping *mapping = matcher_mapping(r->matcher);
    struct event_source seen;
    struct buf categories = {0};
    struct err err;
    uint32_t number, index;
    matcher_source(r->matcher, &seen);
    for (uint32_t i = 0; i < seen.category_count; i++) {
        if (i)
            buf_char(&categories, '|');
        buf_slice(&categories, seen.categories[i]);
    }
    struct row_context context = {
        .partition = slice_from(partitions[event_make_random(&t->make, 3)]),
        .file = slice_from(file->name),
        .mapping_set = mapping_set_fingerprint(r->mappings),
        .product = seen.product,
        .category = seen.categories_known ? buf_as_slice(&categories) : SLICE("*"),
        .service = seen.service};
    if (mapping) {
        context.mapping = mapping->id;
        context.mapping_version = mapping->version;
    }
    must(t, "context", batch_context(t->writer, &context, &number, &err), &err);
    must(t, "row",
         batch_add(t->writer, number, matcher_time(r->matcher, RECEIVED_NS), line, &r->record,
                   &index, &err),
         &err);
    buf_free(&categories);
}

static void group_append(struct twin *t)
{
    struct store_group group = {.batches = &t->batch, .batch_count = 1, .now_ns = RECEIVED_NS};
    uint64_t sequence;
    struct err err;
    batch_end(t->writer, &t->batch);
    must(t, "append", store_append(t->store, &group, &sequence, &err), &err);
    batch_begin(t->writer, RECEIVED_NS, true);
}

static void seal(struct twin *t)
{
    struct err err;
    must(t, "seal", store_seal(t->store, RECEIVED_NS, &err), &err);
    t->seals++;
}

static void event_store(struct twin *t, const struct input_file *file, const struct span *span)
{
    const uint32_t *rules, *none;
    static const enum mode modes[SEALS] = {MODE_TODAY, MODE_NONE,  MODE_MORE,
                                           MODE_TODAY, MODE_TODAY, MODE_NONE};
    enum mode mode = modes[t->stored * SEALS / t->events];
    uint32_t count = reading_run(t, &t->readings[MODE_TODAY], span, &rules);
    t->stored++;
    for (uint32_t i = 0; i < count; i++) {
        if (t->fired_count == t->fired_capacity) {
            t->fired_capacity = t->fired_capacity ? t->fired_capacity * 2 : 1024;
            t->fired = mem_resize(t->fired, t->fired_capacity, sizeof(*t->fired));
        }
        t->fired[t->fired_count++] = (struct fired){rules[i], t->stored};
    }
    if (mode != MODE_TODAY)
        (void)reading_run(t, &t->readings[mode], span, &none);
    row_store(t, &t->readings[mode], file, span->line);
    if (batch_rows(t->writer) == GROUP_ROWS)
        group_append(t);
    /* five small segments a partition, and the rest in the journal */
    if (t->stored % (t->events / SEALS) == 0 && t->seals + 1 < SEALS)
        seal(t);
}

static void events_store(struct twin *t)
{
    const char *paths[FILES] = {t->paths[0], t->paths[1]};
    struct input_options options = {
        .paths = paths, .path_count = FILES, .format = format_find(SLICE("json"))};
    struct input *input;
    struct input_block block = {0};
    struct err err;
    batch_begin(t->writer, RECEIVED_NS, true);
    must(t, "input", input_open(&input, &options, &err), &err);
    while (input_next(input, &block, &err) == ERR_OK)
        for (size_t i = 0; i < block.spans.count; i++)
            event_store(t, block.file, &block.spans.spans[i]);
    group_append(t);
    input_block_free(&block);
    input_close(&input);
}

/* --- comparing --- */

static void difference(struct twin *t, const char *stage, const struct buf *hunted)
{
    size_t at = 0, line = 0;
    while (at < hunted->len && at < t->detected.len && hunted->data[at] == t->detected.data[at]) {
        if (hunted->data[at++] == '\n')
            line = at;
    }
    struct slice ours = slice_part(buf_as_slice(hunted), line, hunted->len);
    struct slice theirs = slice_part(buf_as_slice(&t->detected), line, t->detected.len);
    ours = slice_cut(&ours, '\n');
    theirs = slice_cut(&theirs, '\n');
    (void)printf("detect: %.*s\nhunt:   %.*s\n", (int)theirs.len, theirs.data, (int)ours.len,
                 ours.data);
    fail(t, stage, "hunt and detect differ; the first different findings are above");
}

static void hunt_compare(struct twin *t, const char *stage, bool plain)
{
    struct output_options shown = {.kind = OUTPUT_NDJSON, .epoch = 1};
    struct hunt_run_result result;
    struct buf hunted = {0};
    struct err err;
    struct hunt_run_options options = {.store = t->store,
                                       .detector = &t->detector,
                                       .rules = &t->rules,
                                       .indicators = t->table,
                                       .output = output_open(&shown, &t->rules.all),
                                       .out_fd = output_file(t),
                                       .from_ns = CLOCK_NONE,
                                       .until_ns = CLOCK_NONE,
                                       .received_from_ns = CLOCK_NONE,
                                       .received_until_ns = CLOCK_NONE,
                                       .plain = plain};
    must(t, stage, hunt_run(&options, &result, &err), &err);
    output_read(t, options.out_fd, &hunted);
    output_close(&options.output);
    if (!slice_equal(buf_as_slice(&hunted), buf_as_slice(&t->detected)))
        difference(t, stage, &hunted);
    if (result.progress.damaged_rows || (plain && result.progress.rows_pruned))
        fail(t, stage, "rows were damaged, or pruned though nothing was to be");
    (void)printf("%s%s: %llu findings, %llu rows judged, %llu pruned\n", stage,
                 plain ? ", plain" : "", (unsigned long long)result.findings,
                 (unsigned long long)result.progress.rows_judged,
                 (unsigned long long)result.progress.rows_pruned);
    buf_free(&hunted);
}

/* One rule alone, which has whole segments pruned: the rows are those that it fired on. */
static uint64_t single_compare(struct twin *t, uint32_t rule)
{
    struct rule *one = t->detector.load.rules.rules[rule];
    struct rule_list list = {&one, 1, 1};
    struct mapping_set *mappings = mapping_set_open();
    struct ruleset_options options = {.routing = true, .jit = true};
    struct store_search search = {.from_ns = CLOCK_NONE,
                                  .until_ns = CLOCK_NONE,
                                  .received_from_ns = CLOCK_NONE,
                                  .received_until_ns = CLOCK_NONE,
                                  .order = STORE_SEQUENCE,
                                  .matched = true};
    struct store_cursor *cursor;
    struct store_item item;
    struct store_progress progress;
    struct err err;
    size_t next = 0;
    int rc;
    must(t, "mappings", detector_load_mappings(mappings, NULL, &err), &err);
    must(t, "rule set", ruleset_open(&search.rules, &list, mappings, &options, &err), &err);
    must(t, "search", store_search(t->store, &search, &cursor, &err), &err);
    while ((rc = store_next(cursor, &item, &err)) == ERR_OK) {
        if (item.kind != STORE_ROW)
            continue;
        while (next < t->fired_count && t->fired[next].rule != rule)
            next++;
        if (next == t->fired_count || t->fired[next].sequence != item.row->sequence)
            fail(t, one->title.data, "a search for this rule alone and the matcher differ");
        next++;
    }
    while (next < t->fired_count && t->fired[next].rule != rule)
        next++;
    if (rc != ERR_END || next < t->fired_count)
        fail(t, one->title.data, "a search for this rule alone misses rows that it fires on");
    store_cursor_progress(cursor, &progress);
    store_cursor_close(&cursor);
    ruleset_close(&search.rules);
    mapping_set_close(&mappings);
    return progress.segments_pruned;
}

static void singles_compare(struct twin *t)
{
    const struct rule_list *rules = &t->detector.load.rules;
    uint64_t pruned = 0;
    for (int i = 0; i < SINGLE_RULES; i++) {
        uint32_t rule = t->fired_count && i % 2
                            ? t->fired[event_make_random(&t->make, t->fired_count)].rule
                            : (uint32_t)event_make_random(&t->make, rules->count);
        if (rules->rules[rule]->kind == RULE_DETECTION)
            pruned += single_compare(t, rule);
    }
    (void)printf("single rules: %llu segments pruned\n", (unsigned long long)pruned);
}

static void stage(struct twin *t, const char *name)
{
    hunt_compare(t, name, false);
    hunt_compare(t, name, true);
}

static size_t detected_count(const struct twin *t, struct slice what)
{
    struct slice rest = buf_as_slice(&t->detected);
    size_t count = 0, at;
    while ((at = slice_find(rest, what)) != SLICE_NONE) {
        rest = slice_part(rest, at + 1, rest.len);
        count++;
    }
    return count;
}

static void share_check(struct twin *t)
{
    const struct rule_list *rules = &t->detector.load.rules;
    bool *seen = mem_zeroed(rules->count + 1, sizeof(*seen));
    uint32_t detections = 0, fired = 0;
    for (size_t i = 0; i < t->fired_count; i++) {
        fired += !seen[t->fired[i].rule];
        seen[t->fired[i].rule] = true;
    }
    for (uint32_t i = 0; i < rules->count; i++)
        detections += rules->rules[i]->kind == RULE_DETECTION;
    mem_free(seen);
    (void)printf("%u of %u rules fired (%.1f %%) on %llu events\n", fired, detections,
                 100.0 * fired / detections, (unsigned long long)t->events);
    if (fired * 2 < detections)
        fail(t, "events", "fewer than half of the rules fired");
    size_t correlations = detected_count(t, SLICE("\"group\":{"));
    size_t indicators = detected_count(t, SLICE("\"indicator\":{"));
    (void)printf("%zu findings of correlations, %zu of indicators\n", correlations, indicators);
    if (correlations == 0 || indicators == 0)
        fail(t, "events", "no correlation became true, or no indicator was seen");
}

static void indicators_open(struct twin *t)
{
    static const char *const values[] = {"bad.example", "198.51.100.0/24", "198.51.100.9",
                                         "198.51.100.9:443", "not-there.example"};
    struct indicator_builder *builder = indicator_builder_open();
    struct arena arena = {0};
    struct err err;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct indicator indicator = {.source = SLICE("twin"),
                                      .confidence = INDICATOR_CONFIDENCE_NONE,
                                      .from_ns = CLOCK_NONE,
                                      .until_ns = CLOCK_NONE};
        must(t, values[i],
             indicator_parse(&indicator, slice_from(values[i]), INDICATOR_TYPES, &arena, &err),
             &err);
        must(t, values[i], indicator_builder_add(builder, &indicator, &err), &err);
    }
    indicator_builder_finish(builder, &t->table_bytes);
    must(t, "indicators", indicator_table_open(&t->table, buf_as_slice(&t->table_bytes), &err),
         &err);
    indicator_builder_close(&builder);
    arena_free(&arena);
}

static void twin_open(struct twin *t, int argc, char **argv)
{
    struct option_list paths = {.count = (size_t)argc - 4};
    struct store_options options = {.write = true, .query_ns = 1};
    struct err err;
    paths.items = mem_zeroed(paths.count, sizeof(*paths.items));
    for (size_t i = 0; i < paths.count; i++)
        paths.items[i] = argv[4 + i];
    struct detector_options detector = {.rule_paths = &paths, .routing = true};
    must(t, "detector", detector_open(&t->detector, &detector, &err), &err);
    mem_free(paths.items);
    finding_rules_open(&t->rules, &t->detector.load.rules);
    for (int i = 0; i < FILES; i++)
        (void)snprintf(t->paths[i], PATH_BYTES, "%s/%c.ndjson", t->folder, 'a' + i);
    (void)snprintf(t->data, PATH_BYTES, "%s/data", t->folder);
    indicators_open(t);
    t->writer = batch_writer_open();
    t->make.state = t->seed * 0x9e3779b97f4a7c15ull | 1;
    for (int mode = 0; mode < MODES; mode++)
        reading_open(t, (enum mode)mode);
    must(t, "store", store_open(&t->store, t->data, &options, &err), &err);
}

static void twin_close(struct twin *t)
{
    store_close(&t->store);
    for (int mode = 0; mode < MODES; mode++)
        reading_close(&t->readings[mode]);
    batch_writer_close(&t->writer);
    batch_free(&t->batch);
    finding_rules_close(&t->rules);
    indicator_table_close(&t->table);
    buf_free(&t->table_bytes);
    detector_close(&t->detector);
    event_make_free(&t->make);
    mem_free(t->fired);
    buf_free(&t->detected);
}

int main(int argc, char **argv)
{
    static struct twin t;
    struct store_options options = {.write = true};
    struct err err;
    uint64_t merged;
    if (argc < 5 || !slice_to_u64(slice_from(argv[1]), &t.seed) ||
        !slice_to_u64(slice_from(argv[2]), &t.events) || t.events < 100)
        return 2;
    t.folder = argv[3];
    (void)printf("seed %llu\n", (unsigned long long)t.seed);
    twin_open(&t, argc, argv);
    events_write(&t);
    detect_all(&t);
    events_store(&t);
    share_check(&t);
    stage(&t, "journal and segments");
    seal(&t);
    stage(&t, "sealed");
    singles_compare(&t);
    must(&t, "merge", store_merge(t.store, LATER_NS, &merged, &err), &err);
    if (merged == 0)
        fail(&t, "merge", "nothing was merged");
    stage(&t, "merged");
    store_close(&t.store);
    must(&t, "open", store_open(&t.store, t.data, &options, &err), &err);
    stage(&t, "opened again");
    singles_compare(&t);
    (void)printf("%llu segments were merged\n", (unsigned long long)merged);
    twin_close(&t);
    return 0;
}
