#include "watch/intake_followed.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/carry.h"
#include "watch/input_source.h"

enum { CURSOR_VERSION = 1, CURSOR_NUMBERS = 8 };

/* Formats that can be begun at any record. */
static bool is_stateless(const struct followed *f)
{
    return f->file.format &&
           (f->file.format->split == SPLIT_LINES || f->file.format->split == SPLIT_XML);
}

static struct slice cursor_name(const struct followed *f, struct arena *arena)
{
    struct slice name = arena_printf(arena, "follow:%s", f->path);
    return name.len <= CARRY_NAME_BYTES_MAX
               ? name
               : arena_printf(arena, "follow:#%016" PRIx64, hash_slice(slice_from(f->path), 0));
}

static ssize_t read_at(int fd, char *to, size_t room, uint64_t offset)
{
    ssize_t got;
    do
        got = pread(fd, to, room, (off_t)offset);
    while (got < 0 && errno == EINTR);
    return got;
}

static bool head_hash(const struct followed *f, uint64_t bytes, uint64_t *hash)
{
    char head[INTAKE_FILE_HEAD_BYTES];
    if (bytes > sizeof(head) || read_at(f->fd, head, (size_t)bytes, 0) != (ssize_t)bytes)
        return false;
    *hash = hash_bytes(head, (size_t)bytes, 0);
    return true;
}

/* As many of its first bytes as are known by now. */
static void head_learn(struct followed *f)
{
    uint64_t bytes =
        f->next.offset < INTAKE_FILE_HEAD_BYTES ? f->next.offset : (uint64_t)INTAKE_FILE_HEAD_BYTES;
    uint64_t hash;
    if (bytes > f->head_bytes && head_hash(f, bytes, &hash)) {
        f->head_bytes = bytes;
        f->head_hash = hash;
    }
}

static bool head_is_same(const struct followed *f)
{
    uint64_t hash;
    return f->head_bytes == 0 || (head_hash(f, f->head_bytes, &hash) && hash == f->head_hash);
}

static void split_begin(struct followed *f)
{
    split_close(&f->split);
    buf_clear(&f->carry);
    f->told = f->skip = f->gone = 0;
    f->used = 0;
    f->next = f->at;
    f->line_base = f->at.line;
}

static void begin_anew(struct followed *f)
{
    f->at = (struct followed_place){0};
    f->head_bytes = f->head_hash = 0;
    split_begin(f);
}

static bool cursor_read(struct slice text, uint64_t numbers[CURSOR_NUMBERS])
{
    for (size_t i = 0; i < CURSOR_NUMBERS; i++)
        if (!slice_to_u64(slice_cut(&text, ' '), &numbers[i]))
            return false;
    return numbers[0] == CURSOR_VERSION;
}

/* The cursor of this file, under whichever name it had. */
static bool cursor_find(struct followed *f, struct intake_shared *shared, struct buf *text)
{
    struct arena arena = {0};
    uint64_t numbers[CURSOR_NUMBERS];
    bool found = intake_shared_cursor(shared, cursor_name(f, &arena), text);
    if (!found || !cursor_read(buf_as_slice(text), numbers) || numbers[1] != f->device ||
        numbers[2] != f->inode) {
        struct slice begin = arena_printf(&arena, "%d %" PRIu64 " %" PRIu64 " ", CURSOR_VERSION,
                                          f->device, f->inode);
        buf_clear(text);
        found = intake_shared_cursor_like(shared, begin, text);
        f->is_renamed = found;
    }
    arena_free(&arena);
    return found;
}

void followed_resume(struct followed *f, struct intake_shared *shared)
{
    struct buf text = {0};
    uint64_t n[CURSOR_NUMBERS];
    followed_find_format(f);
    begin_anew(f);
    if (cursor_find(f, shared, &text) && cursor_read(buf_as_slice(&text), n)) {
        f->head_bytes = n[6];
        f->head_hash = n[7];
        if (head_is_same(f))
            f->at = (struct followed_place){n[3], n[4], n[5]};
        else
            f->head_bytes = f->head_hash = 0;
    }
    uint64_t records = f->at.records;
    if (!is_stateless(f))
        f->at = (struct followed_place){0};
    split_begin(f);
    if (!is_stateless(f))
        f->skip = records;
    buf_free(&text);
}

/* Shorter than what was read, or with another beginning: what was there is gone. */
static bool is_cut(struct followed *f)
{
    struct stat about;
    uint64_t read_bytes = f->at.offset + f->carry.len;
    if (fstat(f->fd, &about) == 0 && (uint64_t)about.st_size >= read_bytes && head_is_same(f))
        return false;
    log_say(LOG_INFO, "follow", "%s was cut off or written anew: read from its beginning", f->path);
    begin_anew(f);
    return true;
}

