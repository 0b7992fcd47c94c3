#include "store/dump.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/bytes.h"
#include "store/embedded_rows.h"
#include "store/journal_format.h"
#include "store/segment.h"

enum { HEAD_BYTES = 64, TEXT_PART_BYTES = 1 << 16, DURABLE_BYTES = 56 };

struct dump {
    struct disk *disk;
    const char *path;
    bool rows;
    dump_write *write;
    void *context;
    struct err *err;
    struct buf out;
};

static int flush(struct dump *d)
{
    int rc = d->out.len ? d->write(d->context, buf_as_slice(&d->out)) : ERR_OK;
    buf_clear(&d->out);
    return rc;
}

static void time_print(struct buf *out, int64_t time_ns)
{
    char text[CLOCK_TEXT_BYTES];
    if (time_ns == CLOCK_NONE)
        buf_char(out, '-');
    else
        buf_append(out, text, clock_text(text, time_ns));
}

/* A text of the file: what is not printable is shown as \xNN. */
static void text_print(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == '\n' || (c >= ' ' && c != 127))
            buf_char(out, (char)c);
        else
            buf_printf(out, "\\x%02x", c);
    }
}

static int text_dump(struct dump *d)
{
    struct disk_file *file = NULL;
    char *part = mem_alloc(TEXT_PART_BYTES);
    uint64_t at = 0;
    size_t got = 1;
    int rc = disk_open(d->disk, &file, d->path, DISK_READ, d->err);
    while (rc == ERR_OK && got) {
        rc = disk_read(file, at, part, TEXT_PART_BYTES, &got, d->err);
        if (rc == ERR_OK)
            text_print(&d->out, slice_make(part, got));
        if (rc == ERR_OK)
            rc = flush(d);
        at += got;
    }
    disk_close(&file);
    mem_free(part);
    return rc;
}

static int row_dump(void *context, const struct row *row)
{
    struct dump *d = context;
    struct buf canonical = {0};
    buf_printf(&d->out, "row %llu\n", (unsigned long long)row->sequence);
    row_canonical(row, &canonical);
    text_print(&d->out, buf_as_slice(&canonical));
    buf_free(&canonical);
    return flush(d);
}

static int segment_file_dump(struct dump *d)
{
    struct segment *s = NULL;
    int rc = segment_open(&s, d->disk, d->path, d->err);
    if (rc == ERR_OK)
        rc = segment_dump(s, false, &d->out, d->err);
    if (rc == ERR_OK)
        rc = flush(d);
    if (rc == ERR_OK && d->rows)
        rc = embedded_segment_rows(s, 0, UINT64_MAX, row_dump, d, d->err);
    segment_close(&s);
    return rc;
}

static int checkpoint_dump(struct dump *d)
{
    struct checkpoint c = {0};
    struct buf bytes = {0};
    int rc = disk_read_file(d->disk, d->path, CHECKPOINT_BYTES_MAX + 4096, &bytes, d->err);
    if (rc == ERR_OK)
        rc = checkpoint_parse(buf_as_slice(&bytes), &c, d->err);
    if (rc == ERR_OK) {
        buf_printf(&d->out,
                   "checkpoint %llu\nepoch %u\nlast_sequence %llu\ncut journal %llu offset %llu\n"
                   "commit ",
                   (unsigned long long)c.number, c.identity.epoch,
                   (unsigned long long)c.last_sequence, (unsigned long long)c.cut.file,
                   (unsigned long long)c.cut.offset);
        time_print(&d->out, c.commit_ns);
        buf_printf(&d->out, "\ncarry %zu bytes\nchain %zu bytes\n", c.carry.len, c.chain.len);
    }
    buf_free(&bytes);
    return rc ? rc : flush(d);
}

static int durable_dump(struct dump *d, const char *head)
{
    buf_printf(&d->out,
               "durable page\nversion %u\ncounter %llu\njournal %llu offset %llu\n"
               "last_sequence %llu\nprocess %llu\n",
               bytes_u32(head + 8), (unsigned long long)bytes_u64(head + 16),
               (unsigned long long)bytes_u64(head + 24), (unsigned long long)bytes_u64(head + 32),
               (unsigned long long)bytes_u64(head + 40), (unsigned long long)bytes_u64(head + 48));
    return flush(d);
}

