/* The engine's store: its life, and what others ask it. */
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "program/data.h"
#include "program/engine_rules.h"
#include "program/engine_store_inside.h"

#define DAY_NS   ((int64_t)86400 * CLOCK_SECOND_NS)
#define NIGHT_NS ((int64_t)3 * 3600 * CLOCK_SECOND_NS) /* care at 03:00 local time */

static const struct metric metrics_begin[STORE_METRICS] = {
    [STORE_METRIC_RECEIVED] = {.name = "canh_events_received_total",
                               .help = "records that sources gave, stored or not"},
    [STORE_METRIC_STORED] = {.name = "canh_events_stored_total", .help = "events made durable"},
    [STORE_METRIC_REFUSED] = {.name = "canh_events_refused_total",
                              .help = "records that could not be read, kept as refused"},
    [STORE_METRIC_FINDINGS] = {.name = "canh_findings_total", .help = "findings made durable"},
    [STORE_METRIC_FORGED] = {.name = "canh_hauls_total",
                             .labels = "result=\"forged\"",
                             .help = "batches of events that came to the engine"},
    [STORE_METRIC_FAILED] = {.name = "canh_hauls_total",
                             .labels = "result=\"failed\"",
                             .help = "batches of events that came to the engine"},
    [STORE_METRIC_KNOWN] = {.name = "canh_hauls_total",
                            .labels = "result=\"known\"",
                            .help = "batches of events that came to the engine"},
    [STORE_METRIC_REPEATED] = {.name = "canh_hauls_total",
                               .labels = "result=\"repeated\"",
                               .help = "batches of events that came to the engine"},
    [STORE_METRIC_GROUPS] = {.name = "canh_store_groups_total",
                             .help =
                                 "groups of batches that were tried to be made durable at once"},
    [STORE_METRIC_SECONDS_APPEND] = {.name = "canh_haul_seconds",
                                     .kind = METRIC_HISTOGRAM,
                                     .labels = "stage=\"append\"",
                                     .help = "time of batches, by stage"},
    [STORE_METRIC_SECONDS_DURABLE] = {.name = "canh_event_seconds",
                                      .kind = METRIC_HISTOGRAM,
                                      .labels = "stage=\"durable\"",
                                      .help = "from receipt to stored, and to a stored finding; "
                                              "observed once a batch of live events"},
    [STORE_METRIC_SECONDS_FINDING] = {.name = "canh_event_seconds",
                                      .kind = METRIC_HISTOGRAM,
                                      .labels = "stage=\"finding\"",
                                      .help = "from receipt to stored, and to a stored finding; "
                                              "observed once a batch of live events"},
    [STORE_METRIC_QUEUED] = {.name = "canh_store_queue",
                             .kind = METRIC_GAUGE,
                             .help = "batches that wait for the store"},
    [STORE_METRIC_BYTES] = {.name = "canh_store_bytes",
                            .kind = METRIC_GAUGE,
                            .help = "sealed segments on the disk"},
    [STORE_METRIC_JOURNAL_BYTES] = {.name = "canh_store_journal_bytes",
                                    .kind = METRIC_GAUGE,
                                    .help = "journal on the disk"},
    [STORE_METRIC_OK] = {.name = "canh_store_writable",
                         .kind = METRIC_GAUGE,
                         .help = "1: events can be stored"},
};

/* ---- life ---- */

int engine_store_open(struct engine_store **out, struct engine *engine, struct err *err)
{
    const struct config *config = engine->context->config;
    struct engine_store *s = mem_zeroed(1, sizeof(*s));
    struct live_options live = {.config = config, .interpreted = true};
    *out = s;
    s->engine = engine;
    for (int i = 0; i < STORE_SHARED_MAX; i++)
        s->shared[i].fd = -1;
    memcpy(s->metrics, metrics_begin, sizeof(s->metrics));
    check(pthread_mutex_init(&s->care, NULL) == 0);
    check(pthread_mutex_init(&s->mutex, NULL) == 0);
    check(pthread_cond_init(&s->changed, NULL) == 0);
    s->policy_count = policy_list(config, s->policies);
    data_store_options(&config->store, true, &s->store_options);
    int rc = clock_zone_open(&s->zone, config->store.timezone, err);
    if (rc == ERR_OK)
        rc = live_open(&s->live, &live, err);
    if (rc == ERR_OK)
        rc = engine_rules_open(&s->rules, engine, &s->live, err);
    struct engine_commit_options commit = {.data = engine->context->data,
                                           .store = &s->store_options,
                                           .live = &s->live,
                                           .policies = s->policies,
                                           .policy_count = s->policy_count,
                                           .seal_bytes = config->store.seal_bytes,
                                           .care = &s->care};
    s->opened_ns = clock_now_ns();
    if (rc == ERR_OK)
        rc = engine_watch_open(&s->watch, config, s->zone, err);
    commit.watch = s->watch;
    if (rc == ERR_OK)
        rc = engine_commit_open(&s->commit, &commit, err);
    if (rc == ERR_OK)
        engine_commit_rules_before(s->commit, engine_rules_before(s->rules));
    if (rc == ERR_OK)
        s->health = engine_health_open(store_carry(engine_commit_store(s->commit)));
    return rc;
}

