#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "program/engine_commit_inside.h"

#define RETRY_NS_MIN CLOCK_SECOND_NS
#define RETRY_NS_MAX (30 * CLOCK_SECOND_NS)
#define TRIM_NS      (600 * CLOCK_SECOND_NS)
/* Ids against doubles are kept for a day. */
#define IDS_NS         ((int64_t)86400 * CLOCK_SECOND_NS)
#define CLOSE_NS       (10 * CLOCK_SECOND_NS)
#define RUN_HISTORICAL SLICE("reader")

static void found_by(struct engine_commit *c, const struct live_rules *rules,
                     const struct finding *finding)
{
    struct err err;
    internal_rows_rules(c->rows, &rules->rules.all, rules->version);
    int rc = internal_rows_finding(c->rows, finding, &err);
    if (rc)
        log_err(LOG_ERROR, "finding", &err);
    else
        (*c->findings)++;
}

/* By a correlation: those are the newest set's. */
static void found(void *context, const struct finding *finding)
{
    struct engine_commit *c = context;
    found_by(c, c->sets.now, finding);
}

static void correlations_close(struct engine_commit *c)
{
    if (!c->are_open)
        return;
    correlation_run_close(&c->live);
    correlation_run_close(&c->historical);
    c->are_open = false;
}

static void correlation_open(struct engine_commit *c, struct correlation_run *out, struct slice run)
{
    correlation_run_open(out, c->sets.now->detectors[0], run, clock_now_ns());
    if (run.len == 0)
        out->until_ns = steady_now(&c->steady, clock_monotonic_ns()) + STEADY_JUMP_NS;
    correlation_run_resume(out, store_carry(c->store));
    correlation_run_begin(out, &c->items, found, c);
}

/* As the store's carry has them: what was seen of events that were not stored is forgotten. */
static void correlations_open(struct engine_commit *c)
{
    correlations_close(c);
    correlation_open(c, &c->live, SLICE(""));
    correlation_open(c, &c->historical, RUN_HISTORICAL);
    c->are_open = true;
}

static int store_begin(struct engine_commit *c, struct err *err)
{
    int rc = store_open(&c->store, c->options.data, c->options.store, err);
    if (rc)
        return rc;
    if (c->is_started)
        c->sealer = sealer_open(c->store, c->options.seal_bytes);
    c->rows = internal_rows_open(&c->sets.now->rules.all, &c->options.live->sources[0].row,
                                 store_epoch(c->store));
    if (c->account)
        engine_account_again(c->account, c->store);
    else
        rc = engine_account_open(&c->account, c->store, c->options.live->config, err);
    correlations_open(c);
    return rc;
}

static void store_end(struct engine_commit *c)
{
    sealer_close(&c->sealer);
    internal_rows_close(&c->rows);
    store_close(&c->store);
}

int engine_commit_open(struct engine_commit **out, const struct engine_commit_options *options,
                       struct err *err)
{
    struct engine_commit *c = mem_zeroed(1, sizeof(*c));
    c->options = *options;
    c->taker = batch_taker_open();
    c->findings = &c->run_findings;
    c->sets.live = options->live;
    c->sets.now = live_take(options->live, 0);
    check(c->sets.now);
    steady_begin(&c->steady, clock_now_ns(), clock_monotonic_ns());
    *out = c;
    int rc = store_begin(c, err);
    if (rc) {
        engine_commit_close(out);
        return rc;
    }
    c->seen = engine_seen_open(store_carry(c->store));
    if (c->options.watch)
        engine_watch_begin(c->options.watch, store_carry(c->store), clock_now_ns());
    return ERR_OK;
}

void engine_commit_start(struct engine_commit *c)
{
    c->is_started = true;
    c->sealer = sealer_open(c->store, c->options.seal_bytes);
}

void engine_commit_close(struct engine_commit **commit)
{
    struct engine_commit *c = *commit;
    if (!c)
        return;
    correlations_close(c);
    store_end(c);
    engine_seen_close(&c->seen);
    engine_account_close(&c->account);
    for (uint32_t i = 0; i < ENGINE_COMMIT_HAULS_MAX; i++)
        engine_commit_work_free(&c->work[i]);
    batch_taker_close(&c->taker);
    mem_free(c->batches);
    buf_free(&c->items);
    live_rules_unuse(&c->sets.before);
    live_rules_unuse(&c->sets.now);
    mem_free(c);
    *commit = NULL;
}

void engine_commit_rules(struct engine_commit *c, struct live_rules *rules)
{
    live_rules_unuse(&c->sets.before);
    if (!rules)
        return;
    c->sets.before = c->sets.now;
    c->sets.now = rules;
    if (c->rows)
        internal_rows_rules(c->rows, &rules->rules.all, rules->version);
    if (c->are_open)
        correlations_open(c);
}

