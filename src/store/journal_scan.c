#include <inttypes.h>
#include <zstd.h>

#include "base/mem.h"
#include "store/journal_files.h"

struct journal_scan {
    struct journal_identity identity;
    struct journal_files files;
    struct journal_window window;
    struct journal_place from;
    uint32_t at;                     /* file */
    uint64_t offset;                 /* in it; 0: not begun */
    uint64_t expected;               /* sequence of the next row; 0: not known */
    struct journal_place begin, end; /* of the last frame */
    int64_t commit_ns;
    struct buf raw; /* unpacked sections */
    struct slice *sections;
    uint16_t *kinds;
    uint32_t section_capacity;
    ZSTD_DCtx *unpacker;
};

/* Whom damage is told to. */
struct told {
    journal_damaged *damaged;
    void *context;
};

static void damage_tell(struct journal_scan *s, const struct told *told, struct journal_place begin,
                        struct journal_place end, uint64_t next_sequence)
{
    struct journal_damage damage = {begin, end, s->expected, next_sequence};
    if (damage.next_sequence < s->expected) /* of a header that contradicts the frames */
        damage.next_sequence = s->expected;
    if (told->damaged)
        told->damaged(told->context, &damage);
    s->expected = damage.next_sequence;
}

static int live_limit(struct journal_scan *s, struct disk *disk, struct err *err)
{
    struct journal_place end = {UINT64_MAX, UINT64_MAX};
    uint64_t last_sequence = UINT64_MAX - 1;
    struct durable *durable = NULL;
    int rc = durable_open(&durable, disk, false, err);
    if (rc && rc != ERR_NOT_FOUND)
        return rc;
    if (durable && durable_read(durable, &end, &last_sequence))
        journal_files_limit(&s->files, end, last_sequence + 1);
    durable_close(&durable);
    return ERR_OK;
}

int journal_scan_open(struct journal_scan **out, struct disk *disk,
                      const struct journal_identity *identity, struct journal_place from, bool live,
                      struct err *err)
{
    *out = NULL;
    struct journal_scan *s = mem_zeroed(1, sizeof(*s));
    s->identity = *identity;
    s->from = from;
    s->end = from;
    s->commit_ns = CLOCK_NONE;
    s->unpacker = ZSTD_createDCtx();
    check(s->unpacker);
    int rc = journal_files_open(&s->files, disk, identity, from, &s->window, err);
    s->window.file = NULL; /* what it holds is from before the durable page is read */
    journal_files_limit(&s->files, (struct journal_place){UINT64_MAX, UINT64_MAX}, UINT64_MAX);
    if (!rc && live)
        rc = live_limit(s, disk, err);
    if (rc)
        journal_scan_close(&s);
    *out = s;
    return rc;
}

void journal_scan_close(struct journal_scan **scan)
{
    struct journal_scan *s = *scan;
    if (!s)
        return;
    journal_files_close(&s->files);
    buf_free(&s->window.bytes);
    buf_free(&s->raw);
    mem_free(s->sections);
    mem_free(s->kinds);
    (void)ZSTD_freeDCtx(s->unpacker);
    mem_free(s);
    *scan = NULL;
}

void journal_scan_start(const struct journal_scan *s, struct journal_start *out)
{
    *out = (struct journal_start){.last_file = s->files.last_file,
                                  .next_sequence = s->expected,
                                  .begin = s->begin,
                                  .end = s->end,
                                  .commit_ns = s->commit_ns};
}

uint64_t journal_scan_bytes(const struct journal_scan *s)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < s->files.count; i++) {
        const struct journal_scan_file *f = &s->files.list[i];
        if (!f->in_use || f->limit.file < f->number)
            continue;
        bool limited = f->limit.file == f->number && f->limit.offset < f->bytes;
        uint64_t end = limited ? f->limit.offset : f->bytes;
        uint64_t begin = f->number == s->from.file ? s->from.offset : 0;
        sum += end > begin ? end - begin : 0;
    }
    return sum;
}

/* ERR_DAMAGED: what the sections say does not hold. */
static int sections_room(struct journal_scan *s, const char *payload,
                         const struct journal_frame_header *h, struct err *err)
{
    size_t left = h->payload_bytes, packed_raw = 0, raw = 0;
    for (uint32_t i = 0; i < h->section_count; i++) {
        if (left < JOURNAL_SECTION_HEADER_BYTES)
            return err_set(err, ERR_DAMAGED, "A section is cut.");
        struct journal_section_header section = journal_section_read(payload);
        if (section.version != JOURNAL_VERSION)
            return err_set(err, ERR_UNSUPPORTED,
                           "The journal has a section of version %u, and this program reads "
                           "version %d: use the program that wrote it, or a newer one.",
                           section.version, JOURNAL_VERSION);
        left -= JOURNAL_SECTION_HEADER_BYTES;
        bool packed = section.flags == JOURNAL_SECTION_ZSTD;
        raw += section.raw_bytes;
        if (section.stored_bytes > left || section.flags > JOURNAL_SECTION_ZSTD ||
            (!packed && section.stored_bytes != section.raw_bytes) || raw > JOURNAL_RAW_BYTES_MAX)
            return err_set(err, ERR_DAMAGED, "A section does not hold.");
        packed_raw += packed ? section.raw_bytes : 0;
        left -= section.stored_bytes;
        payload += JOURNAL_SECTION_HEADER_BYTES + section.stored_bytes;
    }
    buf_clear(&s->raw);
    buf_reserve(&s->raw, packed_raw + 1); /* never NULL */
    if (h->section_count > s->section_capacity) {
        s->section_capacity = h->section_count;
        s->sections = mem_resize(s->sections, h->section_count, sizeof(*s->sections));
        s->kinds = mem_resize(s->kinds, h->section_count, sizeof(*s->kinds));
    }
    return ERR_OK;
}

