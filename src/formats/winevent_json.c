#include "formats/winevent.h"

/* Members of System whose names are put together, in the shape that most tools write. */
static const struct {
    struct slice path, name;
} system_names[] = {
    {{"EventID.#text", 13}, {"EventID", 7}},
    {{"Provider.#attributes.Name", 25}, {"Provider_Name", 13}},
    {{"Provider.#attributes.Guid", 25}, {"Provider_Guid", 13}},
    {{"TimeCreated.#attributes.SystemTime", 34}, {"TimeCreated", 11}},
    {{"Execution.#attributes.ProcessID", 31}, {"Execution_ProcessID", 19}},
    {{"Execution.#attributes.ThreadID", 30}, {"Execution_ThreadID", 18}},
    {{"Security.#attributes.UserID", 27}, {"Security_UserID", 15}},
    {{"Correlation.#attributes.ActivityID", 34}, {"Correlation_ActivityID", 22}},
};

static bool ends_attributes(struct slice segment)
{
    return slice_ends(segment, SLICE("_attributes")) && segment.len > 11;
}

/* a.#attributes.B, a.@B, a_attributes.B -> a_B; a.#text -> a; other parts joined by joint. */
static struct slice clean_path(struct arena *arena, struct slice path, char joint)
{
    char *out = arena_bytes(arena, path.len + 1);
    size_t len = 0;
    bool attribute = false;
    while (path.len > 0) {
        struct slice segment = slice_cut(&path, '.');
        if (slice_equal(segment, SLICE("#text")))
            continue;
        if (slice_equal(segment, SLICE("#attributes"))) {
            attribute = true;
            continue;
        }
        bool marked = segment.len > 1 && segment.data[0] == '@';
        if (marked)
            segment = slice_part(segment, 1, segment.len);
        if (len > 0)
            out[len++] = attribute || marked ? '_' : joint;
        attribute = path.len > 0 && ends_attributes(segment);
        if (attribute)
            segment.len -= 11;
        if (segment.len > 0)
            memcpy(out + len, segment.data, segment.len);
        len += segment.len;
    }
    return slice_make(out, len);
}

static bool has_marks(struct slice path)
{
    return slice_find_char(path, '#') != SLICE_NONE || slice_find_char(path, '@') != SLICE_NONE ||
           slice_find(path, SLICE("_attributes.")) != SLICE_NONE;
}

struct flatten {
    struct record *r;
    uint32_t written;
    /* the member of a Data list that is being read */
    uint32_t data_slot;
    bool has_slot, has_name, has_text;
    struct slice time; /* of TimeCreated */
    uint8_t time_flags;
};

static void keep(struct flatten *w, struct field f, struct slice name)
{
    f.name = name;
    f.name_hash = field_name_hash(name);
    if ((f.flags & FIELD_NESTED) && slice_find_char(name, '.') == SLICE_NONE)
        f.flags &= (uint8_t)~FIELD_NESTED;
    w->r->fields[w->written++] = f;
}

static void system_field(struct flatten *w, const struct field *f, struct slice path)
{
    static const struct slice time_name = {"TimeCreated", 11};
    if (f->kind == VALUE_OBJECT)
        return;
    struct slice name = path;
    for (size_t i = 0; i < sizeof(system_names) / sizeof(*system_names); i++)
        if (slice_equal(path, system_names[i].path))
            name = system_names[i].name;
    if (name.data == path.data && slice_find_char(path, '.') != SLICE_NONE)
        name = clean_path(&w->r->arena, path, '_');
    if (slice_equal(name, SLICE("TimeCreated_SystemTime")))
        name = time_name;
    if (slice_equal(name, time_name) && f->kind == VALUE_STRING) {
        w->time = f->value;
        w->time_flags = f->flags;
    }
    keep(w, *f, name);
}

/* Below EventData.Data: {"#attributes":{"Name":X},"#text":V} and its kin become X = V. */
static void data_member(struct flatten *w, struct field *f, struct slice path)
{
    if (f->kind == VALUE_OBJECT) {
        if (path.len == 0)
            w->has_slot = w->has_name = w->has_text = false;
        return;
    }
    bool is_name = slice_equal(path, SLICE("#attributes.Name")) ||
                   slice_equal(path, SLICE("@Name")) || slice_equal(path, SLICE("Name"));
    bool is_text = slice_equal(path, SLICE("#text")) || slice_equal(path, SLICE("text")) ||
                   slice_equal(path, SLICE("content")) || slice_equal(path, SLICE("_"));
    struct field *slot = w->has_slot ? &w->r->fields[w->data_slot] : NULL;
    if (is_name && !w->has_name) {
        struct slice name = record_text(w->r, f);
        if (slot) {
            slot->name = name;
            slot->name_hash = field_name_hash(name);
        } else {
            w->data_slot = w->written;
            keep(w, (struct field){.kind = VALUE_NULL, .value = {"", 0}}, name);
        }
        w->has_name = w->has_slot = true;
    } else if (is_text && slot && !w->has_text) {
        slot->value = f->value;
        slot->kind = f->kind;
        slot->flags = f->flags & (uint8_t)~FIELD_NESTED;
        w->has_text = true;
    } else if (is_text) {
        struct slice name = slot ? slot->name : SLICE("Data");
        if (!slot)
            w->data_slot = w->written;
        w->has_slot = w->has_text = true;
        keep(w, *f, name);
    } else if (path.len == 0) {
        keep(w, *f, SLICE("Data"));
    } else {
        keep(w, *f, clean_path(&w->r->arena, path, '.'));
    }
}

