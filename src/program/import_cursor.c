#include "program/import_cursor.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "formats/evtx.h"

enum {
    CURSOR_VERSION = 1,
    CURSOR_NUMBERS = 7, /* in its text: version, done, records, refused, size, head, its hash */
    NOTE_BYTES = 1024,
    /* where an EVTX file's first record stands; before it are counters that change as it grows */
    EVTX_RECORD_OFFSET = 4096 + 512,
    EVTX_RECORD_SIZE_OFFSET = 4
};

/* The bytes that tell a file from another one of its name, and stay when it grows. */
static struct slice head_mark(struct slice head)
{
    if (!evtx_signature(head))
        return head;
    struct slice record = slice_part(head, EVTX_RECORD_OFFSET, SIZE_MAX);
    uint32_t size_bytes = 0;
    if (record.len > EVTX_RECORD_SIZE_OFFSET + sizeof(size_bytes))
        memcpy(&size_bytes, record.data + EVTX_RECORD_SIZE_OFFSET, sizeof(size_bytes));
    return slice_part(record, 0, size_bytes);
}

static void cursor_text(const struct import_file *f, struct buf *out)
{
    buf_printf(out, "%d %d %llu %llu %llu %llu %llu", CURSOR_VERSION, f->done,
               (unsigned long long)f->records, (unsigned long long)f->refused,
               (unsigned long long)f->size_bytes, (unsigned long long)f->head_bytes,
               (unsigned long long)f->head_hash);
}

static bool cursor_read(struct slice text, struct import_file *out)
{
    uint64_t numbers[CURSOR_NUMBERS];
    for (size_t i = 0; i < CURSOR_NUMBERS; i++)
        if (!slice_to_u64(slice_cut(&text, ' '), &numbers[i]))
            return false;
    *out = (struct import_file){.done = numbers[1] != 0,
                                .records = numbers[2],
                                .refused = numbers[3],
                                .size_bytes = numbers[4],
                                .head_bytes = numbers[5],
                                .head_hash = numbers[6]};
    return numbers[0] == CURSOR_VERSION;
}

static void whole_path(const char *path, struct buf *out)
{
    char room[PATH_MAX];
    buf_string(out, realpath(path, room) ? room : path);
}

/* "import:" and where the file is; what is too long for a cursor's name becomes a hash. */
static struct slice cursor_name(struct import_cursors *c, const struct input_opened *opened)
{
    struct buf name = {0};
    if (c->name.len) {
        buf_slice(&name, c->name);
    } else {
        buf_string(&name, "import:");
        whole_path(opened->path, &name);
    }
    struct slice shown = slice_from(opened->file->name);
    if (slice_starts(shown, slice_from(opened->path)))
        buf_slice(&name, slice_part(shown, strlen(opened->path), SIZE_MAX));
    struct slice copy = name.len <= CARRY_NAME_BYTES_MAX
                            ? arena_copy(&c->arena, buf_as_slice(&name))
                            : arena_printf(&c->arena, "import:#%016llx",
                                           (unsigned long long)hash_slice(buf_as_slice(&name), 0));
    buf_free(&name);
    return copy;
}

static void note(const struct import_cursors *c, enum input_note kind, const char *name,
                 const char *text)
{
    char line[NOTE_BYTES];
    if (!c->note)
        return;
    (void)snprintf(line, sizeof(line), "%s: %s", name, text);
    for (char *p = line; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 127)
            *p = '?';
    c->note(c->note_context, kind, line);
}

static void files_put(struct import_cursors *c, uint32_t number, struct import_file *file)
{
    while (number >= c->capacity) {
        c->capacity = c->capacity ? c->capacity * 2 : 64;
        c->files = mem_resize(c->files, c->capacity, sizeof(struct import_file *));
    }
    c->files[number] = file;
    c->count = number + 1;
}

/* Whether before is the cursor of the file whose head this is. */
static bool is_same(const struct import_file *before, struct slice mark)
{
    return mark.len >= before->head_bytes &&
           hash_slice(slice_part(mark, 0, before->head_bytes), 0) == before->head_hash;
}

uint64_t import_cursor_opened(void *context, const struct input_opened *opened)
{
    struct import_cursors *c = context;
    struct import_file *file = arena_zeroed(&c->arena, 1, sizeof(*file));
    struct import_file before;
    file->input = opened->file;
    if (opened->streaming || (!c->name.len && strcmp(opened->path, "-") == 0)) {
        files_put(c, opened->file->number, file);
        return 0;
    }
    struct slice mark = head_mark(opened->head);
    file->cursor = cursor_name(c, opened);
    file->size_bytes = opened->size_bytes;
    file->head_bytes = mark.len;
    file->head_hash = hash_slice(mark, 0);
    struct slice text = c->carry ? carry_cursor(c->carry, file->cursor) : SLICE("");
    if (text.len && cursor_read(text, &before)) {
        if (!is_same(&before, mark)) {
            note(c, INPUT_NOTE_FORMAT, opened->file->name,
                 "another file than the one imported before: imported from its beginning");
        } else if (before.done && before.size_bytes == opened->size_bytes) {
            c->passed_over++;
            note(c, INPUT_NOTE_SKIPPED, opened->file->name,
                 "already imported; --again imports it once more");
            return INPUT_PASS_OVER;
        } else {
            file->records = before.records;
            file->refused = before.refused;
        }
    }
    c->resumed_records += file->records;
    files_put(c, opened->file->number, file);
    return file->records;
}

struct import_file *import_cursor_file(struct import_cursors *c, const struct input_file *input)
{
    check(input->number < c->count);
    return c->files[input->number];
}

bool import_cursor_is_read(const struct import_file *file)
{
    return file->input->ended && file->blocks == file->input->blocks;
}

void import_cursor_value(const struct import_file *file, uint64_t more, struct buf *out)
{
    struct import_file then = *file;
    then.records += more;
    cursor_text(&then, out);
}

void import_cursor_put(struct import_file *file, struct buf *items)
{
    struct buf text = {0};
    if (file->changed && file->cursor.len) {
        cursor_text(file, &text);
        carry_put_cursor(items, file->cursor, buf_as_slice(&text));
    }
    file->changed = false;
    buf_free(&text);
}

void import_cursors_free(struct import_cursors *c)
{
    mem_free(c->files);
    arena_free(&c->arena);
}

struct slice import_cursor_of(struct arena *arena, struct slice source, const struct stat *about)
{
    return arena_printf(arena, "import:%.*s@%llx.%llx", (int)source.len, source.data,
                        (unsigned long long)about->st_dev, (unsigned long long)about->st_ino);
}

void import_cursor_run(const char *const *paths, size_t count, struct slice partition,
                       struct slice source, struct buf *out)
{
    struct buf what = {0};
    buf_slice(&what, partition);
    buf_char(&what, '\0');
    buf_slice(&what, source);
    for (size_t i = 0; i < count; i++) {
        buf_char(&what, '\0');
        whole_path(paths[i], &what);
    }
    buf_printf(out, "import:%016llx", (unsigned long long)hash_slice(buf_as_slice(&what), 0));
    buf_free(&what);
}
