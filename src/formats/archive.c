#include "formats/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>

#include "base/mem.h"

enum { READ_BYTES = 256 << 10 };

/* Counted over an archive and the compressed members in it. */
struct budget {
    uint64_t read_bytes, output_bytes, members;
};

struct archive_stream {
    struct archive *reader;
    struct archive_source source;
    struct archive_stream *parent;
    struct budget *budget; /* of the outermost stream */
    struct budget own_budget;
    struct slice head;     /* of a member: bytes that come first */
    uint64_t position;     /* for seeks */
    char *room;            /* what libarchive reads from */
    struct slice block;    /* of the newest member: unpacked, not yet given out */
    uint64_t block_offset; /* of it in the member: zeros are missing before it in sparse files */
    uint64_t given_bytes;  /* of the member */
    char name[ARCHIVE_NAME_BYTES_MAX];
    struct err source_err; /* the source's own failure, which libarchive only passes on */
    struct err failed;     /* no more can be read */
    bool told;             /* archive_read said so */
};

bool archive_signature(struct slice head)
{
    static const struct slice marks[] = {{"\x1f\x8b", 2},
                                         {"\x28\xb5\x2f\xfd", 4},
                                         {"\xfd"
                                          "7zXZ\0",
                                          6},
                                         {"BZh", 3},
                                         {"\x04\x22\x4d\x18", 4},
                                         {"PK\3\4", 4},
                                         {"PK\5\6", 4},
                                         {"PK\7\10", 4}};
    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
        if (slice_starts(head, marks[i]))
            return true;
    return slice_equal(slice_part(head, 257, 5), SLICE("ustar"));
}

static la_ssize_t source_read(struct archive *reader, void *context, const void **out)
{
    struct archive_stream *a = context;
    *out = a->room;
    int64_t got;
    if (a->head.len > 0) {
        got = (int64_t)(a->head.len < READ_BYTES ? a->head.len : READ_BYTES);
        memcpy(a->room, a->head.data, (size_t)got);
        a->head = slice_part(a->head, (size_t)got, a->head.len);
    } else if (a->parent) {
        got = archive_read(a->parent, a->room, READ_BYTES, &a->source_err);
    } else {
        got = a->source.read(a->source.context, a->room, READ_BYTES, &a->source_err);
        if (got > 0)
            a->budget->read_bytes += (uint64_t)got;
    }
    if (got < 0) {
        archive_set_error(reader, EIO, "%s", a->source_err.text);
        return -1;
    }
    a->position += (uint64_t)got;
    return (la_ssize_t)got;
}

static la_int64_t source_seek(struct archive *reader, void *context, la_int64_t offset, int whence)
{
    struct archive_stream *a = context;
    int64_t base = whence == SEEK_SET   ? 0
                   : whence == SEEK_CUR ? (int64_t)a->position
                                        : (int64_t)a->source.size_bytes;
    int64_t to = base + offset;
    if (to < 0 || a->source.seek(a->source.context, (uint64_t)to, &a->source_err) != ERR_OK) {
        archive_set_error(reader, EIO, "cannot seek in it");
        return ARCHIVE_FATAL;
    }
    a->position = (uint64_t)to;
    return to;
}

/* What libarchive says, as our error. */
static int fail(struct archive_stream *a, const char *what, struct err *err)
{
    const char *text = archive_error_string(a->reader);
    if (a->source_err.code)
        a->failed = a->source_err;
    else
        (void)err_set(&a->failed, ERR_SYNTAX, "%s: %s", what, text ? text : "damaged");
    if (err)
        *err = a->failed;
    return a->failed.code;
}

static int refuse(struct archive_stream *a, struct err *err, const char *why)
{
    (void)err_set(&a->failed, ERR_LIMIT, "%s", why);
    if (err)
        *err = a->failed;
    return ERR_LIMIT;
}

static int open_reader(struct archive_stream *a, struct err *err)
{
    a->reader = archive_read_new();
    check(a->reader);
    a->room = mem_alloc(READ_BYTES);
    (void)archive_read_support_filter_gzip(a->reader);
    (void)archive_read_support_filter_zstd(a->reader);
    (void)archive_read_support_filter_xz(a->reader);
    (void)archive_read_support_filter_bzip2(a->reader);
    (void)archive_read_support_filter_lz4(a->reader);
    (void)archive_read_support_format_raw(a->reader);
    (void)archive_read_support_format_empty(a->reader);
    if (!a->parent) {
        (void)archive_read_support_format_tar(a->reader);
        if (a->source.seek)
            (void)archive_read_support_format_zip(a->reader);
        else
            (void)archive_read_support_format_zip_streamable(a->reader);
    }
    (void)archive_read_set_callback_data(a->reader, a);
    (void)archive_read_set_read_callback(a->reader, source_read);
    if (a->source.seek)
        (void)archive_read_set_seek_callback(a->reader, source_seek);
    int rc = ERR_OK;
    if (archive_read_open1(a->reader) != ARCHIVE_OK)
        rc = fail(a, "cannot be unpacked", err);
    else if (archive_filter_count(a->reader) > 2) /* one and the source itself */
        rc = err_set(err, ERR_UNSUPPORTED, "it is compressed more than once: unpack it first");
    return rc;
}