static int sections_unpack(struct journal_scan *s, const char *payload,
                           const struct journal_frame_header *h, struct err *err)
{
    int rc = sections_room(s, payload, h, err);
    for (uint32_t i = 0; i < h->section_count && !rc; i++) {
        struct journal_section_header section = journal_section_read(payload);
        const char *stored = payload + JOURNAL_SECTION_HEADER_BYTES;
        s->kinds[i] = section.kind;
        s->sections[i] = slice_make(stored, section.stored_bytes);
        if (section.flags & JOURNAL_SECTION_ZSTD) {
            char *raw = s->raw.data + s->raw.len;
            size_t got = ZSTD_decompressDCtx(s->unpacker, raw, section.raw_bytes, stored,
                                             section.stored_bytes);
            if (ZSTD_isError(got) || got != section.raw_bytes)
                rc = err_set(err, ERR_DAMAGED, "A section does not unpack.");
            s->sections[i] = slice_make(raw, section.raw_bytes);
            s->raw.len += section.raw_bytes;
        }
        payload = stored + section.stored_bytes;
    }
    return rc;
}

/* Whether a later file, or what is durable, says that the frame does not count. */
static bool frame_is_void(const struct journal_scan_file *f, const struct journal_frame_header *h)
{
    struct journal_place end = {h->begin.file, journal_frame_end(h)};
    return journal_place_before(f->limit, end) ||
           (h->row_count && h->first_sequence + h->row_count > f->limit_sequence);
}

/* Whether a frame's header must be taken at its word because what is behind it says that it was
 * durable: a later file, the durable page, or a frame that follows. */
static bool frame_is_known(struct journal_scan *s, const struct journal_scan_file *f,
                           const struct journal_frame_header *h)
{
    struct journal_frame_header next;
    const char *frame;
    uint64_t end = journal_frame_end(h);
    return (f->limit.file == f->number && end <= f->limit.offset) ||
           journal_frame_at(&s->window, &s->identity, f, end, false, &next, &frame, NULL) == ERR_OK;
}

/* What a scan found at a place. */
struct found {
    struct journal_frame_header header;
    const char *frame; /* NULL: only the header was looked at */
};

/* Goes on with the next file; tells what a whole header says is missing before it. */
static void file_begin(struct journal_scan *s, const struct told *told)
{
    const struct journal_scan_file *f = &s->files.list[s->at];
    s->offset = f->begin;
    if (f->number == s->from.file && s->from.offset > f->begin) {
        s->offset = journal_round(s->from.offset);
        return;
    }
    struct journal_place begin = {f->number, f->begin};
    if (!f->header_whole)
        damage_tell(s, told, (struct journal_place){f->number, 0}, begin, s->expected);
    else if (s->expected == 0)
        s->expected = f->first_sequence;
    else if (f->first_sequence > s->expected)
        damage_tell(s, told, s->end, begin, f->first_sequence);
}

/* At the end of a file: what does not verify is torn, but for frames that must be taken at their
 * headers' word. Those are lost. */
static void end_look(struct journal_scan *s, const struct told *told, struct journal_place begin)
{
    const struct journal_scan_file *f = &s->files.list[s->at];
    struct journal_place end = begin;
    struct journal_frame_header h;
    const char *frame;
    uint64_t next_sequence = s->expected;
    while (journal_frame_at(&s->window, &s->identity, f, end.offset, false, &h, &frame, NULL) ==
               ERR_OK &&
           !frame_is_void(f, &h) && frame_is_known(s, f, &h)) {
        end.offset = journal_frame_end(&h);
        next_sequence = h.first_sequence + h.row_count;
    }
    if (end.offset > begin.offset)
        damage_tell(s, told, begin, end, next_sequence);
}

/* The next frame that verifies at or behind the scan's offset in its file. ERR_END: none that
 * counts; what is known to be missing behind the last one was told. */
