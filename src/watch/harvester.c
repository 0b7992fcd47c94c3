#include "watch/harvester.h"

#include "base/bytes.h"
#include "base/hash.h"
#include "base/mem.h"
#include "detection/indicator_match.h"
#include "store/carry.h"

/* Lines of many hosts and programs come mixed: contexts of a haul that are found again without
 * being written again. */
enum { CONTEXTS_KNOWN = 64, CONTEXT_KEY_BYTES_MAX = 1024 };
struct context_known {
    uint64_t haul; /* in which it holds; 0: in none */
    const struct mapping *mapping;
    struct buf seen;
    uint32_t number;
};

struct harvester {
    struct pipeline pipeline;
    struct batch_writer *writer;
    const struct origin *source;
    struct workers_job *job;
    struct harvest_part *part;
    struct indicator_matcher *indicators; /* NULL: none are looked for */
    const struct indicator_table *indicator_table;
    uint32_t indicator_rules; /* number of the first of theirs */
    uint32_t outside_rule;    /* of what other detectors found; 0: that is not looked for */
    uint64_t mapping_set, cpu_ns;
    /* whose host the newest record is about */
    const struct register_table *table; /* NULL: nothing is registered yet */
    struct buf said_host, said_sender;
    struct register_host registered;
    bool register_known, is_attributed;
    struct slice sender; /* of the block; senders: by place in it, or NULL */
    const struct slice *senders;
    bool hosts;
    bool row_missing;   /* the newest event could not be stored */
    uint32_t row;       /* of the newest event */
    size_t event_bytes; /* of the newest event's matched values */
    struct buf seen;    /* what tells the newest event's context, but its mapping */
    const struct mapping *mapping;
    uint32_t context;
    uint64_t haul; /* counted: another one, or another register, knows no context yet */
    struct context_known known[CONTEXTS_KNOWN];
};

struct harvester *harvester_open(const struct detector *detector, const struct origin *source,
                                 int64_t near_ns, bool hosts)
{
    struct harvester *w = mem_zeroed(1, sizeof(*w));
    pipeline_open(&w->pipeline, detector, near_ns);
    w->writer = batch_writer_open();
    w->source = source;
    w->hosts = hosts;
    w->mapping_set = mapping_set_fingerprint(detector->mappings);
    return w;
}

void harvester_close(struct harvester **worker, uint64_t *cpu_ns, struct matcher_stats *sum)
{
    struct harvester *w = *worker;
    struct matcher_stats stats;
    if (!w)
        return;
    matcher_count(w->pipeline.matcher, &stats);
    sum->events += stats.events;
    sum->candidates += stats.candidates;
    sum->regex_limits += stats.regex_limits;
    *cpu_ns += w->cpu_ns;
    pipeline_close(&w->pipeline);
    indicator_matcher_close(&w->indicators);
    batch_writer_close(&w->writer);
    buf_free(&w->seen);
    for (size_t i = 0; i < CONTEXTS_KNOWN; i++)
        buf_free(&w->known[i].seen);
    buf_free(&w->said_host);
    buf_free(&w->said_sender);
    mem_free(w);
    *worker = NULL;
}

static void haul_begin(struct harvester *w)
{
    harvest_clear(w->part->haul);
    w->part->haul->file = w->job->block.file;
    batch_begin(w->writer, clock_now_ns(), !w->source->raw);
    w->haul++;
}

static void haul_end(struct harvester *w)
{
    struct harvest *haul = w->part->haul;
    if (batch_rows(w->writer) == 0)
        return;
    if (w->source->raw)
        buf_slice(&haul->raw, batch_raw(w->writer));
    else
        batch_end(w->writer, &haul->batch);
}

static void hand_over(struct harvester *w)
{
    haul_end(w);
    (void)workers_hand_over(w->job); /* stopped: what else the block gives is let go */
    haul_begin(w);
}

/* At the beginning of a record, so that all that comes of one stands in one haul. */
static void haul_relieve(struct harvester *w)
{
    if (w->part->haul->item_bytes + batch_bytes(w->writer) > HARVEST_BYTES_MAX)
        hand_over(w);
}

static void refuse(struct harvester *w, uint64_t line, struct slice text, const struct err *err)
{
    enum ledger_count why =
        err->code == ERR_UNSUPPORTED ? LEDGER_REFUSED_NO_ROOM : ledger_refused_by(err->code);
    harvest_refuse(w->part->haul, why, line, slice_from(err->text), text);
}