void engine_commit_rules_before(struct engine_commit *c, struct live_rules *rules)
{
    live_rules_unuse(&c->sets.before);
    c->sets.before = rules;
}

struct store *engine_commit_store(struct engine_commit *c)
{
    return c->store;
}

struct engine_seen *engine_commit_seen(struct engine_commit *c)
{
    return c->seen;
}

struct ledger *engine_commit_ledger(struct engine_commit *c)
{
    return engine_account_ledger(c->account);
}

bool engine_commit_ok(const struct engine_commit *c, struct err *err)
{
    if (c->failed)
        *err = c->err;
    return !c->failed;
}

/* ---- a group ---- */

static void item_finding(struct engine_commit *c, const struct engine_commit_work *w,
                         const struct harvest_item *item, uint64_t sequence)
{
    struct finding finding = {
        .rule = item->rule,
        .place = {w->head.listener, item->line, item->time_ns, sequence + item->row},
        .host = item->host,
        .matched = item->fields,
        .matched_count = item->count,
        .mapping = item->mapping};
    found_by(c, w->rules, &finding);
}

static void item_refused(struct engine_commit *c, const struct engine_commit_work *w,
                         const struct harvest_item *item)
{
    struct internal_refused refused = {w->head.listener, item->reason, item->text, item->line};
    struct err err;
    if (internal_rows_refused(c->rows, &refused, &err) != ERR_OK)
        log_err(LOG_ERROR, "refused", &err);
}

/* Names beyond the limit are shown as none. */
static uint32_t place_of(struct correlation_run *to, struct slice name)
{
    bool is_new = !map_find(&to->place_of_name, name);
    return correlation_run_place(
        to, is_new && to->name_count >= ENGINE_COMMIT_PLACES_MAX ? SLICE("") : name);
}

/* The input of a haul that was judged by the set before is the newest set's rule of the same id, if
 * its correlations ask for as many fields. */
static void input_feed(struct engine_commit *c, const struct engine_commit_work *w,
                       struct correlation_run *to, struct correlate_input *input, uint32_t count)
{
    const struct slice *fields;
    bool is_input = true;
    if (w->rules != c->sets.now) {
        input->rule = live_rules_number(w->rules, input->rule, c->sets.now);
        is_input = input->rule < c->sets.now->rules.loaded &&
                   correlate_plan_fields(c->sets.now->detectors[0]->plan, input->rule, &fields,
                                         &is_input) == count &&
                   is_input;
    }
    if (is_input)
        correlation_run_feed(to, input, count);
}

static void items_take(struct engine_commit *c, const struct engine_commit_work *w,
                       uint64_t sequence)
{
    struct correlation_run *to = w->to->historical ? &c->historical : &c->live;
    uint32_t place = place_of(to, w->head.listener);
    uint64_t now_ns = clock_monotonic_ns();
    for (size_t i = 0; i < w->haul->item_count; i++) {
        const struct harvest_item *item = &w->haul->items[i];
        if (item->kind == HARVEST_FINDING) {
            item_finding(c, w, item, sequence);
        } else if (item->kind == HARVEST_REFUSED) {
            item_refused(c, w, item);
        } else {
            int64_t time_ns =
                w->to->historical ? item->time_ns : steady_time(&c->steady, item->time_ns, now_ns);
            struct correlate_input input = {
                .rule = item->rule,
                .place = {place, item->line, time_ns, sequence + item->row},
                .values = item->values};
            input_feed(c, w, to, &input, item->count);
        }
    }
}

static void source_begin(struct engine_commit *c, const struct engine_commit_work *w)
{
    c->row_source = w->source->row;
    c->row_source.flags |= w->to->historical ? ROW_HISTORICAL : 0u;
    internal_rows_source(c->rows, &c->row_source);
    c->findings = &w->to->findings;
}

static void counters_put(struct engine_commit *c, const struct engine_commit_work *w)
{
    struct buf name = {0};
    const uint64_t counters[] = {w->head.figures.counts[LEDGER_RECEIVED], w->reader.row_count,
                                 w->haul->refused, w->to->findings,
                                 w->head.figures.counts[LEDGER_BYTES]};
    buf_string(&name, w->to->historical ? "import" : "live");
    if (w->head.source.len) {
        buf_char(&name, '/');
        buf_slice(&name, w->head.source);
    }
    if (counters[0] || w->to->findings)
        carry_put_counters(&c->items, buf_as_slice(&name), counters,
                           sizeof(counters) / sizeof(counters[0]));
    for (uint32_t i = 0; i < w->head.cursor_count; i++)
        carry_put_cursor(&c->items, w->head.cursors[i].name, w->head.cursors[i].value);
    buf_free(&name);
}

