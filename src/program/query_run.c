#include "program/query_run.h"

#include <sys/stat.h>

#include "base/mem.h"
#include "watch/detector.h"

/* ---- times ---- */

static int span_end(const char *option, const char *comparison, const char *text,
                    const struct query_options *options, struct query **out, struct err *err)
{
    struct buf query = {0};
    bool plain = !strpbrk(text, "\"\\'");
    buf_printf(&query, "_time:%s\"%s\"", comparison, text);
    int rc = plain ? query_parse(out, buf_as_slice(&query), options, err) : ERR_SYNTAX;
    buf_free(&query);
    return rc ? err_set(err, ERR_USAGE,
                        "%s \"%.60s\" is no time: write it like -24h, today, 2026-11-01 or "
                        "2026-11-01T10:36:00",
                        option, text)
              : ERR_OK;
}

int query_run_span(const char *from, const char *to, const struct clock_zone *zone, int64_t now_ns,
                   struct store_search *out, struct err *err)
{
    struct query_options options = {.now_ns = now_ns, .zone = zone};
    struct query *query = NULL;
    int rc = ERR_OK;
    out->from_ns = out->until_ns = CLOCK_NONE;
    if (from)
        rc = span_end("--from", ">=", from, &options, &query, err);
    if (rc == ERR_OK && from)
        out->from_ns = query->from_ns;
    query_close(&query);
    if (rc == ERR_OK && to)
        rc = span_end("--to", "<", to, &options, &query, err);
    if (rc == ERR_OK && to)
        out->until_ns = query->until_ns;
    query_close(&query);
    if (rc == ERR_OK && from && to && out->from_ns >= out->until_ns)
        return err_set(err, ERR_USAGE, "--from is not before --to: nothing lies between them");
    return rc;
}

static void span_narrow(struct store_search *search, const struct query *query)
{
    if (query->from_ns > search->from_ns)
        search->from_ns = query->from_ns;
    if (query->until_ns != QUERY_OPEN_END &&
        (search->until_ns == CLOCK_NONE || query->until_ns < search->until_ns))
        search->until_ns = query->until_ns;
    search->received_from_ns = query->received_from_ns;
    search->received_until_ns =
        query->received_until_ns == QUERY_OPEN_END ? CLOCK_NONE : query->received_until_ns;
}

/* ---- the names that queries may use ---- */

struct known {
    struct query_run *run;
    struct map seen;
    struct slice_list list;
    uint32_t capacity;
};

static void known_add(void *context, struct slice name)
{
    struct known *k = context;
    bool made;
    if (name.len == 0 || map_find(&k->seen, name))
        return;
    name = arena_copy(&k->run->arena, name);
    (void)map_put(&k->seen, name, 0, &made);
    if (k->list.count == k->capacity) {
        k->capacity = k->capacity ? k->capacity * 2 : 1024;
        k->list.items = mem_resize(k->list.items, k->capacity, sizeof(*k->list.items));
    }
    k->list.items[k->list.count++] = name;
}

/* A name in the store, and what rules call it: without the prefix that its mapping has. */
static void known_field(void *context, const struct store_field *field)
{
    struct known *k = context;
    const struct mapping_set *set = k->run->mappings;
    known_add(k, field->name);
    for (uint32_t m = 1; m <= mapping_set_count(set); m++) {
        const struct mapping *mapping = mapping_set_get(set, m);
        for (uint32_t i = 0; i < mapping->prefixes.count; i++)
            if (slice_starts(field->name, mapping->prefixes.items[i]))
                known_add(k, slice_part(field->name, mapping->prefixes.items[i].len, SIZE_MAX));
    }
}

static bool any_name(void *context, struct slice name)
{
    (void)context;
    (void)name;
    return true;
}

/* Names that a mapping gives to what it passes over are no fields to ask for. */
static void known_derived(void *context, struct slice name)
{
    if (name.len && name.data[0] != '_')
        known_add(context, name);
}

