/* Which ATT&CK techniques the rules cover: a layer for MITRE's Navigator (layer format 4.5), or a
 * table. The score of a technique is the number of its rules. */
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "formats/json.h"
#include "program/cell.h"
#include "program/cli_rules.h"

enum { TECHNIQUE_BYTES = 12, TITLES_SHOWN_MAX = 10 };

struct technique {
    char id[TECHNIQUE_BYTES]; /* T1059.001 */
    uint32_t count;
    const struct rule *rules[TITLES_SHOWN_MAX];
};

struct coverage {
    struct technique *techniques;
    uint32_t count, capacity;
    struct map by_tag;
    uint32_t rules, untagged;
};

/* attack.t1059.001 -> T1059.001; false for tags of tactics, groups and others. */
static bool technique_id(struct slice tag, char id[TECHNIQUE_BYTES])
{
    uint64_t number;
    struct slice rest = slice_part(tag, 8, tag.len);
    if (!slice_starts(tag, SLICE("attack.t")) || tag.len - 7 >= TECHNIQUE_BYTES)
        return false;
    struct slice main_part = slice_cut(&rest, '.');
    if (main_part.len != 4 || !slice_to_u64(main_part, &number))
        return false;
    if (tag.len > 12 && (rest.len != 3 || !slice_to_u64(rest, &number)))
        return false;
    memcpy(id, tag.data + 7, tag.len - 7);
    id[0] = 'T';
    id[tag.len - 7] = '\0';
    return true;
}

static void technique_add(struct coverage *c, struct slice tag, const struct rule *rule)
{
    char id[TECHNIQUE_BYTES];
    bool made;
    if (!technique_id(tag, id))
        return;
    struct map_entry *entry = map_put(&c->by_tag, tag, c->count, &made);
    if (made) {
        if (c->count == c->capacity) {
            c->capacity = c->capacity ? c->capacity * 2 : 256;
            c->techniques = mem_resize(c->techniques, c->capacity, sizeof(*c->techniques));
        }
        struct technique *t = &c->techniques[c->count++];
        *t = (struct technique){0};
        memcpy(t->id, id, sizeof id);
    }
    struct technique *t = &c->techniques[entry->value];
    if (t->count < TITLES_SHOWN_MAX)
        t->rules[t->count] = rule;
    t->count++;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct technique *)a)->id, ((const struct technique *)b)->id);
}

static void collect(struct coverage *c, const struct rule_list *rules)
{
    for (uint32_t i = 0; i < rules->count; i++) {
        const struct rule *rule = rules->rules[i];
        bool tagged = false;
        char id[TECHNIQUE_BYTES];
        if (rule->kind == RULE_FILTER)
            continue;
        for (uint32_t t = 0; t < rule->tags.count; t++) {
            tagged |= technique_id(rule->tags.items[t], id);
            technique_add(c, rule->tags.items[t], rule);
        }
        c->rules++;
        c->untagged += !tagged;
    }
    map_free(&c->by_tag);
    if (c->count)
        qsort(c->techniques, c->count, sizeof(*c->techniques), by_id);
}

static void text_member(struct json_writer *w, const char *key, const char *text)
{
    json_key(w, key);
    json_string(w, slice_from(text));
}

static void layer_technique(struct json_writer *w, const struct technique *t, struct buf *room)
{
    buf_clear(room);
    for (uint32_t i = 0; i < t->count && i < TITLES_SHOWN_MAX; i++) {
        buf_slice(room, t->rules[i]->title);
        buf_char(room, '\n');
    }
    if (t->count > TITLES_SHOWN_MAX)
        buf_printf(room, "+ %u\n", t->count - TITLES_SHOWN_MAX);
    json_open_object(w);
    text_member(w, "techniqueID", t->id);
    json_key(w, "score");
    json_u64(w, t->count);
    json_key(w, "comment");
    json_string(w, slice_trim(buf_as_slice(room)));
    json_key(w, "enabled");
    json_bool(w, true);
    json_key(w, "showSubtechniques");
    json_bool(w, strchr(t->id, '.') != NULL);
    json_close_object(w);
}

static void layer_write(const struct coverage *c, struct buf *out)
{
    struct buf room = {0};
    struct json_writer w = {.out = out};
    uint32_t most = 1;
    json_open_object(&w);
    text_member(&w, "name", "Canh: techniques with rules");
    json_key(&w, "versions");
    json_open_object(&w);
    text_member(&w, "layer", "4.5");
    json_close_object(&w);
    text_member(&w, "domain", "enterprise-attack");
    buf_printf(&room, "%u rules, %u of them without a technique", c->rules, c->untagged);
    json_key(&w, "description");
    json_string(&w, buf_as_slice(&room));
    json_key(&w, "techniques");
    json_open_array(&w);
    for (uint32_t i = 0; i < c->count; i++) {
        layer_technique(&w, &c->techniques[i], &room);
        most = c->techniques[i].count > most ? c->techniques[i].count : most;
    }
    json_close_array(&w);
    json_key(&w, "gradient");
    json_open_object(&w);
    json_key(&w, "colors");
    json_open_array(&w);
    json_string(&w, SLICE("#dbe9f6"));
    json_string(&w, SLICE("#08519c"));
    json_close_array(&w);
    json_key(&w, "minValue");
    json_u64(&w, 0);
    json_key(&w, "maxValue");
    json_u64(&w, most);
    json_close_object(&w);
    json_close_object(&w);
    buf_char(out, '\n');
    buf_free(&room);
}

static void rows_write(const struct coverage *c, bool csv, struct buf *out)
{
    buf_string(out, csv ? "technique,rules,example\r\n" : "technique   rules  example\n");
    for (uint32_t i = 0; i < c->count; i++) {
        const struct technique *t = &c->techniques[i];
        if (csv) {
            buf_printf(out, "%s,%u,", t->id, t->count);
            cell_csv(t->rules[0]->title, out);
            buf_append(out, "\r\n", 2);
        } else {
            buf_printf(out, "%-10s  %5u  ", t->id, t->count);
            cell_terminal(t->rules[0]->title, 80, out);
            buf_char(out, '\n');
        }
    }
}

void cli_rules_coverage(const struct rules_load *load, const struct rules_settings *settings,
                        struct buf *out)
{
    struct coverage c = {0};
    const char *form = settings->common.output;
    bool csv = form && strcmp(form, "csv") == 0;
    collect(&c, &load->rules);
    if (csv || (form && strcmp(form, "table") == 0))
        rows_write(&c, csv, out);
    else
        layer_write(&c, out);
    mem_free(c.techniques);
}