void engine_store_outputs(struct engine_store *s, const struct engine_commit_output *outputs,
                          uint32_t count, engine_store_outputs_done *done, void *context)
{
    struct store_job *job = engine_store_job(s, STORE_OUTPUTS, NULL);
    job->outputs = outputs;
    job->output_count = count;
    job->outputs_done = done;
    job->outputs_context = context;
    engine_store_job_put(s, job);
}

bool engine_store_output_of(struct engine_store *s, struct slice name,
                            struct engine_commit_output *out)
{
    return engine_commit_output_of(s->commit, name, out);
}

uint64_t engine_store_newest(struct engine_store *s, uint32_t *epoch)
{
    struct store *store = epoch ? engine_commit_store(s->commit) : NULL;
    if (!epoch)
        return __atomic_load_n(&s->newest, __ATOMIC_RELAXED);
    *epoch = store_epoch(store);
    return store_next_sequence(store) - 1;
}

int engine_store_start(struct engine_store *s, struct err *err)
{
    (void)err;
    check(uv_async_init(&s->engine->context->loop, &s->ready, engine_store_done) == 0);
    s->ready.data = s;
    engine_commit_start(s->commit);
    engine_store_journals_open(s);
    engine_rules_start(s->rules);
    check(pthread_create(&s->committer, NULL, engine_store_committer, s) == 0);
    check(pthread_create(&s->carer, NULL, engine_store_carer, s) == 0);
    check(pthread_create(&s->learner, NULL, engine_store_learner, s) == 0);
    s->is_started = true;
    return ERR_OK;
}

void engine_store_drain(struct engine_store *s)
{
    s->is_draining = true;
}

bool engine_store_idle(struct engine_store *s)
{
    check(pthread_mutex_lock(&s->mutex) == 0);
    bool idle = !s->live_jobs.first && !s->import_jobs.first && !s->done.first && s->under_way == 0;
    check(pthread_mutex_unlock(&s->mutex) == 0);
    return idle;
}

void engine_store_stop(struct engine_store *s)
{
    if (!s->is_started)
        return;
    check(pthread_mutex_lock(&s->mutex) == 0);
    s->is_ending = true;
    __atomic_store_n(&s->ends_learning, true, __ATOMIC_RELAXED);
    check(pthread_cond_broadcast(&s->changed) == 0);
    check(pthread_mutex_unlock(&s->mutex) == 0);
    check(pthread_join(s->committer, NULL) == 0);
    check(pthread_join(s->carer, NULL) == 0);
    check(pthread_join(s->learner, NULL) == 0);
    s->is_started = false;
    engine_rules_stop(s->rules);
    engine_store_done(&s->ready);
    uv_close((uv_handle_t *)&s->ready, NULL);
}

void engine_store_close(struct engine_store **store)
{
    struct engine_store *s = *store;
    if (!s)
        return;
    engine_commit_close(&s->commit);
    engine_watch_close(&s->watch);
    engine_health_close(&s->health);
    engine_store_imports_free(s);
    arena_free(&s->journal_arena);
    for (int i = 0; i < STORE_SHARED_MAX; i++)
        if (s->shared[i].fd >= 0)
            (void)close(s->shared[i].fd);
    engine_rules_close(&s->rules);
    live_close(&s->live);
    clock_zone_close(&s->zone);
    check(pthread_cond_destroy(&s->changed) == 0);
    check(pthread_mutex_destroy(&s->mutex) == 0);
    check(pthread_mutex_destroy(&s->care) == 0);
    mem_free(s);
    *store = NULL;
}

/* Those that could not be told where to go on, since the store had failed. */
static void resume_again(struct engine_store *s)
{
    for (struct engine_peer *p = s->engine->peers; p; p = p->next) {
        struct store_sender *sender =
            p->peer && (p->role == ROLE_INTAKE || p->role == ROLE_READER) ? p->own : NULL;
        if (!sender || !sender->resumes_later)
            continue;
        sender->resumes_later = false;
        engine_store_job_put(s, engine_store_job(s, STORE_RESUME, sender));
    }
}

/* Once a night, and not at the start: a node that starts at noon has had its care. */
static bool night_has_come(struct engine_store *s, int64_t now_ns)
{
    int64_t local_ns = now_ns + (int64_t)clock_zone_offset(s->zone, now_ns) * CLOCK_SECOND_NS;
    int64_t night = (local_ns - NIGHT_NS) / DAY_NS;
    bool is_first = s->night == 0, has_come = night > s->night;
    s->night = night;
    return has_come && !is_first;
}

