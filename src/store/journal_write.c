#include <inttypes.h>

#include "base/mem.h"
#include "base/bytes.h"
#include "store/journal_format.h"

struct journal_file {
    struct disk_file *file; /* NULL: there is none */
    uint64_t number, bytes;
};

struct journal {
    struct disk *disk;
    struct journal_options options;
    struct journal_file current, ahead;
    uint64_t offset;            /* in current: where the next frame goes */
    uint64_t newest_file;       /* highest number ever made */
    struct journal_place after; /* of the current file's header */
    struct journal_place end;   /* behind the last durable frame */
    uint64_t next_sequence;
    int64_t commit_ns;
    bool read_only;
    struct buf frame; /* a sector for the file's header, then the frame */
    struct journal_stats stats;
};

/* The last frame that was found may not be durable: its writer was killed before the sync, or the
 * sync failed, and then another sync alone would say that all is well. It is written again. */
static int found_settle(struct disk *disk, const struct journal_start *start, struct err *err)
{
    char name[JOURNAL_NAME_BYTES];
    struct disk_file *file = NULL;
    struct buf bytes = {0};
    size_t got = 0;
    /* the file's header was written with its first frame */
    uint64_t begin = start->begin.offset == JOURNAL_SECTOR_BYTES ? 0 : start->begin.offset;
    if (start->begin.file == 0)
        return ERR_OK;
    journal_name(name, start->begin.file);
    int rc = disk_open(disk, &file, name, DISK_WRITE, err);
    buf_reserve(&bytes, start->end.offset - begin);
    if (!rc)
        rc = disk_read(file, begin, bytes.data, start->end.offset - begin, &got, err);
    if (!rc)
        rc = disk_write(file, begin, bytes.data, got, err);
    if (!rc)
        rc = disk_sync(file, err);
    disk_close(&file);
    buf_free(&bytes);
    return rc;
}

int journal_open(struct journal **out, struct disk *disk, const struct journal_options *options,
                 const struct journal_start *start, struct err *err)
{
    check(start->next_sequence > 0);
    *out = NULL;
    int rc = disk_make_folder(disk, JOURNAL_FOLDER, err);
    if (!rc)
        rc = disk_sync_folder(disk, "", err);
    if (!rc)
        rc = found_settle(disk, start, err);
    if (rc)
        return rc;
    struct journal *j = mem_zeroed(1, sizeof(*j));
    j->disk = disk;
    j->options = *options;
    if (j->options.file_bytes == 0)
        j->options.file_bytes = JOURNAL_FILE_BYTES;
    if (j->options.file_bytes < JOURNAL_FILE_BYTES_MIN)
        j->options.file_bytes = JOURNAL_FILE_BYTES_MIN;
    if (j->options.file_bytes > JOURNAL_FILE_BYTES_MAX)
        j->options.file_bytes = JOURNAL_FILE_BYTES_MAX;
    j->options.file_bytes = journal_round(j->options.file_bytes);
    j->newest_file = start->last_file > start->end.file ? start->last_file : start->end.file;
    j->next_sequence = start->next_sequence;
    j->end = start->end;
    j->commit_ns = start->commit_ns;
    *out = j;
    return ERR_OK;
}

void journal_close(struct journal **journal)
{
    struct journal *j = *journal;
    if (!j)
        return;
    disk_close(&j->current.file);
    disk_close(&j->ahead.file);
    buf_free(&j->frame);
    mem_free(j);
    *journal = NULL;
}

uint64_t journal_next_sequence(const struct journal *j)
{
    return j->next_sequence;
}

struct journal_place journal_end(const struct journal *j)
{
    return j->end;
}

void journal_stats(const struct journal *j, struct journal_stats *out)
{
    *out = j->stats;
}

static int read_only_error(struct err *err)
{
    return err_set(err, ERR_IO,
                   "The journal is read-only since two writes failed: check the disk, then start "
                   "Canh again.");
}

/* There is room for bytes more, and the reserve stays. */
static int room_check(const struct journal *j, uint64_t bytes, struct err *err)
{
    uint64_t free_bytes;
    int rc = disk_free_bytes(j->disk, &free_bytes, err);
    if (rc)
        return rc;
    if (free_bytes >= bytes && free_bytes - bytes >= j->options.reserve_bytes)
        return ERR_OK;
    return err_set(err, ERR_FULL,
                   "The disk has %" PRIu64 " MB left, and a journal file of %" PRIu64 " MB must "
                   "leave %" PRIu64 " MB of them: make room, or shorten what is retained.",
                   free_bytes >> 20, bytes >> 20, j->options.reserve_bytes >> 20);
}

