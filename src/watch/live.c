#include "watch/live.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"

enum { PATH_BYTES = PATH_MAX };

static bool folder_is(const char *folder, const char *below, char out[PATH_BYTES])
{
    struct stat about;
    int len = snprintf(out, PATH_BYTES, "%s/%s", folder, below);
    return len > 0 && len < PATH_BYTES && stat(out, &about) == 0;
}

/* The rules installed beside the program; run from a build folder: those of its source. */
static bool rules_installed(char out[PATH_BYTES])
{
    char program[PATH_BYTES], marker[PATH_BYTES];
    ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (len <= 0)
        return false;
    program[len] = '\0';
    char *slash = strrchr(program, '/');
    if (!slash)
        return false;
    *slash = '\0';
    if (folder_is(program, "../share/canh/rules", out))
        return true;
#ifdef CANH_SOURCE_FOLDER
    return folder_is(program, "CMakeCache.txt", marker) &&
           folder_is(CANH_SOURCE_FOLDER, "rules", out);
#else
    (void)marker;
    return false;
#endif
}

static void paths_set(struct live *live, const struct config *config)
{
    char installed[PATH_BYTES];
    live->paths.items = mem_zeroed(config->rules.paths.count + 1u, sizeof(*live->paths.items));
    for (uint32_t i = 0; i < config->rules.paths.count; i++)
        live->paths.items[live->paths.count++] = config->rules.paths.items[i].data;
    if (live->paths.count)
        return;
    if (rules_installed(installed))
        live->paths.items[live->paths.count++] =
            arena_copy(&live->arena, slice_from(installed)).data;
    else
        log_say(LOG_WARNING, "rules",
                "no rules are installed beside the program, and rules.paths names none: events are "
                "stored and held against nothing");
}

static struct slice logsource_text(struct live *live, const struct config_source *c)
{
    if (!c || !(c->product.len || c->category.len || c->service.len))
        return SLICE("");
    return arena_printf(&live->arena, "%.*s/%.*s/%.*s", (int)c->product.len, c->product.data,
                        (int)c->category.len, c->category.data, (int)c->service.len,
                        c->service.data);
}

static int detector_add(struct live *live, const struct live_options *options,
                        const struct live_source *source, struct err *err)
{
    const struct config *config = options->config;
    struct slice configured = source->row.configured, zone = source->zone;
    struct detector_options wanted = {
        .rule_paths = &live->paths,
        .mappings = config->rules.mappings.len ? config->rules.mappings.data : NULL,
        .source = configured.len ? configured.data : NULL,
        .timezone = zone.len ? zone.data : NULL,
        .routing = true,
        .without_rules = true,
        .interpreted = options->interpreted};
    if (live->detector_count == LIVE_DETECTORS_MAX)
        return err_set(err, ERR_LIMIT,
                       "sources have more than %d different log sources and time zones: give more "
                       "of them the same, or leave them out",
                       LIVE_DETECTORS_MAX);
    struct detector *d = mem_zeroed(1, sizeof(*d));
    live->detectors[live->detector_count++] = d;
    return detector_open(d, &wanted, err);
}

static int detector_of(struct live *live, const struct live_options *options,
                       struct live_source *source, struct err *err)
{
    struct slice key =
        arena_printf(&live->arena, "%.*s %.*s", (int)source->row.configured.len,
                     source->row.configured.data, (int)source->zone.len, source->zone.data);
    bool has_own =
        options->judges && (!options->only.data || slice_equal(options->only, source->row.name));
    for (uint32_t i = 0; i < live->detector_count; i++)
        if (!has_own || slice_equal(live->keys[i], key)) {
            source->detector = live->detectors[i];
            return ERR_OK;
        }
    int rc = detector_add(live, options, source, err);
    if (rc)
        return rc;
    live->keys[live->detector_count - 1] = key;
    source->detector = live->detectors[live->detector_count - 1];
    return ERR_OK;
}

