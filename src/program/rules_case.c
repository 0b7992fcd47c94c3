#include "program/rules_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "program/rules_reference.h"

#define EXPECT_BYTES_MAX ((size_t)1 << 20)
enum { UUID_BYTES = 36 };

static struct slice path_name(struct slice path)
{
    for (size_t i = path.len; i > 0; i--)
        if (path.data[i - 1] == '/')
            return slice_part(path, i, path.len);
    return path;
}

static struct slice path_folder(struct slice path)
{
    struct slice name = path_name(path);
    return slice_make(path.data, path.len > name.len ? path.len - name.len - 1 : 0);
}

static struct slice name_stem(struct slice name)
{
    for (size_t i = name.len; i > 1; i--)
        if (name.data[i - 1] == '.')
            return slice_make(name.data, i - 1);
    return name;
}

static bool is_uuid(struct slice s)
{
    if (s.len != UUID_BYTES)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        char c = s.data[i];
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (dash ? c != '-' : !hex)
            return false;
    }
    return true;
}

/* The count that expect.tsv beside the file gives it, else 0. */
static uint64_t expected_count(struct slice path)
{
    struct buf name = {0}, text = {0};
    struct slice folder = path_folder(path), wanted = path_name(path);
    uint64_t count = 0;
    buf_printf(&name, "%.*s/expect.tsv", (int)folder.len, folder.data);
    if (io_read_file(&text, buf_text(&name), EXPECT_BYTES_MAX, NULL) == ERR_OK) {
        struct slice rest = buf_as_slice(&text);
        while (rest.len) {
            struct slice row = slice_cut(&rest, '\n');
            struct slice file = slice_cut(&row, '\t');
            if (slice_equal(file, wanted))
                (void)slice_to_u64(slice_trim(row), &count);
        }
    }
    buf_free(&name);
    buf_free(&text);
    return count;
}

static void case_add(struct rules_case_list *list, struct slice path, enum rules_case_kind kind,
                     struct slice stem)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 64;
        list->cases = mem_resize(list->cases, list->capacity, sizeof(*list->cases));
    }
    list->cases[list->count++] =
        (struct rules_case){.kind = kind,
                            .path = mem_copy_text(path.data, path.len),
                            .stem = mem_copy_text(stem.data, stem.len),
                            .is_reference = slice_ends(path, SLICE(".ref")),
                            .expected = kind == CASE_POSITIVE ? expected_count(path) : 0};
}

static int case_visit(void *context, const char *text)
{
    struct rules_case_list *list = context;
    struct slice path = slice_from(text), name = path_name(path), stem = name_stem(name);
    struct slice folder = path_folder(path);
    if (slice_equal(path_name(path_folder(folder)), SLICE("tests"))) {
        if (slice_starts(name, SLICE("positive")))
            case_add(list, path, CASE_POSITIVE, path_name(folder));
        else if (slice_starts(name, SLICE("negative")))
            case_add(list, path, CASE_NEGATIVE, path_name(folder));
        return ERR_OK;
    }
    struct slice ending = slice_part(name, stem.len, name.len);
    static const char *const endings[] = {".json", ".evtx", ".raw", ".log", ".ndjson"};
    for (size_t i = 0; is_uuid(stem) && i < sizeof(endings) / sizeof(endings[0]); i++)
        if (slice_equal(ending, slice_from(endings[i])))
            case_add(list, path, CASE_BY_ID, stem);
    return ERR_OK;
}

int rules_case_find(struct rules_case_list *list, const char *path, struct err *err)
{
    return io_walk(path, case_visit, NULL, list, err);
}

/* Whose findings a case counts. */
struct case_context {
    struct rules_case *c;
    const struct rule_list *rules;
};

static bool case_counts(const struct case_context *context, uint32_t rule)
{
    const struct rule *r = context->rules->rules[rule];
    struct slice wanted = slice_from(context->c->stem);
    if (context->c->kind == CASE_BY_ID)
        return slice_equal_nocase(r->id, wanted);
    return slice_equal(name_stem(path_name(r->file)), wanted);
}

static void case_found(void *opaque, uint32_t rule)
{
    struct case_context *context = opaque;
    context->c->fired += case_counts(context, rule);
    if (context->c->counts)
        context->c->counts[rule]++;
}

static void case_finding(void *opaque, struct pipeline *judge, uint32_t rule,
                         const struct event_place *place)
{
    (void)judge;
    (void)place;
    case_found(opaque, rule);
}

static void case_correlated(void *opaque, const struct correlate_finding *finding)
{
    case_found(opaque, finding->rule);
}

static void case_input(void *opaque, const struct correlate_input *input, uint32_t value_count)
{
    struct case_context *context = opaque;
    (void)value_count;
    correlate_feed(context->c->correlator, input, case_correlated, context);
}

static struct pipeline_sink case_sink(struct case_context *context)
{
    return (struct pipeline_sink){
        .context = context, .finding = case_finding, .input = case_input, .refused = NULL};
}

void rules_case_judge(struct rules_case *c, struct pipeline *judge, const struct input_block *block)
{
    struct case_context context = {c, &judge->detector->load.rules};
    struct pipeline_sink sink = case_sink(&context);
    pipeline_block(judge, block, &sink);
}

