#include "watch/detector.h"

#include "base/embed.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/text.h"
#include "formats/yaml.h"

#define MAPPING_FILE_BYTES_MAX ((size_t)4 << 20)

struct mapping_walk {
    struct mapping_set *set;
    const char *root; /* the path that was given */
    struct err *err;
};

static int mapping_file(void *context, const char *path)
{
    struct mapping_walk *walk = context;
    struct slice name = slice_from(path);
    bool named = strcmp(path, walk->root) == 0;
    if (!named && !slice_ends(name, SLICE(".yaml")) && !slice_ends(name, SLICE(".yml")))
        return ERR_OK;
    struct buf text = {0};
    int rc = io_read_file(&text, path, MAPPING_FILE_BYTES_MAX, walk->err);
    if (rc == ERR_OK)
        rc = mapping_set_add(walk->set, name, buf_as_slice(&text), walk->err);
    if (rc != ERR_OK && !slice_starts(slice_from(walk->err->text), name))
        (void)err_prefix(walk->err, "%s:%llu", path, (unsigned long long)walk->err->line);
    buf_free(&text);
    return rc;
}

int detector_load_mappings(struct mapping_set *set, const char *from, struct err *err)
{
    if (from && strcmp(from, "none") == 0)
        return ERR_OK;
    if (from) {
        struct mapping_walk walk = {set, from, err};
        return io_walk(from, mapping_file, NULL, &walk, err);
    }
    for (const struct embedded_file *f = embedded_mappings; f->name; f++) {
        int rc = mapping_set_add(set, slice_from(f->name), slice_make(f->data, f->size_bytes), err);
        if (rc)
            return rc;
    }
    return ERR_OK;
}

static int placeholders_load(struct detector *d, const char *path, struct err *err)
{
    struct buf text = {0};
    int rc = io_read_file(&text, path, YAML_BYTES_MAX, err);
    if (rc == ERR_OK)
        rc = sigma_placeholders_read(&d->placeholders, arena_copy(&d->arena, buf_as_slice(&text)),
                                     &d->arena, err);
    if (rc)
        (void)err_prefix(err, "--placeholders %s", path);
    buf_free(&text);
    return rc;
}

/* product/category/service; `linux//sshd` and `linux` are fine. */
static int source_parse(struct logsource *out, const char *text, struct arena *arena,
                        struct err *err)
{
    struct slice rest = arena_copy(arena, slice_from(text));
    struct slice *parts[] = {&out->product, &out->category, &out->service};
    for (size_t i = 0; i < 3; i++) {
        struct slice part = slice_cut(&rest, '/');
        char *room = arena_bytes(arena, text_fold_room(part.len));
        *parts[i] = slice_make(room, text_fold(room, part));
    }
    if (rest.len)
        return err_set(err, ERR_USAGE,
                       "--source '%s' has more than three parts; write product/category/service, "
                       "for example linux//sshd",
                       text);
    return ERR_OK;
}

static int detector_compile(struct detector *d, const struct detector_options *options,
                            struct err *err)
{
    struct ruleset_options set_options = {.routing = options->routing,
                                          .trusting = options->trusting,
                                          .jit = !options->interpreted,
                                          .zone = d->zone};
    if (options->source) {
        int rc = source_parse(&d->source, options->source, &d->arena, err);
        if (rc)
            return rc;
        set_options.source = &d->source;
    }
    int rc = ruleset_open(&d->set, &d->load.rules, d->mappings, &set_options, err);
    return rc ? rc : correlate_plan_open(&d->plan, &d->load.rules, err);
}

/* The built-in mappings, or those of the bundle's pack of them, be it empty. */
static int bundle_mappings(struct detector *d, const struct bundle *bundle, struct err *err)
{
    int rc = ERR_OK;
    if (!bundle_pack(bundle, BUNDLE_MAPPINGS))
        return detector_load_mappings(d->mappings, NULL, err);
    for (uint32_t i = 0; i < bundle->entry_count && rc == ERR_OK; i++) {
        const struct bundle_entry *e = &bundle->entries[i];
        if (e->kind == BUNDLE_MAPPING)
            rc = mapping_set_add(d->mappings, e->name, e->text, err);
    }
    return rc;
}