static int source_set(struct live *live, const struct live_options *options,
                      const struct config_source *c, struct live_source *out, struct err *err)
{
    *out = (struct live_source){.config = c, .zone = options->config->store.timezone};
    out->row = (struct origin){.partition = SLICE("main"), .raw = true};
    out->row.name = out->row.system = out->row.unit = SLICE("");
    out->row.configured = logsource_text(live, c);
    if (c) {
        out->row.partition = c->partition.len ? c->partition : SLICE("main");
        out->row.name = c->row.name;
        out->row.system = c->system;
        out->row.unit = c->unit;
        if (c->timezone.len)
            out->zone = c->timezone;
        if (c->format.len && !slice_equal(c->format, SLICE("auto")))
            out->format = format_find(c->format);
    }
    if (!row_partition_name_ok(out->row.partition) || out->row.partition.data[0] == '_')
        return err_set(err, ERR_USAGE,
                       "sources.%.*s: its partition cannot be %.*s: a name has a to z, 0 to 9, _ "
                       "and -, and does not begin with _",
                       (int)out->row.name.len, out->row.name.data, (int)out->row.partition.len,
                       out->row.partition.data);
    return detector_of(live, options, out, err);
}

static void problems_tell(const struct live *live)
{
    const struct detector *d = live->detectors[0];
    if (d->load.refused_count || d->load.unreadable_count)
        log_say(LOG_WARNING, "rules",
                "%lu rules and %lu files cannot be used: `canh rules check` says why",
                (unsigned long)d->load.refused_count, (unsigned long)d->load.unreadable_count);
    log_say(LOG_INFO, "rules", "%lu rules are loaded", (unsigned long)d->load.rules.count);
}

/* What cannot be read is told, and rules are held against events all the same. */
static void indicators_open(struct live *live, const char *data)
{
    struct err err;
    if (!data || !live->config->rules.indicators)
        return;
    if (intel_store_open_table(&live->indicators, data, INTEL_STORE_INDICATORS, &err) != ERR_OK)
        log_err(LOG_WARNING, "indicators", &err);
    else if (live->indicators.table)
        log_say(LOG_INFO, "indicators", "%llu indicators are looked for",
                (unsigned long long)indicator_table_count(live->indicators.table));
}

int live_open(struct live *live, const struct live_options *options, struct err *err)
{
    const struct config_source *configured = options->config->sources.items;
    uint32_t count = options->config->sources.count;
    live->config = options->config;
    paths_set(live, options->config);
    live->sources = arena_zeroed(&live->arena, count + 1u, sizeof(*live->sources));
    int rc = source_set(live, options, NULL, &live->sources[0], err);
    for (uint32_t i = 0; i < count && rc == ERR_OK; i++)
        rc = source_set(live, options, &configured[i], &live->sources[i + 1], err);
    if (rc)
        return rc;
    live->source_count = count + 1;
    uint64_t parts[] = {live->detectors[0]->load.fingerprint,
                        mapping_set_fingerprint(live->detectors[0]->mappings),
                        live->detectors[0]->load.rules.count};
    live->fingerprint = hash_bytes(parts, sizeof(parts), 0);
    finding_rules_open(&live->rules, &live->detectors[0]->load.rules);
    indicators_open(live, options->data);
    problems_tell(live);
    return ERR_OK;
}

void live_close(struct live *live)
{
    intel_store_close_table(&live->indicators);
    finding_rules_close(&live->rules);
    for (uint32_t i = 0; i < live->detector_count; i++) {
        detector_close(live->detectors[i]);
        mem_free(live->detectors[i]);
    }
    option_list_free(&live->paths);
    arena_free(&live->arena);
    *live = (struct live){0};
}

const struct live_source *live_source(const struct live *live, struct slice name)
{
    for (uint32_t i = 0; i < live->source_count; i++)
        if (slice_equal(live->sources[i].row.name, name))
            return &live->sources[i];
    return NULL;
}
