#include "program/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/text.h"

enum { PIECE_BYTES = 1 << 20, HEX_DIGITS = DIGEST_BYTES * 2 };

struct summing {
    const char *folder;
    size_t folder_len;
    struct digester *digester;
    char *piece;
    uint64_t files;
    struct buf *out; /* lines; NULL: only counted */
    struct err *err;
};

static int file_sum(struct summing *s, const char *path, struct digest *sum)
{
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return err_set_errno(s->err, errno, "%s", path);
    while ((got = read(fd, s->piece, PIECE_BYTES)) > 0 || (got < 0 && errno == EINTR))
        if (got > 0)
            digester_add(s->digester, s->piece, (size_t)got);
    int rc = got < 0 ? err_set_errno(s->err, errno, "%s", path) : ERR_OK;
    *sum = digester_end(s->digester);
    (void)close(fd);
    return rc;
}

static bool path_ok(struct slice path)
{
    struct slice rest = path;
    if (path.len == 0 || path.len > MANIFEST_PATH_BYTES_MAX || path.data[0] == '/')
        return false;
    for (size_t i = 0; i < path.len; i++)
        if ((unsigned char)path.data[i] < ' ' || path.data[i] == '\\')
            return false;
    while (rest.len) {
        struct slice part = slice_cut(&rest, '/');
        if (part.len == 0 || slice_equal(part, SLICE(".")) || slice_equal(part, SLICE("..")))
            return false;
    }
    return true;
}

static int visited(void *context, const char *path)
{
    struct summing *s = context;
    struct slice name = slice_from(path + s->folder_len + 1);
    struct digest sum;
    if (slice_equal(name, SLICE(MANIFEST_FILE)))
        return ERR_OK;
    if (++s->files > MANIFEST_FILES_MAX)
        return err_set(s->err, ERR_LIMIT, "%s has more than %d files", s->folder,
                       MANIFEST_FILES_MAX);
    if (!s->out)
        return ERR_OK;
    if (!path_ok(name))
        return err_set(s->err, ERR_USAGE, "%s: a file with such a name cannot be in a backup",
                       path);
    int rc = file_sum(s, path, &sum);
    if (rc == ERR_OK) {
        text_hex(s->out, slice_make((const char *)sum.bytes, sizeof sum.bytes));
        buf_printf(s->out, "  %.*s\n", (int)name.len, name.data);
    }
    return rc;
}

static void summing_open(struct summing *s, const char *folder)
{
    s->folder = folder;
    s->folder_len = strlen(folder);
    while (s->folder_len > 1 && folder[s->folder_len - 1] == '/')
        s->folder_len--;
    s->digester = digester_open();
    s->piece = mem_alloc(PIECE_BYTES);
}

static void summing_close(struct summing *s)
{
    digester_close(&s->digester);
    mem_free(s->piece);
}

static int folder_walk(struct summing *s)
{
    char *folder = mem_copy_text(s->folder, s->folder_len);
    int rc = io_walk(folder, visited, NULL, s, s->err);
    mem_free(folder);
    return rc;
}

int manifest_make(const char *folder, struct buf *out, struct err *err)
{
    struct summing s = {.out = out, .err = err};
    summing_open(&s, folder);
    int rc = folder_walk(&s);
    summing_close(&s);
    return rc;
}

struct slice manifest_value(struct slice text, struct slice key)
{
    while (text.len) {
        struct slice line = slice_cut(&text, '\n');
        if (!slice_starts(line, SLICE("# ")))
            continue;
        line = slice_part(line, 2, SIZE_MAX);
        struct slice name = slice_cut(&line, ':');
        if (slice_equal(name, key))
            return slice_trim(line);
    }
    return SLICE("");
}

static int line_read(struct slice line, uint64_t number, struct digest *sum, struct slice *path,
                     struct err *err)
{
    struct buf bytes = {0};
    bool good = line.len > HEX_DIGITS + 2 && line.data[HEX_DIGITS] == ' ' &&
                text_hex_decode(&bytes, slice_part(line, 0, HEX_DIGITS)) &&
                bytes.len == DIGEST_BYTES;
    *path = slice_part(line, HEX_DIGITS + 2, SIZE_MAX);
    if (good)
        memcpy(sum->bytes, bytes.data, DIGEST_BYTES);
    buf_free(&bytes);
    if (good && path_ok(*path))
        return ERR_OK;
    return err_set(err, ERR_SYNTAX, MANIFEST_FILE " line %llu is no line of a manifest",
                   (unsigned long long)number);
}

int manifest_each(struct slice text, manifest_visit *visit, void *context, struct err *err)
{
    struct digest sum;
    struct slice path;
    uint64_t number = 0;
    int rc = ERR_OK;
    while (text.len && rc == ERR_OK) {
        struct slice line = slice_cut(&text, '\n');
        number++;
        if (line.len == 0 || line.data[0] == '#')
            continue;
        rc = line_read(line, number, &sum, &path, err);
        if (rc == ERR_OK)
            rc = visit(context, path, err);
    }
    return rc;
}

static int line_check(struct summing *s, struct slice line, uint64_t number)
{
    struct digest wanted, found;
    struct slice path;
    struct buf full = {0};
    int rc = line_read(line, number, &wanted, &path, s->err);
    if (rc)
        return rc;
    buf_printf(&full, "%.*s/%.*s", (int)s->folder_len, s->folder, (int)path.len, path.data);
    rc = file_sum(s, buf_text(&full), &found);
    if (rc)
        rc = err_prefix(s->err, "the backup is not whole");
    else if (memcmp(&wanted, &found, sizeof found) != 0)
        rc = err_set(s->err, ERR_DAMAGED,
                     "the backup was changed: %s is not what " MANIFEST_FILE " says",
                     buf_text(&full));
    buf_free(&full);
    return rc;
}

int manifest_check(const char *folder, struct buf *text, struct err *err)
{
    struct summing s = {.err = err};
    struct buf path = {0};
    uint64_t number = 0, listed = 0;
    summing_open(&s, folder);
    buf_printf(&path, "%.*s/" MANIFEST_FILE, (int)s.folder_len, folder);
    int rc = access(buf_text(&path), F_OK) == 0
                 ? io_read_file(text, buf_text(&path), MANIFEST_BYTES_MAX, err)
                 : err_set(err, ERR_NOT_FOUND, "%s is no finished backup: it has no " MANIFEST_FILE,
                           folder);
    struct slice rest = buf_as_slice(text);
    while (rc == ERR_OK && rest.len) {
        struct slice line = slice_cut(&rest, '\n');
        number++;
        if (line.len == 0 || line.data[0] == '#')
            continue;
        rc = line_check(&s, line, number);
        listed++;
    }
    if (rc == ERR_OK)
        rc = folder_walk(&s);
    if (rc == ERR_OK && s.files != listed)
        rc = err_set(err, ERR_DAMAGED,
                     "%s has %llu files, " MANIFEST_FILE " names %llu: it was changed", folder,
                     (unsigned long long)s.files, (unsigned long long)listed);
    summing_close(&s);
    buf_free(&path);
    return rc;
}
