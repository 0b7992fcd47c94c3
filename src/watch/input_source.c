#include "watch/input_source.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/text.h"

enum { WIDE_BYTES = 256 << 10 };

static int64_t read_fd(struct source *s, char *to, size_t room, struct err *err)
{
    size_t got = 0;
    while (got < room) {
        ssize_t part = read(s->fd, to + got, room - got);
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return err_set_errno(err, errno, "cannot read on");
        if (part == 0) {
            s->at_end = true;
            break;
        }
        got += (size_t)part;
        struct pollfd ready = {.fd = s->fd, .events = POLLIN};
        if (s->streaming && poll(&ready, 1, 0) == 0)
            break;
    }
    return (int64_t)got;
}

bool source_waits(const struct source *s)
{
    struct pollfd ready = {.fd = s->fd, .events = POLLIN};
    return s->streaming && s->fd >= 0 && !s->at_end && s->head_used >= s->head.len &&
           poll(&ready, 1, 0) == 0;
}

static int64_t read_archive(struct source *s, char *to, size_t room, struct err *err)
{
    size_t got = 0;
    while (got < room) {
        int64_t part = archive_read(s->archive, to + got, room - got, err);
        if (part < 0)
            return got > 0 ? (int64_t)got : part; /* the next call says it again */
        if (part == 0) {
            s->at_end = true;
            break;
        }
        got += (size_t)part;
    }
    return (int64_t)got;
}

static int64_t read_more(struct source *s, char *to, size_t room, struct err *err)
{
    if (s->at_end)
        return 0;
    return s->archive ? read_archive(s, to, room, err) : read_fd(s, to, room, err);
}

int source_peek(struct source *s, struct err *err)
{
    if (s->head.len >= SOURCE_HEAD_BYTES)
        return ERR_OK;
    buf_reserve(&s->head, SOURCE_HEAD_BYTES - s->head.len);
    int64_t got = read_more(s, s->head.data + s->head.len, SOURCE_HEAD_BYTES - s->head.len, err);
    if (got < 0)
        return (int)got;
    s->head.len += (size_t)got;
    return ERR_OK;
}

struct slice source_head(const struct source *s)
{
    return slice_part(buf_as_slice(&s->head), s->head_used, s->head.len);
}

void source_find_encoding(struct source *s)
{
    struct slice head = source_head(s);
    size_t zeros[2] = {0, 0}, look = head.len < 512 ? head.len & ~(size_t)1 : 512;
    for (size_t i = 0; i < look; i++)
        zeros[i & 1] += head.data[i] == 0;
    if (slice_starts(head, SLICE("\xff\xfe")))
        s->encoding = SOURCE_UTF16_LE;
    else if (slice_starts(head, SLICE("\xfe\xff")))
        s->encoding = SOURCE_UTF16_BE;
    else if (look >= 16 && zeros[0] == 0 && zeros[1] * 4 > look)
        s->encoding = SOURCE_UTF16_LE;
    else if (look >= 16 && zeros[1] == 0 && zeros[0] * 4 > look)
        s->encoding = SOURCE_UTF16_BE;
}

struct slice source_text_head(struct source *s, struct buf *room)
{
    struct slice head = source_head(s);
    if (s->encoding == SOURCE_UTF8)
        return head;
    head.len &= ~(size_t)1;
    buf_clear(room);
    text_from_utf16(room, head, s->encoding == SOURCE_UTF16_BE);
    return buf_as_slice(room);
}

int64_t source_read_raw(struct source *s, char *to, size_t room, struct err *err)
{
    struct slice head = source_head(s);
    size_t early = head.len < room ? head.len : room;
    if (early > 0)
        memcpy(to, head.data, early);
    s->head_used += early;
    if (early == room || (early > 0 && (s->streaming || s->at_end)))
        return (int64_t)early;
    int64_t got = read_more(s, to + early, room - early, err);
    return got < 0 ? got : got + (int64_t)early;
}

/* The bytes of whole characters at the head of the waiting UTF-16. */
static size_t whole_units(const struct source *s)
{
    size_t len = s->wide.len & ~(size_t)1;
    if (len >= 2) {
        size_t high = s->encoding == SOURCE_UTF16_BE ? len - 2 : len - 1;
        if (((unsigned char)s->wide.data[high] & 0xfc) == 0xd8)
            len -= 2;
    }
    return len;
}

static int fill_narrow(struct source *s, struct err *err)
{
    while (s->narrow_used == s->narrow.len) {
        buf_clear(&s->narrow);
        s->narrow_used = 0;
        buf_reserve(&s->wide, WIDE_BYTES);
        int64_t got = source_read_raw(s, s->wide.data + s->wide.len, WIDE_BYTES, err);
        if (got < 0)
            return (int)got;
        s->wide.len += (size_t)got;
        size_t whole = got == 0 ? s->wide.len & ~(size_t)1 : whole_units(s);
        text_from_utf16(&s->narrow, slice_make(s->wide.data, whole),
                        s->encoding == SOURCE_UTF16_BE);
        memmove(s->wide.data, s->wide.data + whole, s->wide.len - whole);
        s->wide.len -= whole;
        if (got == 0)
            break;
    }
    return ERR_OK;
}

int64_t source_read(struct source *s, char *to, size_t room, struct err *err)
{
    if (s->encoding == SOURCE_UTF8)
        return source_read_raw(s, to, room, err);
    int rc = fill_narrow(s, err);
    if (rc)
        return rc;
    size_t got = s->narrow.len - s->narrow_used;
    if (got > room)
        got = room;
    memcpy(to, s->narrow.data + s->narrow_used, got);
    s->narrow_used += got;
    return (int64_t)got;
}

void source_close(struct source *s)
{
    if (s->fd >= 0)
        (void)close(s->fd);
    buf_free(&s->head);
    buf_free(&s->wide);
    buf_free(&s->narrow);
    *s = (struct source){.fd = -1};
}
