/* What the node says of its outputs. */
#include <inttypes.h>

#include "program/engine_output_inside.h"

struct output_shown { /* one output at an instant */
    struct engine_output_figures figures;
    uint64_t sequence, expired, damaged, behind_rows, behind_s;
    int64_t failing_since_ns, newest_ns;
    char why[OUTPUT_WHY_BYTES], refused_why[OUTPUT_WHY_BYTES];
};

static void output_show(struct engine_outputs *s, const struct engine_output *o,
                        struct output_shown *out)
{
    uint64_t newest = engine_store_newest(s->engine->store, NULL);
    check(pthread_mutex_lock(&s->mutex) == 0);
    *out = (struct output_shown){.figures = {o->ever.received + o->unput.received,
                                             o->ever.sent + o->unput.sent,
                                             o->ever.refused + o->unput.refused},
                                 .sequence = o->sequence,
                                 .expired = o->expired,
                                 .damaged = o->damaged,
                                 .failing_since_ns = o->failing_since_ns,
                                 .newest_ns = o->newest_ns};
    memcpy(out->why, o->why, sizeof(out->why));
    memcpy(out->refused_why, o->refused_why, sizeof(out->refused_why));
    bool waits = o->state == OUTPUT_READY || o->state == OUTPUT_SENT;
    int64_t passed_ns = waits ? clock_now_ns() - o->oldest_ns : 0;
    check(pthread_mutex_unlock(&s->mutex) == 0);
    out->behind_rows = newest > out->sequence ? newest - out->sequence : 0;
    out->behind_s = passed_ns > 0 ? (uint64_t)(passed_ns / CLOCK_SECOND_NS) : 0;
}

void engine_outputs_status(struct engine *e, struct json_writer *w)
{
    struct engine_outputs *s = e->outputs;
    json_key(w, "outputs");
    json_open_array(w);
    for (uint32_t i = 0; s && i < s->count; i++) {
        const struct config_output *c = s->items[i].config;
        struct output_shown shown;
        output_show(s, &s->items[i], &shown);
        json_open_object(w);
        json_member_text(w, "name", c->row.name);
        json_member_text(w, "kind", c->kind);
        json_member_text(w, "to", c->path.len ? c->path : c->url);
        json_member_text(w, "what", c->what);
        json_member_u64(w, "sent", shown.figures.sent);
        json_member_u64(w, "refused", shown.figures.refused);
        json_member_text(w, "refused_why", slice_from(shown.refused_why));
        json_member_u64(w, "expired", shown.expired);
        json_member_u64(w, "damaged", shown.damaged);
        json_member_u64(w, "sequence", shown.sequence);
        json_member_u64(w, "behind_rows", shown.behind_rows);
        json_member_u64(w, "behind_seconds", shown.behind_s);
        json_member_time(w, "newest", shown.newest_ns);
        json_member_time(w, "failing_since", shown.failing_since_ns);
        json_member_text(w, "error", slice_from(shown.why));
        json_close_object(w);
    }
    json_close_array(w);
}

bool engine_outputs_late(struct engine *e, uint32_t *at, struct buf *english,
                         struct buf *vietnamese)
{
    struct engine_outputs *s = e->outputs;
    struct output_shown shown;
    while (s && *at < s->count) {
        const struct engine_output *o = &s->items[(*at)++];
        const struct slice name = o->config->row.name;
        output_show(s, o, &shown);
        if (shown.behind_s < OUTPUT_LATE_S)
            continue;
        const char *why = shown.failing_since_ns != CLOCK_NONE ? shown.why : "";
        buf_printf(english, "output %.*s: not sent for %" PRIu64 " min%s%s", (int)name.len,
                   name.data, shown.behind_s / 60, why[0] ? ": " : "", why);
        buf_printf(vietnamese, "nơi nhận %.*s: chưa gửi được %" PRIu64 " phút%s%s", (int)name.len,
                   name.data, shown.behind_s / 60, why[0] ? ": " : "", why);
        return true;
    }
    return false;
}

struct metric *engine_outputs_metrics(struct engine *e, uint32_t *count)
{
    struct engine_outputs *s = e->outputs;
    *count = s ? s->count * OUTPUT_METRICS : 0;
    for (uint32_t i = 0; s && i < s->count; i++) {
        struct output_shown shown;
        output_show(s, &s->items[i], &shown);
        const int64_t values[OUTPUT_METRICS] = {
            [OUTPUT_METRIC_SENT] = (int64_t)shown.figures.sent,
            [OUTPUT_METRIC_REFUSED] = (int64_t)shown.figures.refused,
            [OUTPUT_METRIC_BEHIND] = (int64_t)shown.behind_s * CLOCK_SECOND_NS};
        for (uint32_t k = 0; k < OUTPUT_METRICS; k++)
            metric_set(&s->metrics[k * s->count + i], values[k]);
    }
    return s ? s->metrics : NULL;
}
