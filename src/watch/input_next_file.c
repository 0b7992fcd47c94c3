#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "watch/input_inside.h"

enum { COPY_BYTES = 256 << 10, BINARY_LOOK_BYTES = 4096, CONTROL_SHARE = 16, BINARY_SHARE = 8 };

static void add_path(struct input *in, const char *path, bool searched)
{
    if (in->path_count == in->path_capacity) {
        in->path_capacity = in->path_capacity ? in->path_capacity * 2 : 16;
        in->paths = mem_resize(in->paths, in->path_capacity, sizeof(*in->paths));
    }
    const char *copy = arena_copy(&in->names, slice_from(path)).data;
    struct stat about;
    bool sized = strcmp(path, "-") != 0 && stat(path, &about) == 0 && S_ISREG(about.st_mode);
    uint64_t size_bytes = sized ? (uint64_t)about.st_size : 0;
    in->endless |= !sized;
    in->total_bytes += size_bytes;
    in->paths[in->path_count++] = (struct input_path){copy, searched, size_bytes};
}

static int visit_path(void *context, const char *path)
{
    add_path(context, path, true);
    return ERR_OK;
}

static void visit_unreadable(void *context, const char *path, const struct err *err)
{
    input_unreadable(context, path, err);
}

void input_expand(struct input *in)
{
    for (size_t i = 0; i < in->options.path_count; i++) {
        const char *path = in->options.paths[i];
        struct stat about;
        struct err err;
        if (strcmp(path, "-") == 0 || stat(path, &about) != 0 || !S_ISDIR(about.st_mode)) {
            add_path(in, path, false);
            continue;
        }
        size_t before = in->path_count;
        uint64_t unreadable_before = in->unreadable_count;
        int rc = io_walk(path, visit_path, visit_unreadable, in, &err);
        if (rc == ERR_OK && in->path_count == before && in->unreadable_count == unreadable_before)
            rc = err_set(&err, ERR_NOT_FOUND, "the folder %s has no files in it", path);
        if (rc)
            input_unreadable(in, path, &err);
    }
}

/* known: a log format is given or recognised. Then a few NUL bytes are the fault of some records:
 * who can write one into a log must not be able to hide the rest of it. */
static bool is_binary(struct slice head, bool known)
{
    static const struct slice marks[] = {{"%PDF-", 5},
                                         {"\x7f"
                                          "ELF",
                                          4},
                                         {"\x89PNG", 4},
                                         {"\xff\xd8\xff", 3},
                                         {"GIF8", 4},
                                         {"7z\xbc\xaf", 4},
                                         {"Rar!\x1a", 5},
                                         {"SQLite format 3", 15}};
    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
        if (slice_starts(head, marks[i]))
            return true;
    size_t zeros = 0, controls = 0;
    head = slice_part(head, 0, BINARY_LOOK_BYTES);
    for (size_t i = 0; i < head.len; i++) {
        zeros += head.data[i] == '\0';
        controls +=
            (unsigned char)head.data[i] < 0x20 && !strchr("\t\n\v\f\r\x1b\x1d", head.data[i]);
    }
    if (controls * CONTROL_SHARE > head.len)
        return true;
    return known ? zeros * BINARY_SHARE > head.len : zeros > 0;
}

/* Names that plain lines have: x.log, x.log.1, x.txt. Other text in a folder is notes and programs.
 */
static bool is_log_name(struct slice name)
{
    return slice_find(name, SLICE(".log")) != SLICE_NONE || slice_ends(name, SLICE(".txt")) ||
           slice_ends(name, SLICE(".out"));
}

static struct input_file *make_file(struct input *in, const char *name, const struct format *format)
{
    struct input_file *file = arena_zeroed(&in->names, 1, sizeof(*file));
    file->name = arena_copy(&in->names, slice_from(name)).data;
    file->format = format;
    file->number = in->file_count;
    return file;
}

/* Asks whether the file is read, and from which record on. */
static bool is_wanted(struct input *in, const struct input_file *file)
{
    struct stat about;
    const struct source *outer = in->archive ? &in->packed : &in->source;
    bool sized = outer->fd >= 0 && fstat(outer->fd, &about) == 0;
    in->skip_records = 0;
    if (!in->options.opened)
        return true;
    struct input_opened opened = {.file = file,
                                  .path = in->archive ? in->archive_name : file->name,
                                  .size_bytes = sized ? (uint64_t)about.st_size : 0,
                                  .head = source_head(&in->source),
                                  .streaming = outer->streaming};
    in->skip_records = in->options.opened(in->options.opened_context, &opened);
    return in->skip_records != INPUT_PASS_OVER;
}

