#include "watch/render_inside.h"

#define ECS_VERSION "8.11.0"

enum render_sort render_sort(const struct row *row)
{
    if (slice_equal(row->context->partition, ROW_FINDINGS))
        return RENDER_FINDING;
    return slice_equal(row->context->partition, ROW_REFUSED) ? RENDER_REFUSED : RENDER_EVENT;
}

struct slice render_id(struct arena *arena, const struct row *row,
                       const struct render_options *options)
{
    return arena_printf(arena, "%lu:%llu", (unsigned long)options->epoch,
                        (unsigned long long)row->sequence);
}

unsigned render_severity(const struct row *row)
{
    static const struct {
        struct slice level;
        unsigned severity;
    } severities[] = {{SLICE("informational"), 1},
                      {SLICE("low"), 3},
                      {SLICE("medium"), 5},
                      {SLICE("high"), 8},
                      {SLICE("critical"), 10}};
    if (render_sort(row) != RENDER_FINDING)
        return 0;
    const struct field *level = record_find(row->record, SLICE("rule.level"));
    for (size_t i = 0; level && i < sizeof(severities) / sizeof(severities[0]); i++)
        if (slice_equal(level->value, severities[i].level))
            return severities[i].severity;
    return 0;
}

static void put_kind(struct render_doc *doc, const struct row *row)
{
    enum render_sort sort = render_sort(row);
    bool historical = row->context->flags & ROW_HISTORICAL;
    struct slice partition = row->context->partition;
    if (slice_starts(partition, SLICE("_")))
        partition = slice_part(partition, 1, partition.len);
    bool alerts = sort == RENDER_FINDING && !(row->context->flags & (ROW_HISTORICAL | ROW_DRILL));
    const char *kind = sort == RENDER_REFUSED ? "pipeline_error" : alerts ? "alert" : "event";
    render_doc_text(doc, "event.kind", slice_from(kind));
    render_doc_text(doc, "event.module", SLICE("canh"));
    render_doc_text(doc, "event.dataset",
                    arena_printf(&doc->arena, "canh.%.*s", (int)partition.len, partition.data));
    if (historical)
        render_doc_text(doc, "labels.historical", SLICE("true"));
    if (row->context->flags & ROW_DRILL)
        render_doc_text(doc, "labels.drill", SLICE("true"));
}

/* What every row has; before its fields, so that what Canh knows itself goes first. */
static void put_common(struct render_doc *doc, const struct row *row,
                       const struct render_options *options)
{
    const struct row_context *c = row->context;
    render_doc_time(doc, "@timestamp", row_time(row));
    render_doc_text(doc, "ecs.version", SLICE(ECS_VERSION));
    render_doc_text(doc, "event.id", render_id(&doc->arena, row, options));
    render_doc_number(doc, "event.severity", render_severity(row));
    render_doc_time(doc, "event.created", row->received_ns);
    render_doc_time(doc, "event.ingested", row->received_ns);
    put_kind(doc, row);
    render_doc_text(doc, "observer.vendor", SLICE("Canh"));
    render_doc_text(doc, "observer.product", SLICE("Canh"));
    render_doc_text(doc, "observer.version", options->version);
    render_doc_text(doc, "observer.name", options->node);
    render_doc_text(doc, "organization.name", c->unit);
    render_doc_text(doc, "host.name", c->host);
    render_doc_list(doc, "related.hosts", c->host);
    render_doc_text(doc, "log.file.path", c->file);
    render_doc_text(doc, "canh.partition", c->partition);
    render_doc_text(doc, "canh.source", c->source);
    render_doc_text(doc, "canh.sender", c->sender);
    render_doc_text(doc, "canh.system", c->system);
    render_doc_text(doc, "canh.logsource.product", c->product);
    render_doc_text(doc, "canh.logsource.category", c->category);
    render_doc_text(doc, "canh.logsource.service", c->service);
    if (row->line)
        render_doc_number(doc, "canh.line", row->line);
    if (c->mapping.len) {
        render_doc_text(doc, "canh.mapping.id", c->mapping);
        render_doc_number(doc, "canh.mapping.version", c->mapping_version);
    }
}

static bool behind(struct slice name, struct slice head, struct slice *rest)
{
    *rest = slice_part(name, head.len, name.len);
    return slice_starts(name, head);
}

