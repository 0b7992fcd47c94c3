#include "store/journal_files.h"

#include <stdlib.h>

#include "base/mem.h"

enum { WINDOW_BYTES = 1 << 20 };

/* Bytes of the file, good until the next call; NULL: it is not that long, or cannot be read. */
static const char *window_at(struct journal_window *w, const struct journal_scan_file *file,
                             uint64_t offset, size_t len)
{
    if (len > file->bytes || offset > file->bytes - len)
        return NULL;
    bool inside = w->file == file->file && offset >= w->offset &&
                  offset - w->offset <= w->bytes.len && len <= w->bytes.len - (offset - w->offset);
    if (inside)
        return w->bytes.data + (offset - w->offset);
    size_t wanted = len > WINDOW_BYTES ? len : WINDOW_BYTES, got = 0;
    buf_clear(&w->bytes);
    buf_reserve(&w->bytes, wanted);
    w->file = file->file;
    w->offset = offset;
    int rc = disk_read(file->file, offset, w->bytes.data, wanted, &got, &w->err);
    if (rc) /* a bad sector further on must not take this one with it */
        rc = disk_read(file->file, offset, w->bytes.data, len, &got, &w->err);
    if (rc) {
        w->failed = true;
        return NULL;
    }
    w->bytes.len = got;
    return got >= len ? w->bytes.data : NULL;
}

int journal_frame_at(struct journal_window *w, const struct journal_identity *identity,
                     const struct journal_scan_file *file, uint64_t offset, bool whole,
                     struct journal_frame_header *header, const char **frame, struct err *err)
{
    const char *at = window_at(w, file, offset, JOURNAL_FRAME_HEADER_BYTES);
    if (!at)
        return err_set(err, ERR_DAMAGED, "The frame cannot be read.");
    struct journal_place place = {file->number, offset};
    int rc = journal_frame_header_read(at, identity, place, header, err);
    if (rc)
        return rc;
    if (journal_frame_end(header) > file->bytes)
        return err_set(err, ERR_DAMAGED, "The frame is cut.");
    if (!whole)
        return ERR_OK;
    at = window_at(w, file, offset, JOURNAL_FRAME_HEADER_BYTES + (size_t)header->payload_bytes);
    if (!at || !journal_frame_holds(at, header->payload_bytes, identity))
        return err_set(err, ERR_DAMAGED, "The frame is damaged.");
    *frame = at;
    return ERR_OK;
}

struct listing {
    uint64_t *numbers;
    uint32_t count, capacity;
    uint64_t last;
};

static int listing_visit(void *context, const struct disk_entry *entry)
{
    struct listing *l = context;
    uint64_t number = entry->is_folder ? 0 : journal_name_number(entry->name);
    if (number == 0 || l->count == JOURNAL_FILES_MAX)
        return ERR_OK;
    if (l->count == l->capacity) {
        l->capacity = l->capacity ? 2 * l->capacity : 64;
        l->numbers = mem_resize(l->numbers, l->capacity, sizeof(*l->numbers));
    }
    l->numbers[l->count++] = number;
    if (number > l->last)
        l->last = number;
    return ERR_OK;
}

static int number_compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* A header that is not whole: the file counts when there is a frame in it. */
static int frames_find(struct journal_scan_file *f, const struct journal_identity *identity,
                       struct journal_window *w, struct err *err)
{
    for (uint64_t offset = JOURNAL_SECTOR_BYTES; offset < f->bytes;
         offset += JOURNAL_SECTOR_BYTES) {
        struct journal_frame_header header;
        const char *frame;
        int rc = journal_frame_at(w, identity, f, offset, true, &header, &frame, NULL);
        if (rc == ERR_UNSUPPORTED)
            return journal_frame_at(w, identity, f, offset, true, &header, &frame, err);
        if (rc)
            continue;
        f->in_use = true;
        f->first_sequence = header.first_sequence;
        f->after = (struct journal_place){UINT64_MAX, UINT64_MAX};
        return ERR_OK;
    }
    return ERR_OK;
}

static int file_look(struct journal_scan_file *f, const struct journal_identity *identity,
                     struct journal_window *w, struct err *err)
{
    struct journal_header header = {0};
    const char *sector = window_at(w, f, 0, JOURNAL_SECTOR_BYTES);
    int rc = sector ? journal_header_read(sector, identity, &header, err) : ERR_DAMAGED;
    f->begin = JOURNAL_SECTOR_BYTES;
    if (rc == ERR_UNSUPPORTED)
        return rc;
    if (rc || header.number != f->number)
        return frames_find(f, identity, w, err);
    f->header_whole = true;
    f->in_use = header.first_sequence != 0;
    f->first_sequence = header.first_sequence;
    f->after = header.after;
    return ERR_OK;
}

int journal_files_open(struct journal_files *files, struct disk *disk,
                       const struct journal_identity *identity, struct journal_place from,
                       struct journal_window *window, struct err *err)
{
    struct listing l = {.last = from.file};
    int rc = disk_list(disk, JOURNAL_FOLDER, listing_visit, &l, err);
    if (rc)
        goto out;
    if (l.count)
        qsort(l.numbers, l.count, sizeof(*l.numbers), number_compare);
    files->last_file = l.last;
    files->list = mem_zeroed(l.count, sizeof(*files->list));
    for (uint32_t i = 0; i < l.count && !rc; i++) {
        if (l.numbers[i] < from.file)
            continue;
        char name[JOURNAL_NAME_BYTES];
        journal_name(name, l.numbers[i]);
        struct journal_scan_file *f = &files->list[files->count];
        f->number = l.numbers[i];
        rc = disk_open(disk, &f->file, name, DISK_READ, err);
        if (rc == ERR_NOT_FOUND) { /* deleted since: its rows are in segments */
            rc = ERR_OK;
            continue;
        }
        if (rc)
            break;
        files->count++;
        rc = disk_size(f->file, &f->bytes, err);
    }
    for (uint32_t i = 0; i < files->count && !rc; i++)
        rc = file_look(&files->list[i], identity, window, err);
out:
    mem_free(l.numbers);
    return rc;
}

void journal_files_limit(struct journal_files *files, struct journal_place end,
                         uint64_t end_sequence)
{
    struct journal_place limit = end;
    uint64_t sequence = end_sequence;
    for (uint32_t i = files->count; i-- > 0;) {
        struct journal_scan_file *f = &files->list[i];
        f->limit = limit;
        f->limit_sequence = sequence;
        if (!f->in_use)
            continue;
        if (journal_place_before(f->after, limit))
            limit = f->after;
        if (f->first_sequence < sequence)
            sequence = f->first_sequence;
    }
}

void journal_files_close(struct journal_files *files)
{
    for (uint32_t i = 0; i < files->count; i++)
        disk_close(&files->list[i].file);
    mem_free(files->list);
    *files = (struct journal_files){0};
}
