#include "program/hunt_run.h"

#include "base/io.h"
#include "base/map.h"
#include "base/mem.h"

#define PENDING_BYTES ((size_t)256 << 10) /* of output that is kept back */

struct hunt {
    const struct hunt_run_options *options;
    struct hunt_run_result *result;
    struct correlator *correlator;
    struct finding_clock clock;
    struct buf pending;
    struct map file_of_name;
    struct slice *files; /* names, by half of event_place.file */
    uint32_t file_count, file_capacity;
    struct arena arena, values; /* names; values of one input */
};

static void hunt_show(struct hunt *h, const struct finding *finding)
{
    const struct hunt_run_options *options = h->options;
    output_finding(options->output, finding, &h->pending);
    h->result->findings++;
    h->result->failed_level |=
        options->fail_level != LEVEL_NONE &&
        options->rules->all.rules[finding->rule]->level >= options->fail_level;
}

/* The number of an event's file: odd ones say that the event has no time of its own. */
static uint32_t file_number(struct hunt *h, const struct row *row)
{
    struct slice name = row->context->file;
    struct map_entry *known = map_find(&h->file_of_name, name);
    uint32_t untimed = row->time_ns == CLOCK_NONE;
    if (known)
        return (uint32_t)known->value * 2 + untimed;
    if (h->file_count == HUNT_FILES_MAX)
        return untimed;
    if (h->file_count == h->file_capacity) {
        h->file_capacity = h->file_capacity ? h->file_capacity * 2 : 64;
        h->files = mem_resize(h->files, h->file_capacity, sizeof(*h->files));
    }
    struct slice copy = arena_copy(&h->arena, name);
    (void)map_put(&h->file_of_name, copy, h->file_count, NULL);
    h->files[h->file_count] = copy;
    return h->file_count++ * 2 + untimed;
}

static struct finding_place place_of(void *context, const struct event_place *place)
{
    const struct hunt *h = context;
    return (struct finding_place){h->files[place->file / 2], place->line,
                                  place->file & 1 ? CLOCK_NONE : place->time_ns, place->sequence};
}

static void correlation_found(void *context, const struct correlate_finding *found)
{
    struct hunt *h = context;
    int64_t from_ns = h->options->from_ns;
    if (!detector_shows(h->options->detector, found->rule) ||
        (from_ns != CLOCK_NONE && found->time_ns < from_ns))
        return;
    struct finding_place places[CORRELATE_EVENTS_SHOWN_MAX];
    struct finding finding;
    finding_of_correlation(&finding, places, found, place_of, h);
    hunt_show(h, &finding);
}

static void hunt_correlate(struct hunt *h, const struct store_item *item, uint32_t rule)
{
    const struct slice *fields;
    bool is_input;
    uint32_t count = correlate_plan_fields(h->options->detector->plan, rule, &fields, &is_input);
    if (!is_input)
        return;
    const struct row *row = item->row;
    arena_reset(&h->values);
    struct slice *values = arena_alloc(&h->values, (count + 1) * sizeof(*values));
    for (uint32_t i = 0; i < count; i++)
        values[i] = matcher_value(item->matcher, fields[i]);
    struct correlate_input input = {
        rule, {file_number(h, row), row->line, row_time(row), row->sequence}, values};
    correlate_feed(h->correlator, &input, correlation_found, h);
    int64_t tick_ns;
    if (finding_clock_due(&h->clock, row_time(row), &tick_ns))
        correlate_tick(h->correlator, tick_ns, correlation_found, h);
}

static void indicators_show(struct hunt *h, const struct store_item *item,
                            const struct finding_place *place)
{
    const struct hunt_run_options *options = h->options;
    for (uint32_t i = 0; i < item->indicator_count; i++) {
        struct finding_field field = {item->indicator_fields[i], item->indicator_values[i]};
        struct indicator indicator;
        struct finding finding;
        indicator_table_get(options->indicators, item->indicators[i], &indicator);
        finding_of_indicator(&finding, options->rules, &indicator, &field, place);
        if (item->matcher && output_shows_host(options->output))
            finding.host = matcher_host(item->matcher);
        hunt_show(h, &finding);
    }
}

