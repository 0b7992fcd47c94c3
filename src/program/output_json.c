#include "formats/json.h"
#include "program/output_inside.h"

static void text_list(struct json_writer *w, const char *key, const struct slice_list *list)
{
    json_key(w, key);
    json_open_array(w);
    for (uint32_t i = 0; i < list->count; i++)
        json_string(w, list->items[i]);
    json_close_array(w);
}

void output_json_rule(const struct rule *rule, struct buf *out)
{
    struct json_writer w = {.out = out};
    buf_string(out, "{\"rule\":");
    json_open_object(&w);
    json_member_text(&w, "id", rule->id);
    json_member_text(&w, "title", rule->title);
    json_member_text(&w, "level", slice_from(rule_level_names[rule->level]));
    json_member_text(&w, "author", rule->author);
    text_list(&w, "tags", &rule->tags);
    text_list(&w, "references", &rule->references);
    json_member_text(&w, "source", rule->file);
    json_close_object(&w);
    buf_char(out, ',');
}

static void place_write(const struct output *o, struct json_writer *w,
                        const struct finding_place *place)
{
    char text[CLOCK_TEXT_BYTES + 2];
    buf_char(w->out, '{');
    if (place->sequence)
        buf_printf(w->out, "\"id\":\"%lu:%llu\",", (unsigned long)o->options.epoch,
                   (unsigned long long)place->sequence);
    buf_string(w->out, "\"file\":");
    json_write_string(w->out, place->file);
    buf_string(w->out, ",\"line\":");
    w->comma = false;
    json_u64(w, place->line);
    buf_string(w->out, ",\"time\":");
    if (place->time_ns == CLOCK_NONE) {
        buf_string(w->out, "null}");
        return;
    }
    text[0] = '"';
    size_t len = clock_text(text + 1, place->time_ns);
    text[len + 1] = '"';
    buf_append(w->out, text, len + 2);
    buf_char(w->out, '}');
}

/* Whether a field before number `to` has the same name, and the same value when asked for. */
static bool seen_before(const struct finding_field *fields, uint32_t to, bool with_value)
{
    for (uint32_t i = 0; i < to; i++)
        if (slice_equal(fields[i].name, fields[to].name) &&
            (!with_value || slice_equal(fields[i].value, fields[to].value)))
            return true;
    return false;
}

/* The value of fields[first], or a list when its name comes again with other values. */
static void values_write(const struct finding_field *fields, uint32_t count, uint32_t first,
                         struct buf *out)
{
    size_t start = out->len;
    bool several = false;
    json_write_string(out, fields[first].value);
    for (uint32_t i = first + 1; i < count; i++) {
        if (!slice_equal(fields[i].name, fields[first].name) || seen_before(fields, i, true))
            continue;
        if (!several) {
            buf_char(out, ' ');
            memmove(out->data + start + 1, out->data + start, out->len - start - 1);
            out->data[start] = '[';
            several = true;
        }
        buf_char(out, ',');
        json_write_string(out, fields[i].value);
    }
    if (several)
        buf_char(out, ']');
}

static void matched_write(const struct finding *f, struct buf *out)
{
    bool comma = false;
    buf_string(out, "\"matched\":{");
    for (uint32_t i = 0; i < f->matched_count; i++) {
        if (seen_before(f->matched, i, false))
            continue;
        if (comma)
            buf_char(out, ',');
        comma = true;
        json_write_string(out, f->matched[i].name);
        buf_char(out, ':');
        values_write(f->matched, f->matched_count, i, out);
    }
    buf_char(out, '}');
}

static void text_if_any(struct json_writer *w, const char *key, struct slice text)
{
    if (!text.len)
        return;
    json_key(w, key);
    json_string(w, text);
}

static void time_if_any(struct json_writer *w, const char *key, int64_t time_ns)
{
    char text[CLOCK_TEXT_BYTES];
    if (time_ns != CLOCK_NONE)
        text_if_any(w, key, slice_make(text, clock_text(text, time_ns)));
}

static void indicator_write(const struct indicator *i, struct buf *out)
{
    struct json_writer w = {.out = out};
    buf_string(out, ",\"indicator\":");
    json_open_object(&w);
    text_if_any(&w, "type", slice_from(indicator_type_names[i->type]));
    text_if_any(&w, "value", i->value);
    text_if_any(&w, "source", i->source);
    text_if_any(&w, "id", i->id);
    text_if_any(&w, "title", i->title);
    if (i->confidence != INDICATOR_CONFIDENCE_NONE) {
        json_key(&w, "confidence");
        json_u64(&w, i->confidence);
    }
    text_if_any(&w, "tlp", slice_from(indicator_tlp_names[i->tlp]));
    time_if_any(&w, "from", i->from_ns);
    time_if_any(&w, "until", i->until_ns);
    json_close_object(&w);
}

static void correlation_write(const struct output *o, const struct finding *f,
                              struct json_writer *w)
{
    json_key(w, "time");
    char text[CLOCK_TEXT_BYTES];
    if (f->place.time_ns == CLOCK_NONE)
        json_null(w);
    else
        json_string(w, slice_make(text, clock_text(text, f->place.time_ns)));
    json_key(w, "events");
    json_open_array(w);
    for (uint32_t i = 0; i < f->event_count; i++) {
        if (i)
            buf_char(w->out, ',');
        place_write(o, w, &f->events[i]);
    }
    json_close_array(w);
    json_key(w, "group");
    json_open_object(w);
    for (uint32_t i = 0; i < f->group_count; i++) {
        json_key_slice(w, f->group_names[i]);
        json_string(w, f->group_values[i]);
    }
    json_close_object(w);
    json_key(w, "value");
    json_double(w, f->value);
    json_key(w, "count");
    json_u64(w, f->event_total);
    if (f->capped) {
        json_key(w, "capped");
        json_bool(w, true);
    }
    buf_char(w->out, ',');
}

void output_json_finding(const struct output *o, const struct finding *f, struct buf *out)
{
    const struct output_rule *rule = &o->shown[f->rule];
    struct json_writer w = {.out = out};
    buf_slice(out, rule->json);
    if (rule->is_correlation) {
        correlation_write(o, f, &w);
    } else {
        buf_string(out, "\"event\":");
        place_write(o, &w, &f->place);
        buf_char(out, ',');
    }
    matched_write(f, out);
    if (f->cut)
        buf_string(out, ",\"cut\":true");
    if (f->indicator)
        indicator_write(f->indicator, out);
    buf_append(out, "}\n", 2);
}