static void known_of_mappings(struct known *k)
{
    const struct mapping_set *set = k->run->mappings;
    for (uint32_t m = 1; m <= mapping_set_count(set); m++) {
        const struct mapping *mapping = mapping_set_get(set, m);
        for (uint32_t i = 0; i < mapping->alias_count; i++)
            known_add(k, mapping->aliases[i].name);
    }
    mapping_derived_names(set, any_name, NULL, known_derived, k);
}

/* The fields of the store are asked for only when a name is not one of the mappings': that is a
 * look at every segment's foot. */
static int query_read(struct query_run *run, struct store *store, struct query_options *options,
                      struct err *err)
{
    struct known k = {.run = run};
    known_of_mappings(&k);
    options->known_fields = &k.list;
    int rc = query_parse(&run->query, buf_as_slice(&run->text), options, err);
    if (rc == ERR_NOT_FOUND) {
        rc = store_fields(store, known_field, &k, err);
        if (rc == ERR_OK)
            rc = query_parse(&run->query, buf_as_slice(&run->text), options, err);
    }
    map_free(&k.seen);
    mem_free(k.list.items);
    return rc;
}

/* ---- words and rule files ---- */

static bool is_rule_file(const char *word)
{
    struct slice name = slice_from(word);
    struct stat about;
    return (slice_ends(name, SLICE(".yml")) || slice_ends(name, SLICE(".yaml"))) &&
           stat(word, &about) == 0 && S_ISREG(about.st_mode);
}

static int rule_files_load(struct query_run *run, const struct option_list *files, struct err *err)
{
    struct sigma_options sigma = {0};
    rules_load_paths(&run->load, files, &sigma);
    for (uint32_t i = 0; i < run->load.problems.count; i++) {
        const struct problem *p = &run->load.problems.items[i];
        if (p->level == PROBLEM_ERROR)
            return err_set(err, ERR_USAGE, "%.*s:%lu: %.*s", (int)p->file.len, p->file.data,
                           (unsigned long)p->line, (int)p->text.len, p->text.data);
    }
    for (uint32_t i = 0; i < run->load.rules.count; i++) {
        const struct rule *rule = run->load.rules.rules[i];
        if (rule->kind == RULE_CORRELATION)
            return err_set(err, ERR_UNSUPPORTED,
                           "%.*s:%lu: a correlation is about several events: `canh hunt --rules` "
                           "finds them",
                           (int)rule->file.len, rule->file.data, (unsigned long)rule->line);
    }
    return ERR_OK;
}

static int words_read(struct query_run *run, const struct option_list *words, struct err *err)
{
    struct option_list files = {.items = words->items};
    while (files.count < words->count && is_rule_file(words->items[files.count]))
        files.count++;
    for (size_t i = files.count; i < words->count; i++) {
        if (run->text.len)
            buf_char(&run->text, ' ');
        buf_string(&run->text, words->items[i]);
        if (run->text.len > QUERY_BYTES_MAX)
            break;
    }
    if (slice_trim(buf_as_slice(&run->text)).len == 0)
        buf_string(&run->text, "*");
    return files.count ? rule_files_load(run, &files, err) : ERR_OK;
}

/* ---- compiling ---- */

static uint32_t predicates_of(const struct expr *e)
{
    uint32_t count = e->kind == EXPR_PREDICATE;
    for (uint32_t i = 0; i < e->child_count; i++)
        count += predicates_of(e->children[i]);
    return count;
}

static struct rule *rule_of_filter(struct query_run *run)
{
    struct rule *rule = arena_zeroed(&run->arena, 1, sizeof(*rule));
    rule->kind = RULE_DETECTION;
    rule->sigma_version = 2;
    rule->title = SLICE("query");
    rule->condition = run->query->filter;
    rule->predicate_count = predicates_of(rule->condition);
    return rule;
}