static void group_build(struct engine_commit *c)
{
    uint64_t sequence = store_next_sequence(c->store);
    int64_t now_ns = clock_now_ns();
    buf_clear(&c->items);
    internal_rows_begin(c->rows, now_ns);
    for (uint32_t i = 0; i < c->count; i++) {
        struct engine_commit_work *w = &c->work[i];
        w->to->first_sequence = w->reader.row_count ? sequence : 0;
        source_begin(c, w);
        items_take(c, w, sequence);
        counters_put(c, w);
        w->batch.row_count = 0;
        if (w->reader.row_count)
            batch_take(c->taker, &w->reader, &w->batch);
        engine_account_take(c->account, w, now_ns, &c->items);
        if (!w->to->historical)
            engine_seen_add(c->seen, w->head.source, w->head.listener, w->reader.row_count, now_ns);
        sequence += w->reader.row_count;
    }
    engine_seen_put(c->seen, &c->items);
    engine_account_put(c->account, &c->items);
    if (c->options.watch && engine_watch_is_due(c->options.watch, now_ns))
        engine_watch_put(c->options.watch, now_ns, &c->items);
    c->findings = &c->run_findings;
}

static uint32_t group_batches(struct engine_commit *c, uint64_t *raw_bytes)
{
    uint32_t internal_count, count = 0;
    const struct batch *internal = internal_rows_end(c->rows, &internal_count);
    if (c->batch_capacity < c->count + internal_count) {
        c->batch_capacity = 2 * (c->count + internal_count);
        c->batches = mem_resize(c->batches, c->batch_capacity, sizeof(*c->batches));
    }
    for (uint32_t i = 0; i < c->count; i++)
        if (c->work[i].batch.row_count)
            c->batches[count++] = c->work[i].batch;
    for (uint32_t i = 0; i < internal_count; i++)
        c->batches[count++] = internal[i];
    for (uint32_t i = 0; i < count; i++)
        *raw_bytes += c->batches[i].raw_bytes;
    return count;
}

static int append(struct engine_commit *c, const struct store_group *group, struct err *err)
{
    uint64_t first;
    bool freed;
    int rc = store_append(c->store, group, &first, err);
    if (rc != ERR_FULL)
        return rc;
    rc = policy_make_room(c->store, c->options.policies, c->options.policy_count, &freed, err);
    return rc ? rc : store_append(c->store, group, &first, err);
}

int engine_commit_append(struct engine_commit *c, struct err *err)
{
    uint64_t raw_bytes = 0;
    struct store_group group = {.batch_count = group_batches(c, &raw_bytes),
                                .carry = buf_as_slice(&c->items),
                                .now_ns = clock_now_ns()};
    group.batches = c->batches;
    if (group.batch_count == 0 && group.carry.len == 0)
        return ERR_OK;
    int rc = append(c, &group, err);
    if (rc)
        return err_prefix(err, "the newest events could not be stored");
    struct err seal_err;
    if (store_tick(c->store, clock_now_ns(), &seal_err) ||
        sealer_appended(c->sealer, raw_bytes, &seal_err))
        log_err(LOG_ERROR, "seal", &seal_err);
    return ERR_OK;
}

void engine_commit_fail(struct engine_commit *c, const struct err *err)
{
    c->retry_ns = c->retry_ns ? 2 * c->retry_ns : (uint64_t)RETRY_NS_MIN;
    if (c->retry_ns > (uint64_t)RETRY_NS_MAX)
        c->retry_ns = (uint64_t)RETRY_NS_MAX;
    c->retry_at_ns = clock_monotonic_ns() + c->retry_ns;
    log_err(LOG_ERROR, "store", err);
    c->failed = true;
    c->reopens = c->reopens || (err->code != ERR_FULL && err->code != ERR_BUSY);
    c->err = *err;
}

void engine_commit_retry(struct engine_commit *c)
{
    struct err err;
    if (!c->failed || clock_monotonic_ns() < c->retry_at_ns)
        return;
    if (c->reopens) {
        check(pthread_mutex_lock(c->options.care) == 0);
        correlations_close(c);
        store_end(c);
        int rc = store_begin(c, &err);
        check(pthread_mutex_unlock(c->options.care) == 0);
        if (rc) {
            engine_commit_fail(c, &err);
            return;
        }
    } else {
        correlations_open(c);
    }
    c->failed = c->reopens = false;
}

