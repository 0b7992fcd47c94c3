#include "watch/input.h"

#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "watch/input_inside.h"

enum { NOTE_BYTES = 1024 };
/* A splitter needs to see that a record is over its limit. */
#define FILL_BYTES_MAX (RECORD_BYTES_MAX + 2 * INPUT_BLOCK_BYTES)

void input_block_free(struct input_block *block)
{
    span_list_free(&block->spans);
    arena_free(&block->arena);
    mem_free(block->data);
    *block = (struct input_block){0};
}

void input_note(struct input *in, enum input_note kind, const char *format, ...)
{
    char text[NOTE_BYTES];
    if (!in->options.note)
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 127)
            *p = '?'; /* names of files are the attacker's too */
    in->options.note(in->options.note_context, kind, text);
}

void input_unreadable(struct input *in, const char *name, const struct err *err)
{
    in->unreadable_count++;
    if (in->file)
        in->file->damaged = true;
    size_t len = strlen(name);
    bool named = strncmp(err->text, name, len) == 0;
    input_note(in, INPUT_NOTE_UNREADABLE, "%s%s%s", named ? "" : name, named ? "" : ": ",
               err->text);
}

void input_refuse(struct input *in, uint64_t line, const char *reason)
{
    if (in->refused_kept == INPUT_REFUSED_KEPT)
        return;
    struct input_refused *item = &in->refused[in->refused_kept++];
    item->file = in->file;
    item->line = line;
    (void)snprintf(item->reason, sizeof(item->reason), "%.*s", (int)sizeof(item->reason) - 1,
                   reason);
}

int input_open(struct input **out, const struct input_options *options, struct err *err)
{
    *out = NULL;
    if (options->path_count == 0)
        return err_set(err, ERR_USAGE,
                       "no file to read: name files, folders, or - for the "
                       "standard input");
    struct input *in = mem_zeroed(1, sizeof(*in));
    in->options = *options;
    in->source.fd = in->packed.fd = -1;
    in->refused = mem_zeroed(INPUT_REFUSED_KEPT, sizeof(*in->refused));
    input_expand(in);
    *out = in;
    return ERR_OK;
}

static void block_reserve(struct input_block *block, size_t text_bytes)
{
    size_t wanted = text_bytes + INPUT_PADDING_BYTES;
    if (block->capacity >= wanted)
        return;
    block->data = mem_resize(block->data, wanted, 1);
    block->capacity = wanted;
}

/* Reads on behind block->data_bytes, up to fill_bytes of text in all. */
static void read_text(struct input *in, struct input_block *block, size_t fill_bytes)
{
    block_reserve(block, fill_bytes);
    while (block->data_bytes < fill_bytes && !in->source_ended) {
        struct err err;
        int64_t got = source_read(&in->source, block->data + block->data_bytes,
                                  fill_bytes - block->data_bytes, &err);
        if (got < 0)
            input_unreadable(in, in->file->name, &err);
        in->source_ended = got <= 0;
        if (got > 0) {
            block->data_bytes += (size_t)got;
            in->bytes += (uint64_t)got;
        }
        if (in->source.streaming && got > 0)
            break;
    }
    memset(block->data + block->data_bytes, 0, INPUT_PADDING_BYTES);
}

static void fill_text(struct input *in, struct input_block *block)
{
    size_t fill_bytes = INPUT_BLOCK_BYTES;
    while (fill_bytes < in->carry.len * 2 && fill_bytes < FILL_BYTES_MAX)
        fill_bytes *= 2;
    if (fill_bytes > FILL_BYTES_MAX)
        fill_bytes = FILL_BYTES_MAX;
    block_reserve(block, fill_bytes);
    if (in->carry.len > 0)
        memcpy(block->data, in->carry.data, in->carry.len);
    block->data_bytes = in->carry.len;
    buf_clear(&in->carry);
    for (;;) {
        size_t used;
        read_text(in, block, fill_bytes);
        split_feed(in->split, slice_make(block->data, block->data_bytes), in->source_ended,
                   &block->arena, &block->spans, &used);
        size_t rest = block->data_bytes - used;
        if (block->spans.count > 0 || in->source_ended) {
            buf_append(&in->carry, block->data + used, rest);
            return;
        }
        memmove(block->data, block->data + used, rest);
        block->data_bytes = rest;
        if (rest * 2 > fill_bytes)
            fill_bytes = fill_bytes * 2 < FILL_BYTES_MAX ? fill_bytes * 2 : FILL_BYTES_MAX;
        check(rest < fill_bytes);
    }
}

