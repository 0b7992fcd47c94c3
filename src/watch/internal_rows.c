#include "watch/internal_rows.h"

#include "base/mem.h"
#include "formats/json.h"

struct rule_fields { /* made when the rule is first found */
    struct finding_field *fields;
    uint32_t count;
};

struct internal_rows {
    const struct rule_list *rules;
    struct slice version; /* of the rules; empty: none is known */
    const struct origin *source;
    uint32_t epoch;
    int64_t received_ns;
    struct batch_writer *writer;
    struct record record;
    struct rule_fields *of_rule;
    struct arena arena;
    struct batch *batches; /* their memory is used again */
    uint32_t count, capacity;
};

struct internal_rows *internal_rows_open(const struct rule_list *rules, const struct origin *source,
                                         uint32_t epoch)
{
    struct internal_rows *r = mem_zeroed(1, sizeof(*r));
    r->rules = rules;
    r->source = source;
    r->epoch = epoch;
    r->writer = batch_writer_open();
    r->of_rule = mem_zeroed(rules->count, sizeof(*r->of_rule));
    return r;
}

void internal_rows_close(struct internal_rows **rows)
{
    struct internal_rows *r = *rows;
    if (!r)
        return;
    for (uint32_t i = 0; i < r->capacity; i++)
        batch_free(&r->batches[i]);
    mem_free(r->batches);
    batch_writer_close(&r->writer);
    record_free(&r->record);
    mem_free(r->of_rule);
    arena_free(&r->arena);
    mem_free(r);
    *rows = NULL;
}

void internal_rows_rules(struct internal_rows *r, const struct rule_list *rules,
                         const char *version)
{
    enum { VERSION_SHOWN = 12 };
    if (rules == r->rules &&
        slice_equal(r->version, slice_part(slice_from(version), 0, VERSION_SHOWN)))
        return;
    arena_reset(&r->arena);
    mem_free(r->of_rule);
    r->rules = rules;
    r->of_rule = mem_zeroed(rules->count, sizeof(*r->of_rule));
    r->version = arena_copy(&r->arena, slice_part(slice_from(version), 0, VERSION_SHOWN));
}

void internal_rows_source(struct internal_rows *rows, const struct origin *source)
{
    rows->source = source;
}

void internal_rows_begin(struct internal_rows *r, int64_t received_ns)
{
    r->received_ns = received_ns;
    r->count = 0;
    batch_begin(r->writer, received_ns, true);
}

static void batch_finish(struct internal_rows *r)
{
    if (r->count == r->capacity) {
        uint32_t more = r->capacity ? r->capacity * 2 : 4;
        r->batches = mem_resize(r->batches, more, sizeof(*r->batches));
        memset(r->batches + r->capacity, 0, (more - r->capacity) * sizeof(*r->batches));
        r->capacity = more;
    }
    batch_end(r->writer, &r->batches[r->count++]);
    batch_begin(r->writer, r->received_ns, true);
}

const struct batch *internal_rows_end(struct internal_rows *r, uint32_t *count)
{
    if (batch_rows(r->writer) > 0)
        batch_finish(r);
    *count = r->count;
    return r->batches;
}

struct internal_row {
    struct slice partition, file;
    uint64_t line;
    int64_t time_ns;
};

static int row_try(struct internal_rows *r, const struct internal_row *row, struct err *err)
{
    struct row_context context = {.partition = row->partition,
                                  .source = r->source->name,
                                  .system = r->source->system,
                                  .unit = r->source->unit,
                                  .file = slice_part(row->file, 0, ROW_TEXT_BYTES_MAX),
                                  .flags = r->source->flags | ROW_INTERNAL};
    uint32_t number, index;
    int rc = batch_context(r->writer, &context, &number, err);
    return rc ? rc : batch_add(r->writer, number, row->time_ns, row->line, &r->record, &index, err);
}

/* r->record as a row; a full batch is followed by another. */
static int row_add(struct internal_rows *r, const struct internal_row *row, struct err *err)
{
    int rc = row_try(r, row, err);
    if (rc != ERR_LIMIT || batch_rows(r->writer) == 0)
        return rc;
    batch_finish(r);
    return row_try(r, row, err);
}

static int text_add(struct internal_rows *r, struct slice name, struct slice value, struct err *err)
{
    return record_add(&r->record, name, value, VALUE_STRING, 0, err);
}

/* The name is given out behind `before` ("matched." and the like). */
static int named_add(struct internal_rows *r, struct slice before, struct slice name,
                     struct slice value, struct err *err)
{
    size_t len = before.len + name.len;
    char *whole = arena_bytes(&r->record.arena, len);
    memcpy(whole, before.data, before.len);
    if (name.len)
        memcpy(whole + before.len, name.data, name.len);
    return text_add(r, slice_part(slice_make(whole, len), 0, RECORD_NAME_BYTES_MAX), value, err);
}

