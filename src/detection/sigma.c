#include "detection/sigma.h"

#include "base/mem.h"
#include "base/text.h"
#include "detection/sigma_inside.h"

struct slice sigma_nearest(struct slice word, const struct slice *names, uint32_t count)
{
    unsigned limit = (unsigned)(word.len > 60 ? 20 : word.len / 3), least = limit + 1;
    struct slice found = {"", 0};
    for (uint32_t i = 0; i < count; i++) {
        unsigned distance = text_distance(word, names[i], limit);
        if (distance < least) {
            least = distance;
            found = names[i];
        }
    }
    return found;
}

struct slice sigma_copy(struct sigma_reader *r, const struct yaml_node *node)
{
    struct slice text = yaml_text(node);
    return text.len > 0 ? arena_copy(r->arena, text) : text;
}

bool sigma_text_list(struct sigma_reader *r, const struct yaml_node *node, struct slice_list *out)
{
    *out = (struct slice_list){0};
    if (!node || node->kind == YAML_NULL)
        return true;
    if (node->kind == YAML_MAP)
        return false;
    bool list = node->kind == YAML_LIST;
    out->items = arena_alloc(r->arena, (list ? node->child_count + 1 : 1) * sizeof(struct slice));
    for (const struct yaml_node *n = list ? node->child : node; n; n = list ? n->next : NULL) {
        if (n->kind == YAML_LIST || n->kind == YAML_MAP)
            return false;
        if (n->kind != YAML_NULL)
            out->items[out->count++] = sigma_copy(r, n);
    }
    return true;
}

/* A text of the rule's head; anything but a scalar is a problem. */
static struct slice head_text(struct sigma_reader *r, const struct yaml_node *root, const char *key)
{
    const struct yaml_node *node = yaml_get(root, key);
    if (node && (node->kind == YAML_LIST || node->kind == YAML_MAP))
        sigma_error(r, "bad-field", node->line, node->column, "'%s' must be one text", key);
    return sigma_copy(r, node);
}

static void head_list(struct sigma_reader *r, const struct yaml_node *root, const char *key,
                      struct slice_list *out)
{
    const struct yaml_node *node = yaml_get(root, key);
    if (!sigma_text_list(r, node, out))
        sigma_warning(r, "bad-field", node->line, node->column, "'%s' must be a list of texts",
                      key);
}

/* Authors are one text by the specification; a list of them is joined. */
static struct slice head_author(struct sigma_reader *r, const struct yaml_node *root)
{
    struct slice_list names;
    head_list(r, root, "author", &names);
    if (names.count < 2)
        return names.count == 1 ? names.items[0] : slice_from(NULL);
    buf_clear(&r->text);
    for (uint32_t i = 0; i < names.count; i++) {
        buf_string(&r->text, i > 0 ? ", " : "");
        buf_slice(&r->text, names.items[i]);
    }
    return arena_copy(r->arena, buf_as_slice(&r->text));
}

static void read_level(struct sigma_reader *r, const struct yaml_node *root, struct rule *rule)
{
    const struct yaml_node *node = yaml_get(root, "level");
    if (!node || node->kind == YAML_NULL)
        return;
    struct slice text = yaml_text(node);
    for (int i = LEVEL_INFORMATIONAL; i <= LEVEL_CRITICAL; i++)
        if (slice_equal_nocase(text, slice_from(rule_level_names[i])))
            rule->level = (enum rule_level)i;
    if (rule->level == LEVEL_NONE) {
        const char *near = text_nearest(text, rule_level_names + 1);
        sigma_error(r, "unknown-level", node->line, node->column,
                    "'%.*s' is no level: %s%s%swrite informational, low, medium, high or critical",
                    sigma_width(text), text.data, near ? "did you mean '" : "", near ? near : "",
                    near ? "'? Else " : "");
    }
}

static void read_status(struct sigma_reader *r, const struct yaml_node *root, struct rule *rule)
{
    static const char *const names[] = {"stable",     "test",        "experimental",
                                        "deprecated", "unsupported", NULL};
    const struct yaml_node *node = yaml_get(root, "status");
    rule->status = head_text(r, root, "status");
    if (rule->status.len == 0)
        return;
    for (int i = 0; names[i]; i++)
        if (slice_equal(rule->status, slice_from(names[i])))
            return;
    sigma_warning(
        r, "unknown-status", node->line, node->column,
        "'%.*s' is no status: write stable, test, experimental, deprecated or unsupported",
        sigma_width(rule->status), rule->status.data);
}