static void fill_evtx(struct input *in, struct input_block *block)
{
    size_t total = 0;
    while (total < INPUT_BLOCK_BYTES && !in->source_ended) {
        uint64_t number;
        struct err err;
        buf_clear(&in->xml);
        int rc = evtx_next(in->evtx, &in->xml, &number, &err);
        if (rc == ERR_END) {
            in->source_ended = true;
        } else if (rc == ERR_SYNTAX || rc == ERR_LIMIT) {
            in->refused_count++;
            in->file->refused++;
            input_refuse(in, number, err.text);
        } else if (rc) {
            input_unreadable(in, in->file->name, &err);
            in->source_ended = true;
        } else {
            size_t len = in->xml.len;
            char *copy = arena_bytes(&block->arena, len + INPUT_PADDING_BYTES);
            memcpy(copy, in->xml.data, len);
            memset(copy + len, 0, INPUT_PADDING_BYTES);
            span_list_add(&block->spans, (struct span){.text = {copy, len}, .line = number});
            total += len;
        }
    }
    in->bytes += total;
}

/* Leaves out the records that the caller has already. */
static void block_skip(struct input *in, struct input_block *block)
{
    struct span_list *spans = &block->spans;
    size_t gone = in->skip_records < spans->count ? (size_t)in->skip_records : spans->count;
    if (gone == 0)
        return;
    in->skip_records -= gone;
    spans->count -= gone;
    memmove(spans->spans, spans->spans + gone, spans->count * sizeof(*spans->spans));
}

int input_next(struct input *in, struct input_block *block, struct err *err)
{
    for (;;) {
        block->spans.count = 0;
        block->data_bytes = 0;
        arena_reset(&block->arena);
        if (!in->file) {
            int rc = input_next_file(in);
            if (rc)
                return err_set(err, rc, "no more input");
        }
        struct input_file *file = in->file;
        block->file = file;
        if (in->evtx)
            fill_evtx(in, block);
        else
            fill_text(in, block);
        block_skip(in, block);
        if (in->source_ended)
            input_close_file(in);
        file->blocks += block->spans.count > 0;
        if (block->spans.count > 0)
            return ERR_OK;
    }
}

bool input_waits(const struct input *in)
{
    return in->file && source_waits(&in->source);
}

uint64_t input_bytes(const struct input *in)
{
    return in->bytes;
}

void input_progress(const struct input *in, uint64_t *done, uint64_t *total)
{
    int fd = in->archive ? in->packed.fd : in->file ? in->source.fd : -1;
    off_t at = fd >= 0 ? lseek(fd, 0, SEEK_CUR) : 0;
    *done = in->begun_bytes;
    if (at > 0 && in->next_path > 0 && (uint64_t)at <= in->paths[in->next_path - 1].size_bytes)
        *done -= in->paths[in->next_path - 1].size_bytes - (uint64_t)at;
    *total = in->endless ? 0 : in->total_bytes;
}

uint64_t input_file_count(const struct input *in)
{
    return in->file_count;
}

uint64_t input_unreadable_count(const struct input *in)
{
    return in->unreadable_count;
}

uint64_t input_refused_count(const struct input *in)
{
    return in->refused_count + (in->split ? split_refused_count(in->split) : 0);
}

const struct input_refused *input_refused_list(const struct input *in, size_t *count)
{
    *count = in->refused_kept;
    return in->refused;
}

void input_close(struct input **in)
{
    if (!*in)
        return;
    struct input *i = *in;
    if (i->file)
        input_close_file(i);
    input_close_archive(i);
    for (size_t k = 0; k < i->kept_count; k++)
        split_close(&i->kept_splits[k]);
    mem_free(i->kept_splits);
    mem_free(i->paths);
    mem_free(i->refused);
    buf_free(&i->carry);
    buf_free(&i->xml);
    arena_free(&i->names);
    mem_free(i);
    *in = NULL;
}
