/* STIX: bundles, TAXII envelopes, arrays of objects, single objects.
 *
 * Two passes: markings, creators and newer versions may stand behind what refers to them. */
#include "base/map.h"
#include "detection/intel_inside.h"

struct object { /* the members of one object that matter here */
    struct slice type, id, name, pattern, pattern_type, creator, definition_type;
    int64_t modified_ns, from_ns, until_ns;
    uint8_t confidence;
    enum indicator_tlp tlp;    /* of an indicator: of what it refers to */
    enum indicator_tlp marks;  /* of a marking definition: what it means */
    bool revoked, is_old_spec; /* spec_version 2.0 */
};

struct stix {
    struct intel_reading *reading;
    struct map markings; /* id -> enum indicator_tlp */
    struct map creators; /* id -> struct slice *: its name */
    struct map newest;   /* id of an indicator -> modified_ns of its newest version */
    struct map given;    /* id -> 1: that version was given out */
    int (*visit)(struct stix *s, const struct object *o, uint64_t line, struct err *err);
};

static const struct {
    const char *id;
    enum indicator_tlp tlp;
} well_known[] = {
    {"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", TLP_CLEAR},
    {"marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", TLP_GREEN},
    {"marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", TLP_AMBER},
    {"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", TLP_RED},
    {"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487", TLP_CLEAR},
    {"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb", TLP_GREEN},
    {"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421", TLP_AMBER},
    {"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003", TLP_AMBER_STRICT},
    {"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1", TLP_RED},
};

static enum indicator_tlp marking_tlp(const struct stix *s, struct slice id)
{
    for (size_t i = 0; i < sizeof well_known / sizeof well_known[0]; i++)
        if (slice_equal(id, slice_from(well_known[i].id)))
            return well_known[i].tlp;
    const struct map_entry *e = map_find(&s->markings, id);
    return e ? (enum indicator_tlp)e->value : TLP_NONE;
}

static enum json_token read_markings(struct stix *s, struct json_reader *j, struct object *o)
{
    enum json_token token = json_next(j);
    if (token != JSON_ARRAY_OPEN)
        return token == JSON_OBJECT_OPEN ? json_skip(j) : token;
    while ((token = json_next(j)) != JSON_ARRAY_CLOSE && token != JSON_ERROR) {
        if (token == JSON_STRING)
            o->tlp = intel_tlp_stricter(o->tlp,
                                        marking_tlp(s, intel_json_text(j, &s->reading->scratch)));
        else if (token == JSON_OBJECT_OPEN || token == JSON_ARRAY_OPEN)
            token = json_skip(j);
        if (token == JSON_ERROR)
            break;
    }
    return token;
}

/* {"tlp":"amber"}, or the extension of TLP 2.0: {"extension-definition--...":{"tlp_2_0":"red"}} */
static enum json_token read_meaning(struct stix *s, struct json_reader *j, struct object *o,
                                    int depth)
{
    enum json_token token = json_next(j);
    if (token != JSON_OBJECT_OPEN)
        return token == JSON_ARRAY_OPEN ? json_skip(j) : token;
    while ((token = json_next(j)) == JSON_KEY) {
        bool tlp = intel_json_key_is(j, "tlp") || intel_json_key_is(j, "tlp_2_0");
        struct json_reader value = *j;
        if (!tlp && depth == 0 && json_next(&value) == JSON_OBJECT_OPEN) {
            token = read_meaning(s, j, o, depth + 1);
        } else {
            token = intel_json_pass(j);
            if (tlp && token == JSON_STRING)
                (void)intel_reader_tlp(intel_json_text(j, &s->reading->scratch), &o->marks);
        }
        if (token == JSON_ERROR)
            break;
    }
    return token;
}

static void set_time(int64_t *out, struct slice text)
{
    *out = clock_parse(text, NULL, CLOCK_NONE);
}

