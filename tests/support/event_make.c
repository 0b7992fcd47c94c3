#include "support/event_make.h"

#include <stdio.h>

#include "base/clock.h"
#include "formats/json.h"

enum { EVENT_FIELDS_MAX = 200, EVENT_PARTS_MAX = 64, EVENT_LONG_BYTES = 9000 };

/* A field's value as it comes together: an exact text, or a head, parts and a tail. */
struct wanted_field {
    struct slice name, exact, head, tail, parts[EVENT_PARTS_MAX];
    uint32_t part_count;
    bool is_exact, number;
};

struct wanted {
    struct event_make *make;
    struct wanted_field fields[EVENT_FIELDS_MAX];
    uint32_t count;
};

uint64_t event_make_random(struct event_make *m, uint64_t below)
{
    m->state ^= m->state << 13;
    m->state ^= m->state >> 7;
    m->state ^= m->state << 17;
    return below ? (m->state >> 11) % below : 0;
}

void event_make_free(struct event_make *m)
{
    arena_free(&m->arena);
}

static struct wanted_field *field_of(struct wanted *w, struct slice name)
{
    for (uint32_t i = 0; i < w->count; i++)
        if (slice_equal(w->fields[i].name, name))
            return &w->fields[i];
    if (w->count == EVENT_FIELDS_MAX)
        return &w->fields[0];
    w->fields[w->count] = (struct wanted_field){.name = name};
    return &w->fields[w->count++];
}

static void want_exact(struct wanted *w, struct slice name, struct slice text, bool number)
{
    struct wanted_field *f = field_of(w, name);
    if (f->is_exact)
        return;
    f->exact = text;
    f->is_exact = true;
    f->number = number;
}

static void want_part(struct wanted *w, struct slice name, struct slice text)
{
    struct wanted_field *f = field_of(w, name);
    if (f->part_count < EVENT_PARTS_MAX)
        f->parts[f->part_count++] = text;
}

static struct slice number_text(struct wanted *w, double value)
{
    char text[64];
    int len = snprintf(text, sizeof text, "%.0f", value);
    return arena_copy(&w->make->arena, slice_make(text, (size_t)len));
}

static struct slice pattern_text(struct wanted *w, const struct pattern *p)
{
    struct buf text = {0};
    for (uint32_t i = 0; i < p->count; i++)
        if (p->parts[i].kind == PATTERN_LITERAL)
            buf_slice(&text, p->parts[i].literal);
        else
            buf_string(&text, p->parts[i].kind == PATTERN_ANY_ONE ? "y" : "xyz");
    struct slice kept = arena_copy(&w->make->arena, buf_as_slice(&text));
    buf_free(&text);
    return kept;
}

static struct slice network_text(struct wanted *w, const struct ip_network *network)
{
    char text[IP_TEXT_BYTES];
    return arena_copy(&w->make->arena, slice_make(text, ip_text(text, &network->base)));
}

static void want_compared(struct wanted *w, const struct predicate *p, struct slice name)
{
    double by = p->kind == PREDICATE_LESS ? -1 : p->kind == PREDICATE_GREATER ? 1 : 0;
    want_exact(w, name, number_text(w, p->number + by), event_make_random(w->make, 2));
}

static void want_predicate(struct wanted *w, const struct predicate *p)
{
    struct slice name = p->keyword ? SLICE("note") : p->field;
    switch (p->kind) {
    case PREDICATE_EQUALS:
        want_exact(w, name, p->text, false);
        break;
    case PREDICATE_STARTSWITH:
        field_of(w, name)->head = p->text;
        break;
    case PREDICATE_ENDSWITH:
        field_of(w, name)->tail = p->text;
        break;
    case PREDICATE_CONTAINS:
        want_part(w, name, p->text);
        break;
    case PREDICATE_PATTERN:
        want_exact(w, name, pattern_text(w, &p->pattern), false);
        break;
    case PREDICATE_NUMBER:
    case PREDICATE_LESS:
    case PREDICATE_LESS_EQUAL:
    case PREDICATE_GREATER:
    case PREDICATE_GREATER_EQUAL:
        want_compared(w, p, name);
        break;
    case PREDICATE_CIDR:
        want_exact(w, name, network_text(w, &p->network), false);
        break;
    case PREDICATE_FIELDREF:
        want_exact(w, name, SLICE("same"), false);
        want_exact(w, p->other, SLICE("same"), false);
        break;
    case PREDICATE_EXISTS:
        (void)field_of(w, name);
        break;
    case PREDICATE_TIME_PART:
    case PREDICATE_REGEX:
    case PREDICATE_NULL:
        break;
    }
}

/* What is negated is met by leaving it out. */
static void want_expr(struct wanted *w, const struct expr *e)
{
    switch (e->kind) {
    case EXPR_PREDICATE:
        want_predicate(w, e->predicate);
        break;
    case EXPR_AND:
        for (uint32_t i = 0; i < e->child_count; i++)
            want_expr(w, e->children[i]);
        break;
    case EXPR_OR:
        want_expr(w, e->children[event_make_random(w->make, e->child_count)]);
        break;
    case EXPR_NOT:
        break;
    }
}