static struct slice cut(struct slice text)
{
    return slice_part(text, 0, ROW_TEXT_BYTES_MAX);
}

/* Of the newest record. */
static struct slice sender_of(const struct harvester *w)
{
    return w->senders ? w->senders[w->pipeline.position] : w->sender;
}

/* Whose the newest record is, by what it says of its host, else by who sent it; asked once for
 * records of one host that follow each other. */
static void attribute(struct harvester *w)
{
    if (!w->table)
        return;
    struct slice host = matcher_host(w->pipeline.matcher), sender = sender_of(w);
    if (w->register_known && slice_equal(host, buf_as_slice(&w->said_host)) &&
        slice_equal(sender, buf_as_slice(&w->said_sender)))
        return;
    buf_clear(&w->said_host);
    buf_slice(&w->said_host, host);
    buf_clear(&w->said_sender);
    buf_slice(&w->said_sender, sender);
    w->register_known = true;
    w->is_attributed = register_find(w->table, host, w->source->unit, &w->registered) ||
                       register_find(w->table, sender, w->source->unit, &w->registered);
    if (!w->is_attributed)
        w->registered = (struct register_host){SLICE(""), SLICE(""), SLICE("")};
}

static int context_add(struct harvester *w, const struct event_source *seen, struct err *err)
{
    struct buf categories = {0};
    for (uint32_t i = 0; i < seen->category_count; i++) {
        if (i)
            buf_char(&categories, '|');
        buf_slice(&categories, seen->categories[i]);
    }
    struct row_context context = {
        .partition = w->source->partition,
        .source = w->source->name,
        .system = w->source->system.len ? w->source->system : w->registered.system,
        .unit = w->source->unit,
        .host = w->registered.host,
        .file = cut(slice_from(w->part->haul->file->name)),
        .flags = w->source->flags,
        .mapping_set = w->mapping_set,
        .product = cut(seen->product),
        .category = seen->categories_known ? cut(buf_as_slice(&categories)) : SLICE("*"),
        .service = cut(seen->service),
        .sender = cut(sender_of(w)),
        .configured = w->source->configured};
    if (w->mapping) {
        context.mapping = w->mapping->id;
        context.mapping_version = w->mapping->version;
    }
    int rc = batch_context(w->writer, &context, &w->context, err);
    buf_free(&categories);
    return rc;
}

static char *seen_put(char *at, struct slice text)
{
    bytes_set_u32(at, (uint32_t)text.len);
    at += sizeof(uint32_t);
    if (text.len)
        memcpy(at, text.data, text.len);
    return at + text.len;
}

static void seen_write(struct harvester *w, const struct event_source *seen)
{
    const struct slice *categories = seen->categories;
    struct slice sender = sender_of(w), host = w->registered.host;
    size_t room = (4 + seen->category_count) * sizeof(uint32_t) + 2 + seen->product.len +
                  seen->service.len + host.len + sender.len;
    for (uint32_t i = 0; i < seen->category_count; i++)
        room += categories[i].len;
    buf_clear(&w->seen);
    buf_reserve(&w->seen, room);
    char *at = w->seen.data;
    *at++ = seen->categories_known ? '1' : '0';
    *at++ = (char)seen->category_count;
    at = seen_put(at, seen->product);
    at = seen_put(at, seen->service);
    for (uint32_t i = 0; i < seen->category_count; i++)
        at = seen_put(at, categories[i]);
    at = seen_put(at, host);
    at = seen_put(at, sender);
    w->seen.len = (size_t)(at - w->seen.data);
}

/* The newest event's context, in w->context. */
static int context_find(struct harvester *w, struct err *err)
{
    struct event_source seen;
    w->mapping = matcher_mapping(w->pipeline.matcher);
    matcher_source(w->pipeline.matcher, &seen);
    attribute(w);
    seen_write(w, &seen);
    uint64_t hash = hash_bytes(w->seen.data, w->seen.len, (uintptr_t)w->mapping);
    struct context_known *known = &w->known[hash % CONTEXTS_KNOWN];
    if (known->haul == w->haul && known->mapping == w->mapping &&
        slice_equal(buf_as_slice(&w->seen), buf_as_slice(&known->seen))) {
        w->context = known->number;
        return ERR_OK;
    }
    int rc = context_add(w, &seen, err);
    if (rc == ERR_OK && w->seen.len <= CONTEXT_KEY_BYTES_MAX) {
        buf_clear(&known->seen);
        buf_slice(&known->seen, buf_as_slice(&w->seen));
        known->haul = w->haul;
        known->mapping = w->mapping;
        known->number = w->context;
    }
    return rc;
}

