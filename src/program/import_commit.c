#include "program/import_commit.h"

#include "base/io.h"
#include "base/mem.h"
#include "program/policy.h"
#include "watch/correlation_run.h"
#include "watch/internal_rows.h"
#include "watch/sealer.h"

/* A frame holds so many sections, and so much when unpacked (journal.h), with room to spare. */
enum { GROUP_HAULS_MAX = 2048 };
#define GROUP_RAW_BYTES_MAX ((size_t)64 << 20)

struct import_commit {
    struct import_commit_options options;
    struct internal_rows *rows;
    struct correlation_run correlation;
    struct sealer *sealer;
    struct harvest *first, *last, *free; /* pending, in order; to be used again */
    size_t pending_bytes, pending_raw_bytes;
    uint32_t pending_count;
    struct batch *batches; /* of the group: borrowed parts */
    uint32_t batch_capacity;
    struct buf items, shown, source_name;
    struct import_counts counts, group; /* durable; of the group being made */
    bool run_known;                     /* its cursor is in the store */
    bool closed;
    int rc; /* of what was found while correlating */
    struct err err;
    uint64_t cpu_ns;
};

static void commit_found(void *context, const struct finding *finding)
{
    struct import_commit *c = context;
    if (c->rc)
        return;
    c->rc = internal_rows_finding(c->rows, finding, &c->err);
    c->group.findings++;
    if (c->options.output && !c->closed)
        output_finding(c->options.output, finding, &c->shown);
}

struct import_commit *import_commit_open(const struct import_commit_options *options)
{
    struct import_commit *c = mem_zeroed(1, sizeof(*c));
    c->options = *options;
    c->rows = internal_rows_open(&options->detector->load.rules, options->source,
                                 store_epoch(options->store));
    correlation_run_open(&c->correlation, options->detector, options->run, options->near_ns);
    c->run_known = options->resumed;
    if (options->resumed)
        correlation_run_resume(&c->correlation, store_carry(options->store));
    correlation_run_begin(&c->correlation, &c->items, commit_found, c);
    c->sealer = sealer_open(options->store, options->seal_bytes);
    buf_string(&c->source_name, options->source->name.len ? "import/" : "import");
    buf_slice(&c->source_name, options->source->name);
    return c;
}

static void hauls_close(struct harvest *list)
{
    while (list) {
        struct harvest *next = list->next;
        harvest_close(&list);
        list = next;
    }
}

void import_commit_close(struct import_commit **commit)
{
    struct import_commit *c = *commit;
    if (!c)
        return;
    sealer_close(&c->sealer);
    hauls_close(c->first);
    hauls_close(c->free);
    correlation_run_close(&c->correlation);
    internal_rows_close(&c->rows);
    mem_free(c->batches);
    buf_free(&c->items);
    buf_free(&c->shown);
    buf_free(&c->source_name);
    mem_free(c);
    *commit = NULL;
}

struct harvest *import_commit_haul(struct import_commit *c)
{
    struct harvest *haul = c->free;
    if (!haul)
        return harvest_open();
    c->free = haul->next;
    haul->next = NULL;
    return haul;
}

void import_commit_give_back(struct import_commit *c, struct harvest *haul)
{
    harvest_clear(haul);
    haul->next = c->free;
    c->free = haul;
}

static void finding_take(struct import_commit *c, const struct harvest *haul,
                         const struct harvest_item *item, uint64_t sequence)
{
    struct finding finding = {
        .rule = item->rule,
        .place = {slice_from(haul->file->name), item->line, item->time_ns, sequence},
        .host = item->host,
        .matched = item->fields,
        .matched_count = item->count,
        .mapping = item->mapping};
    commit_found(c, &finding);
}

static void input_take(struct import_commit *c, const struct import_file *file,
                       const struct harvest_item *item, uint64_t sequence)
{
    struct correlate_input input = {.rule = item->rule,
                                    .place = {file->place, item->line, item->time_ns, sequence},
                                    .values = item->values};
    correlation_run_feed(&c->correlation, &input, item->count);
}

