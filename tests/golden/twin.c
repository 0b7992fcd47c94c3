/* The matcher against its naive twin: the same rules over the same events, once with witnesses and
 * indexes and once with every rule evaluated on every event (ruleset_options.plain). Any difference
 * is printed and fails. Also prints how many events and findings were compared. usage: twin
 * ROUTING(on|off) EVERY(take each n-th event) EVENTS-FILE RULES... */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "watch/pipeline.h"

struct side {
    struct mapping_set *mappings;
    struct ruleset *set;
    struct matcher *matcher;
    struct record record;
};

static int side_open(struct side *side, const struct rule_list *rules, bool routing, bool plain)
{
    struct err err;
    struct ruleset_options options = {.routing = routing, .jit = true, .plain = plain};
    side->mappings = mapping_set_open();
    if (detector_load_mappings(side->mappings, NULL, &err) ||
        ruleset_open(&side->set, rules, side->mappings, &options, &err)) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    side->matcher = matcher_open(side->set);
    return 0;
}

static void side_close(struct side *side)
{
    matcher_close(&side->matcher);
    ruleset_close(&side->set);
    mapping_set_close(&side->mappings);
    record_free(&side->record);
}

static uint32_t side_run(struct side *side, const struct format *format, const struct span *span,
                         const uint32_t **rules)
{
    struct err err;
    record_reset(&side->record);
    *rules = NULL;
    if (format->parse(&side->record, span->text, span->header, &err) != ERR_OK)
        return 0;
    return matcher_run(side->matcher, &side->record, rules);
}

static uint64_t compare(struct side *fast, struct side *plain, const struct input_block *block,
                        const struct rule_list *rules, size_t i)
{
    const struct span *span = &block->spans.spans[i];
    const uint32_t *a, *b;
    uint32_t a_count = side_run(fast, block->file->format, span, &a);
    uint32_t b_count = side_run(plain, block->file->format, span, &b);
    if (a_count == b_count && (a_count == 0 || memcmp(a, b, a_count * sizeof(*a)) == 0))
        return a_count;
    (void)printf("line %llu: %u findings, the twin has %u\n", (unsigned long long)span->line,
                 a_count, b_count);
    for (uint32_t k = 0; k < a_count; k++)
        (void)printf("  matcher: %s\n", rules->rules[a[k]]->title.data);
    for (uint32_t k = 0; k < b_count; k++)
        (void)printf("  twin: %s\n", rules->rules[b[k]]->title.data);
    exit(1);
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 2;
    bool routing = strcmp(argv[1], "on") == 0;
    uint64_t every = 1, seen = 0, events = 0, findings = 0;
    const char *path = argv[3];
    struct rules_load load = {0};
    struct option_list paths = {.count = (size_t)argc - 4};
    struct sigma_options sigma = {0};
    struct side fast = {0}, plain = {0};
    struct input_options options = {.paths = &path, .path_count = 1};
    struct input *input;
    struct input_block block = {0};
    struct err err;
    paths.items = mem_zeroed(paths.count, sizeof(*paths.items));
    for (size_t i = 0; i < paths.count; i++)
        paths.items[i] = argv[4 + i];
    rules_load_paths(&load, &paths, &sigma);
    if (!slice_to_u64(slice_from(argv[2]), &every) || every == 0 || load.rules.count == 0 ||
        side_open(&fast, &load.rules, routing, false) ||
        side_open(&plain, &load.rules, routing, true) || input_open(&input, &options, &err))
        return 2;
    while (input_next(input, &block, &err) == ERR_OK)
        for (size_t i = 0; i < block.spans.count; i++)
            if (seen++ % every == 0) {
                findings += compare(&fast, &plain, &block, &load.rules, i);
                events++;
            }
    (void)printf("%llu events, %llu findings, the same from both\n", (unsigned long long)events,
                 (unsigned long long)findings);
    input_block_free(&block);
    input_close(&input);
    side_close(&fast);
    side_close(&plain);
    rules_load_free(&load);
    mem_free(paths.items);
    return events == 0;
}