static int row_add(struct harvester *w, const struct event_place *place, struct err *err)
{
    int rc = context_find(w, err);
    if (rc == ERR_OK)
        rc = batch_add(w->writer, w->context, place->time_ns, place->line, &w->pipeline.record,
                       &w->row, err);
    if (rc == ERR_OK)
        harvest_position(w->part->haul, w->row, w->pipeline.position);
    if (rc == ERR_OK)
        w->part->haul->figures.counts[LEDGER_UNATTRIBUTED] += !w->is_attributed;
    if (rc == ERR_OK)
        ledger_figures_time(&w->part->haul->figures, place->time_ns, w->pipeline.near_ns);
    return rc;
}

static struct slice value_copy(struct harvester *w, struct slice value)
{
    size_t room =
        w->event_bytes < HARVEST_EVENT_BYTES_MAX ? SIZE_MAX : (size_t)HARVEST_VALUE_BYTES_MIN;
    struct slice copy = arena_copy(&w->part->haul->arena, slice_part(value, 0, room));
    w->event_bytes += copy.len;
    w->part->haul->item_bytes += copy.len;
    return copy;
}

/* Of the newest row. */
static struct harvest_item *finding_add(struct harvester *w, uint32_t rule,
                                        const struct event_place *place)
{
    struct harvest *haul = w->part->haul;
    struct harvest_item *item = harvest_add(haul, HARVEST_FINDING);
    item->rule = rule;
    item->row = w->row;
    item->line = place->line;
    item->time_ns = place->time_ns;
    if (w->mapping)
        item->mapping =
            (struct finding_mapping){arena_copy(&haul->arena, w->mapping->id), w->mapping->version};
    return item;
}

static void indicators_find(struct harvester *w, const struct event_place *place)
{
    const struct indicator_matches *found =
        indicator_matcher_run(w->indicators, &w->pipeline.record, place->time_ns);
    for (uint32_t i = 0; i < found->count; i++) {
        struct harvest *haul = w->part->haul;
        struct indicator indicator;
        indicator_table_get(w->indicator_table, found->items[i].number, &indicator);
        struct finding_field *field = arena_alloc(&haul->arena, sizeof(*field));
        field->name = arena_copy(&haul->arena, found->items[i].name);
        field->value = value_copy(w, found->items[i].value);
        struct harvest_item *item =
            finding_add(w, w->indicator_rules + (uint32_t)indicator.type, place);
        item->fields = field;
        item->count = 1;
        haul->item_bytes += sizeof(*field) + field->name.len;
    }
}

static void worker_event(void *context, struct pipeline *pipeline, const struct event_place *place)
{
    struct harvester *w = context;
    struct err err;
    (void)pipeline;
    haul_relieve(w);
    int rc = row_add(w, place, &err);
    if (rc == ERR_LIMIT && batch_rows(w->writer) > 0) {
        hand_over(w);
        rc = row_add(w, place, &err);
    }
    w->row_missing = rc != ERR_OK;
    w->event_bytes = 0;
    if (rc)
        refuse(w, place->line, SLICE(""), &err);
    else if (w->indicators)
        indicators_find(w, place);
    w->part->haul->records++;
}

static void worker_finding(void *context, struct pipeline *pipeline, uint32_t rule,
                           const struct event_place *place)
{
    struct harvester *w = context;
    struct harvest *haul = w->part->haul;
    struct matched_field matched[MATCHED_FIELDS_MAX];
    if (w->row_missing)
        return;
    uint32_t count = matcher_matched(pipeline->matcher, rule, matched);
    struct finding_field *fields = arena_alloc(&haul->arena, (count + 1) * sizeof(*fields));
    for (uint32_t i = 0; i < count; i++) {
        fields[i].name = arena_copy(&haul->arena, matched[i].name);
        fields[i].value = value_copy(w, matched[i].value);
        haul->item_bytes += sizeof(*fields) + fields[i].name.len;
    }
    struct harvest_item *item = finding_add(w, rule, place);
    item->fields = fields;
    item->count = count;
    if (w->hosts)
        item->host = arena_copy(&haul->arena, matcher_host(pipeline->matcher));
}

static void found_add(struct harvester *w, struct harvest_item *item, struct finding_field *fields,
                      struct slice name, struct slice value)
{
    if (value.len == 0)
        return;
    fields[item->count++] = (struct finding_field){name, value_copy(w, value)};
    w->part->haul->item_bytes += sizeof(*fields);
}