static int case_run_file(struct rules_case *c, struct pipeline *judge)
{
    const char *paths[] = {c->path};
    struct input_options options = {.paths = paths, .path_count = 1};
    struct input *input = NULL;
    struct input_block block = {0};
    struct err err;
    if (slice_ends(slice_from(c->path), SLICE(".raw")))
        options.format = format_find(SLICE("text"));
    int rc = input_open(&input, &options, &err);
    while (rc == ERR_OK && (rc = input_next(input, &block, &err)) == ERR_OK)
        rules_case_judge(c, judge, &block);
    if (rc == ERR_END && input_unreadable_count(input) + input_refused_count(input) > 0)
        rc = err_set(&err, ERR_IO, "the events cannot be read whole");
    if (rc != ERR_END) {
        c->state = CASE_FAILED;
        (void)snprintf(c->reason, sizeof(c->reason), "%.190s", err.text);
    }
    input_block_free(&block);
    input_close(&input);
    return rc == ERR_END ? ERR_OK : rc;
}

static bool rule_exists(const struct rules_case *c, const struct rule_list *rules)
{
    struct case_context context = {.rules = rules};
    struct rules_case probe = *c;
    context.c = &probe;
    for (uint32_t i = 0; i < rules->count; i++)
        if (case_counts(&context, i))
            return true;
    return false;
}

static void case_judge_result(struct rules_case *c, const struct rule_list *rules)
{
    if (c->state != CASE_PASSED)
        return;
    c->state = CASE_FAILED;
    if (!rule_exists(c, rules))
        (void)snprintf(c->reason, sizeof(c->reason), "no rule was loaded for '%.100s'", c->stem);
    else if (c->kind == CASE_NEGATIVE && c->fired > 0)
        (void)snprintf(c->reason, sizeof(c->reason), "fired %llu times, must not",
                       (unsigned long long)c->fired);
    else if (c->kind != CASE_NEGATIVE && c->fired == 0)
        (void)snprintf(c->reason, sizeof(c->reason), "did not fire");
    else if (c->expected && c->fired != c->expected)
        (void)snprintf(c->reason, sizeof(c->reason), "fired %llu times, expect.tsv says %llu",
                       (unsigned long long)c->fired, (unsigned long long)c->expected);
    else
        c->state = CASE_PASSED;
}

static struct rules_case *case_with_ending(struct rules_case_list *list, const struct rules_case *c,
                                           const char *ending)
{
    struct slice stem = name_stem(slice_from(c->path));
    for (size_t i = 0; i < list->count; i++) {
        struct slice path = slice_from(list->cases[i].path);
        if (slice_equal(name_stem(path), stem) && slice_ends(path, slice_from(ending)))
            return &list->cases[i];
    }
    return NULL;
}

/* An EVTX file and the JSON made from it must give the same findings. */
static void case_compare_evtx(struct rules_case_list *list, struct rules_case *json,
                              const struct rule_list *rules)
{
    struct rules_case *evtx = case_with_ending(list, json, ".evtx");
    if (!evtx || !evtx->counts || !json->counts)
        return;
    for (uint32_t i = 0; i < rules->count; i++) {
        if (json->counts[i] == evtx->counts[i])
            continue;
        evtx->state = CASE_FAILED;
        (void)snprintf(evtx->reason, sizeof(evtx->reason),
                       "rule %.36s fires %u times on the EVTX and %u times on the JSON beside it",
                       rules->rules[i]->id.data, evtx->counts[i], json->counts[i]);
        return;
    }
}

static void cases_prepare(struct rules_case_list *list, const struct detector *detector)
{
    for (size_t i = 0; i < list->count; i++) {
        struct rules_case *c = &list->cases[i];
        c->correlator = correlator_open(detector->plan);
        if (c->kind == CASE_BY_ID)
            c->counts = mem_zeroed(detector->load.rules.count, sizeof(*c->counts));
    }
}

int rules_case_run(struct rules_case_list *list, const struct detector *detector,
                   const char *events, struct err *err)
{
    const struct rule_list *rules = &detector->load.rules;
    struct pipeline judge;
    pipeline_open(&judge, detector, clock_now_ns());
    cases_prepare(list, detector);
    for (size_t i = 0; i < list->count; i++)
        if (!list->cases[i].is_reference)
            (void)case_run_file(&list->cases[i], &judge);
    int rc = rules_reference_run(list, &judge, events, err);
    for (size_t i = 0; i < list->count; i++) {
        struct rules_case *c = &list->cases[i];
        struct case_context context = {c, rules};
        correlate_tick(c->correlator, INT64_MAX, case_correlated, &context);
        case_judge_result(c, rules);
    }
    for (size_t i = 0; i < list->count; i++)
        if (slice_ends(slice_from(list->cases[i].path), SLICE(".json")))
            case_compare_evtx(list, &list->cases[i], rules);
    pipeline_close(&judge);
    return rc;
}

void rules_case_free(struct rules_case_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        mem_free(list->cases[i].path);
        mem_free(list->cases[i].stem);
        mem_free(list->cases[i].counts);
        correlator_close(&list->cases[i].correlator);
    }
    mem_free(list->cases);
    *list = (struct rules_case_list){0};
}