static void group_result(struct engine_commit *c, int rc, const struct err *err)
{
    engine_seen_settle(c->seen, rc == ERR_OK);
    engine_account_settle(c->account, rc == ERR_OK);
    for (uint32_t i = 0; i < c->count; i++) {
        struct engine_commit_work *w = &c->work[i];
        w->to->rc = rc;
        if (rc) {
            w->to->err = *err;
            continue;
        }
        w->to->stored = w->batch.row_count;
        w->to->refused = (uint32_t)w->haul->refused;
        w->to->received = w->head.figures.counts[LEDGER_RECEIVED];
    }
    if (rc)
        engine_commit_fail(c, err);
    else
        c->retry_ns = 0;
}

static int64_t window_ns(const struct engine_commit *c)
{
    return correlate_plan_longest_ns(c->sets.now->detectors[0]->plan) + CORRELATE_LATE_MAX_NS;
}

/* What correlates keeps its time over a jump of the clock until nothing of before is in a window.
 */
static void clocks_look(struct engine_commit *c)
{
    if (steady_look(&c->steady, clock_now_ns(), clock_monotonic_ns(), (uint64_t)window_ns(c)) &&
        c->are_open)
        correlations_open(c);
}

/* Whether it is to be stored: what is forged, stored before, or has known ids is not. */
static bool work_take(struct engine_commit *c, struct engine_commit_work *w,
                      struct engine_haul *haul)
{
    const struct carry *carry = c->failed ? NULL : store_carry(c->store);
    if (c->failed) {
        haul->err = c->err;
        haul->rc = c->err.code;
        return false;
    }
    haul->rc = engine_commit_work_take(w, &c->sets, haul);
    if (haul->rc)
        return false;
    haul->is_repeated = engine_account_is_repeated(c->account, carry, &w->head);
    return !haul->is_repeated && engine_account_ids(c->account, carry, w) == ERR_OK;
}

void engine_commit_group(struct engine_commit *c, struct engine_haul *const *hauls, uint32_t count)
{
    struct err err;
    check(count <= ENGINE_COMMIT_HAULS_MAX);
    engine_commit_retry(c);
    clocks_look(c);
    c->count = 0;
    for (uint32_t i = 0; i < count; i++)
        c->count += work_take(c, &c->work[c->count], hauls[i]);
    if (c->count == 0)
        return;
    group_build(c);
    int rc = engine_commit_append(c, &err);
    group_result(c, rc, &err);
    for (uint32_t i = 0; i < c->count; i++)
        engine_commit_work_relieve(&c->work[i]);
}

/* ---- a reader's run ---- */

int engine_commit_run_end(struct engine_commit *c, bool whole, uint64_t *findings, struct err *err)
{
    *findings = 0;
    engine_commit_retry(c);
    if (c->failed) {
        *err = c->err;
        return c->err.code;
    }
    c->count = 0;
    c->run_findings = 0;
    buf_clear(&c->items);
    internal_rows_begin(c->rows, clock_now_ns());
    c->row_source = c->options.live->sources[0].row;
    c->row_source.flags = ROW_HISTORICAL;
    internal_rows_source(c->rows, &c->row_source);
    if (whole)
        correlation_run_end(&c->historical);
    carry_put_end_run(&c->items, RUN_HISTORICAL);
    int rc = engine_commit_append(c, err);
    if (rc) {
        engine_commit_fail(c, err);
        return rc;
    }
    correlation_run_close(&c->historical);
    correlation_open(c, &c->historical, RUN_HISTORICAL);
    *findings = c->run_findings;
    return ERR_OK;
}

/* ---- time ---- */

/* Ids have their day by the clock that they came by. */
static void carry_trim_old(struct engine_commit *c)
{
    uint64_t monotonic_ns = clock_monotonic_ns();
    int64_t now_ns = steady_now(&c->steady, monotonic_ns);
    bool changed = c->steady.changed_ns && monotonic_ns - c->steady.changed_ns < (uint64_t)IDS_NS;
    store_carry_trim(c->store, changed ? INT64_MIN : now_ns - IDS_NS, now_ns - window_ns(c));
}

void engine_commit_tick(struct engine_commit *c, int64_t now_ns)
{
    struct err err;
    engine_commit_retry(c);
    if (c->failed)
        return;
    clocks_look(c);
    if (store_tick(c->store, now_ns, &err) || sealer_appended(c->sealer, 0, &err))
        log_err(LOG_ERROR, "seal", &err);
    if (c->closed_ns == 0 || now_ns < c->closed_ns || now_ns - c->closed_ns >= CLOSE_NS ||
        engine_account_has_gone(c->account))
        engine_commit_hours(c, now_ns);
    if (c->failed || (now_ns - c->trimmed_ns < TRIM_NS && now_ns >= c->trimmed_ns))
        return;
    c->trimmed_ns = now_ns;
    carry_trim_old(c);
}

int engine_commit_seal(struct engine_commit *c, struct err *err)
{
    return c->failed ? ERR_OK : sealer_finish(c->sealer, true, err);
}
