/* Frames of the journal: not sealed yet, so every row is judged where no value can tell. */
#include "base/mem.h"
#include "store/embedded_search.h"

/* Calls visit for each row of the frame that the catalog does not have yet. */
typedef bool frame_visit(void *context, const struct row *row, uint32_t number);

static int frame_rows(struct search *s, const struct search_unit *unit, frame_visit *visit,
                      void *context, struct err *err)
{
    struct journal_frame frame;
    struct row row;
    uint32_t number = 0;
    int rc = journal_scan_read(s->view.journal, unit->begin, &frame, err);
    if (rc)
        return rc;
    uint64_t sequence = frame.first_sequence;
    for (uint32_t i = 0; i < frame.section_count; i++) {
        if (frame.kinds[i] != JOURNAL_BATCH)
            continue;
        rc = batch_reader_open(&s->reader, frame.sections[i], err);
        if (rc)
            return rc;
        s->reader.first_sequence = sequence;
        sequence += s->reader.row_count;
        for (; batch_next(&s->reader, &row); number++)
            if (row.sequence > s->view.sealed_sequence && !visit(context, &row, number))
                return ERR_OK;
    }
    return ERR_OK;
}

struct looking {
    struct search *search;
    struct search_unit *unit;
    uint32_t capacity;
};

static bool row_look(void *context, const struct row *row, uint32_t number)
{
    struct looking *l = context;
    struct search_candidate c = {row_time(row), row->sequence, number};
    if (search_partition_wanted(l->search, row->context->partition) &&
        search_in_range(l->search, c.time_ns, row->received_ns, c.sequence))
        search_candidate_add(l->search, l->unit, &l->capacity, &c);
    else if (!l->unit->again)
        l->search->progress.rows_pruned++;
    return true;
}

int search_frame_look(struct search *s, struct search_unit *unit, struct err *err)
{
    struct looking l = {s, unit, 0};
    int rc = frame_rows(s, unit, row_look, &l, err);
    if (rc == ERR_LIMIT)
        return rc;
    if (rc)
        s->progress.damaged_rows += unit->row_count;
    search_candidates_keep(s, unit);
    return ERR_OK;
}

struct judging {
    struct search *search;
    struct search_unit *unit;
    const struct search_candidate *chunk;
    uint32_t count, next;
};

static void fields_choose(const struct search *s, const struct row *row, struct record *out)
{
    for (uint32_t i = 0; i < row->record->count; i++) {
        const struct field *f = &row->record->fields[i];
        bool wanted = !s->options.fields || s->options.matched; /* judged once more */
        for (uint32_t k = 0; k < s->options.field_count && !wanted; k++)
            wanted = slice_equal(s->options.fields[k], f->name);
        if (wanted)
            (void)!record_add(out, f->name, f->value, (enum value_kind)f->kind, f->flags, NULL);
    }
}

static bool row_judge(void *context, const struct row *row, uint32_t number)
{
    struct judging *j = context;
    struct search *s = j->search;
    if (number != j->chunk[j->next].row)
        return true;
    struct search_hit *hit = &j->unit->hits[j->unit->hit_count];
    if (search_judge(s, row, search_logsource(s, row->context->configured), hit, &j->unit->arena)) {
        struct record shown = {0};
        struct row given = *row;
        fields_choose(s, row, &shown);
        given.record = &shown;
        search_hit_copy(hit, &given, &j->unit->arena);
        search_context_keep(s, &hit->row);
        j->unit->hit_count++;
        record_free(&shown);
    }
    return ++j->next < j->count;
}

int search_frame_chunk(struct search *s, struct search_unit *unit, struct err *err)
{
    struct judging j = {.search = s, .unit = unit};
    j.chunk = search_chunk_take(s, unit, &j.count);
    int rc = j.count ? frame_rows(s, unit, row_judge, &j, err) : ERR_OK;
    if (rc == ERR_LIMIT)
        return rc;
    if (rc)
        s->progress.damaged_rows += j.count - j.next;
    search_hits_sort(s, unit);
    return ERR_OK;
}
