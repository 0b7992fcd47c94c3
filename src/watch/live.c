#include "watch/live.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "base/mem.h"

struct live_box {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct live_rules *now; /* NULL: none came yet */
    uint32_t behind;        /* blocks that are judged by older sets */
    struct live_holder *holders;
};

static struct live_box *box_open(void)
{
    struct live_box *box = mem_zeroed(1, sizeof(*box));
    pthread_condattr_t attributes;
    check(pthread_mutex_init(&box->mutex, NULL) == 0);
    check(pthread_condattr_init(&attributes) == 0);
    check(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    check(pthread_cond_init(&box->changed, &attributes) == 0);
    check(pthread_condattr_destroy(&attributes) == 0);
    return box;
}

static void box_close(struct live_box **out)
{
    struct live_box *box = *out;
    if (!box)
        return;
    live_rules_unuse(&box->now);
    check(pthread_cond_destroy(&box->changed) == 0);
    check(pthread_mutex_destroy(&box->mutex) == 0);
    mem_free(box);
    *out = NULL;
}

static struct slice logsource_text(struct live *live, const struct config_source *c)
{
    if (!c || !(c->product.len || c->category.len || c->service.len))
        return SLICE("");
    return arena_printf(&live->arena, "%.*s/%.*s/%.*s", (int)c->product.len, c->product.data,
                        (int)c->category.len, c->category.data, (int)c->service.len,
                        c->service.data);
}

static int detector_of(struct live *live, const struct live_options *options,
                       struct live_source *source, struct err *err)
{
    bool has_own =
        options->judges && (!options->only.data || slice_equal(options->only, source->row.name));
    for (uint32_t i = 0; i < live->detector_count; i++)
        if (!has_own || (slice_equal(live->detectors[i].configured, source->row.configured) &&
                         slice_equal(live->detectors[i].zone, source->zone))) {
            source->detector = i;
            return ERR_OK;
        }
    if (live->detector_count == LIVE_DETECTORS_MAX)
        return err_set(err, ERR_LIMIT,
                       "sources have more than %d different log sources and time zones: give more "
                       "of them the same, or leave them out",
                       LIVE_DETECTORS_MAX);
    source->detector = live->detector_count;
    struct live_detector *d = &live->detectors[live->detector_count++];
    d->configured = source->row.configured;
    d->zone = source->zone;
    return d->zone.len ? clock_zone_open(&d->clock, d->zone, err) : ERR_OK;
}

static int source_set(struct live *live, const struct live_options *options,
                      const struct config_source *c, struct live_source *out, struct err *err)
{
    *out = (struct live_source){.config = c, .zone = options->config->store.timezone};
    out->row = (struct origin){.partition = SLICE("main"), .raw = true};
    out->row.name = out->row.system = out->row.unit = SLICE("");
    out->row.configured = logsource_text(live, c);
    if (c) {
        out->row.partition = c->partition.len ? c->partition : SLICE("main");
        out->row.name = c->row.name;
        out->row.system = c->system;
        out->row.unit = c->unit;
        out->row.flags = c->drill ? ROW_DRILL : 0;
        if (c->timezone.len)
            out->zone = c->timezone;
        if (c->format.len && !slice_equal(c->format, SLICE("auto")))
            out->format = format_find(c->format);
    }
    if (!row_partition_name_ok(out->row.partition) || out->row.partition.data[0] == '_')
        return err_set(err, ERR_USAGE,
                       "sources.%.*s: its partition cannot be %.*s: a name has a to z, 0 to 9, _ "
                       "and -, and does not begin with _",
                       (int)out->row.name.len, out->row.name.data, (int)out->row.partition.len,
                       out->row.partition.data);
    return detector_of(live, options, out, err);
}

int live_open(struct live *live, const struct live_options *options, struct err *err)
{
    const struct config_source *configured = options->config->sources.items;
    uint32_t count = options->config->sources.count;
    live->config = options->config;
    live->interpreted = options->interpreted;
    live->box = box_open();
    live->sources = arena_zeroed(&live->arena, count + 1u, sizeof(*live->sources));
    int rc = source_set(live, options, NULL, &live->sources[0], err);
    for (uint32_t i = 0; i < count && rc == ERR_OK; i++)
        rc = source_set(live, options, &configured[i], &live->sources[i + 1], err);
    live->source_count = rc ? 0 : count + 1;
    return rc;
}

void live_close(struct live *live)
{
    box_close(&live->box);
    for (uint32_t i = 0; i < live->detector_count; i++)
        clock_zone_close(&live->detectors[i].clock);
    arena_free(&live->arena);
    *live = (struct live){0};
}

const struct live_source *live_source(const struct live *live, struct slice name)
{
    for (uint32_t i = 0; i < live->source_count; i++)
        if (slice_equal(live->sources[i].row.name, name))
            return &live->sources[i];
    return NULL;
}

/* ---- the newest set ---- */

int live_compile(const struct live *live, const struct live_bundle *bundle, struct live_rules **out,
                 struct err *err)
{
    return live_rules_open(out, bundle, live->detectors, live->detector_count, live->interpreted,
                           err);
}

/* Under the mutex. */
static struct live_rules *newest(struct live_box *box, uint64_t wait_ns)
{
    uint64_t until_ns = clock_monotonic_ns() + wait_ns;
    struct timespec until = {.tv_sec = (time_t)(until_ns / CLOCK_SECOND_NS),
                             .tv_nsec = (long)(until_ns % CLOCK_SECOND_NS)};
    int rc = 0;
    while (!box->now && rc == 0 && wait_ns) {
        rc = pthread_cond_timedwait(&box->changed, &box->mutex, &until);
        check(rc == 0 || rc == ETIMEDOUT);
    }
    return box->now ? live_rules_use(box->now) : NULL;
}

struct live_rules *live_take(const struct live *live, uint64_t wait_ns)
{
    check(pthread_mutex_lock(&live->box->mutex) == 0);
    struct live_rules *rules = newest(live->box, wait_ns);
    check(pthread_mutex_unlock(&live->box->mutex) == 0);
    return rules;
}

void live_put(const struct live *live, struct live_rules *rules)
{
    struct live_box *box = live->box;
    check(pthread_mutex_lock(&box->mutex) == 0);
    struct live_rules *old = box->now;
    box->now = rules;
    if (old)
        box->behind += old->running;
    for (struct live_holder *h = box->holders; h; h = h->next)
        if (!h->is_judging)
            h->let_go(h->context);
    check(pthread_cond_broadcast(&box->changed) == 0);
    check(pthread_mutex_unlock(&box->mutex) == 0);
    live_rules_unuse(&old);
}

bool live_is_behind(const struct live *live)
{
    check(pthread_mutex_lock(&live->box->mutex) == 0);
    bool behind = live->box->behind > 0;
    check(pthread_mutex_unlock(&live->box->mutex) == 0);
    return behind;
}

void live_hold(const struct live *live, struct live_holder *holder)
{
    struct live_box *box = live->box;
    check(pthread_mutex_lock(&box->mutex) == 0);
    holder->next = box->holders;
    box->holders = holder;
    check(pthread_mutex_unlock(&box->mutex) == 0);
}

void live_unhold(const struct live *live, struct live_holder *holder)
{
    struct live_box *box = live->box;
    check(pthread_mutex_lock(&box->mutex) == 0);
    struct live_holder **at = &box->holders;
    while (*at != holder)
        at = &(*at)->next;
    *at = holder->next;
    check(pthread_mutex_unlock(&box->mutex) == 0);
}

struct live_rules *live_block_begin(const struct live *live, struct live_holder *holder,
                                    uint64_t wait_ns)
{
    check(pthread_mutex_lock(&live->box->mutex) == 0);
    struct live_rules *rules = newest(live->box, wait_ns);
    if (rules)
        rules->running++;
    holder->is_judging = rules != NULL;
    check(pthread_mutex_unlock(&live->box->mutex) == 0);
    return rules;
}

void live_block_end(const struct live *live, struct live_holder *holder, struct live_rules *rules)
{
    check(pthread_mutex_lock(&live->box->mutex) == 0);
    rules->running--;
    holder->is_judging = false;
    if (rules != live->box->now) {
        live->box->behind--;
        holder->let_go(holder->context);
    }
    check(pthread_mutex_unlock(&live->box->mutex) == 0);
    live_rules_unuse(&rules);
}
