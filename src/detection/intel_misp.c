/* MISP: events, lists of events, answers of the API, attribute lists.
 *
 * Every object is looked at twice: first for what it says of itself (in MISP's own output the
 * attributes stand before the title and the tags of their event), then for what is in it. */
#include "detection/intel_inside.h"

/* What is said of an object or of what is around it. */
struct about {
    struct slice title; /* of the event */
    enum indicator_tlp tlp;
    uint8_t confidence;
};

struct node { /* the members of one object that matter here */
    struct slice info, event_info, uuid, type, value, comment, creator;
    enum indicator_tlp tlp;
    uint8_t confidence;
    bool to_ids, deleted, has_children;
};

static bool is_true(const struct json_reader *j, enum json_token token)
{
    return token == JSON_TRUE ||
           ((token == JSON_NUMBER || token == JSON_STRING) &&
            (slice_equal(j->text, SLICE("1")) || slice_equal_nocase(j->text, SLICE("true"))));
}

static void read_tag(struct node *n, struct slice name)
{
    static const struct {
        const char *tag;
        uint8_t confidence;
    } levels[] = {{"misp:confidence-level=\"completely-confident\"", 100},
                  {"misp:confidence-level=\"usually-confident\"", 75},
                  {"misp:confidence-level=\"fairly-confident\"", 50},
                  {"misp:confidence-level=\"rarely-confident\"", 25},
                  {"misp:confidence-level=\"unconfident\"", 0}};
    enum indicator_tlp tlp;
    if (name.len > 4 && slice_equal_nocase(slice_part(name, 0, 4), SLICE("tlp:")) &&
        intel_reader_tlp(name, &tlp))
        n->tlp = intel_tlp_stricter(n->tlp, tlp);
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
        if (slice_equal_nocase(name, slice_from(levels[i].tag)))
            n->confidence = levels[i].confidence;
}

/* The text of a member of the object that opened, else *text is left; reads to its end. */
static enum json_token read_inner(struct json_reader *j, struct arena *arena, const char *key,
                                  struct slice *text)
{
    enum json_token token;
    while ((token = json_next(j)) == JSON_KEY) {
        bool wanted = intel_json_key_is(j, key);
        token = intel_json_pass(j);
        if (token == JSON_ERROR)
            break;
        if (wanted && token == JSON_STRING)
            *text = intel_json_text(j, arena);
    }
    return token;
}

/* The same of an object that comes next; anything else is passed. */
static enum json_token read_inside(struct json_reader *j, struct arena *arena, const char *key,
                                   struct slice *text)
{
    enum json_token token = json_next(j);
    if (token == JSON_OBJECT_OPEN)
        return read_inner(j, arena, key, text);
    return token == JSON_ARRAY_OPEN ? json_skip(j) : token;
}

static enum json_token read_tags(struct json_reader *j, struct arena *arena, struct node *n)
{
    enum json_token token = json_next(j);
    if (token != JSON_ARRAY_OPEN)
        return token == JSON_OBJECT_OPEN ? json_skip(j) : token;
    while ((token = json_next(j)) != JSON_ARRAY_CLOSE && token != JSON_ERROR) {
        struct slice name = SLICE("");
        if (token == JSON_OBJECT_OPEN)
            token = read_inner(j, arena, "name", &name);
        else if (token == JSON_STRING)
            name = intel_json_text(j, arena);
        else if (token == JSON_ARRAY_OPEN)
            token = json_skip(j);
        if (token == JSON_ERROR)
            break;
        read_tag(n, name);
    }
    return token;
}

static enum json_token read_text(struct json_reader *j, struct arena *arena, struct slice *out)
{
    enum json_token token = intel_json_pass(j);
    if (token == JSON_STRING || token == JSON_NUMBER)
        *out = intel_json_text(j, arena);
    return token;
}

