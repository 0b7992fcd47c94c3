#include "watch/config.h"

#include <fnmatch.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "watch/config_table.h"

struct opening {
    struct config_reader reader;
    struct buf text;
    size_t folder_len; /* of "DIR/conf.d" */
    uint32_t files;
    struct err err;
};

static int file_read(struct opening *o, const char *path)
{
    buf_clear(&o->text);
    int rc = io_read_file(&o->text, path, CONFIG_BYTES_MAX, &o->err);
    if (rc == ERR_OK)
        config_read_text(&o->reader, path, buf_as_slice(&o->text));
    return rc;
}

static int folder_visit(void *context, const char *path)
{
    struct opening *o = context;
    struct slice name = slice_part(slice_from(path), o->folder_len + 1, SIZE_MAX);
    if (slice_find_char(name, '/') != SLICE_NONE || !slice_ends(name, SLICE(".yaml")) ||
        name.data[0] == '.')
        return ERR_OK;
    if (o->files++ >= CONFIG_FILES_MAX)
        return err_set(&o->err, ERR_LIMIT, "%s: there are more than %d files: join some", path,
                       CONFIG_FILES_MAX);
    return file_read(o, path);
}

static void folder_unreadable(void *context, const char *path, const struct err *err)
{
    struct opening *o = context;
    config_read_problem(&o->reader, path, 0, 0, "%s", err->text);
}

static int folder_read(struct opening *o, const char *path)
{
    const char *slash = strrchr(path, '/');
    struct buf folder = {0};
    buf_append(&folder, path, slash ? (size_t)(slash + 1 - path) : 0);
    buf_string(&folder, "conf.d");
    o->folder_len = folder.len;
    int rc = ERR_OK;
    if (access(buf_text(&folder), F_OK) == 0)
        rc = io_walk(buf_text(&folder), folder_visit, folder_unreadable, o, &o->err);
    buf_free(&folder);
    return rc;
}

static const char *environment_find(char *const *environment, struct slice name)
{
    for (; environment && *environment; environment++) {
        struct slice value = slice_from(*environment);
        if (slice_equal(slice_cut(&value, '='), name))
            return value.data;
    }
    return NULL;
}

static int files_read(struct opening *o, const char *path, char *const *environment)
{
    int rc = ERR_OK;
    if (!path || !*path)
        path = environment_find(environment, SLICE("CANH_CONFIG"));
    bool named = path && *path;
    if (!named)
        path = CONFIG_DEFAULT_PATH;
    if (named || access(path, F_OK) == 0)
        rc = file_read(o, path);
    return rc ? rc : folder_read(o, path);
}

static const struct config_partition *partition_named(const struct config *config,
                                                      struct slice name)
{
    const struct config_partition *partitions = config->partitions.items;
    for (uint32_t i = 0; i < config->partitions.count; i++)
        if (slice_equal(partitions[i].row.name, name))
            return &partitions[i];
    return NULL;
}

/* What the row of a partition does not say is as in the row `default`. */
static void partitions_finish(struct config *config)
{
    const struct config_section *section = config_section_find(&config_table, "store.partitions");
    struct config_partition *partitions = config->partitions.items;
    const struct config_partition *usual = partition_named(config, SLICE("default"));
    for (uint32_t i = 0; i < section->key_count; i++) {
        const struct config_key *key = &section->keys[i];
        size_t bytes = config_value_bytes(key->kind);
        config_value_default(key, &config->usual, &config->arena);
        if (usual)
            memcpy((char *)&config->usual + key->offset, (const char *)usual + key->offset, bytes);
        for (uint32_t j = 0; j < config->partitions.count; j++)
            if (!(partitions[j].row.given >> i & 1))
                memcpy((char *)&partitions[j] + key->offset,
                       (const char *)&config->usual + key->offset, bytes);
    }
}

static void reader_begin(struct opening *o, struct config *config, struct buf *problems)
{
    o->reader = (struct config_reader){
        .table = &config_table, .config = config, .arena = &config->arena, .problems = problems};
    config_read_begin(&o->reader);
}

/* Behind all reading. rc: of that. Takes config. */
static int opening_end(struct opening *o, struct config *config, int rc, struct config **out,
                       struct err *err)
{
    if (rc == ERR_OK && o->reader.problem_count == 0)
        config_check(&o->reader, config);
    if (rc == ERR_OK && o->reader.problem_count > 0) {
        rc = ERR_USAGE;
        o->err = o->reader.first;
    }
    buf_free(&o->text);
    if (rc) {
        if (err)
            *err = o->err;
        config_close(&config);
        return rc;
    }
    partitions_finish(config);
    *out = config;
    return ERR_OK;
}

int config_open_text(struct config **out, struct slice yaml, struct err *err)
{
    struct config *config = mem_zeroed(1, sizeof(*config));
    struct opening o = {0};
    reader_begin(&o, config, NULL);
    config_read_text(&o.reader, "settings", yaml);
    return opening_end(&o, config, ERR_OK, out, err);
}

int config_open(struct config **out, const char *path, char *const *environment,
                struct buf *problems, struct err *err)
{
    struct config *config = mem_zeroed(1, sizeof(*config));
    struct opening o = {0};
    reader_begin(&o, config, problems);
    int rc = files_read(&o, path, environment);
    if (rc == ERR_OK && environment)
        config_read_environment(&o.reader, environment);
    return opening_end(&o, config, rc, out, err);
}

void config_close(struct config **config)
{
    if (!*config)
        return;
    arena_free(&(*config)->arena);
    mem_free(*config);
    *config = NULL;
}

const struct config_partition *config_partition(const struct config *config, struct slice name)
{
    const struct config_partition *named = partition_named(config, name);
    return named ? named : &config->usual;
}

const struct config_source *config_source(const struct config *config, struct slice name)
{
    const struct config_source *sources = config->sources.items;
    for (uint32_t i = 0; i < config->sources.count; i++)
        if (slice_equal(sources[i].row.name, name))
            return &sources[i];
    return NULL;
}

const struct config_source *config_source_of_path(const struct config *config, const char *path)
{
    const struct config_source *sources = config->sources.items;
    const char *slash = strrchr(path, '/');
    for (uint32_t i = 0; i < config->sources.count; i++)
        for (uint32_t j = 0; j < sources[i].match.count; j++) {
            const char *pattern = sources[i].match.items[j].data;
            const char *against = slash && !strchr(pattern, '/') ? slash + 1 : path;
            if (fnmatch(pattern, against, FNM_PATHNAME) == 0)
                return &sources[i];
        }
    return NULL;
}

const struct config_channel *config_channel(const struct config *config, struct slice name)
{
    const struct config_channel *channels = config->channels.items;
    for (uint32_t i = 0; i < config->channels.count; i++)
        if (slice_equal(channels[i].row.name, name))
            return &channels[i];
    return NULL;
}

const struct config_command *config_command(const struct config *config, struct slice name,
                                            uint32_t *index)
{
    const struct config_command *commands = config->commands.items;
    for (uint32_t i = 0; i < config->commands.count; i++)
        if (slice_equal(commands[i].row.name, name)) {
            if (index)
                *index = i;
            return &commands[i];
        }
    return NULL;
}

enum log_level config_log_level(const struct config *config)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    for (int i = LOG_ERROR; i <= LOG_DEBUG; i++)
        if (slice_equal(config->serve.log_level, slice_from(names[i])))
            return (enum log_level)i;
    return LOG_INFO;
}

bool config_has_web(const struct config *config)
{
    return !slice_equal(config->web.listen, SLICE("none"));
}
