#include "watch/intel_input.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "detection/intel_reader.h"
#include "watch/input_source.h"

enum { READ_BYTES = 1 << 20 };

struct reading {
    const struct intel_input *input;
    struct source packed; /* the file, when it is an archive */
    struct buf text, name;
    const char *root; /* the path that was given */
    uint32_t files;
};

static int cannot(const struct reading *r, struct slice name, const struct err *why)
{
    r->input->unreadable(r->input->context, name, why);
    return ERR_OK;
}

static void unreadable(void *context, const char *path, const struct err *err)
{
    const struct reading *r = context;
    struct err shown = *err;
    size_t path_bytes = strlen(path);
    if (strncmp(err->text, path, path_bytes) == 0 && strncmp(err->text + path_bytes, ": ", 2) == 0)
        (void)err_set(&shown, err->code, "%s", err->text + path_bytes + 2);
    (void)cannot(r, slice_from(path), &shown);
}

static bool ends_nocase(struct slice name, const char *end)
{
    struct slice tail = slice_from(end);
    return name.len > tail.len &&
           slice_equal_nocase(slice_part(name, name.len - tail.len, tail.len), tail);
}

static struct slice without_end(struct slice name, const char *const *ends)
{
    for (; *ends; ends++)
        if (ends_nocase(name, *ends))
            return slice_part(name, 0, name.len - strlen(*ends));
    return name;
}

/* A name that feeds have. */
static bool is_feed_name(struct slice name)
{
    static const char *const packed[] = {".gz", ".zst", ".xz", ".bz2", ".lz4", NULL};
    static const char *const ends[] = {".json", ".csv",    ".tsv",   ".txt",   ".list",
                                       ".ioc",  ".netset", ".ipset", ".stix",  ".stix2",
                                       ".zip",  ".tar",    ".tgz",   ".table", NULL};
    struct slice plain = without_end(name, packed);
    return without_end(plain, ends).len < plain.len;
}

static bool is_hidden(struct slice path)
{
    while (path.len) {
        struct slice part = slice_cut(&path, '/');
        if (part.len > 1 && part.data[0] == '.' && !slice_equal(part, SLICE("..")))
            return true;
    }
    return false;
}

/* All of a source as UTF-8. */
static int source_text(struct source *s, struct buf *out, struct err *err)
{
    buf_clear(out);
    source_find_encoding(s);
    for (;;) {
        buf_reserve(out, READ_BYTES);
        int64_t got = source_read(s, out->data + out->len, READ_BYTES, err);
        if (got <= 0)
            return (int)got;
        out->len += (size_t)got;
        if (out->len > INTEL_TEXT_BYTES_MAX)
            return err_set(err, ERR_LIMIT, "over %zu bytes, the limit of one file: divide it",
                           INTEL_TEXT_BYTES_MAX);
    }
}

/* s stands at its head, which is no archive. */
static int give(struct reading *r, struct source *s, struct slice name, bool searched,
                struct err *err)
{
    struct err why;
    if (r->files == INTEL_INPUT_FILES_MAX)
        return err_set(err, ERR_LIMIT, "%d files are the limit of one reading",
                       INTEL_INPUT_FILES_MAX);
    r->files++;
    if (source_text(s, &r->text, &why) == ERR_OK)
        return r->input->text(r->input->context, name, buf_as_slice(&r->text), searched, err);
    return cannot(r, name, &why);
}

/* ---- archives ---- */

static int64_t packed_read(void *context, char *to, size_t room, struct err *err)
{
    return source_read_raw(context, to, room, err);
}

static int packed_seek(void *context, uint64_t offset, struct err *err)
{
    struct source *s = context;
    s->head_used = s->head.len;
    s->at_end = false;
    if (lseek(s->fd, (off_t)offset, SEEK_SET) < 0)
        return err_set_errno(err, errno, "cannot seek");
    return ERR_OK;
}

/* A member that is compressed itself. */
static int give_inner(struct reading *r, struct archive_stream *outer, struct slice head,
                      struct slice name, struct err *err)
{
    struct archive_stream *inner = NULL;
    struct slice member;
    struct err why;
    struct source s = {.fd = -1};
    int rc = archive_open_member(&inner, outer, head, &why);
    if (rc == ERR_OK)
        rc = archive_next(inner, &member, &why);
    s.archive = inner;
    if (rc == ERR_OK)
        rc = source_peek(&s, &why);
    if (rc == ERR_OK && archive_signature(source_head(&s)))
        rc = err_set(&why, ERR_UNSUPPORTED, "an archive in an archive is not opened: unpack it");
    if (rc == ERR_END)
        rc = err_set(&why, ERR_SYNTAX, "nothing is in it");
    if (rc == ERR_OK)
        rc = give(r, &s, name, true, err);
    else
        rc = cannot(r, name, &why);
    source_close(&s);
    archive_close(&inner);
    return rc;
}