static void worker_outside(void *context, struct pipeline *pipeline,
                           const struct mapping_found *found, const struct event_place *place)
{
    enum { FIELDS = 4 };
    struct harvester *w = context;
    struct harvest *haul = w->part->haul;
    (void)pipeline;
    if (w->row_missing || w->outside_rule == 0)
        return;
    struct finding_field *fields = arena_zeroed(&haul->arena, FIELDS, sizeof(*fields));
    struct harvest_item *item = finding_add(w, w->outside_rule, place);
    item->fields = fields;
    found_add(w, item, fields, FINDING_DETECTOR, found->detector);
    found_add(w, item, fields, FINDING_TITLE, found->title);
    found_add(w, item, fields, FINDING_ID, found->id);
    if (found->level != LEVEL_NONE)
        found_add(w, item, fields, FINDING_LEVEL, slice_from(rule_level_names[found->level]));
}

/* The journal keeps CARRY_VALUE_BYTES_MAX of a value: a longer one ends with a hash of all of it,
 * so that a run that goes on after a stop tells it from others just as this one does. */
static struct slice input_value(struct harvest *haul, struct slice value)
{
    enum { HASH_DIGITS = 16 };
    if (value.len <= CARRY_VALUE_BYTES_MAX)
        return arena_copy(&haul->arena, value);
    return arena_printf(&haul->arena, "%.*s%016llx", CARRY_VALUE_BYTES_MAX - HASH_DIGITS,
                        value.data, (unsigned long long)hash_slice(value, 0));
}

static void worker_input(void *context, const struct correlate_input *input, uint32_t value_count)
{
    struct harvester *w = context;
    struct harvest *haul = w->part->haul;
    if (w->row_missing)
        return;
    struct slice *values = arena_alloc(&haul->arena, (value_count + 1) * sizeof(*values));
    for (uint32_t i = 0; i < value_count; i++) {
        values[i] = input->values[i].data ? input_value(haul, input->values[i]) : (struct slice){0};
        haul->item_bytes += sizeof(*values) + values[i].len;
    }
    struct harvest_item *item = harvest_add(haul, HARVEST_INPUT);
    item->rule = input->rule;
    item->row = w->row;
    item->line = input->place.line;
    item->time_ns = input->place.time_ns;
    item->values = values;
    item->count = value_count;
}

static void worker_refused(void *context, const struct span *span, const struct err *err)
{
    struct harvester *w = context;
    haul_relieve(w);
    refuse(w, span->line, span->text, err);
    w->part->haul->records++;
}

void harvester_indicators(struct harvester *w, const struct indicator_table *table,
                          uint32_t first_rule)
{
    w->indicators = indicator_matcher_open(table);
    w->indicator_table = table;
    w->indicator_rules = first_rule;
}

void harvester_outside(struct harvester *w, uint32_t rule)
{
    w->outside_rule = rule;
}

void harvester_watch(struct harvester *w, struct rule_burden *burden)
{
    matcher_watch(w->pipeline.matcher, burden);
}

void harvester_near(struct harvester *w, int64_t near_ns)
{
    w->pipeline.near_ns = near_ns;
}

void harvester_run(struct harvester *w, struct workers_job *job)
{
    struct pipeline_sink sink = {.context = w,
                                 .event = worker_event,
                                 .outside = worker_outside,
                                 .finding = worker_finding,
                                 .input = worker_input,
                                 .refused = worker_refused};
    uint64_t start = clock_thread_cpu_ns();
    w->job = job;
    w->part = job->own;
    haul_begin(w);
    pipeline_block(&w->pipeline, &job->block, &sink);
    for (size_t i = 0; i < job->block.spans.count; i++)
        w->part->haul->text_bytes += job->block.spans.spans[i].text.len;
    haul_end(w);
    w->cpu_ns += clock_thread_cpu_ns() - start;
}

size_t harvester_position(const struct harvester *w)
{
    return w->pipeline.position;
}

struct batch_writer *harvester_writer(struct harvester *w)
{
    return w->writer;
}

void harvester_sender(struct harvester *w, struct slice sender, const struct slice *senders)
{
    w->sender = sender;
    w->senders = senders;
}

void harvester_register(struct harvester *w, const struct register_table *table)
{
    w->table = table && register_count(table) ? table : NULL;
    w->haul++;
    w->register_known = w->is_attributed = false;
    w->registered = (struct register_host){SLICE(""), SLICE(""), SLICE("")};
}
