/* Whether what is stored is what was stored (docs/store-format.md, "Evidence"). */
#include <stdio.h>

#include "base/mem.h"
#include "store/journal_format.h"
#include "store/verify_inside.h"

enum { PROBLEM_BYTES = 1024 };

void verify_problem(struct verify *v, const char *format, ...)
{
    char text[PROBLEM_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    v->out->problems++;
    if (v->visit)
        v->visit(v->context, text);
}

struct verify_partition *verify_partition_of(struct verify *v, struct slice name)
{
    for (uint32_t i = 0; i < v->partition_count; i++)
        if (slice_equal(v->partitions[i].name, name))
            return &v->partitions[i];
    if (v->partition_count == CHAIN_PARTITIONS_MAX)
        return NULL;
    struct verify_partition *p = &v->partitions[v->partition_count++];
    p->name = arena_copy(&v->arena, name);
    return p;
}

static void segment_problem_tell(void *context, const char *what)
{
    struct verify *v = context;
    bool named = strstr(what, segment_path(v->segment)) != NULL;
    verify_problem(v, "%s%s%s: bring the file back from a snapshot",
                   named ? "" : segment_path(v->segment), named ? "" : ": ", what);
}

static int segment_row(void *context, const struct row *row)
{
    struct verify *v = context;
    const struct segment_interval *intervals = segment_intervals(v->segment);
    uint32_t count = segment_about(v->segment)->interval_count;
    if (!slice_equal(row->context->partition, v->partition->name))
        verify_problem(v, "%s: event %llu is of partition %.*s", segment_path(v->segment),
                       (unsigned long long)row->sequence, (int)row->context->partition.len,
                       row->context->partition.data);
    verify_row_add(v, v->partition, row);
    while (v->next_interval < count && intervals[v->next_interval].last_sequence <= row->sequence) {
        const struct segment_interval *i = &intervals[v->next_interval++];
        verify_interval(v, v->partition, i);
    }
    return ERR_OK;
}

static void catalog_compare(struct verify *v, const struct catalog_segment *item)
{
    struct catalog_segment is;
    catalog_segment_of(v->segment, item->path, &is);
    if (!slice_equal(is.partition, item->partition) || is.first_sequence != item->first_sequence ||
        is.last_sequence != item->last_sequence || is.row_count != item->row_count ||
        is.file_bytes != item->file_bytes || is.time_min_ns != item->time_min_ns ||
        is.time_max_ns != item->time_max_ns || is.received_min_ns != item->received_min_ns ||
        is.received_max_ns != item->received_max_ns)
        verify_problem(v,
                       "%s is not the file that catalog.db describes: `canh store rebuild` makes "
                       "the catalog again",
                       item->path.data);
}

static void segment_lost(struct verify *v, const struct err *err)
{
    verify_problem(v, "%s: bring the file back from a snapshot", err->text);
    v->partition->lost = true;
}

static int segment_verify(struct verify *v, const struct catalog_segment *item)
{
    struct err err = {0};
    v->partition = verify_partition_of(v, item->partition);
    v->next_interval = 0;
    if (!v->partition)
        return err_set(v->err, ERR_LIMIT, "there are more than %d partitions",
                       CHAIN_PARTITIONS_MAX);
    if (segment_open(&v->segment, v->e->disk, item->path.data, &err) != ERR_OK) {
        segment_lost(v, &err);
        return ERR_OK;
    }
    v->out->segments++;
    catalog_compare(v, item);
    if (segment_check(v->segment, segment_problem_tell, v, &err) < 0 ||
        embedded_segment_rows(v->segment, 0, UINT64_MAX, segment_row, v, &err) != ERR_OK)
        segment_lost(v, &err);
    else if (v->next_interval != segment_about(v->segment)->interval_count)
        verify_problem(v,
                       "%s: there are intervals without their last event: bring the file back "
                       "from a snapshot",
                       item->path.data);
    segment_close(&v->segment);
    return ERR_OK;
}

static void damage_tell(void *context, const struct journal_damage *d)
{
    struct verify *v = context;
    char name[JOURNAL_NAME_BYTES];
    journal_name(name, d->begin.file);
    if (d->begin.file + 1 < d->end.file && d->next_sequence > d->first_missing &&
        d->next_sequence <= v->view.sealed_sequence + 1)
        return; /* of files that are sealed a crash brought some back, and not the one between */
    if (d->next_sequence > d->first_missing)
        verify_problem(v,
                       "%s is damaged from byte %llu on: events %llu to %llu are lost; bring the "
                       "file back from a snapshot",
                       name, (unsigned long long)d->begin.offset,
                       (unsigned long long)d->first_missing,
                       (unsigned long long)d->next_sequence - 1);
    else
        verify_problem(v,
                       "%s is damaged from byte %llu on, no event is lost: seal the store (`canh "
                       "store seal`), then the file is not needed any more",
                       name, (unsigned long long)d->begin.offset);
}

static int journal_row(void *context, const struct row *row)
{
    struct verify *v = context;
    if (row->sequence <= v->view.sealed_sequence)
        return ERR_OK;
    struct verify_partition *p = verify_partition_of(v, row->context->partition);
    if (!p)
        return err_set(v->err, ERR_LIMIT, "there are more than %d partitions",
                       CHAIN_PARTITIONS_MAX);
    verify_row_add(v, p, row);
    return ERR_OK;
}

static int frame_verify(struct verify *v, const struct journal_frame *frame,
                        struct batch_reader *reader)
{
    struct err err = {0};
    uint64_t next = frame->first_sequence + frame->row_count;
    verify_journal_minute(v, frame->commit_ns);
    int rc = embedded_frame_rows(frame, reader, journal_row, v, &err);
    if (rc == ERR_DAMAGED || rc == ERR_UNSUPPORTED)
        verify_problem(v, "journal events %llu to %llu: %s",
                       (unsigned long long)frame->first_sequence, (unsigned long long)next - 1,
                       err.text);
    for (uint32_t i = 0; i < frame->section_count; i++)
        if (frame->kinds[i] == JOURNAL_CUT && next > v->view.sealed_sequence)
            verify_journal_cut(v);
    return rc == ERR_LIMIT ? rc : ERR_OK;
}

/* What the last writer knew to be durable must be there. */
static void durable_check(struct verify *v)
{
    struct durable *page = NULL;
    struct journal_place place;
    struct journal_start start;
    uint64_t last_sequence;
    char name[JOURNAL_NAME_BYTES];
    if (!disk_is_real(v->e->disk) || embedded_is_live(v->e) ||
        durable_open(&page, v->e->disk, false, NULL) != ERR_OK)
        return;
    journal_scan_start(v->view.journal, &start);
    if (durable_read(page, &place, &last_sequence)) {
        journal_name(name, place.file);
        if (disk_exists(v->e->disk, name) && journal_place_before(start.end, place))
            verify_problem(v,
                           "%s ends before byte %llu, up to which it was durable: its end is "
                           "damaged; bring the file back from a snapshot",
                           name, (unsigned long long)place.offset);
        if (last_sequence > v->signed_sequence)
            v->signed_sequence = last_sequence;
    }
    durable_close(&page);
}

static int journal_verify(struct verify *v)
{
    struct journal_frame frame;
    struct batch_reader reader = {0};
    int rc;
    verify_journal_begin(v);
    while ((rc = journal_scan_next(v->view.journal, &frame, damage_tell, v, v->err)) == ERR_OK) {
        rc = frame_verify(v, &frame, &reader);
        if (rc)
            break;
    }
    batch_reader_free(&reader);
    if (rc != ERR_END)
        return rc;
    durable_check(v);
    return ERR_OK;
}

static int store_walk(struct verify *v)
{
    int rc = verify_notary(v);
    if (rc == ERR_OK)
        rc = view_open(&v->view, v->e->disk, embedded_is_live(v->e), v->err);
    if (rc == ERR_OK)
        rc = verify_notary_again(v);
    for (uint32_t i = 0; i < v->view.segments.count && rc == ERR_OK; i++)
        rc = segment_verify(v, &v->view.segments.items[i]);
    if (rc == ERR_OK)
        rc = journal_verify(v);
    if (rc == ERR_OK) {
        verify_chain_end(v);
        verify_sequence_end(v);
    }
    return rc;
}

int embedded_verify(void *self, struct slice head, store_verify_visit *visit, void *context,
                    struct store_verified *out, struct err *err)
{
    struct verify *v = mem_zeroed(1, sizeof(*v));
    *out = (struct store_verified){0};
    v->e = self;
    v->out = out;
    v->visit = visit;
    v->context = context;
    v->err = err;
    v->anchor = slice_trim(head);
    v->minute_ns = CLOCK_NONE;
    v->digester = digester_open();
    int rc = store_walk(v);
    verify_sequence_free(v);
    verify_notary_end(v);
    view_close(&v->view);
    digester_close(&v->digester);
    buf_free(&v->scratch);
    buf_free(&v->text);
    arena_free(&v->arena);
    mem_free(v);
    return rc;
}