static int bytes_read(struct followed *f, bool *more, struct err *err)
{
    size_t before = f->carry.len;
    buf_reserve(&f->carry, FOLLOWED_BLOCK_BYTES + INPUT_PADDING_BYTES);
    ssize_t got =
        read_at(f->fd, f->carry.data + before, FOLLOWED_BLOCK_BYTES, f->at.offset + before);
    if (got < 0)
        return err_set_errno(err, errno, "%s cannot be read", f->path);
    f->carry.len += (size_t)got;
    memset(f->carry.data + f->carry.len, 0, INPUT_PADDING_BYTES);
    *more = got > 0;
    return ERR_OK;
}

static uint64_t lines_in(struct slice text)
{
    uint64_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.data[i] == '\n';
    return count;
}

/* Those that are durable already. */
static void spans_skip(struct followed *f, struct span_list *spans)
{
    f->gone = f->skip < spans->count ? f->skip : spans->count;
    f->skip -= f->gone;
    spans->count -= (size_t)f->gone;
    if (f->gone)
        memmove(spans->spans, spans->spans + f->gone, spans->count * sizeof(*spans->spans));
    for (size_t i = 0; i < spans->count; i++)
        spans->spans[i].line += f->line_base;
}

static void advance(struct followed *f)
{
    size_t rest = f->carry.len - f->used;
    if (f->used && rest)
        memmove(f->carry.data, f->carry.data + f->used, rest);
    f->carry.len = rest;
    f->used = 0;
    f->at = f->next;
}

static void cut(struct followed *f, struct input_block *block, bool last)
{
    if (!f->split)
        f->split = split_open(f->file.format);
    split_feed(f->split, buf_as_slice(&f->carry), last, &block->arena, &block->spans, &f->used);
    f->block = block;
    f->next = f->at;
    f->next.line += lines_in(slice_make(f->carry.data, f->used));
    f->next.records += block->spans.count;
    f->next.offset += f->used;
    spans_skip(f, &block->spans);
    head_learn(f);
}

int followed_read(struct followed *f, struct input_block *block, bool last, struct err *err)
{
    bool more = false;
    if (is_cut(f))
        return ERR_BUSY;
    int rc = bytes_read(f, &more, err);
    if (rc)
        return rc;
    if (!more && !(last && f->carry.len))
        return ERR_END;
    cut(f, block, last && !more);
    if (block->spans.count || split_refused_count(f->split) > f->told)
        return ERR_OK;
    advance(f);
    return ERR_BUSY;
}

void followed_done(struct followed *f)
{
    f->told = f->split ? split_refused_count(f->split) : 0;
    f->is_renamed = false;
    advance(f);
}

/* Behind the first `records` of the block. */
static struct followed_place place_of(const struct followed *f, uint64_t records)
{
    struct followed_place place = f->at;
    place.records += f->gone + records;
    if (!is_stateless(f) || records >= f->block->spans.count)
        return place;
    const struct span *next = &f->block->spans.spans[records];
    uintptr_t from = (uintptr_t)f->carry.data, at = (uintptr_t)next->text.data;
    if (at < from || at > from + f->used)
        return f->at;
    place.offset += at - from;
    place.line = next->line - 1;
    return place;
}

void followed_cursors(void *context, uint64_t records, bool last, struct haul_head *head)
{
    struct followed *f = context;
    struct followed_place place = last ? f->next : place_of(f, records);
    arena_reset(&f->arena);
    head->cursors[0].name = cursor_name(f, &f->arena);
    head->cursors[0].value =
        f->is_gone ? SLICE("")
                   : arena_printf(&f->arena,
                                  "%d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
                                  " %" PRIu64 " %" PRIu64,
                                  CURSOR_VERSION, f->device, f->inode, place.offset, place.line,
                                  place.records + f->skip, f->head_bytes, f->head_hash);
    head->cursor_count = 1;
}

void followed_find_format(struct followed *f)
{
    struct buf head = {0};
    const struct format *format = f->source->format;
    if (!format) {
        buf_reserve(&head, SOURCE_HEAD_BYTES);
        ssize_t got = read_at(f->fd, head.data, SOURCE_HEAD_BYTES, 0);
        head.len = got > 0 ? (size_t)got : 0;
        format = head.len ? format_guess(buf_as_slice(&head)) : NULL;
        buf_free(&head);
    }
    f->file.format = format && format->split == SPLIT_EVTX ? format_find(SLICE("text")) : format;
}

bool followed_is_unlinked(const struct followed *f)
{
    struct stat about;
    return fstat(f->fd, &about) == 0 && about.st_nlink == 0;
}

void followed_free(struct followed **followed)
{
    struct followed *f = *followed;
    if (!f)
        return;
    if (f->fd >= 0)
        (void)close(f->fd);
    split_close(&f->split);
    buf_free(&f->carry);
    arena_free(&f->arena);
    mem_free(f->path);
    mem_free(f);
    *followed = NULL;
}