static int number_add(struct internal_rows *r, struct slice name, uint64_t value, struct err *err)
{
    struct slice text = arena_printf(&r->record.arena, "%llu", (unsigned long long)value);
    return record_add(&r->record, name, text, VALUE_NUMBER, 0, err);
}

static void list_put(struct rule_fields *f, struct slice name, const struct slice_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        f->fields[f->count++] = (struct finding_field){name, list->items[i]};
}

static const struct rule_fields *fields_of_rule(struct internal_rows *r, uint32_t number)
{
    struct rule_fields *f = &r->of_rule[number];
    const struct rule *rule = r->rules->rules[number];
    if (f->fields)
        return f;
    const struct finding_field texts[] = {
        {SLICE("rule.id"), rule->id},
        {SLICE("rule.title"), rule->title},
        {SLICE("rule.level"), slice_from(rule_level_names[rule->level])},
        {SLICE("rule.author"), rule->author},
        {SLICE("rule.source"), rule->file},
        {SLICE("rule.version"), r->version},
    };
    enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };
    f->fields =
        arena_zeroed(&r->arena, TEXTS + rule->tags.count + rule->references.count, sizeof(*texts));
    for (size_t i = 0; i < TEXTS; i++)
        if (texts[i].value.len)
            f->fields[f->count++] = texts[i];
    list_put(f, SLICE("rule.tag"), &rule->tags);
    list_put(f, SLICE("rule.reference"), &rule->references);
    return f;
}

static int id_add(struct internal_rows *r, uint64_t sequence, struct err *err)
{
    return text_add(r, SLICE("event.id"),
                    arena_printf(&r->record.arena, "%lu:%llu", (unsigned long)r->epoch,
                                 (unsigned long long)sequence),
                    err);
}

static int event_put(struct internal_rows *r, const struct finding_place *place, struct err *err)
{
    char time[CLOCK_TEXT_BYTES];
    int rc = id_add(r, place->sequence, err);
    if (rc == ERR_OK && place->time_ns != CLOCK_NONE)
        rc = text_add(
            r, SLICE("event.time"),
            arena_copy(&r->record.arena, slice_make(time, clock_text(time, place->time_ns))), err);
    if (rc == ERR_OK)
        rc = text_add(r, SLICE("event.file"), place->file, err);
    return rc ? rc : number_add(r, SLICE("event.line"), place->line, err);
}

static int mapping_put(struct internal_rows *r, const struct finding_mapping *mapping,
                       struct err *err)
{
    if (mapping->id.len == 0)
        return ERR_OK;
    int rc = text_add(r, SLICE("mapping.id"), mapping->id, err);
    return rc ? rc : number_add(r, SLICE("mapping.version"), mapping->version, err);
}

static int correlation_put(struct internal_rows *r, const struct finding *f, struct err *err)
{
    struct buf value = {0};
    struct json_writer w = {.out = &value};
    int rc = ERR_OK;
    for (uint32_t i = 0; i < f->event_count && rc == ERR_OK; i++)
        rc = id_add(r, f->events[i].sequence, err);
    for (uint32_t i = 0; i < f->group_count && rc == ERR_OK; i++)
        rc = named_add(r, SLICE("group."), f->group_names[i], f->group_values[i], err);
    json_double(&w, f->value);
    if (rc == ERR_OK)
        rc = record_add(&r->record, SLICE("value"),
                        arena_copy(&r->record.arena, buf_as_slice(&value)), VALUE_NUMBER, 0, err);
    buf_free(&value);
    return rc ? rc : number_add(r, SLICE("count"), f->event_total, err);
}

static struct slice found_of(const struct finding *f, struct slice name)
{
    for (uint32_t i = 0; i < f->matched_count; i++)
        if (slice_equal(f->matched[i].name, name))
            return slice_part(f->matched[i].value, 0, FINDING_VALUE_BYTES_MAX);
    return SLICE("");
}

/* What another detector found stands under that one's names: Suricata:2001219. */
static int outside_put(struct internal_rows *r, const struct finding *f, struct err *err)
{
    struct slice detector = found_of(f, FINDING_DETECTOR), id = found_of(f, FINDING_ID);
    struct slice level = found_of(f, FINDING_LEVEL);
    const struct rule *rule = r->rules->rules[f->rule];
    const struct finding_field texts[] = {
        {SLICE("rule.id"), arena_printf(&r->record.arena, "%.*s:%.*s", (int)detector.len,
                                        detector.data, (int)id.len, id.data)},
        {SLICE("rule.title"), found_of(f, FINDING_TITLE)},
        {SLICE("rule.level"), level.len ? level : slice_from(rule_level_names[rule->level])},
        {SLICE("rule.author"), detector},
    };
    int rc = ERR_OK;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && rc == ERR_OK; i++)
        rc = text_add(r, texts[i].name, texts[i].value, err);
    return rc ? rc : event_put(r, &f->place, err);
}

