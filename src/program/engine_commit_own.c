/* Groups of Canh itself: hours that are over, what senders lost, health, cursors of outputs. */
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "program/engine_commit_inside.h"

static void own_begin(struct engine_commit *c, int64_t now_ns)
{
    c->count = 0;
    buf_clear(&c->items);
    internal_rows_begin(c->rows, now_ns);
}

static int own_end(struct engine_commit *c, struct err *err)
{
    int rc = engine_commit_append(c, err);
    engine_account_settle(c->account, rc == ERR_OK);
    if (rc)
        engine_commit_fail(c, err);
    return rc;
}

struct closing {
    struct engine_commit *commit;
    struct ledger_cell *cells; /* that close with the group */
    uint32_t count;
};

/* Of a source that canh.yaml knows no more: without unit and system. */
static bool hour_row(void *context, const struct ledger_cell *cell)
{
    struct closing *closing = context;
    struct engine_commit *c = closing->commit;
    const struct live_source *source = live_source(c->options.live, cell->source);
    struct err err;
    c->row_source = source ? source->row : c->options.live->sources[0].row;
    c->row_source.name = cell->source;
    c->row_source.flags = 0;
    internal_rows_source(c->rows, &c->row_source);
    if (internal_rows_ledger(c->rows, cell, &err) != ERR_OK) {
        log_err(LOG_ERROR, "ledger", &err);
        return false;
    }
    closing->cells[closing->count++] = *cell;
    return true;
}

/* Hours that are over, what senders that died have lost, and that Canh watches still. */
void engine_commit_hours(struct engine_commit *c, int64_t now_ns)
{
    struct closing closing = {c, mem_zeroed(LEDGER_CLOSE_MAX, sizeof(struct ledger_cell)), 0};
    struct err err;
    struct engine_watch *watch = c->options.watch;
    c->closed_ns = now_ns;
    own_begin(c, now_ns);
    engine_account_take_gone(c->account, now_ns);
    (void)ledger_close_hours(engine_account_ledger(c->account), now_ns, hour_row, &closing);
    engine_account_put(c->account, &c->items);
    if (watch && engine_watch_is_due(watch, now_ns))
        engine_watch_put(watch, now_ns, &c->items);
    int rc = own_end(c, &err);
    for (uint32_t i = 0; i < closing.count && rc == ERR_OK && watch; i++)
        engine_watch_learn(watch, &closing.cells[i]);
    mem_free(closing.cells);
}

void engine_commit_gone(struct engine_commit *c, const struct engine_account_gone *gone)
{
    engine_account_gone(c->account, gone);
}

int engine_commit_health(struct engine_commit *c, const struct health_change *changes,
                         uint32_t count, struct err *err)
{
    struct buf name = {0}, value = {0};
    int rc = ERR_OK;
    engine_commit_retry(c);
    if (c->failed) {
        *err = c->err;
        return c->err.code;
    }
    own_begin(c, clock_now_ns());
    c->row_source = c->options.live->sources[0].row;
    internal_rows_source(c->rows, &c->row_source);
    for (uint32_t i = 0; i < count && rc == ERR_OK; i++) {
        rc = internal_rows_health(c->rows, &changes[i], err);
        health_cursor(&changes[i].finding, &name, &value);
        carry_put_cursor(&c->items, buf_as_slice(&name),
                         changes[i].ends ? SLICE("") : buf_as_slice(&value));
    }
    buf_free(&name);
    buf_free(&value);
    return rc ? rc : own_end(c, err);
}

/* ---- outputs ---- */

enum { OUTPUT_RECEIVED, OUTPUT_SENT, OUTPUT_REFUSED, OUTPUT_COUNTERS };

static void output_put(struct engine_commit *c, const struct engine_commit_output *output,
                       int64_t now_ns)
{
    const uint64_t counters[OUTPUT_COUNTERS] = {output->received, output->sent, output->refused};
    const struct ledger_figures figures = {.counts = {[LEDGER_RECEIVED] = output->received,
                                                      [LEDGER_STORED] = output->sent,
                                                      [LEDGER_REFUSED_OTHER] = output->refused}};
    char number[24];
    int len = snprintf(number, sizeof(number), "%" PRIu64, output->sequence);
    carry_put_cursor(&c->items, output->name, slice_make(number, (size_t)len));
    if (output->received == 0)
        return;
    carry_put_counters(&c->items, output->name, counters, OUTPUT_COUNTERS);
    ledger_add(engine_account_ledger(c->account), output->name, &figures, now_ns);
}

int engine_commit_outputs(struct engine_commit *c, const struct engine_commit_output *outputs,
                          uint32_t count, struct err *err)
{
    int64_t now_ns = clock_now_ns();
    engine_commit_retry(c);
    if (c->failed) {
        *err = c->err;
        return c->err.code;
    }
    own_begin(c, now_ns);
    for (uint32_t i = 0; i < count; i++)
        output_put(c, &outputs[i], now_ns);
    engine_account_put(c->account, &c->items);
    return own_end(c, err);
}

bool engine_commit_output_of(struct engine_commit *c, struct slice name,
                             struct engine_commit_output *out)
{
    const struct carry *carry = store_carry(c->store);
    *out = (struct engine_commit_output){.name = name};
    if (!slice_to_u64(carry_cursor(carry, name), &out->sequence))
        return false;
    const uint64_t *counters = carry_counters(carry, name);
    if (counters) {
        out->received = counters[OUTPUT_RECEIVED];
        out->sent = counters[OUTPUT_SENT];
        out->refused = counters[OUTPUT_REFUSED];
    }
    return true;
}