/* One member that is no list or object, whose key was just read. */
static enum json_token read_scalar(struct stix *s, struct json_reader *j, struct object *o)
{
    const struct {
        const char *key;
        struct slice *text;
        int64_t *time_ns;
    } members[] = {{"type", &o->type, NULL},
                   {"id", &o->id, NULL},
                   {"name", &o->name, NULL},
                   {"pattern", &o->pattern, NULL},
                   {"pattern_type", &o->pattern_type, NULL},
                   {"created_by_ref", &o->creator, NULL},
                   {"definition_type", &o->definition_type, NULL},
                   {"modified", NULL, &o->modified_ns},
                   {"valid_from", NULL, &o->from_ns},
                   {"valid_until", NULL, &o->until_ns}};
    size_t i = 0, count = sizeof members / sizeof members[0];
    while (i < count && !intel_json_key_is(j, members[i].key))
        i++;
    bool revoked = intel_json_key_is(j, "revoked");
    bool confidence = intel_json_key_is(j, "confidence");
    bool spec = intel_json_key_is(j, "spec_version");
    enum json_token token = intel_json_pass(j);
    if (revoked)
        o->revoked = token == JSON_TRUE;
    if (confidence && token == JSON_NUMBER)
        o->confidence = intel_confidence(j->text);
    if (spec && token == JSON_STRING)
        o->is_old_spec = slice_equal(j->text, SLICE("2.0"));
    if (i == count || token != JSON_STRING)
        return token;
    struct slice text = intel_json_text(j, &s->reading->scratch);
    if (members[i].text)
        *members[i].text = text;
    else
        set_time(members[i].time_ns, text);
    return token;
}

static int read_objects(struct stix *s, struct json_reader *j, struct err *err);

/* The object that opened. is_top: its `objects` are visited in its place. */
static int read_object(struct stix *s, struct json_reader *j, bool is_top, struct err *err)
{
    struct object o = {.modified_ns = CLOCK_NONE,
                       .from_ns = CLOCK_NONE,
                       .until_ns = CLOCK_NONE,
                       .confidence = INDICATOR_CONFIDENCE_NONE};
    enum json_token token;
    bool is_box = false;
    int rc = ERR_OK;
    arena_reset(&s->reading->scratch);
    uint64_t line = intel_json_line(s->reading, j);
    while (rc == ERR_OK && (token = json_next(j)) == JSON_KEY) {
        struct json_reader value = *j;
        if (is_top && intel_json_key_is(j, "objects") && json_next(&value) == JSON_ARRAY_OPEN) {
            is_box = true;
            (void)json_next(j);
            rc = read_objects(s, j, err);
        } else if (intel_json_key_is(j, "object_marking_refs")) {
            token = read_markings(s, j, &o);
        } else if (intel_json_key_is(j, "definition") || intel_json_key_is(j, "extensions")) {
            token = read_meaning(s, j, &o, 0);
        } else {
            token = read_scalar(s, j, &o);
        }
        if (rc == ERR_OK && token == JSON_ERROR)
            rc = intel_json_error(j, err);
    }
    if (rc != ERR_OK || is_box)
        return rc;
    return s->visit(s, &o, line, err);
}

/* The members of the array that opened. */
static int read_objects(struct stix *s, struct json_reader *j, struct err *err)
{
    enum json_token token;
    int rc = ERR_OK;
    while (rc == ERR_OK && (token = json_next(j)) != JSON_ARRAY_CLOSE) {
        if (token == JSON_OBJECT_OPEN)
            rc = read_object(s, j, false, err);
        else if (token == JSON_ERROR || (token == JSON_ARRAY_OPEN && json_skip(j) == JSON_ERROR))
            rc = intel_json_error(j, err);
    }
    return rc;
}

static int read_document(struct stix *s,
                         int (*visit)(struct stix *, const struct object *, uint64_t, struct err *),
                         struct err *err)
{
    struct json_reader j;
    json_reader_open(&j, s->reading->text);
    s->visit = visit;
    s->reading->line_at = 0;
    s->reading->line = 1;
    return json_next(&j) == JSON_ARRAY_OPEN ? read_objects(s, &j, err)
                                            : read_object(s, &j, true, err);
}

