#include "watch/rules_load.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/io.h"
#include "formats/archive.h"
#include "formats/yaml.h"

enum { HEAD_BYTES = 512 };

struct walking {
    rules_visit *visit;
    rules_unreadable *unreadable;
    void *context;
    struct buf text;
    const char *root; /* the path that was given */
    uint32_t file_count;
    bool ended;
};

static void unreadable(void *context, const char *path, const struct err *err)
{
    struct walking *l = context;
    l->unreadable(l->context, path, err);
}

/* The file whose text is in l->text. */
static void text_read(struct walking *l, struct slice name)
{
    l->file_count++;
    if (!l->visit(l->context, name, buf_as_slice(&l->text)))
        l->ended = true;
}

static bool has_room(struct walking *l, const char *path)
{
    struct err err;
    if (l->ended)
        return false;
    if (l->file_count < RULES_LOAD_FILES_MAX)
        return true;
    (void)err_set(&err, ERR_LIMIT, "%s: not read: %d files are the limit of one rule set", path,
                  RULES_LOAD_FILES_MAX);
    unreadable(l, path, &err);
    return false;
}

static bool is_yaml(struct slice name)
{
    struct slice ends[] = {SLICE(".yml"), SLICE(".yaml")};
    for (size_t i = 0; i < 2; i++)
        if (name.len > ends[i].len &&
            slice_equal_nocase(slice_part(name, name.len - ends[i].len, ends[i].len), ends[i]))
            return true;
    return false;
}

/* Whether a part of the path begins with a dot; `.` and `..` do not count. */
static bool is_hidden(struct slice path)
{
    while (path.len) {
        struct slice part = slice_cut(&path, '/');
        if (part.len > 1 && part.data[0] == '.' && !slice_equal(part, SLICE("..")))
            return true;
    }
    return false;
}

static bool is_archive_name(struct slice name)
{
    static const char *const ends[] = {".zip",  ".tar",    ".tgz",     ".tbz2",   ".txz",
                                       ".tzst", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct slice end = slice_from(ends[i]);
        if (name.len > end.len &&
            slice_equal_nocase(slice_part(name, name.len - end.len, end.len), end))
            return true;
    }
    return false;
}

/* ---- archives ---- */