/* One member, whose key was just read. */
static enum json_token read_member(struct json_reader *j, struct arena *arena, struct node *n)
{
    static const char *const children[] = {"Event", "response", "Attribute", "Object"};
    const struct {
        const char *key;
        struct slice *out;
    } texts[] = {{"info", &n->info},
                 {"uuid", &n->uuid},
                 {"type", &n->type},
                 {"value", &n->value},
                 {"comment", &n->comment}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (intel_json_key_is(j, texts[i].key))
            return read_text(j, arena, texts[i].out);
    for (size_t i = 0; i < sizeof children / sizeof children[0]; i++)
        n->has_children = n->has_children || intel_json_key_is(j, children[i]);
    if (intel_json_key_is(j, "Tag"))
        return read_tags(j, arena, n);
    if (intel_json_key_is(j, "Orgc"))
        return read_inside(j, arena, "name", &n->creator);
    if (intel_json_key_is(j, "Event")) /* in an attribute that a search found: what it is of */
        return read_inside(j, arena, "info", &n->event_info);
    bool to_ids = intel_json_key_is(j, "to_ids"), deleted = intel_json_key_is(j, "deleted");
    enum json_token token = intel_json_pass(j);
    if (to_ids)
        n->to_ids = is_true(j, token);
    if (deleted)
        n->deleted = is_true(j, token);
    return token;
}

static enum json_token read_node(struct json_reader *j, struct arena *arena, struct node *n)
{
    enum json_token token;
    *n = (struct node){.tlp = TLP_NONE, .confidence = INDICATOR_CONFIDENCE_NONE};
    while ((token = json_next(j)) == JSON_KEY) {
        token = read_member(j, arena, n);
        if (token == JSON_ERROR)
            break;
    }
    return token;
}

/* `a|b` as ip:port; an address of version 6 goes into brackets. */
static struct slice with_port(struct intel_reading *r, struct slice value)
{
    struct slice port = value, address = slice_cut(&port, '|');
    if (!port.len)
        return value;
    bool v6 = slice_find_char(address, ':') != SLICE_NONE && address.data[0] != '[';
    return arena_printf(&r->scratch, v6 ? "[%.*s]:%.*s" : "%.*s:%.*s", (int)address.len,
                        address.data, (int)port.len, port.data);
}

static int give_value(struct intel_reading *r, struct intel_item *item, struct slice type,
                      struct err *err)
{
    struct slice first, second = item->value;
    if (slice_find_char(item->value, '|') == SLICE_NONE)
        return intel_item_give(r, item, err);
    if (item->type == INDICATOR_IP_PORT) {
        item->value = with_port(r, item->value);
        return intel_item_give(r, item, err);
    }
    first = slice_cut(&second, '|');
    /* a name alone says little, its digest all: filename|md5 gives the digest */
    bool last =
        slice_starts(type, SLICE("filename|")) || slice_equal(type, SLICE("malware-sample"));
    if (slice_find_char(type, '|') != SLICE_NONE || last)
        item->value = last ? second : first;
    return intel_item_give(r, item, err);
}

static int give_attribute(struct intel_reading *r, const struct node *n, const struct about *around,
                          uint64_t line, struct err *err)
{
    struct intel_item item = intel_item_make();
    struct slice type = slice_trim(n->type);
    if (n->deleted || (!n->to_ids && !r->options->all)) {
        r->counts->passed_over++;
        return ERR_OK;
    }
    item.value = n->value;
    item.id = n->uuid;
    item.line = line;
    item.title = n->event_info.len ? n->event_info : around->title;
    if (!item.title.len)
        item.title = n->comment;
    item.tlp = intel_tlp_stricter(n->tlp, around->tlp);
    item.confidence =
        n->confidence == INDICATOR_CONFIDENCE_NONE ? around->confidence : n->confidence;
    if (slice_equal(type, SLICE("domain|ip"))) {
        struct slice address = n->value;
        item.type = INDICATOR_DOMAIN;
        item.value = slice_cut(&address, '|');
        int rc = intel_item_give(r, &item, err);
        item.type = INDICATOR_IP;
        item.value = address;
        return rc == ERR_OK ? intel_item_give(r, &item, err) : rc;
    }
    if (!intel_type_find(type, &item.type)) {
        intel_refuse(r, line, "attributes of type \"%.*s\" are not matched",
                     (int)(type.len < 40 ? type.len : 40), type.data);
        return ERR_OK;
    }
    return give_value(r, &item, type, err);
}

static int walk_value(struct intel_reading *r, struct json_reader *j, const struct about *around,
                      int depth, struct err *err);

static struct about about_of(struct intel_reading *r, const struct node *n,
                             const struct about *around)
{
    struct about about = *around;
    about.tlp = intel_tlp_stricter(about.tlp, n->tlp);
    if (n->confidence != INDICATOR_CONFIDENCE_NONE)
        about.confidence = n->confidence;
    if (n->info.len && n->creator.len)
        about.title = arena_printf(&r->kept, "%.*s (%.*s)", (int)n->info.len, n->info.data,
                                   (int)n->creator.len, n->creator.data);
    else if (n->info.len)
        about.title = arena_copy(&r->kept, n->info);
    return about;
}

/* The object that opened, behind whose end j is left. */
static int walk_object(struct intel_reading *r, struct json_reader *j, const struct about *around,
                       int depth, struct err *err)
{
    struct json_reader inside = *j;
    struct node n;
    enum json_token token;
    int rc = ERR_OK;
    arena_reset(&r->scratch);
    uint64_t line = intel_json_line(r, j);
    if (read_node(j, &r->scratch, &n) == JSON_ERROR)
        return intel_json_error(j, err);
    if (n.type.len && n.value.len)
        return give_attribute(r, &n, around, line, err);
    if (!n.has_children)
        return ERR_OK;
    if (depth >= INTEL_DEPTH_MAX) {
        intel_refuse(r, line, "more than %d objects inside one another", INTEL_DEPTH_MAX);
        return ERR_OK;
    }
    if (n.deleted) {
        r->counts->passed_over++;
        return ERR_OK;
    }
    struct about about = about_of(r, &n, around);
    while (rc == ERR_OK && (token = json_next(&inside)) == JSON_KEY) {
        if (intel_json_key_is(&inside, "Event") || intel_json_key_is(&inside, "response") ||
            intel_json_key_is(&inside, "Attribute") || intel_json_key_is(&inside, "Object"))
            rc = walk_value(r, &inside, &about, depth + 1, err);
        else
            (void)intel_json_pass(&inside);
    }
    return rc;
}

static int walk_value(struct intel_reading *r, struct json_reader *j, const struct about *around,
                      int depth, struct err *err)
{
    enum json_token token = json_next(j);
    int rc = ERR_OK;
    if (token == JSON_OBJECT_OPEN)
        return walk_object(r, j, around, depth, err);
    if (token != JSON_ARRAY_OPEN)
        return token == JSON_ERROR ? intel_json_error(j, err) : ERR_OK;
    while (rc == ERR_OK && (token = json_next(j)) != JSON_ARRAY_CLOSE) {
        if (token == JSON_OBJECT_OPEN)
            rc = walk_object(r, j, around, depth, err);
        else if (token == JSON_ERROR || (token == JSON_ARRAY_OPEN && json_skip(j) == JSON_ERROR))
            rc = intel_json_error(j, err);
    }
    return rc;
}

int intel_misp_read(struct intel_reading *r, struct err *err)
{
    struct about about = {.title = SLICE(""), .confidence = INDICATOR_CONFIDENCE_NONE};
    struct json_reader j;
    json_reader_open(&j, r->text);
    return walk_value(r, &j, &about, 0, err);
}
