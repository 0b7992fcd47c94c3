#include "base/mem.h"
#include "formats/json.h"
#include "watch/render_inside.h"

#include <stdlib.h>

/* Core values of the last level: eight of them, each byte written as six, fit into
 * RENDER_BYTES_MIN with a syslog header before them. */
const struct render_level render_levels[RENDER_LEVELS] = {
    {RENDER_VALUE_BYTES_MAX, RENDER_VALUES_BYTES_MAX, RENDER_PAIRS_MAX, false},
    {1024, 32 << 10, 64, false},
    {256, 4096, 16, false},
    {128, 1024, 0, false},
    {40, 200, 0, true},
};

void render_doc_open(struct render_doc *doc, const struct render_level *level)
{
    *doc = (struct render_doc){.level = level};
    doc->leaves = arena_alloc(&doc->arena, RENDER_LEAVES_MAX * sizeof(*doc->leaves));
}

void render_doc_close(struct render_doc *doc)
{
    arena_free(&doc->arena);
}

struct slice render_cut(struct slice value, size_t bytes)
{
    if (value.len <= bytes)
        return value;
    size_t len = bytes;
    for (int i = 0; i < 3 && len > 0 && ((unsigned char)value.data[len] & 0xc0) == 0x80; i++)
        len--;
    return slice_part(value, 0, len);
}

const struct render_leaf *render_doc_find(const struct render_doc *doc, const char *path)
{
    for (uint32_t i = 0; i < doc->count; i++)
        if (strcmp(doc->leaves[i].path, path) == 0)
            return &doc->leaves[i];
    return NULL;
}

static void leaf_add(struct render_doc *doc, struct render_leaf leaf)
{
    const struct render_level *level = doc->level;
    if (level->core && !render_is_core(leaf.path)) {
        doc->cut = true;
        return;
    }
    struct slice shown = render_cut(leaf.value, level->value_bytes);
    doc->cut |= shown.len < leaf.value.len;
    leaf.value = shown;
    size_t bytes = leaf.name.len + leaf.value.len;
    /* the last one is kept for canh.cut */
    uint32_t room = RENDER_LEAVES_MAX - (leaf.kind == LEAF_TRUE ? 0 : 1);
    if (doc->count >= room || bytes > level->values_bytes - doc->used_bytes) {
        doc->cut = true;
        return;
    }
    doc->used_bytes += bytes;
    leaf.order = (uint16_t)doc->count;
    doc->leaves[doc->count++] = leaf;
}

static bool is_none(struct slice value)
{
    return value.len == 0 || slice_equal(value, SLICE("-"));
}

void render_doc_text(struct render_doc *doc, const char *path, struct slice value)
{
    if (!is_none(value) && !render_doc_find(doc, path))
        leaf_add(doc, (struct render_leaf){.path = path, .value = value, .kind = LEAF_TEXT});
}

static void number_add(struct render_doc *doc, const char *path, struct slice lexeme)
{
    if (!render_doc_find(doc, path))
        leaf_add(doc, (struct render_leaf){.path = path, .value = lexeme, .kind = LEAF_NUMBER});
}

void render_doc_number(struct render_doc *doc, const char *path, uint64_t value)
{
    number_add(doc, path, arena_printf(&doc->arena, "%llu", (unsigned long long)value));
}

void render_doc_double(struct render_doc *doc, const char *path, double value)
{
    struct buf text = {0};
    struct json_writer w = {.out = &text};
    json_double(&w, value);
    number_add(doc, path, arena_copy(&doc->arena, buf_as_slice(&text)));
    buf_free(&text);
}

void render_doc_true(struct render_doc *doc, const char *path)
{
    if (!render_doc_find(doc, path))
        leaf_add(doc, (struct render_leaf){.path = path, .kind = LEAF_TRUE});
}

