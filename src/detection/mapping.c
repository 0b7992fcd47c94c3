/* The set of mappings, and what a selected mapping says of an event: log source, time, host. */
#include "detection/mapping.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "detection/mapping_inside.h"

enum { OWN_COUNT = 3 };

static const char *const usual_time_texts[] = {
    "@timestamp", "timestamp",   "TimeCreated_SystemTime",
    "SystemTime", "TimeCreated", "TimeGenerated",
    "EventTime",  "eventTime",   "event_time",
    "date+time",  "time",        "@timegenerated",
    "datetime",   "ts",          "_time",
    "UtcTime"};
static const char *const usual_host_texts[] = {"Computer",      "Hostname", "host.name", "hostname",
                                               "computer_name", "HOSTNAME", "host",      "node"};

struct mapping_set *mapping_set_open(void)
{
    struct mapping_set *set = mem_zeroed(1, sizeof *set);
    static const char *const own[OWN_COUNT] = {"product", "category", "service"};
    for (uint32_t i = 0; i < OWN_COUNT; i++)
        set->own[i].text = slice_from(own[i]);
    uint32_t count = sizeof usual_time_texts / sizeof *usual_time_texts;
    set->usual_times = arena_zeroed(&set->arena, count, sizeof *set->usual_times);
    for (uint32_t i = 0; i < count; i++)
        set->usual_times[i] = mapping_time_of(slice_from(usual_time_texts[i]));
    set->usual_time_count = count;
    count = sizeof usual_host_texts / sizeof *usual_host_texts;
    set->usual_hosts.items = arena_zeroed(&set->arena, count, sizeof(struct mapping_name));
    for (uint32_t i = 0; i < count; i++)
        set->usual_hosts.items[i].text = slice_from(usual_host_texts[i]);
    set->usual_hosts.count = count;
    return set;
}

void mapping_set_close(struct mapping_set **set)
{
    if (!*set)
        return;
    for (uint32_t i = 0; i < (*set)->count; i++)
        mapping_inside_close(&(*set)->mappings[i]);
    arena_free(&(*set)->arena);
    mem_free(*set);
    *set = NULL;
}

void mapping_set_interpreted(struct mapping_set *set)
{
    set->interpreted = true;
}

/* To be raised when the same files come to mean something else: stored events are read anew. */
enum { MAPPING_MEANING = 1 };

int mapping_set_add(struct mapping_set *set, struct slice file, struct slice text, struct err *err)
{
    check(!set->bound);
    if (set->count == MAPPING_COUNT_MAX)
        return err_set(err, ERR_LIMIT, "more than %d mappings; leave some out", MAPPING_COUNT_MAX);
    struct mapping_inside *in = NULL;
    int rc = mapping_read(&in, file, text, !set->interpreted, err);
    if (rc)
        return rc;
    for (uint32_t i = 0; i < set->count; i++) {
        const struct mapping *other = &set->mappings[i]->mapping;
        if (slice_equal(other->id, in->mapping.id)) {
            rc = err_set_at(err, ERR_SYNTAX, 1, 0, "the id '%.*s' is also that of %.*s",
                            (int)other->id.len, other->id.data, (int)other->file.len,
                            other->file.data);
            mapping_inside_close(&in);
            return rc;
        }
    }
    set->mappings[set->count++] = in;
    in->mapping.index = (uint16_t)set->count;
    set->fingerprint += hash_slice(text, MAPPING_MEANING);
    return ERR_OK;
}

uint64_t mapping_set_fingerprint(const struct mapping_set *set)
{
    return set->fingerprint;
}

uint32_t mapping_set_count(const struct mapping_set *set)
{
    return set->count;
}

const struct mapping *mapping_set_get(const struct mapping_set *set, uint32_t index)
{
    return index >= 1 && index <= set->count ? &set->mappings[index - 1]->mapping : NULL;
}

/* ---- numbers of names ---- */

static void bind_names(struct mapping_names *names, struct name_table *table)
{
    for (uint32_t i = 0; i < names->count; i++)
        names->items[i].number = name_add(table, names->items[i].text);
}

static void bind_cases(struct mapping_cases *cases, struct name_table *table)
{
    for (uint32_t i = 0; i < cases->count; i++)
        for (uint32_t k = 0; k < cases->items[i].count; k++) {
            struct mapping_name *field = &cases->items[i].conditions[k].field;
            field->number = name_add(table, field->text);
        }
}

static void bind_times(struct mapping_time *times, uint32_t count, struct name_table *table)
{
    for (uint32_t i = 0; i < count; i++) {
        times[i].first.number = name_add(table, times[i].first.text);
        if (times[i].second.text.len)
            times[i].second.number = name_add(table, times[i].second.text);
    }
}

