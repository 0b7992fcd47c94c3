/* Reads mapping files (form: docs/mappings.md). Every key is in one table a level; an unknown one
 * is refused with the nearest that is known. */
#include "base/mem.h"
#include "base/text.h"
#include "detection/mapping_reader.h"

enum { KEYS_MAX = 32 };

int mapping_refuse(struct mapping_reader *r, const struct yaml_node *node, const char *what)
{
    return err_set_at(r->err, ERR_SYNTAX, node->line, node->column, "%s", what);
}

MUST_CHECK static int unknown_key(struct mapping_reader *r, const struct yaml_node *node,
                                  const struct mapping_key *keys)
{
    const char *words[KEYS_MAX + 1];
    uint32_t count = 0;
    for (; keys[count].key && count < KEYS_MAX; count++)
        words[count] = keys[count].key;
    words[count] = NULL;
    const char *nearest = text_nearest(node->key, words);
    int len = node->key.len > 60 ? 60 : (int)node->key.len;
    if (nearest)
        return err_set_at(r->err, ERR_SYNTAX, node->key_line, node->key_column,
                          "unknown key '%.*s': did you mean '%s'?", len, node->key.data, nearest);
    return err_set_at(r->err, ERR_SYNTAX, node->key_line, node->key_column,
                      "unknown key '%.*s'; docs/mappings.md lists the keys", len, node->key.data);
}

/* Gives each key of the map to its reader. */
int mapping_read_keys(struct mapping_reader *r, const struct yaml_node *map,
                      const struct mapping_key *keys, void *target)
{
    if (map->kind != YAML_MAP)
        return mapping_refuse(r, map, "a map of keys and values is expected here");
    for (const struct yaml_node *node = map->child; node; node = node->next) {
        const struct mapping_key *found = keys;
        while (found->key && !slice_equal(slice_from(found->key), node->key))
            found++;
        int rc = found->key ? found->read(r, node, target) : unknown_key(r, node, keys);
        if (rc)
            return rc;
    }
    return ERR_OK;
}

int mapping_read_text(struct mapping_reader *r, const struct yaml_node *node, struct slice *out)
{
    struct slice text = yaml_text(node);
    if (!text.data || text.len == 0)
        return mapping_refuse(r, node, "a text is expected here");
    *out = arena_copy(r->arena, text);
    return ERR_OK;
}

/* One text, or a list of them. */
int mapping_read_texts(struct mapping_reader *r, const struct yaml_node *node,
                       struct slice_list *out)
{
    bool is_list = node->kind == YAML_LIST;
    const struct yaml_node *item = is_list ? node->child : node;
    uint32_t count = is_list ? node->child_count : 1;
    *out = (struct slice_list){arena_zeroed(r->arena, count + 1, sizeof(struct slice)), 0};
    for (; out->count < count; item = item->next) {
        int rc = mapping_read_text(r, item, &out->items[out->count]);
        if (rc)
            return rc;
        out->count++;
    }
    return ERR_OK;
}

struct mapping_names mapping_names_of(struct mapping_reader *r, struct slice_list texts)
{
    struct mapping_names names = {
        arena_zeroed(r->arena, texts.count + 1, sizeof(struct mapping_name)), texts.count};
    for (uint32_t i = 0; i < texts.count; i++)
        names.items[i].text = texts.items[i];
    return names;
}

int mapping_read_names(struct mapping_reader *r, const struct yaml_node *node,
                       struct mapping_names *out)
{
    struct slice_list texts;
    int rc = mapping_read_texts(r, node, &texts);
    if (rc == ERR_OK)
        *out = mapping_names_of(r, texts);
    return rc;
}

int mapping_read_bool(struct mapping_reader *r, const struct yaml_node *node, bool *out)
{
    if (node->kind != YAML_BOOL)
        return mapping_refuse(r, node, "true or false is expected here");
    *out = slice_equal(node->text, SLICE("true"));
    return ERR_OK;
}