static void begin_file(struct input *in, struct input_file *file)
{
    in->file_count++;
    in->file = file;
    in->source_ended = false;
    buf_clear(&in->carry);
    input_note(in, INPUT_NOTE_FORMAT, "%s: read as %s", file->name, file->format->name);
}

/* What libevtx can seek in: the file itself, or a copy in memory. */
static int copy_to_memory(struct input *in, struct err *err)
{
    struct source *s = &in->source;
    int fd = memfd_create("evtx", MFD_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, errno, "no memory for the EVTX file");
    char *room = mem_alloc(COPY_BYTES);
    uint64_t total = 0;
    int64_t got;
    int rc = ERR_OK;
    while (rc == ERR_OK && (got = source_read_raw(s, room, COPY_BYTES, err)) != 0) {
        total += got > 0 ? (uint64_t)got : 0;
        if (got < 0)
            rc = (int)got;
        else if (total > EVTX_BYTES_MAX)
            rc = err_set(err, ERR_LIMIT,
                         "larger than 1 GiB inside of an archive or pipe: unpack "
                         "it and name the file");
        else
            rc = io_write_all(fd, room, (size_t)got, err);
    }
    mem_free(room);
    struct archive_stream *archive = s->archive;
    source_close(s);
    s->archive = archive;
    s->fd = fd;
    return rc;
}

static int start_evtx(struct input *in, const char *name, bool on_disk, struct err *err)
{
    struct input_file *file = make_file(in, name, format_find(SLICE("evtx")));
    if (!is_wanted(in, file))
        return ERR_OK;
    int rc = on_disk ? ERR_OK : copy_to_memory(in, err);
    if (rc)
        return rc;
    rc = evtx_open(&in->evtx, in->source.fd, err);
    if (rc)
        return rc;
    begin_file(in, file);
    return ERR_OK;
}

/* in->source stands at its head, which is no archive. ERR_OK without in->file: it is passed over.
 */
static int start_source(struct input *in, const struct input_path *path, struct err *err)
{
    struct source *s = &in->source;
    const struct format *format = in->options.format;
    struct slice head = source_head(s);
    if (evtx_signature(head) && (!format || format->split == SPLIT_EVTX))
        return start_evtx(in, path->path, s->fd >= 0 && !s->streaming, err);
    source_find_encoding(s);
    const char *why = NULL;
    if (head.len == 0)
        why = "it is empty";
    else if (format && format->split == SPLIT_EVTX)
        why = "it is no EVTX file";
    else if (s->encoding == SOURCE_UTF8 && format && path->searched && is_binary(head, true))
        why = "it is no text";
    if (!why && !format) {
        struct buf room = {0};
        format = format_guess(source_text_head(s, &room));
        buf_free(&room);
        if (s->encoding == SOURCE_UTF8 && is_binary(head, strcmp(format->name, "text") != 0))
            why = "it is no text";
        else if (path->searched && strcmp(format->name, "text") == 0 &&
                 !is_log_name(slice_from(path->path)))
            why = "no log format is known for it (name it, or give --format)";
    }
    if (why && (path->searched || head.len == 0))
        input_note(in, INPUT_NOTE_SKIPPED, "%s: passed over, %s", path->path, why);
    else if (why)
        return err_set(err, ERR_UNSUPPORTED, "%s", why);
    if (why)
        return ERR_OK;
    struct input_file *file = make_file(in, path->path, format);
    if (!is_wanted(in, file))
        return ERR_OK;
    begin_file(in, file);
    in->split = split_open(format);
    return ERR_OK;
}

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

static int start_archive(struct input *in, const char *name, struct err *err)
{
    struct stat about;
    in->packed = in->source;
    in->source = (struct source){.fd = -1};
    in->archive_name = arena_copy(&in->names, slice_from(name)).data;
    struct archive_source from = {.context = &in->packed, .read = packed_read};
    if (!in->packed.streaming && fstat(in->packed.fd, &about) == 0) {
        from.seek = packed_seek;
        from.size_bytes = (uint64_t)about.st_size;
    }
    return archive_open(&in->archive, &from, err);
}

/* The head of a pipe: up to its first line end, so that a slow writer is recognised, too. */
static int peek_source(struct source *s, struct err *err)
{
    int rc = source_peek(s, err);
    while (rc == ERR_OK && s->streaming && !s->at_end && source_head(s).len < SOURCE_HEAD_BYTES &&
           slice_find_char(source_head(s), '\n') == SLICE_NONE)
        rc = source_peek(s, err);
    return rc;
}