static void hunt_row(struct hunt *h, const struct store_item *item)
{
    const struct hunt_run_options *options = h->options;
    const struct row *row = item->row;
    struct finding_place place = {row->context->file, row->line, row->time_ns, row->sequence};
    bool shown = options->from_ns == CLOCK_NONE || row_time(row) >= options->from_ns;
    if (shown)
        indicators_show(h, item, &place);
    for (uint32_t i = 0; i < item->rule_count; i++) {
        if (shown && detector_shows(options->detector, item->rules[i])) {
            struct finding_room room;
            struct finding finding;
            finding_of_rule(&finding, &room, item->matcher, item->rules[i], &place,
                            output_shows_host(options->output));
            hunt_show(h, &finding);
        }
        hunt_correlate(h, item, item->rules[i]);
    }
}

static int hunt_write(struct hunt *h, struct err *err)
{
    output_pass(h->options->output, &h->pending);
    int rc = io_write_all(h->options->out_fd, h->pending.data, h->pending.len, err);
    buf_clear(&h->pending);
    return rc;
}

static int hunt_rows(struct hunt *h, struct store_cursor *cursor, struct err *err)
{
    struct store_item item;
    int rc;
    while ((rc = store_next(cursor, &item, err)) == ERR_OK) {
        if (item.kind == STORE_ROW)
            hunt_row(h, &item);
        if (h->options->progress)
            h->options->progress(h->options->context, &item.progress);
        if ((h->pending.len >= PENDING_BYTES || item.kind == STORE_PROGRESS) &&
            (rc = hunt_write(h, err)) != ERR_OK)
            return rc;
    }
    return rc == ERR_END ? ERR_OK : rc;
}

/* The longest window before from_ns belongs to correlations that become true in the time asked. */
static int64_t search_from(const struct hunt_run_options *options)
{
    int64_t longest_ns = correlate_plan_longest_ns(options->detector->plan);
    if (options->from_ns == CLOCK_NONE || options->from_ns < CLOCK_NONE + 1 + longest_ns)
        return CLOCK_NONE;
    return options->from_ns - longest_ns;
}

static int hunt_search(struct hunt *h, struct err *err)
{
    const struct hunt_run_options *options = h->options;
    /* without rules the set still tells hosts */
    bool matches = options->detector->load.rules.count || output_shows_host(options->output);
    struct store_search search = {.rules = matches ? options->detector->set : NULL,
                                  .indicators = options->indicators,
                                  .from_ns = search_from(options),
                                  .until_ns = options->until_ns,
                                  .received_from_ns = options->received_from_ns,
                                  .received_until_ns = options->received_until_ns,
                                  .order = STORE_SEQUENCE,
                                  .partitions = options->partitions,
                                  .partition_count = options->partition_count,
                                  .units = options->units,
                                  .unit_count = options->unit_count,
                                  .scoped = options->scoped,
                                  .memory_bytes = options->memory_bytes,
                                  .plain = options->plain,
                                  .matched = true,
                                  .judged_fields = true,
                                  .canceled = options->canceled};
    struct store_cursor *cursor;
    int rc = store_search(options->store, &search, &cursor, err);
    if (rc)
        return rc;
    rc = hunt_rows(h, cursor, err);
    store_cursor_progress(cursor, &h->result->progress);
    store_cursor_close(&cursor);
    return rc;
}

int hunt_run(const struct hunt_run_options *options, struct hunt_run_result *result,
             struct err *err)
{
    struct hunt h = {.options = options, .result = result};
    uint64_t start = clock_monotonic_ns();
    struct err later;
    *result = (struct hunt_run_result){0};
    finding_clock_begin(&h.clock);
    h.correlator = correlator_open(options->detector->plan);
    output_begin(options->output, &h.pending);
    int rc = hunt_search(&h, err);
    if (rc == ERR_OK)
        correlate_tick(h.correlator, INT64_MAX, correlation_found, &h);
    if (rc != ERR_CLOSED) {
        output_pass(options->output, &h.pending);
        output_end(options->output, &h.pending);
        int written =
            io_write_all(options->out_fd, h.pending.data, h.pending.len, rc ? &later : err);
        rc = rc ? rc : written;
    }
    correlate_stats(h.correlator, &result->correlations);
    result->run_ns = clock_monotonic_ns() - start;
    result->closed = rc == ERR_CLOSED;
    correlator_close(&h.correlator);
    map_free(&h.file_of_name);
    mem_free(h.files);
    buf_free(&h.pending);
    arena_free(&h.arena);
    arena_free(&h.values);
    return rc == ERR_CLOSED ? ERR_OK : rc;
}