void engine_store_tick(struct engine_store *s, int64_t now_ns)
{
    bool night = night_has_come(s, now_ns);
    engine_store_import_tick(s);
    engine_store_journals_tick(s);
    engine_rules_tick(s->rules);
    resume_again(s);
    check(pthread_mutex_lock(&s->mutex) == 0);
    s->is_ticked = true;
    s->is_night = s->is_night || night;
    s->night_ns = night ? now_ns : s->night_ns;
    check(pthread_cond_broadcast(&s->changed) == 0);
    check(pthread_mutex_unlock(&s->mutex) == 0);
}

/* ---- what others ask ---- */

int engine_store_snapshot(struct engine_store *s, const char *folder, struct err *err)
{
    check(pthread_mutex_lock(&s->care) == 0);
    struct store *store = engine_commit_store(s->commit);
    int rc = store ? store_snapshot(store, folder, err)
                   : err_set(err, ERR_IO, "the store cannot be read now: `canh status` says why");
    check(pthread_mutex_unlock(&s->care) == 0);
    return rc;
}

static void figures_copy(struct engine_store *s, struct store_figures *out)
{
    check(pthread_mutex_lock(&s->mutex) == 0);
    *out = s->figures;
    check(pthread_mutex_unlock(&s->mutex) == 0);
}

static void rules_status(struct engine_store *s, struct json_writer *out)
{
    struct live_rules *rules = live_take(&s->live, 0);
    uint32_t suspended;
    (void)engine_rules_suspended(s->rules, &suspended);
    json_member_u64(out, "rules", rules->rules.loaded);
    json_member_u64(out, "rules_suspended", suspended);
    json_key(out, "rules_version");
    json_string(out, slice_from(rules->version));
    live_rules_unuse(&rules);
}

void engine_store_status(struct engine_store *s, struct json_writer *out)
{
    struct store_figures f;
    figures_copy(s, &f);
    json_member_u64(out, "epoch", f.epoch);
    json_member_u64(out, "rows", f.rows + f.journal_rows);
    json_member_u64(out, "segments", f.segments);
    json_member_u64(out, "bytes", f.bytes);
    json_member_u64(out, "journal_bytes", f.journal_bytes);
    json_member_u64(out, "received", metric_value(&s->metrics[STORE_METRIC_RECEIVED]));
    json_member_u64(out, "stored", metric_value(&s->metrics[STORE_METRIC_STORED]));
    json_member_u64(out, "refused", metric_value(&s->metrics[STORE_METRIC_REFUSED]));
    json_member_u64(out, "findings", metric_value(&s->metrics[STORE_METRIC_FINDINGS]));
    json_member_u64(out, "hauls_repeated", metric_value(&s->metrics[STORE_METRIC_REPEATED]));
    json_member_u64(out, "queued", metric_value(&s->metrics[STORE_METRIC_QUEUED]));
    rules_status(s, out);
    json_key(out, "writable");
    json_bool(out, !f.failed);
}

const char *engine_store_trouble(struct engine_store *s, struct buf *why)
{
    struct store_figures f;
    figures_copy(s, &f);
    if (!f.failed)
        return NULL;
    buf_string(why, f.err.text[0] ? f.err.text : "the store is read-only");
    return f.err.code == ERR_FULL ? "disk_full" : "store";
}

void engine_store_rules(struct engine_store *s, struct live_rules *rules)
{
    struct store_job *job = engine_store_job(s, STORE_RULES, NULL);
    job->rules = rules;
    engine_store_job_put(s, job);
}

struct engine_rules *engine_store_rules_of(struct engine_store *s)
{
    return s->rules;
}

void engine_store_health(struct engine_store *s, struct health *health)
{
    enum { CHANGES_MAX = 64 };
    struct store_job *job = engine_store_job(s, STORE_HEALTH, NULL);
    job->changes = mem_zeroed(CHANGES_MAX, sizeof(*job->changes));
    job->change_count = health_changes(health, job->changes, CHANGES_MAX, &job->arena);
    if (job->change_count)
        engine_store_job_put(s, job);
    else
        engine_store_job_free(job);
}

struct engine_health *engine_store_health_of(struct engine_store *s)
{
    return s->health;
}

struct engine_watch *engine_store_watch(struct engine_store *s)
{
    return s->watch;
}

struct ledger *engine_store_ledger(struct engine_store *s)
{
    return engine_commit_ledger(s->commit);
}

struct engine_seen *engine_store_seen(struct engine_store *s)
{
    return engine_commit_seen(s->commit);
}

struct metric *engine_store_metrics(struct engine_store *s, uint32_t *count)
{
    *count = STORE_METRICS;
    return s->metrics;
}