static int open_path(struct input *in, const struct input_path *path, struct err *err)
{
    struct stat about;
    bool standard = strcmp(path->path, "-") == 0;
    int fd = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                      : open(path->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || fstat(fd, &about) != 0)
        return err_set_errno(err, errno, "%s", path->path);
    in->source = (struct source){.fd = fd, .streaming = !S_ISREG(about.st_mode)};
    int rc = peek_source(&in->source, err);
    if (rc)
        return rc;
    return archive_signature(source_head(&in->source)) ? start_archive(in, path->path, err)
                                                       : start_source(in, path, err);
}

/* A member that is compressed itself: in->source becomes what is in it. */
static int open_inner(struct input *in, struct err *err)
{
    struct slice name;
    int rc = archive_open_member(&in->inner, in->archive, source_head(&in->source), err);
    if (rc == ERR_OK)
        rc = archive_next(in->inner, &name, err);
    source_close(&in->source);
    if (rc)
        return rc == ERR_END ? err_set(err, ERR_SYNTAX, "nothing is in it") : rc;
    in->source.archive = in->inner;
    rc = source_peek(&in->source, err);
    if (rc == ERR_OK && archive_signature(source_head(&in->source)))
        rc = err_set(err, ERR_UNSUPPORTED, "an archive in an archive is not opened: unpack it");
    return rc;
}

static int open_member(struct input *in, struct err *err)
{
    struct slice member;
    int rc = archive_next(in->archive, &member, err);
    if (rc == ERR_UNSUPPORTED) {
        input_unreadable(in, in->archive_name, err);
        return ERR_OK;
    }
    if (rc)
        return rc;
    struct slice name = slice_from(in->archive_name);
    if (member.len > 0)
        name = arena_printf(&in->names, "%s!%.*s", in->archive_name, (int)member.len, member.data);
    struct input_path path = {name.data, member.len > 0, 0};
    in->source = (struct source){.fd = -1, .archive = in->archive};
    struct err why;
    rc = source_peek(&in->source, &why);
    if (rc == ERR_OK && archive_signature(source_head(&in->source)) && member.len == 0)
        rc = err_set(&why, ERR_SYNTAX,
                     "it is cut off at its head, or holds another archive: unpack it");
    else if (rc == ERR_OK && archive_signature(source_head(&in->source)))
        rc = open_inner(in, &why);
    if (rc == ERR_OK)
        rc = start_source(in, &path, &why);
    if (rc)
        input_unreadable(in, path.path, &why);
    if (!in->file)
        input_close_file(in);
    return ERR_OK;
}

int input_next_file(struct input *in)
{
    while (!in->file) {
        struct err err;
        int rc;
        if (in->archive) {
            rc = open_member(in, &err);
            if (rc && rc != ERR_END)
                input_unreadable(in, in->archive_name, &err);
            if (rc)
                input_close_archive(in);
            continue;
        }
        if (in->next_path == in->path_count)
            return ERR_END;
        const struct input_path *path = &in->paths[in->next_path++];
        in->begun_bytes += path->size_bytes;
        rc = open_path(in, path, &err);
        if (rc)
            input_unreadable(in, path->path, &err);
        if (!in->file && !in->archive) {
            input_close_file(in);
            input_close_archive(in);
        }
    }
    return ERR_OK;
}

static void close_split(struct input *in)
{
    size_t count;
    const struct split_refused *refused = split_refused_list(in->split, &count);
    for (size_t i = 0; i < count; i++)
        input_refuse(in, refused[i].line, refused[i].reason);
    in->file->refused = split_refused_count(in->split);
    in->refused_count += in->file->refused;
    if (!split_has_headers(in->split)) {
        split_close(&in->split);
        return;
    }
    if (in->kept_count == in->kept_capacity) {
        in->kept_capacity = in->kept_capacity ? in->kept_capacity * 2 : 16;
        in->kept_splits = mem_resize(in->kept_splits, in->kept_capacity, sizeof(struct split *));
    }
    in->kept_splits[in->kept_count++] = in->split;
    in->split = NULL;
}

void input_close_file(struct input *in)
{
    if (in->split)
        close_split(in);
    if (in->evtx && in->file && evtx_damaged(in->evtx)) {
        struct err err;
        (void)err_set(&err, ERR_SYNTAX, "damaged: what could be read of it was read");
        input_unreadable(in, in->file->name, &err);
    }
    evtx_close(&in->evtx);
    source_close(&in->source);
    archive_close(&in->inner);
    if (in->file)
        in->file->ended = true;
    in->file = NULL;
}

void input_close_archive(struct input *in)
{
    archive_close(&in->archive);
    source_close(&in->packed);
}