static int haul_take(struct import_commit *c, const struct harvest *haul, uint64_t sequence,
                     struct err *err)
{
    struct import_file *file = import_cursor_file(c->options.cursors, haul->file);
    struct slice name = slice_from(haul->file->name);
    file->place = correlation_run_place(&c->correlation, name);
    for (size_t i = 0; i < haul->item_count; i++) {
        const struct harvest_item *item = &haul->items[i];
        struct internal_refused refused = {name, item->reason, item->text, item->line};
        int rc = ERR_OK;
        if (item->kind == HARVEST_FINDING)
            finding_take(c, haul, item, sequence + item->row);
        else if (item->kind == HARVEST_INPUT)
            input_take(c, file, item, sequence + item->row);
        else
            rc = internal_rows_refused(c->rows, &refused, err);
        if (rc)
            return rc;
    }
    file->records += haul->records;
    file->blocks += haul->last_part;
    file->changed = true;
    c->group.received += haul->records;
    c->group.events += haul->batch.row_count;
    c->group.refused += haul->refused;
    c->group.bytes += haul->text_bytes;
    if (haul->batch.row_count && !c->group.first_sequence)
        c->group.first_sequence = sequence;
    if (haul->batch.row_count)
        c->group.last_sequence = sequence + haul->batch.row_count - 1;
    return ERR_OK;
}

/* A file that was read to its end: what its splitter refused is known now. */
static int file_end(struct import_commit *c, struct import_file *file, struct err *err)
{
    size_t count;
    const struct input_refused *list = input_refused_list(c->options.input, &count);
    uint64_t seen = 0;
    int rc = ERR_OK;
    for (size_t i = 0; i < count && rc == ERR_OK; i++) {
        if (list[i].file != file->input || seen++ < file->refused)
            continue;
        struct internal_refused refused = {.file = slice_from(file->input->name),
                                           .reason = slice_from(list[i].reason),
                                           .text = SLICE(""),
                                           .line = list[i].line};
        rc = internal_rows_refused(c->rows, &refused, err);
    }
    if (file->input->refused > file->refused) {
        c->group.refused += file->input->refused - file->refused;
        c->group.received += file->input->refused - file->refused;
        file->refused = file->input->refused;
    }
    file->done = !file->input->damaged;
    file->changed = file->told = true;
    return rc;
}

static int files_put(struct import_commit *c, struct err *err)
{
    struct import_cursors *cursors = c->options.cursors;
    for (uint32_t i = cursors->first_open; i < cursors->count; i++) {
        struct import_file *file = cursors->files[i];
        if (!file->told && import_cursor_is_read(file)) {
            int rc = file_end(c, file, err);
            if (rc)
                return rc;
        }
        import_cursor_put(file, &c->items);
        if (file->told && i == cursors->first_open)
            cursors->first_open++;
    }
    return ERR_OK;
}

static void run_put(struct import_commit *c, bool ends)
{
    struct buf near = {0};
    if (!ends && !c->run_known) {
        buf_printf(&near, "%lld", (long long)c->options.near_ns);
        carry_put_cursor(&c->items, c->options.run, buf_as_slice(&near));
    }
    if (ends && c->run_known) {
        carry_put_end_run(&c->items, c->options.run);
        carry_put_cursor(&c->items, c->options.run, SLICE(""));
    }
    buf_free(&near);
}

/* Numbers, findings, correlations, cursors: all of the group but the append. */
static int group_build(struct import_commit *c, bool ends, struct err *err)
{
    uint64_t sequence = store_next_sequence(c->options.store);
    int rc = ERR_OK;
    c->group = (struct import_counts){0};
    buf_clear(&c->items);
    if (c->options.stale && c->counts.groups == 0)
        carry_put_end_run(&c->items, c->options.run);
    internal_rows_begin(c->rows, clock_now_ns());
    for (const struct harvest *h = c->first; h && rc == ERR_OK; h = h->next) {
        rc = haul_take(c, h, sequence, err);
        sequence += h->batch.row_count;
    }
    if (rc == ERR_OK)
        rc = files_put(c, err);
    if (rc == ERR_OK && ends)
        correlation_run_end(&c->correlation);
    if (rc == ERR_OK && c->rc) {
        *err = c->err;
        rc = c->rc;
    }
    if (rc)
        return rc;
    const uint64_t counters[] = {c->group.received, c->group.events, c->group.refused,
                                 c->group.findings, c->group.bytes};
    if (c->group.received || c->group.findings)
        carry_put_counters(&c->items, buf_as_slice(&c->source_name), counters,
                           sizeof(counters) / sizeof(counters[0]));
    if (c->items.len || ends)
        run_put(c, ends);
    return ERR_OK;
}

static uint32_t group_batches(struct import_commit *c, uint64_t *raw_bytes)
{
    uint32_t internal_count, count = 0;
    const struct batch *internal = internal_rows_end(c->rows, &internal_count);
    if (c->batch_capacity < c->pending_count + internal_count) {
        c->batch_capacity = 2 * (c->pending_count + internal_count);
        c->batches = mem_resize(c->batches, c->batch_capacity, sizeof(*c->batches));
    }
    for (const struct harvest *h = c->first; h; h = h->next)
        if (h->batch.row_count)
            c->batches[count++] = h->batch;
    for (uint32_t i = 0; i < internal_count; i++)
        c->batches[count++] = internal[i];
    for (uint32_t i = 0; i < count; i++)
        *raw_bytes += c->batches[i].raw_bytes;
    return count;
}