struct slice mapping_lower_copy(struct mapping_reader *r, struct slice text)
{
    char *copy = arena_bytes(r->arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        copy[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    copy[text.len] = 0;
    return slice_make(copy, text.len);
}

/* ---- conditions ---- */

MUST_CHECK static int read_test(struct mapping_reader *r, const struct yaml_node *node,
                                struct mapping_test *out)
{
    struct slice text = yaml_text(node);
    if (!text.data)
        return mapping_refuse(r, node,
                              "a condition needs a text, or '*' for a field that is there");
    if (slice_equal(text, SLICE("*"))) {
        out->kind = MAPPING_PRESENT;
        return ERR_OK;
    }
    int rc = pattern_parse(&out->pattern, arena_copy(r->arena, text), r->arena, r->err);
    if (rc) {
        if (r->err && !r->err->line)
            r->err->line = node->line;
        return rc;
    }
    const struct pattern_part *parts = out->pattern.parts;
    uint32_t count = out->pattern.count;
    out->kind = MAPPING_PATTERN;
    if (count && parts[0].kind == PATTERN_LITERAL)
        out->text = parts[0].literal;
    if (count == 0) {
        out->kind = MAPPING_EQUALS;
        out->text = SLICE("");
    } else if (count == 1 && parts[0].kind == PATTERN_LITERAL) {
        out->kind = MAPPING_EQUALS;
        out->text = parts[0].literal;
    } else if (count == 2 && parts[0].kind == PATTERN_LITERAL && parts[1].kind == PATTERN_ANY_RUN) {
        out->kind = MAPPING_STARTS;
        out->text = parts[0].literal;
    } else if (count == 2 && parts[0].kind == PATTERN_ANY_RUN && parts[1].kind == PATTERN_LITERAL) {
        out->kind = MAPPING_ENDS;
        out->text = parts[1].literal;
    } else if (count == 3 && parts[0].kind == PATTERN_ANY_RUN && parts[1].kind == PATTERN_LITERAL &&
               parts[2].kind == PATTERN_ANY_RUN) {
        out->kind = MAPPING_CONTAINS;
        out->text = parts[1].literal;
    }
    return ERR_OK;
}

int mapping_read_tests(struct mapping_reader *r, const struct yaml_node *node,
                       struct mapping_test **out, uint32_t *count)
{
    bool is_list = node->kind == YAML_LIST;
    uint32_t wanted = is_list ? node->child_count : 1;
    if (wanted == 0)
        return mapping_refuse(r, node, "a condition needs at least one value");
    *out = arena_zeroed(r->arena, wanted, sizeof **out);
    const struct yaml_node *item = is_list ? node->child : node;
    for (*count = 0; *count < wanted; item = item->next) {
        int rc = read_test(r, item, &(*out)[*count]);
        if (rc)
            return rc;
        (*count)++;
    }
    return ERR_OK;
}

MUST_CHECK static int read_condition(struct mapping_reader *r, const struct yaml_node *node,
                                     struct mapping_condition *out)
{
    out->field.text = arena_copy(r->arena, node->key);
    return mapping_read_tests(r, node, &out->tests, &out->test_count);
}

MUST_CHECK static int read_case(struct mapping_reader *r, const struct yaml_node *node,
                                struct mapping_case *out)
{
    if (node->kind != YAML_MAP || node->child_count == 0)
        return mapping_refuse(r, node, "conditions are a map of field names and values");
    out->conditions = arena_zeroed(r->arena, node->child_count, sizeof *out->conditions);
    for (const struct yaml_node *item = node->child; item; item = item->next) {
        int rc = read_condition(r, item, &out->conditions[out->count]);
        if (rc)
            return rc;
        out->count++;
    }
    return ERR_OK;
}

/* A map of conditions (all hold), or a list of such maps (any holds). */
int mapping_read_cases(struct mapping_reader *r, const struct yaml_node *node, void *target)
{
    struct mapping_cases *out = target;
    bool is_list = node->kind == YAML_LIST;
    uint32_t count = is_list ? node->child_count : 1;
    if (count == 0)
        return mapping_refuse(r, node, "at least one map of conditions is expected here");
    out->items = arena_zeroed(r->arena, count, sizeof *out->items);
    const struct yaml_node *item = is_list ? node->child : node;
    for (; out->count < count; item = item->next) {
        int rc = read_case(r, item, &out->items[out->count]);
        if (rc)
            return rc;
        out->count++;
    }
    return ERR_OK;
}

/* ---- log source ---- */

MUST_CHECK static int read_product(struct mapping_reader *r, const struct yaml_node *node,
                                   void *target)
{
    (void)target;
    return mapping_read_text(r, node, &r->in->product);
}

MUST_CHECK static int read_service(struct mapping_reader *r, const struct yaml_node *node,
                                   void *target)
{
    (void)target;
    return mapping_read_text(r, node, &r->in->service);
}

MUST_CHECK static int read_category(struct mapping_reader *r, const struct yaml_node *node,
                                    void *target)
{
    (void)target;
    int rc = mapping_read_texts(r, node, &r->in->categories);
    if (rc == ERR_OK && r->in->categories.count > MAPPING_CATEGORIES_MAX)
        return mapping_refuse(r, node, "too many categories: 8 are the most");
    return rc;
}

MUST_CHECK static int read_logsource(struct mapping_reader *r, const struct yaml_node *node,
                                     void *target)
{
    static const struct mapping_key keys[] = {{"product", read_product},
                                              {"category", read_category},
                                              {"service", read_service},
                                              {NULL, NULL}};
    int rc = mapping_read_keys(r, node, keys, target);
    if (rc)
        return rc;
    r->in->product = mapping_lower_copy(r, r->in->product);
    r->in->service = mapping_lower_copy(r, r->in->service);
    for (uint32_t i = 0; i < r->in->categories.count; i++)
        r->in->categories.items[i] = mapping_lower_copy(r, r->in->categories.items[i]);
    return ERR_OK;
}

MUST_CHECK static int read_complete(struct mapping_reader *r, const struct yaml_node *node,
                                    void *target)
{
    (void)target;
    struct slice_list texts;
    int rc = mapping_read_texts(r, node, &texts);
    if (rc)
        return rc;
    r->in->complete = true;
    r->in->complete_fields =
        arena_zeroed(r->arena, texts.count + 1, sizeof *r->in->complete_fields);
    for (uint32_t i = 0; i < texts.count; i++) {
        if (slice_equal(texts.items[i], SLICE("service")))
            r->in->complete_service = true;
        else
            r->in->complete_fields[r->in->complete_count++] =
                mapping_names_of(r, (struct slice_list){&texts.items[i], 1});
    }
    return ERR_OK;
}

MUST_CHECK static int read_data(struct mapping_reader *r, const struct yaml_node *node,
                                void *target)
{
    (void)target;
    struct slice_list texts;
    int rc = mapping_read_texts(r, node, &texts);
    if (rc)
        return rc;
    for (uint32_t i = 0; i < texts.count; i++) {
        if (slice_equal(texts.items[i], SLICE("product")))
            r->in->data_product = true;
        else if (slice_equal(texts.items[i], SLICE("category")))
            r->in->data_category = true;
        else if (slice_equal(texts.items[i], SLICE("service")))
            r->in->data_service = true;
        else
            return mapping_refuse(r, node, "`data` names product, category or service");
    }
    return ERR_OK;
}

/* ---- the other keys ---- */

MUST_CHECK static int read_id(struct mapping_reader *r, const struct yaml_node *node, void *target)
{
    (void)target;
    return mapping_read_text(r, node, &r->in->mapping.id);
}

MUST_CHECK static int read_title(struct mapping_reader *r, const struct yaml_node *node,
                                 void *target)
{
    (void)target;
    return mapping_read_text(r, node, &r->in->mapping.title);
}

MUST_CHECK static int read_whole(struct mapping_reader *r, const struct yaml_node *node,
                                 uint64_t *out)
{
    if (node->kind != YAML_INT || !slice_to_u64(node->text, out) || *out > 1000000)
        return mapping_refuse(r, node, "a whole number from 0 to 1000000 is expected here");
    return ERR_OK;
}

MUST_CHECK static int read_version(struct mapping_reader *r, const struct yaml_node *node,
                                   void *target)
{
    (void)target;
    uint64_t number = 0;
    int rc = read_whole(r, node, &number);
    r->in->mapping.version = (uint32_t)number;
    return rc;
}

MUST_CHECK static int read_priority(struct mapping_reader *r, const struct yaml_node *node,
                                    void *target)
{
    (void)target;
    uint64_t number = 0;
    int rc = read_whole(r, node, &number);
    r->in->priority = (int32_t)number;
    return rc;
}

MUST_CHECK static int read_aliases(struct mapping_reader *r, const struct yaml_node *node,
                                   void *target)
{
    (void)target;
    if (node->kind != YAML_MAP)
        return mapping_refuse(r, node, "`alias` is a map: Sigma name to original names");
    struct mapping *m = &r->in->mapping;
    m->aliases = arena_zeroed(r->arena, node->child_count + 1, sizeof *m->aliases);
    for (const struct yaml_node *item = node->child; item; item = item->next) {
        struct mapping_alias *alias = &m->aliases[m->alias_count++];
        alias->name = arena_copy(r->arena, item->key);
        int rc = mapping_read_texts(r, item, &alias->originals);
        if (rc)
            return rc;
    }
    return ERR_OK;
}

MUST_CHECK static int read_prefixes(struct mapping_reader *r, const struct yaml_node *node,
                                    void *target)
{
    (void)target;
    return mapping_read_texts(r, node, &r->in->mapping.prefixes);
}

struct mapping_time mapping_time_of(struct slice text)
{
    size_t plus = slice_find_char(text, '+');
    struct mapping_time time = {.first = {.text = text}};
    if (plus != SLICE_NONE) {
        time.first.text = slice_part(text, 0, plus);
        time.second.text = slice_part(text, plus + 1, text.len);
    }
    return time;
}

MUST_CHECK static int read_times(struct mapping_reader *r, const struct yaml_node *node,
                                 void *target)
{
    (void)target;
    struct slice_list texts;
    int rc = mapping_read_texts(r, node, &texts);
    if (rc)
        return rc;
    r->in->times = arena_zeroed(r->arena, texts.count + 1, sizeof *r->in->times);
    for (uint32_t i = 0; i < texts.count; i++)
        r->in->times[i] = mapping_time_of(texts.items[i]);
    r->in->time_count = texts.count;
    return ERR_OK;
}

MUST_CHECK static int read_zone(struct mapping_reader *r, const struct yaml_node *node,
                                void *target)
{
    (void)target;
    if (!slice_equal(yaml_text(node), SLICE("utc")))
        return mapping_refuse(r, node, "`zone` is utc, or left out: then it is the source's");
    r->in->zone_utc = true;
    return ERR_OK;
}

MUST_CHECK static int read_hosts(struct mapping_reader *r, const struct yaml_node *node,
                                 void *target)
{
    (void)target;
    return mapping_read_names(r, node, &r->in->hosts);
}

MUST_CHECK static int read_finding(struct mapping_reader *r, const struct yaml_node *node,
                                   void *target)
{
    (void)target;
    r->in->mapping.is_finding = true;
    if (node->kind == YAML_BOOL) {
        int rc = mapping_read_bool(r, node, &r->in->finding_always);
        r->in->mapping.is_finding = r->in->finding_always;
        return rc;
    }
    return mapping_read_cases(r, node, &r->in->finding);
}

MUST_CHECK static int read_when(struct mapping_reader *r, const struct yaml_node *node,
                                void *target)
{
    (void)target;
    return mapping_read_cases(r, node, &r->in->when);
}

/* Look-ups, steps, `complete` and `found` ask a field by its own name and by whatever the mapping
 * says stands for it. */
static void widen_all(struct mapping_reader *r)
{
    const struct mapping *m = &r->in->mapping;
    for (uint32_t l = 0; l < r->in->lookup_count; l++)
        for (uint32_t f = 0; f < r->in->lookups[l].field_count; f++)
            mapping_widen_names(r, m, &r->in->lookups[l].fields[f].names);
    for (uint32_t i = 0; i < r->in->complete_count; i++)
        mapping_widen_names(r, m, &r->in->complete_fields[i]);
    for (uint32_t i = 0; i < r->in->step_count; i++)
        mapping_widen_names(r, m, &r->in->steps[i].from);
    mapping_widen_names(r, m, &r->in->verdict.titles);
    mapping_widen_names(r, m, &r->in->verdict.ids);
    mapping_widen_names(r, m, &r->in->verdict.level_fields);
}

static const struct mapping_alias *alias_of(const struct mapping *m, struct slice name)
{
    for (uint32_t a = 0; a < m->alias_count; a++)
        if (slice_equal(m->aliases[a].name, name))
            return &m->aliases[a];
    return NULL;
}

void mapping_widen_names(struct mapping_reader *r, const struct mapping *m,
                         struct mapping_names *names)
{
    struct buf list = {0};
    for (uint32_t i = 0; i < names->count; i++) {
        struct slice name = names->items[i].text;
        const struct mapping_alias *alias = alias_of(m, name);
        buf_append(&list, &name, sizeof name);
        if (alias)
            buf_append(&list, alias->originals.items, alias->originals.count * sizeof name);
        for (uint32_t p = 0; !alias && p < m->prefixes.count; p++) {
            struct slice prefix = m->prefixes.items[p];
            struct slice whole = arena_printf(r->arena, "%.*s%.*s", (int)prefix.len, prefix.data,
                                              (int)name.len, name.data);
            buf_append(&list, &whole, sizeof whole);
        }
    }
    uint32_t count = (uint32_t)(list.len / sizeof(struct slice));
    struct mapping_name *items = arena_zeroed(r->arena, count + 1, sizeof *items);
    for (uint32_t i = 0; i < count; i++)
        memcpy(&items[i].text, list.data + i * sizeof(struct slice), sizeof(struct slice));
    *names = (struct mapping_names){items, count};
    buf_free(&list);
}

/* Names that tell the log source, own fields included; some may be counted twice. */
static uint32_t source_name_count(const struct mapping_inside *in)
{
    uint32_t count = 3;
    for (uint32_t l = 0; l < in->lookup_count; l++)
        for (uint32_t f = 0; f < in->lookups[l].field_count; f++)
            if (!in->lookups[l].fields[f].is_service)
                count += in->lookups[l].fields[f].names.count;
    for (uint32_t i = 0; i < in->complete_count; i++)
        count += in->complete_fields[i].count;
    return count;
}

static const struct mapping_key mapping_keys[] = {{"id", read_id},
                                                  {"version", read_version},
                                                  {"title", read_title},
                                                  {"priority", read_priority},
                                                  {"when", read_when},
                                                  {"logsource", read_logsource},
                                                  {"complete", read_complete},
                                                  {"data", read_data},
                                                  {"lookup", mapping_read_lookups},
                                                  {"alias", read_aliases},
                                                  {"prefixes", read_prefixes},
                                                  {"time", read_times},
                                                  {"zone", read_zone},
                                                  {"host", read_hosts},
                                                  {"derive", mapping_read_steps},
                                                  {"finding", read_finding},
                                                  {"found", mapping_read_found},
                                                  {NULL, NULL}};

MUST_CHECK static int read_document(struct mapping_reader *r, struct slice text,
                                    struct arena *nodes)
{
    struct yaml_documents documents;
    int rc = yaml_parse(&documents, text, nodes, r->err);
    if (rc)
        return rc;
    if (documents.count != 1)
        return err_set_at(r->err, ERR_SYNTAX, 1, 0,
                          "a mapping file has one document; this one has %u", documents.count);
    const struct yaml_node *root = documents.roots[0];
    rc = mapping_read_keys(r, root, mapping_keys, NULL);
    if (rc)
        return rc;
    const struct mapping *m = &r->in->mapping;
    if (!m->id.len || !m->title.len || !m->version)
        return mapping_refuse(r, root, "a mapping states id, title and version (1 or more)");
    if (!r->in->when.count)
        return mapping_refuse(r, root, "`when` is missing: which records does the mapping read?");
    if (r->in->verdict.stated && !m->is_finding)
        return mapping_refuse(r, yaml_get(root, "found"),
                              "`found` says what a finding is called, but no record is one: say "
                              "which by `finding`");
    widen_all(r);
    if (source_name_count(r->in) > MAPPING_SOURCE_NAMES_MAX)
        return mapping_refuse(r, root,
                              "the look-ups and `complete` ask too many names: 32 with all "
                              "that stands for them are the most");
    return ERR_OK;
}

int mapping_read(struct mapping_inside **out, struct slice file, struct slice text, bool jit,
                 struct err *err)
{
    struct mapping_inside *in = mem_zeroed(1, sizeof *in);
    struct mapping_reader r = {.in = in, .arena = &in->arena, .err = err, .jit = jit};
    struct arena nodes = {0};
    in->mapping.inside = in;
    in->mapping.file = arena_copy(&in->arena, file);
    int rc = read_document(&r, text, &nodes);
    arena_free(&nodes);
    if (rc)
        mapping_inside_close(&in);
    *out = in;
    return rc;
}

void mapping_inside_close(struct mapping_inside **inside)
{
    struct mapping_inside *in = *inside;
    *inside = NULL;
    if (!in)
        return;
    for (uint32_t i = 0; i < in->lookup_count; i++)
        map_free(&in->lookups[i].rows);
    for (uint32_t i = 0; i < in->step_count; i++)
        regex_close(&in->steps[i].regex);
    arena_free(&in->arena);
    mem_free(in);
}