int archive_open(struct archive_stream **out, const struct archive_source *source, struct err *err)
{
    struct archive_stream *a = mem_zeroed(1, sizeof(*a));
    a->source = *source;
    a->budget = &a->own_budget;
    int rc = open_reader(a, err);
    if (rc)
        archive_close(&a);
    *out = a;
    return rc;
}

int archive_open_member(struct archive_stream **out, struct archive_stream *parent,
                        struct slice head, struct err *err)
{
    *out = NULL;
    if (parent->parent)
        return err_set(err, ERR_UNSUPPORTED, "it is packed too often: unpack it first");
    struct archive_stream *a = mem_zeroed(1, sizeof(*a));
    a->parent = parent;
    a->head = head;
    a->budget = parent->budget;
    int rc = open_reader(a, err);
    if (rc)
        archive_close(&a);
    *out = a;
    return rc;
}

static struct slice take_name(struct archive_stream *a, struct archive_entry *entry)
{
    const char *name = archive_entry_pathname_utf8(entry);
    if (!name)
        name = archive_entry_pathname(entry);
    if (!name || archive_format(a->reader) == ARCHIVE_FORMAT_RAW)
        name = "";
    size_t len = strnlen(name, sizeof(a->name) - 1);
    for (size_t i = 0; i < len; i++)
        a->name[i] = name[i];
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)a->name[i] < ' ' || a->name[i] == 127)
            a->name[i] = '?';
    a->name[len] = '\0';
    return slice_make(a->name, len);
}

int archive_next(struct archive_stream *a, struct slice *name, struct err *err)
{
    a->block = (struct slice){0};
    a->block_offset = a->given_bytes = 0;
    while (!a->failed.code) {
        struct archive_entry *entry;
        int got = archive_read_next_header(a->reader, &entry);
        if (got == ARCHIVE_EOF)
            return err_set(err, ERR_END, "no more members");
        if (got == ARCHIVE_RETRY)
            continue;
        if (got != ARCHIVE_OK && got != ARCHIVE_WARN)
            return fail(a, "damaged archive", err);
        if (++a->budget->members > ARCHIVE_MEMBERS_MAX)
            return refuse(a, err,
                          "the archive has more than 100,000 members: unpack it and name "
                          "the folder");
        *name = take_name(a, entry);
        bool file = archive_entry_filetype(entry) == AE_IFREG ||
                    archive_format(a->reader) == ARCHIVE_FORMAT_RAW;
        if (!file || archive_entry_hardlink(entry))
            continue;
        if (archive_entry_is_encrypted(entry))
            return err_set(err, ERR_UNSUPPORTED,
                           "the member %s is encrypted: unpack it with its password first",
                           a->name);
        return ERR_OK;
    }
    if (a->told)
        return err_set(err, ERR_END, "no more members can be read");
    if (err)
        *err = a->failed;
    return a->failed.code;
}

static bool over_ratio(const struct budget *b)
{
    return b->output_bytes > ARCHIVE_RATIO_FREE_BYTES &&
           (b->output_bytes - ARCHIVE_RATIO_FREE_BYTES) / ARCHIVE_RATIO_MAX > b->read_bytes;
}

/* Block by block, since archive_read_data forgets what it has when the next block is damaged. */
static size_t give_out(struct archive_stream *a, char *to, size_t room)
{
    uint64_t hole = a->block_offset > a->given_bytes ? a->block_offset - a->given_bytes : 0;
    size_t got = hole > 0 ? (hole < room ? (size_t)hole : room)
                          : (a->block.len < room ? a->block.len : room);
    if (hole > 0) {
        memset(to, 0, got);
    } else {
        memcpy(to, a->block.data, got);
        a->block = slice_part(a->block, got, a->block.len);
        a->block_offset += got;
    }
    a->given_bytes += got;
    return got;
}

static int64_t read_blocks(struct archive_stream *a, char *to, size_t room, struct err *err)
{
    if (a->failed.code) {
        if (err)
            *err = a->failed;
        return a->failed.code;
    }
    while (a->block.len == 0) {
        const void *data = NULL;
        la_int64_t offset = 0;
        int rc = archive_read_data_block(a->reader, &data, &a->block.len, &offset);
        if (rc == ARCHIVE_EOF) {
            a->block.len = 0;
            return 0;
        }
        if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN && rc != ARCHIVE_RETRY) {
            a->block.len = 0;
            return fail(a, "damaged in the archive", err);
        }
        a->block.data = data;
        a->block_offset = offset > 0 ? (uint64_t)offset : 0;
    }
    size_t got = give_out(a, to, room);
    a->budget->output_bytes += got;
    if (a->budget->output_bytes > ARCHIVE_OUTPUT_MAX_BYTES)
        return refuse(a, err,
                      "more than 64 GiB come out of this archive: unpack it and name the "
                      "folder");
    if (over_ratio(a->budget))
        return refuse(a, err,
                      "more than 1,000 times its size comes out of this archive, as of a "
                      "bomb: it is not read on");
    return (int64_t)got;
}

int64_t archive_read(struct archive_stream *a, char *to, size_t room, struct err *err)
{
    int64_t got = read_blocks(a, to, room, err);
    a->told |= got < 0;
    return got;
}

void archive_close(struct archive_stream **a)
{
    if (!*a)
        return;
    (void)archive_read_free((*a)->reader);
    mem_free((*a)->room);
    mem_free(*a);
    *a = NULL;
}