static void group_count(struct import_commit *c)
{
    struct import_counts *sum = &c->counts;
    sum->received += c->group.received;
    sum->events += c->group.events;
    sum->findings += c->group.findings;
    sum->refused += c->group.refused;
    sum->bytes += c->group.bytes;
    sum->groups++;
    if (c->group.first_sequence && !sum->first_sequence)
        sum->first_sequence = c->group.first_sequence;
    if (c->group.last_sequence)
        sum->last_sequence = c->group.last_sequence;
}

static int group_show(struct import_commit *c, struct err *err)
{
    if (!c->options.output || c->closed)
        return ERR_OK;
    output_pass(c->options.output, &c->shown);
    int rc = io_write_all(c->options.out_fd, c->shown.data, c->shown.len, err);
    buf_clear(&c->shown);
    c->closed = rc == ERR_CLOSED; /* what is stored does not depend on who reads */
    return c->closed ? ERR_OK : rc;
}

static int group_append(struct import_commit *c, struct err *err)
{
    uint64_t raw_bytes = 0, first;
    uint64_t expected = store_next_sequence(c->options.store);
    struct store_group group = {.batch_count = group_batches(c, &raw_bytes),
                                .carry = buf_as_slice(&c->items),
                                .now_ns = clock_now_ns()};
    group.batches = c->batches;
    if (group.batch_count == 0 && group.carry.len == 0)
        return ERR_OK;
    int rc = store_append(c->options.store, &group, &first, err);
    if (rc == ERR_FULL && c->options.policies) {
        bool freed;
        rc = policy_make_room(c->options.store, c->options.policies, c->options.policy_count,
                              &freed, err);
        if (rc == ERR_OK) /* says why once more when nothing went */
            rc = store_append(c->options.store, &group, &first, err);
    }
    if (rc)
        return err_prefix(err, "the newest events could not be stored");
    check(group.batch_count == 0 || first == expected);
    c->run_known = true;
    group_count(c);
    rc = store_tick(c->options.store, clock_now_ns(), err);
    if (rc == ERR_OK)
        rc = sealer_appended(c->sealer, raw_bytes, err);
    return rc ? rc : group_show(c, err);
}

static int group_commit(struct import_commit *c, bool ends, struct err *err)
{
    uint64_t start = clock_thread_cpu_ns();
    int rc = group_build(c, ends, err);
    if (rc == ERR_OK)
        rc = group_append(c, err);
    c->cpu_ns += clock_thread_cpu_ns() - start;
    while (c->first) {
        struct harvest *haul = c->first;
        c->first = haul->next;
        import_commit_give_back(c, haul);
    }
    c->last = NULL;
    c->pending_bytes = c->pending_raw_bytes = 0;
    c->pending_count = 0;
    return rc;
}

int import_commit_add(struct import_commit *c, struct harvest *haul, struct err *err)
{
    haul->next = NULL;
    if (c->last)
        c->last->next = haul;
    else
        c->first = haul;
    c->last = haul;
    c->pending_count++;
    c->pending_bytes += haul->batch.section.len + haul->item_bytes;
    c->pending_raw_bytes += haul->batch.raw_bytes;
    bool enough = c->pending_bytes >= c->options.group_bytes ||
                  c->pending_raw_bytes >= GROUP_RAW_BYTES_MAX ||
                  c->pending_count == GROUP_HAULS_MAX;
    return enough ? import_commit_flush(c, err) : ERR_OK;
}

int import_commit_flush(struct import_commit *c, struct err *err)
{
    return c->first ? group_commit(c, false, err) : ERR_OK;
}

int import_commit_end(struct import_commit *c, struct err *err)
{
    return group_commit(c, true, err);
}

int import_commit_seal(struct import_commit *c, bool all, struct err *err)
{
    int rc = sealer_finish(c->sealer, all, err);
    return rc ? rc : store_tick(c->options.store, clock_now_ns(), err);
}

const struct import_counts *import_commit_counts(const struct import_commit *c)
{
    return &c->counts;
}

bool import_commit_closed(const struct import_commit *c)
{
    return c->closed;
}

void import_commit_correlations(const struct import_commit *c, struct correlate_stats *out)
{
    correlate_stats(c->correlation.correlator, out);
}

void import_commit_cpu(const struct import_commit *c, uint64_t *append_ns, uint64_t *seal_ns)
{
    *append_ns = c->cpu_ns;
    *seal_ns = sealer_cpu_ns(c->sealer);
}