/* Rules that do not serve go from the list; numbers are places in what is left. */
static void rules_choose(struct detector *d, const struct rule_select *select,
                         enum rule_hunting hunting)
{
    struct rule_list *rules = &d->load.rules;
    struct rule_choice *choices = mem_zeroed(rules->count, sizeof(*choices));
    uint32_t kept = 0;
    rule_select_all(select, rules, choices);
    for (uint32_t i = 0; i < rules->count; i++)
        d->uses[choices[i].use]++;
    rule_select_serving(rules, hunting, choices);
    d->hidden = mem_zeroed(rules->count, sizeof(*d->hidden));
    for (uint32_t i = 0; i < rules->count; i++) {
        if (choices[i].use < RULE_INPUT)
            continue;
        d->hidden[kept] = choices[i].use == RULE_INPUT;
        rules->rules[kept++] = rules->rules[i];
    }
    rules->count = kept;
    mem_free(choices);
}

static bool only_filters(const struct rule_list *rules)
{
    for (uint32_t i = 0; i < rules->count; i++)
        if (rules->rules[i]->kind != RULE_FILTER)
            return false;
    return true;
}

static int rules_read(struct detector *d, const struct detector_options *options, struct err *err)
{
    struct sigma_options sigma = {.placeholders = &d->placeholders, .lint = options->lint};
    if (options->bundle) {
        rules_load_bundle(&d->load, options->bundle, &sigma);
        rules_choose(d, options->select, options->hunting);
        if (options->hunting == HUNTING_ONLY && only_filters(&d->load.rules))
            return err_set(err, ERR_USAGE,
                           "no rule of the node is written for hunting: `canh rules update` brings "
                           "packs that have some");
        return ERR_OK;
    }
    rules_load_paths(&d->load, options->rule_paths, &sigma);
    bool none_asked = options->without_rules && options->rule_paths->count == 0;
    if (d->load.rules.count == 0 && !none_asked)
        return err_set(err, d->load.unreadable_count ? ERR_NOT_FOUND : ERR_USAGE,
                       "no usable rule was found under the paths given with --rules; `canh rules "
                       "check PATH` says why");
    return ERR_OK;
}

int detector_open(struct detector *d, const struct detector_options *options, struct err *err)
{
    uint64_t start = clock_monotonic_ns();
    int rc = ERR_OK;
    d->mappings = mapping_set_open();
    if (options->bundle && !options->mappings)
        rc = bundle_mappings(d, options->bundle, err);
    else
        rc = detector_load_mappings(d->mappings, options->mappings, err);
    if (rc == ERR_OK && options->timezone)
        rc = clock_zone_open(&d->own_zone, slice_from(options->timezone), err);
    d->zone = d->own_zone;
    if (rc == ERR_OK && options->placeholders)
        rc = placeholders_load(d, options->placeholders, err);
    if (rc == ERR_OK)
        rc = rules_read(d, options, err);
    if (rc == ERR_OK)
        rc = detector_compile(d, options, err);
    d->load_ns = clock_monotonic_ns() - start;
    return rc;
}

int detector_open_bundle(struct detector *d, const struct detector_bundle *from, struct err *err)
{
    uint64_t start = clock_monotonic_ns();
    struct sigma_options sigma = {.placeholders = &d->placeholders};
    struct detector_options options = {.routing = true, .interpreted = from->interpreted};
    if (from->source.len)
        options.source = from->source.data;
    d->zone = from->zone;
    d->mappings = mapping_set_open();
    if (from->interpreted)
        mapping_set_interpreted(d->mappings);
    int rc = bundle_mappings(d, from->bundle, err);
    if (rc)
        return rc;
    rules_load_bundle(&d->load, from->bundle, &sigma);
    rules_choose(d, from->select, HUNTING_WITHOUT);
    rc = detector_compile(d, &options, err);
    d->load_ns = clock_monotonic_ns() - start;
    return rc;
}

bool detector_shows(const struct detector *d, uint32_t rule)
{
    return !(d->hidden && d->hidden[rule]) && correlate_plan_shows(d->plan, rule);
}

void detector_close(struct detector *d)
{
    correlate_plan_close(&d->plan);
    ruleset_close(&d->set);
    mapping_set_close(&d->mappings);
    clock_zone_close(&d->own_zone);
    mem_free(d->hidden);
    map_free(&d->placeholders.names);
    rules_load_free(&d->load);
    arena_free(&d->arena);
}
