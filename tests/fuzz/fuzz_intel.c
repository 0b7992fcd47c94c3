/* Intelligence of any kind: what is recognised, and each reader whatever the text is. All that
 * comes out is within the limits, and reads as itself again. */
#include "detection/intel_reader.h"

struct reading {
    struct intel_reader_counts seen;
    struct arena arena;
};

static int take(void *context, const struct indicator *i, struct err *err)
{
    struct reading *r = context;
    struct indicator again;
    r->seen.indicators++;
    check(i->type < INDICATOR_TYPES && i->value.len > 0);
    check(i->value.len <= INDICATOR_VALUE_BYTES_MAX);
    check(i->title.len <= INDICATOR_TEXT_BYTES_MAX && i->source.len <= INDICATOR_TEXT_BYTES_MAX);
    check(i->id.len <= INDICATOR_TEXT_BYTES_MAX);
    check(i->confidence <= 100 || i->confidence == INDICATOR_CONFIDENCE_NONE);
    arena_reset(&r->arena);
    check(indicator_parse(&again, i->value, i->type, &r->arena, err) == ERR_OK);
    return ERR_OK;
}

static int take_exception(void *context, const struct indicator *i, struct slice list,
                          struct err *err)
{
    struct reading *r = context;
    (void)err;
    r->seen.exceptions++;
    check(i->value.len > 0 && list.len <= INDICATOR_TEXT_BYTES_MAX);
    return ERR_OK;
}

static void take_revoked(void *context, struct slice source, struct slice id)
{
    struct reading *r = context;
    (void)source;
    (void)id;
    r->seen.revoked++;
}

static void take_refused(void *context, uint64_t line, const char *reason)
{
    struct reading *r = context;
    r->seen.refused++;
    check(line > 0 && reason[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make((const char *)data, size);
    enum intel_kind kind = intel_reader_kind(text);
    struct intel_reader_options options = {.source = SLICE("fuzz"),
                                           .confidence = INDICATOR_CONFIDENCE_NONE,
                                           .until_ns = CLOCK_NONE,
                                           .now_ns = 0,
                                           .all = true};
    check(kind < INTEL_KINDS);
    for (int k = INTEL_UNKNOWN; k < INTEL_KINDS; k++) {
        struct reading r = {0};
        struct intel_reader_counts counts = {0};
        struct err err = {0};
        const struct intel_reader_sink sink = {&r, take, take_exception, take_revoked,
                                               take_refused};
        options.warning_list = size % 7 == 0;
        int rc = intel_reader_run(text, (enum intel_kind)k, &options, &sink, &counts, &err);
        check(rc == ERR_OK || err.text[0]);
        check(counts.indicators == r.seen.indicators && counts.exceptions == r.seen.exceptions);
        check(counts.refused == r.seen.refused);
        arena_free(&r.arena);
    }
    return 0;
}