/* Upper and lower case by chance: rules do not mind, but where they say so. */
static void text_put(struct event_make *m, struct buf *out, struct slice text)
{
    bool mixed = event_make_random(m, 4) == 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (mixed && c >= 'a' && c <= 'z' && event_make_random(m, 2))
            c = (char)(c - 'a' + 'A');
        buf_char(out, c);
    }
}

static void value_write(struct event_make *m, const struct wanted_field *f, struct json_writer *w)
{
    struct buf text = {0};
    if (f->is_exact) {
        text_put(m, &text, f->exact);
    } else {
        text_put(m, &text, f->head);
        for (uint32_t i = 0; i < f->part_count; i++) {
            buf_char(&text, ' ');
            text_put(m, &text, f->parts[i]);
        }
        for (uint64_t pad = event_make_random(m, 200) == 0 ? EVENT_LONG_BYTES : 1; pad; pad--)
            buf_char(&text, (char)('a' + event_make_random(m, 26)));
        text_put(m, &text, f->tail);
    }
    bool list = event_make_random(m, 12) == 0;
    if (list) {
        json_open_array(w);
        json_string(w, SLICE("another"));
    }
    if (f->number)
        json_raw(w, buf_as_slice(&text));
    else
        json_string(w, buf_as_slice(&text));
    if (list)
        json_close_array(w);
    buf_free(&text);
}

struct sysmon {
    const char *category;
    const char *event;
};
static const struct sysmon sysmon_events[] = {
    {"process_creation", "1"}, {"file_change", "2"}, {"network_connection", "3"},
    {"driver_load", "6"},      {"image_load", "7"},  {"create_remote_thread", "8"},
    {"process_access", "10"},  {"file_event", "11"}, {"registry_set", "13"},
    {"pipe_created", "17"},    {"dns_query", "22"},  {"file_delete", "23"},
};

static const struct sysmon *sysmon_of(const struct rule *rule)
{
    for (size_t i = 0; i < sizeof sysmon_events / sizeof sysmon_events[0]; i++)
        if (slice_equal(rule->logsource.category, slice_from(sysmon_events[i].category)))
            return &sysmon_events[i];
    return NULL;
}

static void source_write(const struct logsource *source, struct json_writer *w)
{
    const struct {
        const char *name;
        struct slice value;
    } parts[] = {
        {"product", source->product}, {"category", source->category}, {"service", source->service}};
    for (size_t i = 0; i < 3; i++)
        if (parts[i].value.len) {
            json_key(w, parts[i].name);
            json_string(w, parts[i].value);
        }
}

static void extras_write(struct event_make *m, struct json_writer *w)
{
    char name[32];
    static const char *const users[] = {"an", "binh", "chi", "dung"};
    json_key(w, "actor");
    json_string(w, slice_from(users[event_make_random(m, 4)]));
    if (event_make_random(m, 40) == 0) {
        json_key(w, "peer");
        json_string(w, event_make_random(m, 2) ? SLICE("http://cdn.bad.example/x?y=1")
                                               : SLICE("from 198.51.100.9 to 10.0.0.1"));
    }
    for (int i = 0; i < 6 && m->overflow_names; i++) {
        (void)snprintf(name, sizeof name, "extra_%llu",
                       (unsigned long long)event_make_random(m, m->overflow_names));
        json_key(w, name);
        json_string(w, SLICE("whoami /all"));
    }
}

void event_make_line(struct event_make *m, const struct rule *rule, int64_t time_ns,
                     struct buf *out)
{
    struct json_writer w = {.out = out};
    struct wanted *wanted;
    char time[CLOCK_TEXT_BYTES];
    arena_reset(&m->arena);
    wanted = arena_zeroed(&m->arena, 1, sizeof *wanted);
    wanted->make = m;
    want_expr(wanted, rule->condition);
    const struct sysmon *sysmon =
        slice_equal(rule->logsource.product, SLICE("windows")) ? sysmon_of(rule) : NULL;
    uint64_t form = sysmon ? event_make_random(m, 3) : 0; /* plain, flat, nested */
    json_open_object(&w);
    if (time_ns != CLOCK_NONE) {
        json_key(&w, "@timestamp");
        json_string(&w, slice_make(time, clock_text(time, time_ns)));
    }
    extras_write(m, &w);
    if (form == 0) {
        source_write(&rule->logsource, &w);
    } else if (form == 1) {
        json_key(&w, "Channel");
        json_string(&w, SLICE("Microsoft-Windows-Sysmon/Operational"));
        json_key(&w, "EventID");
        json_raw(&w, slice_from(sysmon->event));
    } else {
        json_key(&w, "winlog");
        json_open_object(&w);
        json_key(&w, "channel");
        json_string(&w, SLICE("Microsoft-Windows-Sysmon/Operational"));
        json_key(&w, "event_id");
        json_raw(&w, slice_from(sysmon->event));
        json_key(&w, "event_data");
        json_open_object(&w);
    }
    uint64_t missing =
        m->misses && wanted->count > 1 ? event_make_random(m, wanted->count) : UINT64_MAX;
    for (uint32_t i = 0; i < wanted->count; i++) {
        if (i == missing)
            continue;
        json_key_slice(&w, wanted->fields[i].name);
        value_write(m, &wanted->fields[i], &w);
    }
    if (form == 2) {
        json_close_object(&w);
        json_close_object(&w);
    }
    json_close_object(&w);
    buf_char(out, '\n');
}
