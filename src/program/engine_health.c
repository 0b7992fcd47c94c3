#include "program/engine_health.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "program/engine_rules.h"
#include "program/engine_store.h"
#include "program/engine_unread.h"
#include "program/engine_watch.h"

#define DAY_S   86400u
#define TABLE   "intel/indicators.table"
#define HOUR_NS (3600 * CLOCK_SECOND_NS)

enum { PATH_BYTES = 4096, PERCENT = 100 };

struct engine_health {
    struct health *health;
    uint64_t looked_ns, began_ns; /* monotonic */
};

static void restore(void *context, struct slice name, struct slice value)
{
    health_restore(context, name, value);
}

struct engine_health *engine_health_open(const struct carry *carry)
{
    struct engine_health *h = mem_zeroed(1, sizeof(*h));
    h->health = health_open();
    h->began_ns = clock_monotonic_ns();
    carry_cursors(carry, HEALTH_CURSOR, restore, h->health);
    return h;
}

void engine_health_close(struct engine_health **health)
{
    if (!*health)
        return;
    health_close(&(*health)->health);
    mem_free(*health);
    *health = NULL;
}

const struct health *engine_health_list(const struct engine_health *h)
{
    return h->health;
}

/* ---- sources ---- */

struct look {
    struct health *health;
    const struct config_source *source;
    const struct engine_watch_source *seen;
    const struct config_health *limits;
    int64_t now_ns;
    struct buf en, vi;
};

static void say_about(struct look *l, enum health_kind kind, struct slice subject, int64_t since_ns)
{
    struct health_finding f = {kind, subject, since_ns, buf_as_slice(&l->en), buf_as_slice(&l->vi)};
    health_add(l->health, &f);
    buf_clear(&l->en);
    buf_clear(&l->vi);
}

static void say(struct look *l, enum health_kind kind, int64_t since_ns)
{
    say_about(l, kind, l->source ? l->source->row.name : SLICE(""), since_ns);
}

static void name_put(struct look *l)
{
    buf_printf(&l->en, "source %.*s: ", (int)l->source->row.name.len, l->source->row.name.data);
    buf_printf(&l->vi, "nguồn %.*s: ", (int)l->source->row.name.len, l->source->row.name.data);
}

static void silent_look(struct look *l)
{
    const struct silence_verdict *v = &l->seen->silence;
    if (v->state != SILENCE_SILENT)
        return;
    name_put(l);
    silence_sentence(v, false, &l->en);
    silence_sentence(v, true, &l->vi);
    say(l, HEALTH_SILENT, v->since_ns);
}

static void volume_look(struct look *l)
{
    const struct silence_volume *v = &l->seen->volume;
    if (v->state != SILENCE_VOLUME_CHANGED || l->seen->has_jumped)
        return;
    name_put(l);
    silence_volume_sentence(v, false, &l->en);
    silence_volume_sentence(v, true, &l->vi);
    say(l, HEALTH_VOLUME, l->now_ns - l->now_ns % HOUR_NS - HOUR_NS);
}

/* Of this hour and the one before. */
static struct ledger_figures recent(const struct engine_watch_source *seen)
{
    struct ledger_figures f = seen->before;
    ledger_figures_add(&f, &seen->hour);
    return f;
}

static void skew_look(struct look *l)
{
    struct ledger_figures f = recent(l->seen);
    uint64_t limit_s = l->limits->skew_ns / (uint64_t)CLOCK_SECOND_NS;
    uint64_t late = f.counts[LEDGER_LATE] + f.counts[LEDGER_OLD];
    /* its events are of another day, or the clock that they were held against was wrong */
    if (l->source->drill || l->seen->has_jumped)
        return;
    bool is_ahead = f.ahead_max_s > limit_s && f.counts[LEDGER_AHEAD] > 0;
    bool is_late = f.behind_max_s > limit_s && late >= ENGINE_HEALTH_LATE_MIN &&
                   2 * late > f.counts[LEDGER_STORED];
    if (!is_ahead && !is_late)
        return;
    name_put(l);
    buf_printf(&l->en,
               is_ahead ? "events tell times up to %" PRIu64
                          " s after they came: set the clock of its machines, or the source's "
                          "timezone"
                        : "most events tell times up to %" PRIu64
                          " s before they came: it sends late, or its clock or timezone is wrong",
               is_ahead ? f.ahead_max_s : f.behind_max_s);
    buf_printf(&l->vi,
               is_ahead ? "sự kiện ghi giờ muộn hơn lúc nhận tới %" PRIu64
                          " giây: hãy chỉnh đồng hồ máy gửi hoặc timezone của nguồn"
                        : "phần lớn sự kiện ghi giờ sớm hơn lúc nhận tới %" PRIu64
                          " giây: nguồn gửi trễ, hoặc đồng hồ, timezone bị sai",
               is_ahead ? f.ahead_max_s : f.behind_max_s);
    say(l, HEALTH_SKEW, CLOCK_NONE);
}