static int give_member(struct reading *r, struct archive_stream *a, struct slice member,
                       const char *path, bool searched, struct err *err)
{
    struct source s = {.fd = -1, .archive = a};
    struct err why;
    buf_clear(&r->name);
    buf_string(&r->name, path);
    if (member.len) {
        buf_char(&r->name, '!');
        buf_slice(&r->name, member);
    }
    struct slice name = buf_as_slice(&r->name);
    int rc = source_peek(&s, &why);
    if (rc != ERR_OK)
        rc = cannot(r, name, &why);
    else if (member.len && archive_signature(source_head(&s)))
        rc = give_inner(r, a, source_head(&s), name, err);
    else
        rc = give(r, &s, name, searched || member.len > 0, err);
    source_close(&s);
    return rc;
}

static int read_archive(struct reading *r, const char *path, bool searched, struct err *err)
{
    struct stat about;
    struct err why;
    struct archive_stream *a = NULL;
    struct archive_source from = {.context = &r->packed, .read = packed_read};
    int rc = ERR_OK;
    if (!r->packed.streaming && fstat(r->packed.fd, &about) == 0) {
        from.seek = packed_seek;
        from.size_bytes = (uint64_t)about.st_size;
    }
    int opened = archive_open(&a, &from, &why);
    while (opened == ERR_OK && rc == ERR_OK) {
        struct slice member;
        int next = archive_next(a, &member, &why);
        if (next == ERR_UNSUPPORTED)
            unreadable(r, path, &why);
        else if (next != ERR_OK)
            opened = next;
        else if (!member.len || (is_feed_name(member) && !is_hidden(member)))
            rc = give_member(r, a, member, path, searched, err);
    }
    if (opened != ERR_OK && opened != ERR_END)
        unreadable(r, path, &why);
    archive_close(&a);
    return rc;
}

/* ---- files and folders ---- */

static int read_path(struct reading *r, const char *path, bool searched, struct err *err)
{
    struct stat about;
    struct err why;
    bool standard = strcmp(path, "-") == 0;
    int rc = ERR_OK;
    int fd = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                      : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    r->packed = (struct source){.fd = fd};
    if (fd < 0 || fstat(fd, &about) != 0) {
        (void)err_set_errno(&why, errno, "%s", path);
        unreadable(r, path, &why);
    } else {
        r->packed.streaming = !S_ISREG(about.st_mode);
        int peeked = source_peek(&r->packed, &why);
        if (peeked != ERR_OK)
            unreadable(r, path, &why);
        else if (archive_signature(source_head(&r->packed)))
            rc = read_archive(r, path, searched, err);
        else
            rc = give(r, &r->packed, slice_from(path), searched, err);
    }
    source_close(&r->packed);
    return rc;
}

struct walk {
    struct reading *reading;
    struct err *err;
};

static int visit(void *context, const char *path)
{
    const struct walk *w = context;
    struct reading *r = w->reading;
    struct slice name = slice_from(path);
    bool searched = strcmp(path, r->root) != 0;
    if (searched && (is_hidden(slice_part(name, strlen(r->root), name.len)) || !is_feed_name(name)))
        return ERR_OK;
    return read_path(r, path, searched, w->err);
}

static void walk_unreadable(void *context, const char *path, const struct err *err)
{
    const struct walk *w = context;
    unreadable(w->reading, path, err);
}

int intel_input_read(const struct intel_input *input, const struct option_list *paths,
                     struct err *err)
{
    struct reading r = {.input = input};
    struct walk walk = {&r, err};
    int rc = ERR_OK;
    for (size_t i = 0; i < paths->count && rc == ERR_OK; i++) {
        struct stat about;
        r.root = paths->items[i];
        if (strcmp(r.root, "-") == 0 || stat(r.root, &about) != 0)
            rc = read_path(&r, r.root, false, err);
        else
            rc = io_walk(r.root, visit, walk_unreadable, &walk, err);
    }
    buf_free(&r.text);
    buf_free(&r.name);
    return rc;
}
