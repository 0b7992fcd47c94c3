/* What programs that watch the node ask: whether it works, figures, status. */
#include "api/problem.h"
#include "api/route.h"
#include "base/metric.h"

void health_show(struct exchange *x)
{
    const struct api_engine *engine = &api_options(x->api)->engine;
    bool works = engine->is_there(engine->context);
    x->response.status = works ? 200 : 503;
    x->response.type = RESPONSE_JSON;
    buf_string(&x->response.body,
               works ? "{\"status\":\"ok\"}\n" : "{\"status\":\"unavailable\"}\n");
    x->step = EXCHANGE_DONE;
}

static void metrics_answered(struct exchange *x, const struct api_answer *answer)
{
    if (answer->away || answer->rc) {
        problem_of_answer(x, answer);
        return;
    }
    struct metric_text *text = metric_text_open();
    struct err err;
    int rc = ERR_OK;
    for (uint32_t i = 0; i < answer->source_count && rc == ERR_OK; i++) {
        struct slice role = arena_copy(&x->arena, answer->sources[i].role);
        rc = metric_text_add(text, role.data, answer->sources[i].packed, &err);
    }
    metric_text_end(&text, &x->response.body);
    if (rc) {
        problem_answer(x, PROBLEM_FAILED, slice_from(err.text), (struct slice){0});
        return;
    }
    x->response.status = 200;
    x->response.type = "text/plain; version=0.0.4; charset=utf-8";
    x->step = EXCHANGE_DONE;
}

void metrics_show(struct exchange *x)
{
    const struct api_engine *engine = &api_options(x->api)->engine;
    x->step = EXCHANGE_ASKING;
    engine->metrics(engine->context, x, metrics_answered);
}

static void status_answered(struct exchange *x, const struct api_answer *answer)
{
    if (answer->away || answer->rc) {
        problem_of_answer(x, answer);
        return;
    }
    x->response.status = 200;
    x->response.type = RESPONSE_JSON;
    buf_slice(&x->response.body, answer->json);
    buf_char(&x->response.body, '\n');
    x->step = EXCHANGE_DONE;
}

void status_show(struct exchange *x)
{
    const struct api_engine *engine = &api_options(x->api)->engine;
    x->step = EXCHANGE_ASKING;
    engine->status(engine->context, x, status_answered);
}