static int64_t descriptor_read(void *context, char *to, size_t room, struct err *err)
{
    const int *fd = context;
    ssize_t got;
    do {
        got = read(*fd, to, room);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? err_set_errno(err, errno, "cannot be read") : got;
}

static int descriptor_seek(void *context, uint64_t offset, struct err *err)
{
    const int *fd = context;
    if (lseek(*fd, (off_t)offset, SEEK_SET) < 0)
        return err_set_errno(err, errno, "cannot be read from byte %llu on",
                             (unsigned long long)offset);
    return ERR_OK;
}

/* The rest of the newest member into l->text. */
static int member_text(struct walking *l, struct archive_stream *a, struct err *err)
{
    buf_clear(&l->text);
    for (;;) {
        buf_reserve(&l->text, 1 << 16);
        int64_t got = archive_read(a, l->text.data + l->text.len, 1 << 16, err);
        if (got <= 0)
            return (int)got;
        l->text.len += (size_t)got;
        if (l->text.len > YAML_BYTES_MAX)
            return err_set(err, ERR_LIMIT, "over %zu bytes, the limit of one file", YAML_BYTES_MAX);
    }
}

static void archive_members(struct walking *l, const char *path, struct archive_stream *a)
{
    struct buf shown = {0};
    struct err err = {0};
    int rc;
    for (;;) {
        struct slice name;
        rc = archive_next(a, &name, &err);
        if (rc != ERR_OK && rc != ERR_UNSUPPORTED)
            break;
        if (!is_yaml(name) || is_hidden(name))
            continue;
        buf_clear(&shown);
        buf_printf(&shown, "%s!", path);
        buf_slice(&shown, name);
        if (!has_room(l, buf_text(&shown)))
            break;
        if (rc == ERR_OK)
            rc = member_text(l, a, &err);
        if (rc == ERR_OK)
            text_read(l, buf_as_slice(&shown));
        else
            unreadable(l, buf_text(&shown), &err);
    }
    if (rc != ERR_END && rc != ERR_OK)
        unreadable(l, path, &err);
    buf_free(&shown);
}

static void archive_read_whole(struct walking *l, const char *path, int fd)
{
    struct err err = {0};
    struct stat about;
    struct archive_stream *a = NULL;
    if (fd < 0 || fstat(fd, &about) != 0) {
        (void)err_set_errno(&err, errno, "%s", path);
        unreadable(l, path, &err);
    } else {
        struct archive_source source = {.context = &fd,
                                        .read = descriptor_read,
                                        .seek = descriptor_seek,
                                        .size_bytes = (uint64_t)about.st_size};
        if (archive_open(&a, &source, &err) == ERR_OK)
            archive_members(l, path, a);
        else
            unreadable(l, path, &err);
        archive_close(&a);
    }
}

static void archive_load(struct walking *l, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    archive_read_whole(l, path, fd);
    if (fd >= 0)
        (void)close(fd);
}

/* ---- files and folders ---- */

static int visit(void *context, const char *path)
{
    struct walking *l = context;
    struct err err;
    struct slice name = slice_from(path);
    bool named = strcmp(path, l->root) == 0;
    if (!named && is_hidden(slice_part(name, strlen(l->root), name.len)))
        return ERR_OK;
    if (is_archive_name(name)) {
        archive_load(l, path);
        return ERR_OK;
    }
    if (!named && !is_yaml(name))
        return ERR_OK;
    if (!has_room(l, path))
        return ERR_LIMIT;
    buf_clear(&l->text);
    if (io_read_file(&l->text, path, YAML_BYTES_MAX, &err) == ERR_OK)
        text_read(l, name);
    else
        unreadable(l, path, &err);
    return ERR_OK;
}

void rules_walk(const struct option_list *paths, rules_visit *visit_file,
                rules_unreadable *unreadable_file, void *context)
{
    struct walking l = {.visit = visit_file, .unreadable = unreadable_file, .context = context};
    for (size_t i = 0; i < paths->count; i++) {
        struct err err;
        l.root = paths->items[i];
        int rc = io_walk(l.root, visit, unreadable, &l, &err);
        if (rc == ERR_LIMIT)
            break;
        if (rc != ERR_OK)
            unreadable(&l, l.root, &err);
    }
    buf_free(&l.text);
}

void rules_walk_archive(const char *name, int fd, rules_visit *visit_file,
                        rules_unreadable *unreadable_file, void *context)
{
    struct walking l = {.visit = visit_file, .unreadable = unreadable_file, .context = context};
    archive_read_whole(&l, name, fd);
    buf_free(&l.text);
}

struct loading {
    struct rules_load *out;
    const struct sigma_options *options;
};

static bool load_text(void *context, struct slice name, struct slice text)
{
    struct loading *l = context;
    struct rules_load *out = l->out;
    out->file_count++;
    out->fingerprint = hash_slice(text, hash_slice(name, out->fingerprint));
    out->refused_count += sigma_read(&out->rules, &out->problems, arena_copy(&out->arena, name),
                                     text, l->options, &out->arena);
    return true;
}

static void load_unreadable(void *context, const char *path, const struct err *err)
{
    struct loading *l = context;
    size_t path_bytes = strlen(path);
    const char *text = err->text;
    if (strncmp(text, path, path_bytes) == 0 && strncmp(text + path_bytes, ": ", 2) == 0)
        text += path_bytes + 2; /* the problem names the file itself */
    l->out->unreadable_count++;
    problem_add(&l->out->problems, &l->out->arena, PROBLEM_ERROR, "unreadable",
                arena_copy(&l->out->arena, slice_from(path)), 0, 0, "%s", text);
}

void rules_load_paths(struct rules_load *out, const struct option_list *paths,
                      const struct sigma_options *options)
{
    struct loading l = {out, options};
    rules_walk(paths, load_text, load_unreadable, &l);
    sigma_check_set(&out->rules, &out->problems, options, &out->arena);
}

void rules_load_bundle(struct rules_load *out, const struct bundle *bundle,
                       const struct sigma_options *options)
{
    struct loading l = {out, options};
    struct buf name = {0};
    for (uint32_t i = 0; i < bundle->entry_count; i++) {
        const struct bundle_entry *e = &bundle->entries[i];
        if (e->kind == BUNDLE_MAPPING)
            continue;
        buf_clear(&name);
        buf_printf(&name, "%.*s/%.*s", (int)e->pack.len, e->pack.data, (int)e->name.len,
                   e->name.data);
        (void)load_text(&l, buf_as_slice(&name), e->text);
    }
    buf_free(&name);
    sigma_check_set(&out->rules, &out->problems, options, &out->arena);
}

void rules_load_free(struct rules_load *load)
{
    rule_list_free(&load->rules);
    problem_list_free(&load->problems);
    arena_free(&load->arena);
    *load = (struct rules_load){0};
}

void rules_load_problem_text(struct buf *out, const struct problem *problem, bool vietnamese)
{
    buf_slice(out, problem->file);
    if (problem->line)
        buf_printf(out, ":%u", problem->line);
    buf_string(out, ": ");
    if (problem->level == PROBLEM_WARNING)
        buf_string(out, vietnamese ? "lưu ý: " : "warning: ");
    buf_slice(out, problem->text);
    buf_char(out, '\n');
}

void rules_load_refused_text(struct buf *out, const struct rules_load *load, bool vietnamese)
{
    if (load->refused_count)
        buf_printf(out,
                   vietnamese ? "canh: %u quy tắc không dùng được (xem bằng `canh rules check`)\n"
                              : "canh: %u rules cannot be used (`canh rules check` says why)\n",
                   load->refused_count);
}