/* A field of a finding that is neither matched nor of its group. */
static void put_finding_field(struct render_doc *doc, struct slice name, struct slice value)
{
    static const struct {
        struct slice name;
        const char *path;
        bool list;
    } places[] = {
        {SLICE("rule.id"), "rule.id", false},
        {SLICE("rule.title"), "rule.name", false},
        {SLICE("rule.level"), "canh.rule.level", false},
        {SLICE("rule.author"), "rule.author", true},
        {SLICE("rule.license"), "rule.license", false},
        {SLICE("rule.version"), "rule.version", false},
        {SLICE("rule.source"), "canh.rule.source", false},
        {SLICE("rule.reference"), "rule.reference", true},
        {SLICE("event.id"), "canh.event.ids", true},
        {SLICE("event.time"), "canh.event.time", false},
        {SLICE("event.file"), "log.file.path", false},
        {SLICE("mapping.id"), "canh.mapping.id", false},
    };
    double number;
    uint64_t count;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (!slice_equal(name, places[i].name))
            continue;
        if (places[i].list)
            render_doc_list(doc, places[i].path, value);
        else
            render_doc_text(doc, places[i].path, value);
        return;
    }
    if (slice_equal(name, SLICE("rule.tag")))
        render_tag_put(doc, value);
    else if (slice_equal(name, SLICE("value")) && slice_to_double(value, &number))
        render_doc_double(doc, "canh.value", number);
    else if (slice_equal(name, SLICE("count")) && slice_to_u64(value, &count))
        render_doc_number(doc, "canh.count", count);
    else if (slice_equal(name, SLICE("mapping.version")) && slice_to_u64(value, &count))
        render_doc_number(doc, "canh.mapping.version", count);
    else if (!slice_equal(name, SLICE("event.line")))
        render_doc_pair(doc, "canh.fields", name, value);
}

static void put_finding(struct render_doc *doc, const struct row *row)
{
    const struct record *r = row->record;
    struct slice rest;
    const struct field *title = record_find(row->record, SLICE("rule.title"));
    render_doc_list(doc, "event.category", SLICE("intrusion_detection"));
    render_doc_list(doc, "event.type", SLICE("info"));
    if (title)
        render_doc_text(doc, "message", title->value);
    /* what is not repeated goes first, so that many matched fields cannot crowd it out */
    for (uint32_t i = 0; i < r->count; i++)
        if (!slice_starts(r->fields[i].name, SLICE("matched.")) &&
            !slice_starts(r->fields[i].name, SLICE("group.")))
            put_finding_field(doc, r->fields[i].name, r->fields[i].value);
    for (uint32_t i = 0; i < r->count; i++)
        if (behind(r->fields[i].name, SLICE("matched."), &rest) ||
            behind(r->fields[i].name, SLICE("group."), &rest))
            render_name_put(doc, rest, r->fields[i].value);
    for (uint32_t i = 0; i < r->count; i++) {
        if (behind(r->fields[i].name, SLICE("matched."), &rest))
            render_doc_pair(doc, "canh.matched", rest, r->fields[i].value);
        else if (behind(r->fields[i].name, SLICE("group."), &rest))
            render_doc_pair(doc, "canh.group", rest, r->fields[i].value);
    }
}

static void put_refused(struct render_doc *doc, const struct row *row)
{
    const struct field *reason = record_find(row->record, SLICE("reason"));
    const struct field *text = record_find(row->record, SLICE("text"));
    if (reason)
        render_doc_text(doc, "error.message", reason->value);
    if (text)
        render_doc_text(doc, "event.original", text->value);
}

static void put_event(struct render_doc *doc, const struct row *row)
{
    const struct record *r = row->record;
    for (uint32_t i = 0; i < r->count; i++)
        if (r->fields[i].kind != VALUE_OBJECT)
            render_name_put(doc, r->fields[i].name, r->fields[i].value);
    for (uint32_t i = 0; i < r->count; i++)
        if (r->fields[i].kind != VALUE_OBJECT)
            render_doc_pair(doc, "canh.fields", r->fields[i].name, r->fields[i].value);
}

void render_row(struct render_doc *doc, const struct row *row, const struct render_options *options)
{
    enum render_sort sort = render_sort(row);
    put_common(doc, row, options);
    render_category_put(doc, row->context->category);
    if (sort == RENDER_FINDING)
        put_finding(doc, row);
    else if (sort == RENDER_REFUSED)
        put_refused(doc, row);
    else
        put_event(doc, row);
    if (doc->cut)
        render_doc_true(doc, "canh.cut");
}

bool render_ecs(const struct row *row, const struct render_options *options, struct buf *out)
{
    size_t start = out->len, max = options->bytes_max ? options->bytes_max : RENDER_BYTES_MAX;
    bool cut = false;
    for (int i = 0; i < RENDER_LEVELS; i++) {
        struct render_doc doc;
        out->len = start;
        render_doc_open(&doc, &render_levels[i]);
        render_row(&doc, row, options);
        cut = doc.cut;
        render_doc_write(&doc, out);
        render_doc_close(&doc);
        if (out->len - start <= max)
            break;
    }
    return !cut;
}
