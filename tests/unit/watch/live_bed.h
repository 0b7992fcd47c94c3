/* Sources to be watched, and sets of rules for them out of texts. Include behind cmocka.h. Threads:
 * one. */
#pragma once
#include <stdio.h>

#include "watch/live.h"

struct bed {
    struct config *config;
    struct live live;
};

static inline void bed_open(struct bed *bed)
{
    struct err err;
    assert_int_equal(config_open_text(&bed->config,
                                      SLICE("sources:\n"
                                            "  - {name: app, category: test}\n"
                                            "  - {name: other, product: windows}\n"),
                                      &err),
                     ERR_OK);
    struct live_options options = {.config = bed->config, .judges = true};
    bed->live = (struct live){0};
    assert_int_equal(live_open(&bed->live, &options, &err), ERR_OK);
}

static inline void bed_close(struct bed *bed)
{
    live_close(&bed->live);
    config_close(&bed->config);
}

/* A set of the pack's rules; NULL ends them. */
static inline struct live_rules *set_make(struct bed *bed, const char *pack,
                                          const char *const *texts)
{
    struct bundle_writer *w = bundle_writer_open();
    struct bundle_pack about = {slice_from(pack), SLICE(""), SLICE("")};
    struct buf bytes = {0};
    struct live_rules *rules;
    struct err err;
    assert_int_equal(bundle_add_pack(w, &about, NULL), ERR_OK);
    for (int i = 0; texts[i]; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "%d.yml", i);
        struct bundle_entry entry = {BUNDLE_RULE, slice_from(pack), slice_from(name),
                                     slice_from(texts[i])};
        assert_int_equal(bundle_add(w, &entry, NULL), ERR_OK);
    }
    assert_int_equal(bundle_end(w, &bytes, NULL), ERR_OK);
    bundle_writer_close(&w);
    struct live_bundle bundle = {.bytes = buf_as_slice(&bytes),
                                 .config = &bed->config->rules,
                                 .indicators.bytes = SLICE("")};
    assert_int_equal(live_compile(&bed->live, &bundle, &rules, &err), ERR_OK);
    buf_free(&bytes);
    return rules;
}
