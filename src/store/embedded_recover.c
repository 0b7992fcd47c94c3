/* What a writer does at its start: the newest checkpoint, then the frames behind it. */

#include "base/mem.h"
#include "store/store_embedded.h"

struct recovery {
    struct embedded *e;
    struct batch_reader reader;
    struct buf scratch;
    uint64_t last_sequence;
    uint64_t first_sequence;  /* of the first frame; 0: none yet */
    bool needs_whole_journal; /* there never was a checkpoint */
};

static void damage_note(void *context, const struct journal_damage *damage)
{
    struct recovery *r = context;
    r->e->lost_rows += damage->next_sequence - damage->first_missing;
}

static int batch_recover(struct recovery *r, const struct journal_frame *frame, struct slice bytes,
                         uint64_t *sequence, struct err *err)
{
    struct embedded *e = r->e;
    struct row row;
    int rc = batch_reader_open(&r->reader, bytes, err);
    if (rc)
        return rc;
    r->reader.first_sequence = *sequence;
    while (rc == ERR_OK && batch_next(&r->reader, &row)) {
        struct digest digest = row_digest(&row, e->digester, &r->scratch);
        rc = chain_add(e->chain, row.context->partition, row.sequence, &digest, frame->commit_ns,
                       err);
        if (row.sequence > e->sealed_sequence) {
            e->rows_since_cut++;
            if (e->first_since_cut_ns == CLOCK_NONE)
                e->first_since_cut_ns = frame->commit_ns;
        }
    }
    if (*sequence > e->sealed_sequence)
        e->bytes_since_cut += bytes.len;
    *sequence += r->reader.row_count;
    return rc;
}

static int frame_recover(struct recovery *r, const struct journal_frame *frame, struct err *err)
{
    struct embedded *e = r->e;
    uint64_t sequence = frame->first_sequence;
    int rc = ERR_OK;
    chain_tick(e->chain, frame->commit_ns);
    for (uint32_t i = 0; i < frame->section_count && rc == ERR_OK; i++) {
        if (frame->kinds[i] == JOURNAL_BATCH)
            rc = batch_recover(r, frame, frame->sections[i], &sequence, err);
        else if (frame->kinds[i] == JOURNAL_CARRY)
            rc = carry_apply(e->carry, frame->sections[i], err);
        else if (frame->kinds[i] == JOURNAL_CUT)
            chain_cut(e->chain);
        embedded_intervals_take(e);
    }
    if (frame->row_count)
        r->last_sequence = frame->first_sequence + frame->row_count - 1;
    if (frame->commit_ns > e->floor_ns)
        e->floor_ns = frame->commit_ns;
    return rc;
}

static int checkpoint_missing(const struct embedded *e, struct err *err)
{
    return err_set(err, ERR_DAMAGED,
                   "the newest checkpoint of %s is not whole or not there: `canh store rebuild` "
                   "makes one out of the segments",
                   disk_folder(e->disk));
}

static int checkpoint_load(struct recovery *r, struct err *err)
{
    struct embedded *e = r->e;
    struct checkpoint c = {0};
    uint32_t damaged = 0;
    int rc = checkpoint_read(e->disk, &e->identity, &c, &damaged, err);
    if (damaged)
        rc = checkpoint_missing(e, err);
    if (rc == ERR_NOT_FOUND) {
        /* the first seal may have been cut off behind its catalog transaction: then the journal
         * still has everything */
        r->needs_whole_journal = e->sealed_sequence > 0;
        e->checkpoint_number = c.number;
        rc = ERR_OK;
        goto out;
    }
    if (rc == ERR_OK && c.last_sequence > e->sealed_sequence)
        rc = err_set(err, ERR_DAMAGED,
                     "catalog.db of %s is older than its newest checkpoint: `canh store rebuild` "
                     "makes it again out of the segments",
                     disk_folder(e->disk));
    if (rc == ERR_OK)
        rc = carry_apply(e->carry, c.carry, err);
    if (rc == ERR_OK)
        rc = chain_read(e->chain, c.chain, err);
    if (rc == ERR_OK) {
        e->checkpoint_number = c.number;
        e->cut = c.cut;
        e->floor_ns = c.commit_ns;
        r->last_sequence = c.last_sequence;
    }
out:
    checkpoint_free(&c);
    return rc;
}

/* Files of a seal or merge that a crash cut off before the catalog knew of them. */
struct leftover_walk {
    struct embedded *e;
    const struct catalog_list *segments;
    const char *folder;
    struct err *err;
};

/* Of a seal that failed, and was done again under other names. */
static bool rows_stand_elsewhere(const struct catalog_list *segments,
                                 const struct segment_about *about)
{
    for (uint32_t i = 0; i < segments->count; i++) {
        const struct catalog_segment *k = &segments->items[i];
        if (slice_equal(k->partition, about->partition) &&
            k->first_sequence <= about->last_sequence && k->last_sequence >= about->first_sequence)
            return true;
    }
    return false;
}

struct buried {
    struct slice path;
    bool found;
};

static int buried_visit(void *context, const struct notary_line *line)
{
    struct buried *b = context;
    b->found |= !line->torn && line->word_count > 5 && slice_equal(line->words[0], SLICE("gone")) &&
                slice_equal(line->words[5], b->path);
    return ERR_OK;
}