static struct slice logsource_part(struct sigma_reader *r, const struct yaml_node *node,
                                   const char *key)
{
    struct slice text = head_text(r, node, key);
    if (text.len == 0)
        return text;
    char *lower = arena_bytes(r->arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        lower[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    lower[text.len] = '\0';
    return slice_make(lower, text.len);
}

static void read_logsource(struct sigma_reader *r, const struct yaml_node *root, struct rule *rule)
{
    const struct yaml_node *node = yaml_get(root, "logsource");
    rule->logsource = (struct logsource){slice_from(NULL), slice_from(NULL), slice_from(NULL)};
    if (!node || node->kind == YAML_NULL)
        return;
    if (node->kind != YAML_MAP) {
        sigma_error(r, "bad-logsource", node->line, node->column,
                    "logsource must be a map with product, category or service");
        return;
    }
    rule->logsource.product = logsource_part(r, node, "product");
    rule->logsource.category = logsource_part(r, node, "category");
    rule->logsource.service = logsource_part(r, node, "service");
}

static void read_version(struct sigma_reader *r, const struct yaml_node *root)
{
    const struct yaml_node *node = yaml_get(root, "sigma-version");
    uint64_t version = 2;
    r->version = 2;
    if (!node)
        return;
    if (!slice_to_u64(yaml_text(node), &version) || version < 1 || version > 3)
        sigma_error(r, "unknown-version", node->line, node->column,
                    "sigma-version must be 2 or 3: this program knows no other");
    r->version = (uint32_t)version;
}

static void read_head(struct sigma_reader *r, const struct yaml_node *root, struct rule *rule)
{
    read_version(r, root);
    rule->sigma_version = r->version;
    rule->id = head_text(r, root, "id");
    rule->name = head_text(r, root, "name");
    rule->title = head_text(r, root, "title");
    rule->title_vi = head_text(r, root, "title_vi");
    rule->author = head_author(r, root);
    rule->description = head_text(r, root, "description");
    rule->description_vi = head_text(r, root, "description_vi");
    rule->date = head_text(r, root, "date");
    rule->modified = head_text(r, root, "modified");
    rule->license = head_text(r, root, "license");
    head_list(r, root, "tags", &rule->tags);
    head_list(r, root, "references", &rule->references);
    head_list(r, root, "falsepositives", &rule->falsepositives);
    read_level(r, root, rule);
    read_status(r, root, rule);
    read_logsource(r, root, rule);
}

/* The rules that a filter suppresses. */
static void read_filter(struct sigma_reader *r, const struct yaml_node *section, struct rule *rule)
{
    const struct yaml_node *rules = yaml_get(section, "rules");
    if (!sigma_text_list(r, rules, &rule->filter_rules) || rule->filter_rules.count == 0) {
        sigma_error(r, "bad-filter", section->line, section->column,
                    "a filter needs 'rules': a list of rule ids or names, or the word any");
        return;
    }
    rule->condition = sigma_detection(r, section, true);
}

static bool is_uuid(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (dash ? c != '-' : !hex)
            return false;
    }
    return s.len == 36;
}

static bool is_date(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (i == 4 || i == 7 ? s.data[i] != '-' : s.data[i] < '0' || s.data[i] > '9')
            return false;
    return s.len == 10;
}

static void lint_rule(struct sigma_reader *r, const struct rule *rule)
{
    uint32_t line = rule->line;
    if (rule->title.len == 0)
        sigma_warning(r, "no-title", line, 1, "the rule has no title: findings will have none");
    else if (rule->title.len > 256)
        sigma_warning(r, "long-title", line, 1, "the title is longer than 256 bytes");
    if (rule->id.len == 0)
        sigma_warning(r, "no-id", line, 1, "the rule has no id: give it a random UUID");
    else if (!is_uuid(rule->id))
        sigma_warning(r, "bad-id", line, 1, "the id is no UUID");
    if (rule->date.len > 0 && !is_date(rule->date))
        sigma_warning(r, "bad-date", line, 1, "the date must be written YYYY-MM-DD");
    if (rule->modified.len > 0 && !is_date(rule->modified))
        sigma_warning(r, "bad-date", line, 1, "the date 'modified' must be written YYYY-MM-DD");
    if (rule->kind == RULE_FILTER)
        return;
    if (rule->level == LEVEL_NONE)
        sigma_warning(r, "no-level", line, 1, "the rule has no level");
    if (rule->status.len == 0)
        sigma_warning(r, "no-status", line, 1, "the rule has no status");
    if (rule->kind == RULE_CORRELATION)
        return;
    if (rule->tags.count == 0)
        sigma_warning(r, "no-tags", line, 1, "the rule has no tags: name the ATT&CK technique");
    const struct logsource *source = &rule->logsource;
    if (source->product.len == 0 && source->category.len == 0 && source->service.len == 0)
        sigma_warning(r, "no-logsource", line, 1,
                      "the rule has no logsource: it is asked of every event");
}

/* What kind of document it is, by the one section that is there. NULL: none, and said why. */
static const struct yaml_node *find_section(struct sigma_reader *r, const struct yaml_node *root,
                                            enum rule_kind *kind)
{
    static const char *const names[] = {"detection", "correlation", "filter"};
    const struct yaml_node *found = NULL;
    const struct yaml_node *action = yaml_get(root, "action");
    if (root->kind != YAML_MAP) {
        sigma_error(r, "not-a-rule", root->line, root->column,
                    "a rule must be a map that begins with 'title:'");
        return NULL;
    }
    if (action) {
        sigma_error(r, "old-action", action->key_line, action->key_column,
                    "'action: global' and its like left the Sigma specification with version 2: "
                    "write each rule in full");
        return NULL;
    }
    for (int i = 0; i < 3; i++) {
        const struct yaml_node *section = yaml_get(root, names[i]);
        if (!section)
            continue;
        if (found) {
            sigma_error(r, "not-a-rule", section->key_line, section->key_column,
                        "'%s' and '%.*s' cannot stand in one document: divide it with ---",
                        names[i], (int)found->key.len, found->key.data);
            return NULL;
        }
        found = section;
        *kind = (enum rule_kind)i;
    }
    if (!found)
        sigma_error(r, "not-a-rule", root->line, root->column,
                    "there is no detection, correlation or filter section: this is no rule");
    return found;
}

static void read_document(struct sigma_reader *r, struct rule_list *rules,
                          const struct yaml_node *root)
{
    enum rule_kind kind = RULE_DETECTION;
    const struct yaml_node *section = find_section(r, root, &kind);
    if (!section)
        return;
    struct rule *rule = arena_zeroed(r->arena, 1, sizeof(*rule));
    rule->kind = kind;
    rule->file = r->file;
    rule->line = root->line;
    read_head(r, root, rule);
    if (kind == RULE_DETECTION) {
        rule->condition = sigma_detection(r, section, false);
    } else if (kind == RULE_FILTER) {
        read_filter(r, section, rule);
    } else {
        rule->correlation = sigma_correlation(r, section);
        const struct yaml_node *generate = yaml_get(root, "generate");
        if (rule->correlation && generate)
            rule->correlation->generate =
                generate->kind == YAML_BOOL && slice_equal_nocase(generate->text, SLICE("true"));
    }
    if (r->refused)
        return;
    if (rule->condition)
        rule->predicate_count = sigma_expr_size(rule->condition, RULE_PREDICATES_MAX);
    if (r->options && r->options->lint)
        lint_rule(r, rule);
    rule_list_add(rules, rule);
}

uint32_t sigma_read(struct rule_list *rules, struct problem_list *problems, struct slice file,
                    struct slice text, const struct sigma_options *options, struct arena *arena)
{
    struct arena scratch = {0};
    struct sigma_reader r = {.arena = arena,
                             .scratch = &scratch,
                             .problems = problems,
                             .options = options,
                             .file = arena_copy(arena, file)};
    struct yaml_documents documents;
    struct err err;
    uint32_t refused = 0;
    if (yaml_parse(&documents, text, &scratch, &err)) {
        sigma_error(&r, "bad-yaml", (uint32_t)err.line, err.column, "%s", err.text);
        refused = 1;
    } else if (documents.count == 0) {
        sigma_error(&r, "not-a-rule", 1, 1, "the file is empty: this is no rule");
        refused = 1;
    }
    for (uint32_t i = 0; i < documents.count; i++) {
        r.refused = false;
        r.stack.count = 0;
        r.predicate_count = 0;
        r.expanded_bytes = 0;
        read_document(&r, rules, documents.roots[i]);
        refused += r.refused;
    }
    mem_free(r.stack.items);
    buf_free(&r.text);
    arena_free(&scratch);
    return refused;
}
