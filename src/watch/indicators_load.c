#include "watch/indicators_load.h"

static int build(struct indicators_load *out, const struct option_list *paths, int64_t now_ns,
                 void (*problem)(void *, const char *), void *context, struct err *err)
{
    struct intel_gather g = {0};
    struct intel_gather_options options = {
        .paths = paths,
        .reader = {.source = SLICE(""),
                   .confidence = INDICATOR_CONFIDENCE_NONE,
                   .until_ns = CLOCK_NONE,
                   .now_ns = now_ns},
        .problem = problem,
        .context = context,
    };
    int rc = intel_gather_paths(&g, &options, err);
    out->counts = g.counts;
    out->files = g.files;
    out->unreadable = g.unreadable;
    if (rc == ERR_OK && g.files == 0)
        rc = err_set(err, ERR_NOT_FOUND, "no indicators were read");
    if (rc == ERR_OK) {
        indicator_builder_finish(g.indicators, &out->bytes);
        rc = indicator_table_open(&out->built, buf_as_slice(&out->bytes), err);
    }
    intel_gather_free(&g);
    out->table = out->built;
    return rc;
}

int indicators_load_paths(struct indicators_load *out, const struct option_list *paths,
                          int64_t now_ns, void (*problem)(void *, const char *), void *context,
                          struct err *err)
{
    if (paths->count == 1 && intel_store_open_path(&out->mapped, paths->items[0], NULL) == ERR_OK) {
        out->table = out->mapped.table;
        out->counts.indicators = indicator_table_count(out->table);
        out->counts.exceptions = indicator_table_exception_count(out->table);
        out->files = 1;
        return ERR_OK;
    }
    return build(out, paths, now_ns, problem, context, err);
}

void indicators_load_free(struct indicators_load *load)
{
    indicator_table_close(&load->built);
    buf_free(&load->bytes);
    intel_store_close_table(&load->mapped);
    *load = (struct indicators_load){0};
}