/* The rule, where the filter holds, too. */
static struct rule *rule_narrowed(struct query_run *run, const struct rule *rule)
{
    struct rule *both = arena_alloc(&run->arena, sizeof(*both));
    struct expr *node = arena_zeroed(&run->arena, 1, sizeof(*node));
    *both = *rule;
    node->kind = EXPR_AND;
    node->children = arena_alloc(&run->arena, 2 * sizeof(struct expr *));
    node->children[node->child_count++] = rule->condition;
    node->children[node->child_count++] = run->query->filter;
    both->condition = node;
    both->predicate_count += predicates_of(run->query->filter);
    return both;
}

static int run_compile(struct query_run *run, struct err *err)
{
    const struct rule_list *loaded = &run->load.rules;
    struct ruleset_options options = {.routing = loaded->count > 0, .jit = true, .zone = run->zone};
    for (uint32_t i = 0; i < loaded->count; i++) {
        struct rule *rule = loaded->rules[i];
        bool narrow = rule->kind == RULE_DETECTION && run->query->filter;
        rule_list_add(&run->rules, narrow ? rule_narrowed(run, rule) : rule);
    }
    if (loaded->count == 0 && run->query->filter)
        rule_list_add(&run->rules, rule_of_filter(run));
    int rc = ruleset_open(&run->set, &run->rules, run->mappings, &options, err);
    if (rc == ERR_OK && run->rules.count)
        run->search.rules = run->set;
    return rc;
}

/* What rows are to hold: all of them where events come out whole, else what the pipes read. */
static void run_ask_fields(struct query_run *run)
{
    if (query_run_gives_events(run) || query_values_ask_host(run->values))
        return;
    query_values_names(run->values, &run->names);
    run->search.fields = run->names.items;
    run->search.field_count = run->names.count;
}

/* A query that asks for `_partition` itself may ask for findings and refused records, too. */
static void run_ask_partitions(struct query_run *run, const struct option_list *partitions)
{
    for (uint32_t i = 0; i < run->query->fields.count && run->query->asks_meta; i++)
        run->search.internal |= slice_equal(run->query->fields.items[i], SLICE("_partition"));
    if (!partitions || partitions->count == 0)
        return;
    struct slice *names = arena_alloc(&run->arena, partitions->count * sizeof(*names));
    for (size_t i = 0; i < partitions->count; i++)
        names[i] = slice_from(partitions->items[i]);
    run->search.partitions = names;
    run->search.partition_count = (uint32_t)partitions->count;
}

int query_run_open(struct query_run *out, struct store *store,
                   const struct query_run_options *options, struct err *err)
{
    int rc = ERR_OK;
    out->mappings = mapping_set_open();
    if (options->timezone)
        rc = clock_zone_open(&out->zone, slice_from(options->timezone), err);
    if (rc == ERR_OK)
        rc = query_run_span(options->from, options->to, out->zone, options->now_ns, &out->search,
                            err);
    if (rc == ERR_OK)
        rc = detector_load_mappings(out->mappings, options->mappings, err);
    if (rc == ERR_OK)
        rc = words_read(out, options->words, err);
    struct query_options reading = {.now_ns = options->now_ns, .zone = out->zone};
    if (rc == ERR_OK)
        rc = query_read(out, store, &reading, err);
    if (rc == ERR_OK)
        rc = run_compile(out, err);
    if (rc)
        return rc;
    struct query_values_options values = {.mappings = out->mappings,
                                          .set = out->set,
                                          .fields = &out->query->fields,
                                          .epoch = store_epoch(store)};
    out->values = query_values_open(&values);
    out->search.meta = out->query->asks_meta;
    span_narrow(&out->search, out->query);
    run_ask_fields(out);
    run_ask_partitions(out, options->partitions);
    return ERR_OK;
}

void query_run_close(struct query_run *run)
{
    query_values_close(&run->values);
    ruleset_close(&run->set);
    rule_list_free(&run->rules);
    rules_load_free(&run->load);
    query_close(&run->query);
    mapping_set_close(&run->mappings);
    clock_zone_close(&run->zone);
    buf_free(&run->text);
    arena_free(&run->arena);
}

bool query_run_gives_events(const struct query_run *run)
{
    return run->query->columns.count == 0;
}