void render_doc_time(struct render_doc *doc, const char *path, int64_t time_ns)
{
    char text[CLOCK_TEXT_BYTES];
    if (time_ns != CLOCK_NONE)
        render_doc_text(doc, path,
                        arena_copy(&doc->arena, slice_make(text, clock_text(text, time_ns))));
}

void render_doc_list(struct render_doc *doc, const char *path, struct slice value)
{
    uint32_t members = 0;
    if (is_none(value))
        return;
    for (uint32_t i = 0; i < doc->count; i++) {
        if (strcmp(doc->leaves[i].path, path) != 0)
            continue;
        members++;
        if (slice_equal(doc->leaves[i].value, value))
            return;
    }
    if (members == RENDER_LIST_MAX)
        doc->cut = true;
    else
        leaf_add(doc, (struct render_leaf){
                          .path = path, .value = value, .kind = LEAF_TEXT, .list = true});
}

void render_doc_pair(struct render_doc *doc, const char *path, struct slice name,
                     struct slice value)
{
    if (doc->pairs == doc->level->pairs) {
        doc->cut = true;
        return;
    }
    doc->pairs++;
    leaf_add(doc, (struct render_leaf){
                      .path = path, .name = name, .value = value, .kind = LEAF_PAIR, .list = true});
}

/* By path, so that the members of an object are neighbours (a point stands before all letters,
 * digits and '_'); then as they came. */
static int leaf_compare(const void *left, const void *right)
{
    const struct render_leaf *a = left, *b = right;
    int paths = strcmp(a->path, b->path);
    return paths ? paths : (a->order > b->order) - (a->order < b->order);
}

static void leaf_write(struct json_writer *w, const struct render_leaf *leaf)
{
    if (leaf->kind == LEAF_NUMBER) {
        json_raw(w, leaf->value);
    } else if (leaf->kind == LEAF_TRUE) {
        json_bool(w, true);
    } else if (leaf->kind == LEAF_PAIR) {
        json_open_object(w);
        json_key(w, "name");
        json_string(w, leaf->name);
        json_key(w, "value");
        json_string(w, leaf->value);
        json_close_object(w);
    } else {
        json_string(w, leaf->value);
    }
}

/* Length of the objects of a path, with the point behind each. */
static size_t parent_len(const char *path)
{
    const char *point = strrchr(path, '.');
    return point ? (size_t)(point - path) + 1 : 0;
}

/* From the objects that are open, those of `from`, to those of `to`. */
static void objects_move(struct json_writer *w, const char *from, const char *to)
{
    size_t from_len = parent_len(from), to_len = parent_len(to), common = 0;
    for (size_t i = 0; i < from_len && i < to_len && from[i] == to[i]; i++)
        if (from[i] == '.')
            common = i + 1;
    for (size_t i = common; i < from_len; i++)
        if (from[i] == '.')
            json_close_object(w);
    for (size_t i = common, start = common; i < to_len; i++) {
        if (to[i] != '.')
            continue;
        json_key_slice(w, slice_make(to + start, i - start));
        json_open_object(w);
        start = i + 1;
    }
}

void render_doc_write(struct render_doc *doc, struct buf *out)
{
    struct json_writer w = {.out = out};
    const char *open = "";
    qsort(doc->leaves, doc->count, sizeof(*doc->leaves), leaf_compare);
    json_open_object(&w);
    for (uint32_t i = 0; i < doc->count; i++) {
        const struct render_leaf *leaf = &doc->leaves[i];
        objects_move(&w, open, leaf->path);
        open = leaf->path;
        json_key(&w, leaf->path + parent_len(leaf->path));
        if (!leaf->list) {
            leaf_write(&w, leaf);
            continue;
        }
        json_open_array(&w);
        leaf_write(&w, leaf);
        while (i + 1 < doc->count && strcmp(doc->leaves[i + 1].path, leaf->path) == 0)
            leaf_write(&w, &doc->leaves[++i]);
        json_close_array(&w);
    }
    objects_move(&w, open, "");
    json_close_object(&w);
}