static void refused_judge(struct look *l, const struct ledger_figures *f)
{
    uint64_t refused = ledger_class_sum(f, LEDGER_CLASS_REFUSED);
    uint64_t received = f->counts[LEDGER_RECEIVED];
    if (refused < ENGINE_HEALTH_REFUSED_MIN ||
        refused * PERCENT <= received * l->limits->refused_percent)
        return;
    name_put(l);
    buf_printf(&l->en,
               "%" PRIu64 " of %" PRIu64 " records of an hour could not be read: `canh sources` "
               "and `canh search -p _refused` say why",
               refused, received);
    buf_printf(&l->vi,
               "%" PRIu64 " trong %" PRIu64 " bản ghi của một giờ không đọc được: xem lý do bằng "
               "`canh sources` và `canh search -p _refused`",
               refused, received);
    say(l, HEALTH_REFUSED, CLOCK_NONE);
}

static void lost_look(struct look *l)
{
    struct ledger_figures f = recent(l->seen);
    uint64_t dropped = ledger_class_sum(&f, LEDGER_CLASS_DROPPED);
    int64_t unaccounted = ledger_unaccounted(&l->seen->day);
    if (dropped) {
        name_put(l);
        buf_printf(&l->en,
                   "%" PRIu64 " records were lost before they could be stored: `canh sources` "
                   "says where; a larger receive_bytes or TCP helps",
                   dropped);
        buf_printf(&l->vi,
                   "%" PRIu64 " bản ghi bị mất trước khi lưu: xem ở `canh sources`; hãy tăng "
                   "receive_bytes hoặc dùng TCP",
                   dropped);
        say(l, HEALTH_DROPPED, CLOCK_NONE);
    }
    if (unaccounted) {
        name_put(l);
        buf_printf(&l->en,
                   "%" PRId64 " records of the last 24 hours are not accounted for: this is a "
                   "fault of Canh; please report it",
                   unaccounted);
        buf_printf(&l->vi,
                   "%" PRId64 " bản ghi trong 24 giờ qua không rõ đi đâu: đây là lỗi của Canh, "
                   "xin hãy báo lại",
                   unaccounted);
        say(l, HEALTH_UNACCOUNTED, CLOCK_NONE);
    }
}

static void source_look(struct look *l)
{
    silent_look(l);
    volume_look(l);
    skew_look(l);
    refused_judge(l, &l->seen->hour);
    refused_judge(l, &l->seen->before);
    lost_look(l);
}

/* ---- rules and indicators ---- */

static void age_say(struct look *l, enum health_kind kind, int64_t at_ns, uint64_t limit_ns)
{
    bool is_rules = kind == HEALTH_RULES_AGE;
    int64_t age_ns = l->now_ns - at_ns;
    if (limit_ns == 0 || age_ns < 0 || (uint64_t)age_ns <= limit_ns)
        return;
    uint64_t days = (uint64_t)(age_ns / CLOCK_SECOND_NS) / DAY_S;
    buf_printf(&l->en,
               is_rules ? "the rules were updated last %" PRIu64 " days ago: `canh rules update`"
                        : "the indicators were updated last %" PRIu64 " days ago: `canh intel "
                          "import`",
               days);
    buf_printf(&l->vi,
               is_rules ? "bộ quy tắc được cập nhật lần cuối cách đây %" PRIu64
                          " ngày: `canh rules update`"
                        : "bộ chỉ dấu được cập nhật lần cuối cách đây %" PRIu64
                          " ngày: `canh intel import`",
               days);
    say(l, kind, at_ns + (int64_t)limit_ns);
}

static void rules_look(struct look *l, const struct engine *e)
{
    struct engine_rules *rules = engine_store_rules_of(e->store);
    char path[PATH_BYTES];
    struct stat about;
    uint32_t count = 0;
    int64_t updated_ns;
    l->source = NULL;
    if (engine_rules_imported(rules, &updated_ns))
        age_say(l, HEALTH_RULES_AGE, updated_ns, l->limits->rules_age_ns);
    int len = snprintf(path, sizeof(path), "%s/" TABLE, e->context->data);
    if (e->context->config->rules.indicators && len > 0 && len < PATH_BYTES &&
        stat(path, &about) == 0)
        age_say(l, HEALTH_INDICATORS_AGE, about.st_mtim.tv_sec * CLOCK_SECOND_NS,
                l->limits->indicators_age_ns);
    const struct engine_rules_suspended *suspended = engine_rules_suspended(rules, &count);
    for (uint32_t i = 0; i < count; i++) {
        buf_printf(&l->en, "the rule \"%s\" is suspended: %s", suspended[i].title,
                   suspended[i].why);
        buf_printf(&l->vi, "quy tắc \"%s\" bị tạm dừng: %s", suspended[i].title, suspended[i].why);
        say_about(l, HEALTH_SUSPENDED, slice_from(suspended[i].id), CLOCK_NONE);
    }
}

/* ---- a look ---- */