static void event_data_field(struct flatten *w, struct field *f, struct slice path)
{
    if (slice_starts(path, SLICE("Data")) && (path.len == 4 || path.data[4] == '.')) {
        data_member(w, f, slice_part(path, 5, path.len));
        return;
    }
    if (f->kind == VALUE_OBJECT && slice_ends(path, SLICE("#attributes")))
        return;
    struct slice name = path;
    if (has_marks(path)) {
        name = clean_path(&w->r->arena, path, '.');
        if (path.data[0] == '#' || path.data[0] == '@')
            name = arena_printf(&w->r->arena, "EventData_%.*s", (int)name.len, name.data);
    }
    keep(w, *f, name);
}

/* Below UserData: its one element's name is dropped. */
static void user_data_field(struct flatten *w, struct field *f, struct slice path)
{
    size_t dot = slice_find_char(path, '.');
    if (dot == SLICE_NONE && f->kind == VALUE_OBJECT)
        return;
    struct slice inside = dot == SLICE_NONE ? path : slice_part(path, dot + 1, path.len);
    if (f->kind == VALUE_OBJECT && slice_ends(inside, SLICE("#attributes")))
        return;
    struct slice name = has_marks(inside) ? clean_path(&w->r->arena, inside, '.') : inside;
    if (name.len == 0)
        name = slice_part(path, 0, dot);
    keep(w, *f, name);
}

static void rendering_field(struct flatten *w, const struct field *f, struct slice path)
{
    if (f->kind == VALUE_OBJECT && slice_ends(path, SLICE("#attributes")))
        return;
    if (slice_equal(path, SLICE("RenderingInfo.Message")))
        keep(w, *f, SLICE("Message"));
    else
        keep(w, *f, has_marks(path) ? clean_path(&w->r->arena, path, '.') : path);
}

/* path is part, or below it (then *inside is the rest). */
static bool is_below(struct slice path, struct slice part, struct slice *inside)
{
    if (!slice_starts(path, part) || (path.len > part.len && path.data[part.len] != '.'))
        return false;
    *inside = slice_part(path, part.len + 1, path.len);
    return true;
}

static bool is_name_space(struct slice path)
{
    size_t at = slice_find(path, SLICE("xmlns"));
    if (at == SLICE_NONE || at == 0)
        return at == 0;
    struct slice rest = slice_part(path, at + 5, path.len);
    return (path.data[at - 1] == '.' || path.data[at - 1] == '@') &&
           (rest.len == 0 || rest.data[0] == ':');
}

static void flatten_field(struct flatten *w, struct field *f)
{
    struct slice path, inside;
    if (!is_below(f->name, SLICE("Event"), &path)) {
        if (!slice_starts(f->name, SLICE("Event_attributes")))
            keep(w, *f, f->name);
        return;
    }
    bool container = f->kind == VALUE_OBJECT;
    if ((container && path.len == 0) || is_name_space(path))
        return;
    if (is_below(path, SLICE("System"), &inside) && !(inside.len == 0 && !container)) {
        system_field(w, f, inside);
    } else if (is_below(path, SLICE("EventData"), &inside)) {
        if (inside.len > 0)
            event_data_field(w, f, inside);
    } else if (is_below(path, SLICE("UserData"), &inside)) {
        if (inside.len > 0)
            user_data_field(w, f, inside);
    } else if (is_below(path, SLICE("RenderingInfo"), &inside)) {
        if (inside.len > 0)
            rendering_field(w, f, path);
    } else if (!(container && slice_ends(path, SLICE("#attributes")))) {
        keep(w, *f, has_marks(path) ? clean_path(&w->r->arena, path, '.') : path);
    }
}

int winevent_json_flatten_from(struct record *r, uint32_t first, struct err *err)
{
    struct slice inside;
    if (r->count <= first || !is_below(r->fields[first].name, SLICE("Event"), &inside))
        return ERR_OK;
    uint32_t at = first;
    while (at < r->count && !slice_starts(r->fields[at].name, SLICE("Event.System")))
        at++;
    if (at == r->count)
        return ERR_OK;
    struct flatten w = {.r = r, .written = first};
    for (uint32_t i = first; i < r->count; i++) {
        struct field f = r->fields[i];
        flatten_field(&w, &f);
    }
    r->count = w.written;
    if (!w.time.data)
        return ERR_OK;
    return record_add(r, SLICE("SystemTime"), w.time, VALUE_STRING,
                      w.time_flags & (unsigned)~FIELD_NESTED, err);
}

int winevent_json_flatten(struct record *r, struct err *err)
{
    return winevent_json_flatten_from(r, 0, err);
}