static void bind_inside(struct mapping_inside *in, struct name_table *table)
{
    bind_cases(&in->when, table);
    bind_cases(&in->finding, table);
    for (uint32_t i = 0; i < in->complete_count; i++)
        bind_names(&in->complete_fields[i], table);
    bind_names(&in->hosts, table);
    bind_names(&in->verdict.titles, table);
    bind_names(&in->verdict.ids, table);
    bind_names(&in->verdict.level_fields, table);
    bind_times(in->times, in->time_count, table);
    for (uint32_t l = 0; l < in->lookup_count; l++)
        for (uint32_t f = 0; f < in->lookups[l].field_count; f++)
            if (!in->lookups[l].fields[f].is_service)
                bind_names(&in->lookups[l].fields[f].names, table);
    for (uint32_t i = 0; i < in->step_count; i++) {
        bind_cases(&in->steps[i].when, table);
        if (in->steps[i].kind != MAPPING_DERIVE_JOIN)
            bind_names(&in->steps[i].from, table);
    }
}

static int compare_insides(const void *a, const void *b)
{
    const struct mapping_inside *const *left = a, *const *right = b;
    if ((*left)->priority != (*right)->priority)
        return (*left)->priority > (*right)->priority ? -1 : 1;
    return slice_compare((*left)->mapping.id, (*right)->mapping.id);
}

static struct mapping_gate *gate_of(struct mapping_set *set, uint16_t name, uint32_t cases_total)
{
    for (uint32_t i = 0; i < set->gate_count; i++)
        if (set->gates[i].name == name)
            return &set->gates[i];
    struct mapping_gate *gate = &set->gates[set->gate_count++];
    gate->name = name;
    gate->entries = arena_zeroed(&set->arena, cases_total, sizeof *gate->entries);
    return gate;
}

/* Gates come out in order of their lowest rank, since mappings are walked by rank. */
static void make_gates(struct mapping_set *set)
{
    struct mapping_inside **order = mem_zeroed(set->count + 1, sizeof(struct mapping_inside *));
    uint32_t cases_total = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        order[i] = set->mappings[i];
        cases_total += order[i]->when.count;
    }
    qsort(order, set->count, sizeof *order, compare_insides);
    set->gates = arena_zeroed(&set->arena, cases_total + 1, sizeof *set->gates);
    for (uint32_t rank = 0; rank < set->count; rank++)
        for (uint32_t k = 0; k < order[rank]->when.count; k++) {
            const struct mapping_case *one = &order[rank]->when.items[k];
            uint16_t name = one->conditions[0].field.number;
            struct mapping_gate *gate = gate_of(set, name, cases_total);
            if (!gate->count)
                gate->lowest_rank = rank;
            gate->entries[gate->count++] = (struct mapping_gate_entry){rank, one, order[rank]};
        }
    mem_free(order);
}

void mapping_set_bind(struct mapping_set *set, struct name_table *names)
{
    check(!set->bound);
    set->bound = true;
    for (uint32_t i = 0; i < OWN_COUNT; i++)
        set->own[i].number = name_add(names, set->own[i].text);
    bind_times(set->usual_times, set->usual_time_count, names);
    bind_names(&set->usual_hosts, names);
    for (uint32_t i = 0; i < set->count; i++)
        bind_inside(set->mappings[i], names);
    make_gates(set);
}

/* ---- time and host ---- */

static int64_t time_of(const struct mapping_time *time, struct event *e,
                       const struct clock_zone *zone, int64_t near_ns)
{
    struct slice text = event_text(e, time->first.number);
    if (!text.data)
        return CLOCK_NONE;
    if (!time->second.text.len)
        return clock_parse_again(&e->newest_time, text, zone, near_ns);
    struct slice second = event_text(e, time->second.number);
    char joined[MAPPING_TIME_BYTES];
    if (!second.data || text.len + second.len + 1 > sizeof joined)
        return CLOCK_NONE;
    memcpy(joined, text.data, text.len);
    joined[text.len] = ' ';
    memcpy(joined + text.len + 1, second.data, second.len);
    return clock_parse(slice_make(joined, text.len + 1 + second.len), zone, near_ns);
}

int64_t mapping_time(const struct mapping_set *set, struct event *e, const struct clock_zone *zone,
                     int64_t near_ns)
{
    const struct mapping_inside *in = e->mapping ? e->mapping->inside : NULL;
    if (in && in->zone_utc)
        zone = NULL;
    for (uint32_t i = 0; in && i < in->time_count; i++) {
        int64_t found = time_of(&in->times[i], e, zone, near_ns);
        if (found != CLOCK_NONE)
            return found;
    }
    for (uint32_t i = 0; i < set->usual_time_count; i++) {
        int64_t found = time_of(&set->usual_times[i], e, zone, near_ns);
        if (found != CLOCK_NONE)
            return found;
    }
    return CLOCK_NONE;
}

static struct slice host_of(const struct mapping_names *names, struct event *e)
{
    for (uint32_t i = 0; i < names->count; i++) {
        uint32_t field = event_first(e, names->items[i].number);
        if (field == EVENT_NO_FIELD || e->record->fields[field].kind != VALUE_STRING)
            continue;
        struct slice text = mapping_field_text(e, field);
        if (text.len)
            return text;
    }
    return SLICE("");
}

struct slice mapping_host(const struct mapping_set *set, struct event *e)
{
    struct slice host = SLICE("");
    if (e->mapping)
        host = host_of(&e->mapping->inside->hosts, e);
    return host.len ? host : host_of(&set->usual_hosts, e);
}