/* ---- first pass: what others refer to ---- */

static int note_object(struct stix *s, const struct object *o, uint64_t line, struct err *err)
{
    struct arena *kept = &s->reading->kept;
    (void)line;
    (void)err;
    if (!o->id.len)
        return ERR_OK;
    if (slice_equal(o->type, SLICE("marking-definition"))) {
        enum indicator_tlp tlp = o->marks;
        if (tlp == TLP_NONE && !intel_reader_tlp(o->name, &tlp))
            return ERR_OK;
        (void)map_put(&s->markings, arena_copy(kept, o->id), (uint64_t)tlp, NULL);
    } else if (slice_equal(o->type, SLICE("identity")) && o->name.len) {
        struct slice *name = arena_alloc(kept, sizeof(*name));
        *name = arena_copy(kept, intel_text_cut(o->name));
        (void)map_put(&s->creators, arena_copy(kept, o->id), (uint64_t)(uintptr_t)name, NULL);
    } else if (slice_equal(o->type, SLICE("indicator"))) {
        struct map_entry *e = map_find(&s->newest, o->id);
        if (!e)
            (void)map_put(&s->newest, arena_copy(kept, o->id), (uint64_t)o->modified_ns, NULL);
        else if (o->modified_ns > (int64_t)e->value)
            e->value = (uint64_t)o->modified_ns;
    }
    return ERR_OK;
}

/* ---- second pass: indicators ---- */

/* The newest version of each id, once. */
static bool is_newest(struct stix *s, const struct object *o)
{
    const struct map_entry *e = map_find(&s->newest, o->id);
    bool made = true;
    if (!o->id.len || !e)
        return true;
    if (o->modified_ns < (int64_t)e->value)
        return false;
    (void)map_put(&s->given, e->key, 1, &made);
    return made;
}

static int give_object(struct stix *s, const struct object *o, uint64_t line, struct err *err)
{
    struct intel_reading *r = s->reading;
    if (!slice_equal(o->type, SLICE("indicator")))
        return ERR_OK;
    if (!is_newest(s, o)) {
        r->counts->passed_over++;
        return ERR_OK;
    }
    if (o->revoked) {
        r->counts->revoked++;
        if (r->sink->revoked && o->id.len)
            r->sink->revoked(r->sink->context, r->options->source, o->id);
        return ERR_OK;
    }
    if (o->pattern_type.len && !slice_equal(o->pattern_type, SLICE("stix"))) {
        intel_refuse(r, line, "patterns of type \"%.*s\" are not read",
                     (int)(o->pattern_type.len < 40 ? o->pattern_type.len : 40),
                     o->pattern_type.data);
        return ERR_OK;
    }
    struct intel_item item = intel_item_make();
    const struct map_entry *creator = map_find(&s->creators, o->creator);
    item.id = o->id;
    item.title = o->name;
    if (creator) {
        const struct slice *name = (const struct slice *)(uintptr_t)creator->value;
        item.title = arena_printf(&r->scratch, o->name.len ? "%.*s (%.*s)" : "%.*s%.*s",
                                  (int)o->name.len, o->name.data, (int)name->len, name->data);
    }
    item.confidence = o->confidence;
    item.tlp = o->tlp;
    item.from_ns = o->from_ns;
    item.until_ns = o->until_ns;
    item.line = line;
    return intel_pattern_give(r, o->pattern, o->is_old_spec ? STIX_2_0 : STIX_2_1, &item, err);
}

int intel_stix_read(struct intel_reading *r, struct err *err)
{
    struct stix s = {.reading = r};
    int rc = read_document(&s, note_object, err);
    if (rc == ERR_OK)
        rc = read_document(&s, give_object, err);
    map_free(&s.markings);
    map_free(&s.creators);
    map_free(&s.newest);
    map_free(&s.given);
    return rc;
}