static int catalog_dump(struct dump *d)
{
    struct catalog *catalog = NULL;
    struct catalog_list list = {0};
    if (strcmp(d->path, "catalog.db") != 0)
        return err_set(d->err, ERR_UNSUPPORTED,
                       "%s is a database: name catalog.db of a store's folder", d->path);
    int rc = catalog_open(&catalog, d->disk, false, d->err);
    if (rc == ERR_OK)
        rc = catalog_read(catalog, &list, d->err);
    catalog_close(&catalog);
    if (rc == ERR_OK)
        buf_printf(&d->out, "catalog\nsealed_sequence %llu\nsegments %u\n",
                   (unsigned long long)list.sealed_sequence, list.count);
    for (uint32_t i = 0; i < list.count && rc == ERR_OK; i++) {
        const struct catalog_segment *s = &list.items[i];
        buf_printf(&d->out, "%.*s rows %llu bytes %llu time ", (int)s->path.len, s->path.data,
                   (unsigned long long)s->row_count, (unsigned long long)s->file_bytes);
        time_print(&d->out, s->time_min_ns);
        buf_char(&d->out, ' ');
        time_print(&d->out, s->time_max_ns);
        buf_char(&d->out, '\n');
        rc = flush(d);
    }
    catalog_list_free(&list);
    return rc ? rc : flush(d);
}

static void damage_dump(void *context, const struct journal_damage *damage)
{
    struct dump *d = context;
    buf_printf(&d->out, "DAMAGED from offset %llu to %llu: rows %llu to %llu are missing\n",
               (unsigned long long)damage->begin.offset, (unsigned long long)damage->end.offset,
               (unsigned long long)damage->first_missing,
               (unsigned long long)damage->next_sequence - 1);
}

static int batch_dump(struct dump *d, struct batch_reader *reader, struct slice bytes,
                      uint64_t *sequence)
{
    struct err err = {0};
    struct row row;
    int rc = ERR_OK;
    if (batch_reader_open(reader, bytes, &err) != ERR_OK) {
        buf_printf(&d->out, "    DAMAGED: %s\n", err.text);
        return ERR_OK;
    }
    reader->first_sequence = *sequence;
    *sequence += reader->row_count;
    buf_printf(&d->out, "    rows %u names %u contexts %u received ", reader->row_count,
               reader->name_count, reader->context_count);
    time_print(&d->out, reader->received_ns);
    buf_char(&d->out, '\n');
    while (rc == ERR_OK && d->rows && batch_next(reader, &row))
        rc = row_dump(d, &row);
    return rc;
}

static int frame_dump(struct dump *d, const struct journal_frame *frame,
                      struct batch_reader *reader)
{
    static const char *const kinds[] = {"?", "batch", "carry", "cut"};
    uint64_t sequence = frame->first_sequence;
    buf_printf(&d->out, "frame offset %llu bytes %llu first_sequence %llu rows %u commit ",
               (unsigned long long)frame->begin.offset,
               (unsigned long long)(frame->end.offset - frame->begin.offset),
               (unsigned long long)frame->first_sequence, frame->row_count);
    time_print(&d->out, frame->commit_ns);
    buf_char(&d->out, '\n');
    int rc = ERR_OK;
    for (uint32_t i = 0; i < frame->section_count && rc == ERR_OK; i++) {
        uint16_t kind = frame->kinds[i];
        buf_printf(&d->out, "  %s %zu bytes\n", kinds[kind <= JOURNAL_CUT ? kind : 0],
                   frame->sections[i].len);
        if (kind == JOURNAL_BATCH)
            rc = batch_dump(d, reader, frame->sections[i], &sequence);
    }
    return rc ? rc : flush(d);
}