void engine_health_sources(const struct config *config, struct engine_watch *watch,
                           struct ledger *ledger, struct health *health)
{
    const struct config_source *sources = config->sources.items;
    struct engine_watch_source seen;
    struct look l = {.health = health, .seen = &seen, .limits = &config->health};
    l.now_ns = clock_now_ns();
    for (uint32_t i = 0; i < config->sources.count; i++) {
        l.source = &sources[i];
        engine_watch_source(watch, ledger, l.source, l.now_ns, &seen);
        source_look(&l);
    }
    buf_free(&l.en);
    buf_free(&l.vi);
}

static void look(struct engine *e, struct engine_health *h)
{
    const struct config *config = e->context->config;
    struct look l = {.health = h->health, .limits = &config->health};
    l.now_ns = clock_now_ns();
    engine_health_sources(config, engine_store_watch(e->store), engine_store_ledger(e->store),
                          h->health);
    engine_unread_look(e, h->health);
    rules_look(&l, e);
    buf_free(&l.en);
    buf_free(&l.vi);
}

void engine_health_tick(struct engine *e, const struct engine_figures *f)
{
    struct engine_health *h = engine_store_health_of(e->store);
    uint64_t now_ns = clock_monotonic_ns();
    struct engine_judgement judgement = {.health = h->health};
    if (h->looked_ns && now_ns - h->looked_ns < ENGINE_HEALTH_LOOK_S * (uint64_t)CLOCK_SECOND_NS)
        return;
    h->looked_ns = now_ns;
    if (now_ns - h->began_ns > ENGINE_HEALTH_SETTLE_S * (uint64_t)CLOCK_SECOND_NS)
        health_settled(h->health);
    engine_watch_tick(engine_store_watch(e->store), clock_now_ns());
    health_begin(h->health, clock_now_ns());
    engine_status_judge(e, f, &judgement);
    look(e, h);
    health_end(h->health);
    if (!e->is_ending)
        engine_store_health(e->store, h->health);
}

void engine_health_taken(struct engine_health *h, const struct health_change *changes,
                         uint32_t count, bool durable)
{
    for (uint32_t i = 0; i < count; i++)
        health_taken(h->health, &changes[i], durable);
}

/* ---- telling ---- */

static bool is_looked_for(enum health_kind kind)
{
    return kind <= HEALTH_INDICATORS_AGE || kind == HEALTH_SUSPENDED;
}

static void more_say(struct engine_judgement *j, enum health_kind kind, uint32_t more)
{
    char en[96], vi[96];
    (void)snprintf(en, sizeof(en), "and %lu more of the kind \"%s\"", (unsigned long)more,
                   health_kinds[kind].name);
    (void)snprintf(vi, sizeof(vi), "và %lu mục nữa thuộc loại \"%s\"", (unsigned long)more,
                   health_kinds[kind].name);
    engine_judge(j, &(struct engine_reason){.grade = ENGINE_PARTIAL,
                                            .code = health_kinds[kind].name,
                                            .en = slice_from(en),
                                            .vi = slice_from(vi)});
}

void engine_health_reasons(const struct engine_health *h, struct engine_judgement *j)
{
    uint32_t counts[HEALTH_KINDS] = {0};
    struct health_finding f;
    for (uint32_t i = 0; i < health_count(h->health); i++) {
        health_at(h->health, i, &f);
        const struct health_kind_row *kind = &health_kinds[f.kind];
        bool is_told = engine_scope_tells(j->scope, kind->name, f.subject);
        if (!is_looked_for(f.kind) || (is_told && ++counts[f.kind] > ENGINE_HEALTH_SHOWN))
            continue;
        engine_judge(
            j, &(struct engine_reason){.grade = kind->is_unknown ? ENGINE_UNKNOWN : ENGINE_PARTIAL,
                                       .code = kind->name,
                                       .subject = f.subject,
                                       .en = f.sentence_en,
                                       .vi = f.sentence_vi});
    }
    for (int i = 0; i < HEALTH_KINDS; i++)
        if (counts[i] > ENGINE_HEALTH_SHOWN)
            more_say(j, (enum health_kind)i, counts[i] - ENGINE_HEALTH_SHOWN);
}

void engine_health_status(const struct engine_health *h, const struct engine_scope *scope,
                          struct json_writer *w)
{
    struct health_finding f;
    char time[CLOCK_TEXT_BYTES];
    json_key(w, "health");
    json_open_array(w);
    for (uint32_t i = 0; i < health_count(h->health); i++) {
        health_at(h->health, i, &f);
        if (!engine_scope_tells(scope, health_kinds[f.kind].name, f.subject))
            continue;
        json_open_object(w);
        json_key(w, "kind");
        json_string(w, slice_from(health_kinds[f.kind].name));
        json_key(w, "level");
        json_string(w, slice_from(health_kinds[f.kind].level));
        json_key(w, "subject");
        json_string(w, f.subject);
        json_key(w, "since");
        json_string(w, slice_make(time, clock_text(time, f.since_ns)));
        json_key(w, "en");
        json_string(w, f.sentence_en);
        json_key(w, "vi");
        json_string(w, f.sentence_vi);
        json_close_object(w);
    }
    json_close_array(w);
}