/* Header and zeros to the full size, durable, name and all. */
static int file_fill(struct journal *j, struct journal_file *f, struct err *err)
{
    char sector[JOURNAL_SECTOR_BYTES];
    struct journal_header header = {
        .number = f->number, .file_bytes = f->bytes, .epoch = j->options.identity.epoch};
    journal_header_write(sector, &header, &j->options.identity);
    int rc = disk_reserve(f->file, f->bytes, err);
    if (!rc)
        rc = disk_write(f->file, 0, sector, sizeof sector, err);
    if (!rc)
        rc = disk_sync(f->file, err);
    if (!rc)
        rc = disk_sync_folder(j->disk, JOURNAL_FOLDER, err);
    return rc;
}

/* A file that was never in use: no harm when it stays. */
static void file_drop(struct journal *j, struct journal_file *f)
{
    char name[JOURNAL_NAME_BYTES];
    journal_name(name, f->number);
    disk_close(&f->file);
    int stays = disk_remove(j->disk, name, NULL);
    (void)stays;
}

static int ahead_make(struct journal *j, uint64_t bytes, struct err *err)
{
    int rc = room_check(j, bytes, err);
    if (rc)
        return rc;
    char name[JOURNAL_NAME_BYTES];
    struct journal_file f = {.number = ++j->newest_file, .bytes = bytes};
    journal_name(name, f.number);
    rc = disk_open(j->disk, &f.file, name, DISK_CREATE, err);
    if (!rc)
        rc = file_fill(j, &f, err);
    if (rc) {
        file_drop(j, &f);
        return rc;
    }
    j->ahead = f;
    return ERR_OK;
}

int journal_prepare(struct journal *j, struct err *err)
{
    if (j->read_only)
        return read_only_error(err);
    return j->ahead.file ? ERR_OK : ahead_make(j, j->options.file_bytes, err);
}

/* The current file has room for a frame of so many bytes. */
static int current_ready(struct journal *j, uint64_t frame_bytes, struct err *err)
{
    if (j->current.file && frame_bytes <= j->current.bytes - j->offset)
        return ERR_OK;
    uint64_t wanted = JOURNAL_SECTOR_BYTES + frame_bytes;
    if (wanted < j->options.file_bytes)
        wanted = j->options.file_bytes;
    if (j->ahead.file && j->ahead.bytes < wanted)
        file_drop(j, &j->ahead);
    if (!j->ahead.file) {
        int rc = ahead_make(j, wanted, err);
        if (rc)
            return rc;
    }
    disk_close(&j->current.file);
    j->current = j->ahead;
    j->ahead = (struct journal_file){0};
    j->offset = 0; /* its header goes with the first frame */
    j->after = j->end;
    return ERR_OK;
}

static int current_write(struct journal *j, const char *data, size_t bytes, struct err *err)
{
    uint64_t begin = clock_monotonic_ns();
    int rc = disk_write(j->current.file, j->offset, data, bytes, err);
    if (!rc)
        rc = disk_sync(j->current.file, err);
    if (rc) { /* what became of it cannot be known: never again to this file */
        disk_close(&j->current.file);
        j->stats.given_up_files++;
        return rc;
    }
    uint64_t took = clock_monotonic_ns() - begin;
    j->stats.syncs++;
    j->stats.sync_ns_total += took;
    if (took > j->stats.sync_ns_max)
        j->stats.sync_ns_max = took;
    j->offset += bytes;
    return ERR_OK;
}

/* j->frame is written, with the header of a file that comes into use before it. */
static int frame_write(struct journal *j, struct journal_frame_header *h, struct err *err)
{
    char *frame = j->frame.data + JOURNAL_SECTOR_BYTES;
    size_t bytes = j->frame.len - JOURNAL_SECTOR_BYTES;
    int rc = current_ready(j, bytes, err);
    if (rc)
        return rc;
    bool first = j->offset == 0;
    h->begin = (struct journal_place){j->current.number, first ? JOURNAL_SECTOR_BYTES : j->offset};
    journal_frame_seal(frame, h, &j->options.identity);
    if (!first)
        return current_write(j, frame, bytes, err);
    struct journal_header header = {.number = j->current.number,
                                    .file_bytes = j->current.bytes,
                                    .first_sequence = h->first_sequence,
                                    .epoch = j->options.identity.epoch,
                                    .after = j->after};
    journal_header_write(j->frame.data, &header, &j->options.identity);
    return current_write(j, j->frame.data, j->frame.len, err);
}