/* A scan takes a whole journal; only the frames of this file are shown. */
static int frames_dump(struct dump *d, const struct journal_identity *identity, uint64_t number)
{
    struct journal_scan *scan = NULL;
    struct journal_frame frame;
    struct batch_reader reader = {0};
    struct journal_place from = {number, 0};
    int rc = journal_scan_open(&scan, d->disk, identity, from, false, d->err);
    while (rc == ERR_OK &&
           (rc = journal_scan_next(scan, &frame, damage_dump, d, d->err)) == ERR_OK) {
        if (frame.begin.file > number)
            break;
        if (frame.begin.file == number)
            rc = frame_dump(d, &frame, &reader);
    }
    batch_reader_free(&reader);
    journal_scan_close(&scan);
    return rc == ERR_END || rc == ERR_OK ? flush(d) : rc;
}

static int journal_dump(struct dump *d)
{
    struct disk_file *file = NULL;
    struct journal_header header;
    struct journal_identity identity = {0};
    char head[JOURNAL_SECTOR_BYTES] = {0}, name[JOURNAL_NAME_BYTES];
    char uuid[IDENTITY_UUID_TEXT_BYTES];
    size_t got = 0;
    int rc = disk_open(d->disk, &file, d->path, DISK_READ, d->err);
    if (rc == ERR_OK)
        rc = disk_read(file, 0, head, sizeof head, &got, d->err);
    disk_close(&file);
    if (rc)
        return rc;
    memcpy(identity.uuid, head + 24, sizeof identity.uuid);
    rc = journal_header_read(head, &identity, &header, d->err);
    if (rc)
        return rc;
    identity_uuid_text(identity.uuid, uuid);
    buf_printf(&d->out,
               "journal %llu\nuuid %s\nepoch %u\nfile_bytes %llu\nfirst_sequence %llu\n"
               "after journal %llu offset %llu\n",
               (unsigned long long)header.number, uuid, header.epoch,
               (unsigned long long)header.file_bytes, (unsigned long long)header.first_sequence,
               (unsigned long long)header.after.file, (unsigned long long)header.after.offset);
    journal_name(name, header.number);
    if (strcmp(name, d->path) == 0)
        return frames_dump(d, &identity, header.number);
    buf_printf(&d->out, "its frames are shown when it stands in a store as %s\n", name);
    return flush(d);
}

static bool is_text(struct slice head)
{
    static const struct slice starts[] = {{"format ", 7}, {"root ", 5}, {"heads ", 6},
                                          {"gone ", 5},   {"key ", 4},  {"-----BEGIN PUBLIC", 17}};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        if (slice_starts(head, starts[i]))
            return true;
    return false;
}

int dump_file(struct disk *disk, const char *path, bool rows, dump_write *write, void *context,
              struct err *err)
{
    struct dump d = {disk, path, rows, write, context, err, {0}};
    struct disk_file *file = NULL;
    char head[HEAD_BYTES] = {0};
    size_t got = 0;
    int rc = disk_open(disk, &file, path, DISK_READ, err);
    if (rc == ERR_OK)
        rc = disk_read(file, 0, head, sizeof head, &got, err);
    disk_close(&file);
    struct slice start = slice_make(head, got);
    if (rc)
        return rc;
    if (slice_starts(start, SLICE("CANHSEG1")))
        rc = segment_file_dump(&d);
    else if (slice_starts(start, SLICE("CANHJRNL")))
        rc = journal_dump(&d);
    else if (slice_starts(start, SLICE("CANHCKPT")))
        rc = checkpoint_dump(&d);
    else if (slice_starts(start, SLICE("CANHDURA")) && got >= DURABLE_BYTES)
        rc = durable_dump(&d, head);
    else if (slice_starts(start, SLICE("SQLite format 3")))
        rc = catalog_dump(&d);
    else if (is_text(start))
        rc = text_dump(&d);
    else
        rc = err_set(err, ERR_UNSUPPORTED,
                     "%s is no file that a store is made of (a segment, a journal, a checkpoint, "
                     "catalog.db, a notary's log), or its first bytes are damaged",
                     path);
    buf_free(&d.out);
    return rc;
}