static int frame_seek(struct journal_scan *s, bool whole, const struct told *told,
                      struct found *found, struct err *err)
{
    const struct journal_scan_file *f = &s->files.list[s->at];
    struct journal_place begin = {f->number, s->offset}, place = begin;
    s->window.failed = false;
    for (; place.offset < f->bytes && journal_place_before(place, f->limit);
         place.offset += JOURNAL_SECTOR_BYTES) {
        int rc = journal_frame_at(&s->window, &s->identity, f, place.offset, whole, &found->header,
                                  &found->frame, NULL);
        if (rc == ERR_UNSUPPORTED)
            return journal_frame_at(&s->window, &s->identity, f, place.offset, whole,
                                    &found->header, &found->frame, err);
        if (rc == ERR_OK && !whole && !frame_is_known(s, f, &found->header))
            rc = journal_frame_at(&s->window, &s->identity, f, place.offset, true, &found->header,
                                  &found->frame, NULL);
        if (rc)
            continue;
        if (frame_is_void(f, &found->header))
            break;
        if (place.offset > begin.offset && found->header.first_sequence >= s->expected)
            damage_tell(s, told, begin, place, found->header.first_sequence);
        return ERR_OK;
    }
    bool known = f->limit.file == f->number && begin.offset < f->limit.offset;
    if (known) /* it was durable up to there */
        damage_tell(s, told, begin, f->limit, f->limit_sequence);
    else if (s->window.failed)
        return err_set(err, ERR_IO, "%s", s->window.err.text);
    else
        end_look(s, told, begin);
    return ERR_END;
}

static int scan_step(struct journal_scan *s, bool whole, const struct told *told,
                     struct found *found, struct err *err)
{
    for (; s->at < s->files.count; s->at++, s->offset = 0) {
        const struct journal_scan_file *f = &s->files.list[s->at];
        if (!f->in_use)
            continue;
        if (s->offset == 0)
            file_begin(s, told);
        for (;;) {
            int rc = frame_seek(s, whole, told, found, err);
            if (rc == ERR_END)
                break;
            if (rc)
                return rc;
            s->offset = journal_frame_end(&found->header);
            if (found->header.first_sequence < s->expected)
                continue; /* its rows came already */
            if (s->expected && found->header.first_sequence > s->expected)
                damage_tell(s, told, s->end, found->header.begin, found->header.first_sequence);
            return ERR_OK;
        }
    }
    return err_set(err, ERR_END, "The journal ends here.");
}

static struct journal_frame frame_of(const struct journal_scan *s,
                                     const struct journal_frame_header *h, bool whole)
{
    return (struct journal_frame){.begin = h->begin,
                                  .end = {h->begin.file, journal_frame_end(h)},
                                  .first_sequence = h->first_sequence,
                                  .commit_ns = h->commit_ns,
                                  .row_count = h->row_count,
                                  .sections = s->sections,
                                  .kinds = s->kinds,
                                  .section_count = whole ? h->section_count : 0};
}

static int scan_frame(struct journal_scan *s, bool whole, struct journal_frame *out,
                      const struct told *told, struct err *err)
{
    struct found found = {0};
    int rc;
    while ((rc = scan_step(s, whole, told, &found, err)) == ERR_OK) {
        const struct journal_frame_header *h = &found.header;
        struct journal_place end = {h->begin.file, s->offset};
        if (whole)
            rc = sections_unpack(s, found.frame + JOURNAL_FRAME_HEADER_BYTES, h, err);
        if (rc == ERR_DAMAGED) {
            damage_tell(s, told, h->begin, end, h->first_sequence + h->row_count);
            continue;
        }
        if (rc)
            break;
        s->expected = h->first_sequence + h->row_count;
        s->begin = h->begin;
        s->end = end;
        s->commit_ns = h->commit_ns;
        *out = frame_of(s, h, whole);
        break;
    }
    return rc;
}

int journal_scan_next(struct journal_scan *s, struct journal_frame *out, journal_damaged *damaged,
                      void *context, struct err *err)
{
    struct told told = {damaged, context};
    return scan_frame(s, true, out, &told, err);
}

int journal_scan_skip(struct journal_scan *s, struct journal_frame *out, journal_damaged *damaged,
                      void *context, struct err *err)
{
    struct told told = {damaged, context};
    return scan_frame(s, false, out, &told, err);
}

int journal_scan_read(struct journal_scan *s, struct journal_place begin, struct journal_frame *out,
                      struct err *err)
{
    struct found found = {0};
    uint32_t at = 0;
    while (at < s->files.count && s->files.list[at].number != begin.file)
        at++;
    if (at == s->files.count)
        return err_set(err, ERR_NOT_FOUND, "The journal has no file %" PRIu64 ".", begin.file);
    int rc = journal_frame_at(&s->window, &s->identity, &s->files.list[at], begin.offset, true,
                              &found.header, &found.frame, err);
    if (rc == ERR_OK)
        rc = sections_unpack(s, found.frame + JOURNAL_FRAME_HEADER_BYTES, &found.header, err);
    if (rc == ERR_OK)
        *out = frame_of(s, &found.header, true);
    return rc;
}