/* Collects the sections behind room for both headers; pads with zeros. */
static int frame_collect(struct journal *j, const struct slice *sections, uint32_t count,
                         uint32_t *payload_bytes, struct err *err)
{
    size_t stored = 0, raw = 0;
    for (uint32_t i = 0; i < count; i++) {
        check(sections[i].len >= JOURNAL_SECTION_HEADER_BYTES);
        stored += sections[i].len;
        raw += journal_section_read(sections[i].data).raw_bytes;
    }
    if (count > JOURNAL_SECTIONS_MAX || raw > JOURNAL_RAW_BYTES_MAX ||
        stored > JOURNAL_FRAME_BYTES_MAX - JOURNAL_FRAME_HEADER_BYTES)
        return err_set(err, ERR_LIMIT,
                       "A group of %u sections and %zu bytes is too large for the journal: commit "
                       "fewer at once.",
                       count, raw);
    size_t used = JOURNAL_FRAME_HEADER_BYTES + stored;
    size_t padded = (size_t)journal_round(used);
    buf_clear(&j->frame);
    buf_reserve(&j->frame, JOURNAL_SECTOR_BYTES + padded);
    j->frame.len = JOURNAL_SECTOR_BYTES + JOURNAL_FRAME_HEADER_BYTES;
    for (uint32_t i = 0; i < count; i++)
        buf_slice(&j->frame, sections[i]);
    memset(j->frame.data + j->frame.len, 0, padded - used);
    j->frame.len = JOURNAL_SECTOR_BYTES + padded;
    *payload_bytes = (uint32_t)(padded - JOURNAL_FRAME_HEADER_BYTES); /* checksums cover zeros */
    return ERR_OK;
}

/* A file that failed is given up and the next one tried, once. */
static int frame_commit(struct journal *j, struct journal_frame_header *header, struct err *err)
{
    uint64_t given_up = j->stats.given_up_files;
    int rc = frame_write(j, header, err);
    if (!rc || (rc == ERR_FULL && j->stats.given_up_files == given_up))
        return rc;
    rc = frame_write(j, header, err);
    if (rc && rc != ERR_FULL) {
        j->read_only = true;
        (void)err_prefix(err, "The journal is read-only from now on: check the disk, then start "
                              "Canh again");
    }
    return rc;
}

int journal_append(struct journal *j, const struct slice *sections, uint32_t count,
                   uint32_t row_count, int64_t now_ns, uint64_t *first_sequence, int64_t *commit_ns,
                   struct err *err)
{
    if (j->read_only)
        return read_only_error(err);
    struct journal_frame_header header = {.first_sequence = j->next_sequence,
                                          .commit_ns =
                                              now_ns < j->commit_ns ? j->commit_ns : now_ns,
                                          .row_count = row_count,
                                          .section_count = count};
    int rc = frame_collect(j, sections, count, &header.payload_bytes, err);
    if (!rc)
        rc = frame_commit(j, &header, err);
    if (rc)
        return rc;
    *first_sequence = header.first_sequence;
    *commit_ns = header.commit_ns;
    j->next_sequence += row_count;
    j->commit_ns = header.commit_ns;
    j->end = (struct journal_place){j->current.number, j->offset};
    j->stats.frames++;
    j->stats.rows += row_count;
    j->stats.stored_bytes += j->frame.len - JOURNAL_SECTOR_BYTES;
    return ERR_OK;
}

struct forget {
    struct journal *j;
    uint64_t below;
    struct err *err;
};

static int forget_visit(void *context, const struct disk_entry *entry)
{
    struct forget *f = context;
    uint64_t number = entry->is_folder ? 0 : journal_name_number(entry->name);
    if (number == 0 || number >= f->below)
        return ERR_OK;
    char name[JOURNAL_NAME_BYTES];
    journal_name(name, number);
    return disk_remove(f->j->disk, name, f->err);
}

int journal_forget(struct journal *j, struct journal_place place, struct err *err)
{
    struct forget f = {j, place.file, err};
    if (j->current.file && !journal_place_before(place, j->after))
        f.below = j->current.number; /* all that older files hold ends at or before `after` */
    int rc = disk_list(j->disk, JOURNAL_FOLDER, forget_visit, &f, err);
    return rc ? rc : disk_sync_folder(j->disk, JOURNAL_FOLDER, err);
}