int internal_rows_finding(struct internal_rows *r, const struct finding *f, struct err *err)
{
    const struct rule_fields *rule = fields_of_rule(r, f->rule);
    bool is_correlation = r->rules->rules[f->rule]->kind == RULE_CORRELATION;
    struct internal_row row = {
        .partition = ROW_FINDINGS, .file = f->place.file, .line = f->place.line};
    row.time_ns = f->place.time_ns;
    record_reset(&r->record);
    int rc = ERR_OK;
    if (found_of(f, FINDING_DETECTOR).len) {
        rc = outside_put(r, f, err);
        if (rc == ERR_OK)
            rc = mapping_put(r, &f->mapping, err);
        return rc ? rc : row_add(r, &row, err);
    }
    for (uint32_t i = 0; i < rule->count && rc == ERR_OK; i++)
        rc = text_add(r, rule->fields[i].name, rule->fields[i].value, err);
    if (rc == ERR_OK)
        rc = is_correlation ? correlation_put(r, f, err) : event_put(r, &f->place, err);
    if (rc == ERR_OK)
        rc = mapping_put(r, &f->mapping, err);
    for (uint32_t i = 0; i < f->matched_count && rc == ERR_OK; i++) {
        struct slice value = slice_part(f->matched[i].value, 0, FINDING_VALUE_BYTES_MAX);
        rc = named_add(r, SLICE("matched."), f->matched[i].name, value, err);
    }
    return rc ? rc : row_add(r, &row, err);
}

int internal_rows_refused(struct internal_rows *r, const struct internal_refused *refused,
                          struct err *err)
{
    struct internal_row row = {.partition = ROW_REFUSED,
                               .file = refused->file,
                               .line = refused->line,
                               .time_ns = CLOCK_NONE};
    record_reset(&r->record);
    int rc = text_add(r, SLICE("reason"), refused->reason, err);
    if (rc == ERR_OK)
        rc = text_add(r, SLICE("text"), refused->text, err);
    if (rc == ERR_OK)
        rc = text_add(r, SLICE("file"), refused->file, err);
    if (rc == ERR_OK)
        rc = number_add(r, SLICE("line"), refused->line, err);
    return rc ? rc : row_add(r, &row, err);
}

struct cell_put {
    struct internal_rows *rows;
    int rc;
    struct err *err;
};

static void cell_field(void *context, const char *name, uint64_t value)
{
    struct cell_put *put = context;
    if (put->rc == ERR_OK)
        put->rc = number_add(put->rows, slice_from(name), value, put->err);
}

int internal_rows_ledger(struct internal_rows *r, const struct ledger_cell *cell, struct err *err)
{
    struct internal_row row = {
        .partition = ROW_LEDGER, .file = SLICE(""), .time_ns = cell->hour * 3600 * CLOCK_SECOND_NS};
    struct cell_put put = {r, ERR_OK, err};
    record_reset(&r->record);
    ledger_cell_fields(cell, cell_field, &put);
    return put.rc ? put.rc : row_add(r, &row, err);
}

static int time_add(struct internal_rows *r, struct slice name, int64_t time_ns, struct err *err)
{
    char text[CLOCK_TEXT_BYTES];
    if (time_ns == CLOCK_NONE)
        return ERR_OK;
    struct slice at = slice_make(text, clock_text(text, time_ns));
    return text_add(r, name, arena_copy(&r->record.arena, at), err);
}

int internal_rows_health(struct internal_rows *r, const struct health_change *change,
                         struct err *err)
{
    const struct health_kind_row *kind = &health_kinds[change->finding.kind];
    struct internal_row row = {
        .partition = ROW_FINDINGS, .file = SLICE(""), .time_ns = change->at_ns};
    record_reset(&r->record);
    const struct finding_field texts[] = {
        {SLICE("rule.id"), arena_printf(&r->record.arena, "canh-health-%s", kind->name)},
        {SLICE("rule.title"), slice_from(kind->title_en)},
        {SLICE("rule.level"), slice_from(change->ends ? "informational" : kind->level)},
        {SLICE("state"), change->ends ? SLICE("ends") : SLICE("begins")},
        {SLICE("subject"), change->finding.subject},
        {SLICE("message_en"), change->finding.sentence_en},
        {SLICE("message_vi"), change->finding.sentence_vi}};
    int rc = ERR_OK;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && rc == ERR_OK; i++)
        if (texts[i].value.len)
            rc = text_add(r, texts[i].name, texts[i].value, err);
    if (rc == ERR_OK)
        rc = time_add(r, SLICE("since"), change->finding.since_ns, err);
    return rc ? rc : row_add(r, &row, err);
}