/* Whether retention removed the file: its rows are not to come back by a merge of it that the
 * catalog never knew. */
static bool is_buried(struct disk *disk, const char *path)
{
    struct buried b = {.path = slice_from(path)};
    return notary_read(disk, buried_visit, &b, NULL) == ERR_OK && b.found;
}

static int leftover_remove(struct leftover_walk *w, const char *path)
{
    struct segment *s = NULL;
    bool known = false;
    int rc = catalog_knows(w->e->catalog, slice_from(path), &known, w->err);
    if (rc || known)
        return rc;
    if (segment_open(&s, w->e->disk, path, NULL) != ERR_OK)
        return ERR_OK;
    const struct segment_about *about = segment_about(s);
    bool leftover = about->first_sequence > w->e->sealed_sequence || about->generation > 0 ||
                    rows_stand_elsewhere(w->segments, about);
    for (uint32_t i = 0; i < about->input_count && leftover; i++) {
        const char *input = arena_printf(&w->e->stats_arena, "%.*s", (int)segment_input(s, i).len,
                                         segment_input(s, i).data)
                                .data;
        leftover = disk_exists(w->e->disk, input) || is_buried(w->e->disk, input);
    }
    segment_close(&s);
    if (!leftover)
        return ERR_OK;
    rc = disk_remove(w->e->disk, path, w->err);
    /* should it come back later, what it was made of may be gone, and it could be taken for whole
     */
    return rc ? rc : disk_sync_folder_of(w->e->disk, path, w->err);
}

static int leftover_visit(void *context, const struct disk_entry *entry)
{
    struct leftover_walk *w = context;
    struct buf path = {0};
    buf_printf(&path, "%s/%s", w->folder, entry->name);
    struct leftover_walk inner = {w->e, w->segments, buf_text(&path), w->err};
    int rc = entry->is_folder ? disk_list(w->e->disk, inner.folder, leftover_visit, &inner, w->err)
                              : leftover_remove(w, inner.folder);
    buf_free(&path);
    return rc;
}

static int temporary_remove(void *context, const struct disk_entry *entry)
{
    struct leftover_walk *w = context;
    struct buf path = {0};
    if (entry->is_folder)
        return ERR_OK;
    buf_printf(&path, "tmp/%s", entry->name);
    int rc = disk_remove(w->e->disk, buf_text(&path), w->err);
    buf_free(&path);
    return rc;
}

static int leftovers_clear(struct embedded *e, const struct catalog_list *segments, struct err *err)
{
    struct leftover_walk w = {e, segments, "segments", err};
    int rc = disk_make_folder(e->disk, "tmp", err); /* a copy may have left it out, being empty */
    if (!rc)
        rc = disk_list(e->disk, "tmp", temporary_remove, &w, err);
    return rc ? rc : disk_list(e->disk, "segments", leftover_visit, &w, err);
}

static int frames_recover(struct recovery *r, struct journal_start *start, struct err *err)
{
    struct embedded *e = r->e;
    struct journal_scan *scan = NULL;
    struct journal_frame frame;
    int rc = journal_scan_open(&scan, e->disk, &e->identity, e->cut, false, err);
    if (rc)
        return rc;
    while ((rc = journal_scan_next(scan, &frame, damage_note, r, err)) == ERR_OK) {
        r->first_sequence = r->first_sequence ? r->first_sequence : frame.first_sequence;
        rc = frame_recover(r, &frame, err);
        if (rc)
            break;
    }
    if (rc == ERR_END && r->needs_whole_journal && r->first_sequence != 1)
        rc = checkpoint_missing(e, err);
    journal_scan_start(scan, start);
    journal_scan_close(&scan);
    return rc == ERR_END ? ERR_OK : rc;
}

int embedded_recover(struct embedded *e, struct err *err)
{
    struct recovery r = {.e = e};
    struct catalog_list list = {0};
    struct journal_start start = {0};
    int rc = catalog_read(e->catalog, &list, err);
    e->sealed_sequence = list.sealed_sequence;
    if (rc == ERR_OK)
        rc = checkpoint_load(&r, err);
    if (rc == ERR_OK) /* the catalog is what it should be */
        rc = leftovers_clear(e, &list, err);
    catalog_list_free(&list);
    if (rc == ERR_OK) {
        embedded_intervals_take(e);
        rc = frames_recover(&r, &start, err);
    }
    if (r.last_sequence < e->sealed_sequence)
        r.last_sequence = e->sealed_sequence;
    if (notary_time(e->notary) > e->floor_ns)
        e->floor_ns = notary_time(e->notary);
    if (rc == ERR_OK) {
        struct journal_options options = {.identity = e->identity,
                                          .file_bytes = e->options.journal_file_bytes,
                                          .reserve_bytes = e->options.reserve_bytes};
        if (start.next_sequence <= r.last_sequence)
            start.next_sequence = r.last_sequence + 1;
        start.commit_ns = e->floor_ns;
        rc = journal_open(&e->journal, e->disk, &options, &start, err);
    }
    if (rc == ERR_OK && e->durable)
        durable_publish(e->durable, start.end, start.next_sequence - 1);
    batch_reader_free(&r.reader);
    buf_free(&r.scratch);
    return rc;
}
