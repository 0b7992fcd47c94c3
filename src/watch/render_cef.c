#include "base/text.h"
#include "watch/render_inside.h"

/* Keys of CEF's dictionary for what stands under ECS paths; label: of the keys that want one. */
static const struct cef_key {
    const char *path, *key, *label;
} cef_keys[] = {
    {"event.id", "externalId", NULL},
    {"event.dataset", "cat", NULL},
    {"observer.name", "dvchost", NULL},
    {"host.name", "dhost", NULL},
    {"source.domain", "shost", NULL},
    {"source.port", "spt", NULL},
    {"destination.port", "dpt", NULL},
    {"user.name", "suser", NULL},
    {"user.domain", "sntdom", NULL},
    {"user.target.name", "duser", NULL},
    {"user.target.domain", "dntdom", NULL},
    {"process.executable", "dproc", NULL},
    {"process.pid", "dpid", NULL},
    {"process.parent.executable", "sproc", NULL},
    {"file.path", "filePath", NULL},
    {"file.name", "fname", NULL},
    {"network.transport", "proto", NULL},
    {"url.original", "request", NULL},
    {"http.request.method", "requestMethod", NULL},
    {"user_agent.original", "requestClientApplication", NULL},
    {"event.action", "act", NULL},
    {"event.outcome", "outcome", NULL},
    {"error.message", "reason", NULL},
    {"message", "msg", NULL},
    {"canh.rule.level", "cs1", "level"},
    {"tags", "cs2", "tags"},
    {"canh.event.ids", "cs3", "eventIds"},
    {"process.command_line", "cs4", "commandLine"},
    {"organization.name", "cs5", "unit"},
    {"canh.system", "cs6", "system"},
    {"canh.count", "cn1", "count"},
    {"dns.question.name", "destinationDnsDomain", NULL},
};

enum cef_part { CEF_HEADER, CEF_VALUE };

/* Escaped; what cannot stand in a line becomes a blank. */
static void cef_text(struct buf *out, struct slice text, enum cef_part part)
{
    for (size_t at = 0; at < text.len;) {
        char utf8[4];
        uint32_t c = text_next_char(text, &at);
        if (c & TEXT_BAD_BYTE)
            c = 0xfffd;
        if (c == '\\' || c == (part == CEF_HEADER ? '|' : '=')) {
            buf_char(out, '\\');
            buf_char(out, (char)c);
        } else if (part == CEF_VALUE && (c == '\n' || c == '\r')) {
            buf_string(out, c == '\n' ? "\\n" : "\\r");
        } else if (c < 0x20 || c == 0x7f) {
            buf_char(out, ' ');
        } else {
            buf_append(out, utf8, text_put_char(utf8, c));
        }
    }
}

struct cef_line {
    struct buf *out;
    struct render_doc *doc;
    size_t start; /* of the extension */
};

static void cef_pair(struct cef_line *line, const char *key, struct slice value)
{
    struct slice shown = render_cut(value, RENDER_CEF_VALUE_BYTES_MAX);
    if (shown.len < value.len)
        line->doc->cut = true;
    if (line->out->len > line->start)
        buf_char(line->out, ' ');
    buf_string(line->out, key);
    buf_char(line->out, '=');
    cef_text(line->out, shown, CEF_VALUE);
}

static void cef_labelled(struct cef_line *line, const char *key, const char *label,
                         struct slice value)
{
    cef_pair(line, key, value);
    buf_printf(line->out, " %sLabel=%s", key, label);
}

/* A list's members, parted by blanks. */
static struct slice joined(struct render_doc *doc, const char *path)
{
    struct buf text = {0};
    for (uint32_t i = 0; i < doc->count; i++) {
        if (strcmp(doc->leaves[i].path, path) != 0)
            continue;
        if (text.len)
            buf_char(&text, ' ');
        buf_slice(&text, doc->leaves[i].value);
    }
    struct slice copy = arena_copy(&doc->arena, buf_as_slice(&text));
    buf_free(&text);
    return copy;
}

static void cef_address(struct cef_line *line, const char *path, const char *v4, const char *v6)
{
    const struct render_leaf *leaf = render_doc_find(line->doc, path);
    if (!leaf)
        return;
    if (slice_find_char(leaf->value, ':') == SLICE_NONE)
        cef_pair(line, v4, leaf->value);
    else
        cef_labelled(line, v6, path, leaf->value);
}

static bool is_key_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
}

/* ad.NAME of a pair; an empty slice when an earlier pair of the array has the same. */
static struct slice extra_key(struct render_doc *doc, struct slice *keys, uint32_t count,
                              struct slice name)
{
    name = slice_part(name, 0, 128);
    struct slice key = arena_printf(&doc->arena, "ad.%.*s", (int)name.len, name.data);
    char *text = arena_bytes(&doc->arena, key.len + 1);
    for (size_t i = 0; i < key.len; i++)
        text[i] = is_key_char(key.data[i]) ? key.data[i] : '_';
    text[key.len] = '\0';
    key.data = text;
    for (uint32_t i = 0; i < count; i++)
        if (slice_equal(keys[i], key))
            return (struct slice){"", 0};
    keys[count] = key;
    return key;
}

/* What came under names of its own. */
static void cef_extra(struct cef_line *line)
{
    struct slice keys[RENDER_CEF_EXTRA_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < line->doc->count; i++) {
        const struct render_leaf *leaf = &line->doc->leaves[i];
        if (leaf->kind != LEAF_PAIR || leaf->value.len == 0)
            continue;
        struct slice key = {"", 0};
        if (count < RENDER_CEF_EXTRA_MAX)
            key = extra_key(line->doc, keys, count, leaf->name);
        if (key.len == 0) {
            line->doc->cut = true;
            continue;
        }
        count++;
        cef_pair(line, key.data, leaf->value);
    }
}

static void cef_header(struct render_doc *doc, const struct row *row,
                       const struct render_options *options, struct buf *out)
{
    static const char *const sorts[] = {
        [RENDER_FINDING] = "finding", [RENDER_REFUSED] = "refused", [RENDER_EVENT] = "event"};
    const char *sort = sorts[render_sort(row)];
    const struct render_leaf *id = render_doc_find(doc, "rule.id");
    const struct render_leaf *name = render_doc_find(doc, "rule.name");
    struct slice signature = id ? id->value : name ? name->value : slice_from(sort);
    buf_string(out, "CEF:0|Canh|Canh|");
    cef_text(out, options->version, CEF_HEADER);
    buf_char(out, '|');
    cef_text(out, signature, CEF_HEADER);
    buf_char(out, '|');
    cef_text(out, name ? name->value : slice_from(sort), CEF_HEADER);
    buf_printf(out, "|%u|", render_severity(row));
}

static bool cef_try(const struct row *row, const struct render_options *options,
                    const struct render_level *level, struct buf *out)
{
    struct render_doc doc;
    render_doc_open(&doc, level);
    render_row(&doc, row, options);
    cef_header(&doc, row, options, out);
    struct cef_line line = {.out = out, .doc = &doc, .start = out->len};
    buf_printf(out, "rt=%lld", (long long)(row_time(row) / 1000000));
    cef_address(&line, "source.ip", "src", "c6a2");
    cef_address(&line, "destination.ip", "dst", "c6a3");
    for (size_t i = 0; i < sizeof(cef_keys) / sizeof(cef_keys[0]); i++) {
        const struct cef_key *k = &cef_keys[i];
        if (!render_doc_find(&doc, k->path))
            continue;
        if (k->label)
            cef_labelled(&line, k->key, k->label, joined(&doc, k->path));
        else
            cef_pair(&line, k->key, joined(&doc, k->path));
    }
    if (row->context->flags & (ROW_DRILL | ROW_HISTORICAL))
        cef_labelled(&line, "flexString1", "mode",
                     row->context->flags & ROW_DRILL ? SLICE("drill") : SLICE("historical"));
    cef_extra(&line);
    bool whole = !doc.cut;
    if (!whole)
        cef_labelled(&line, "flexString2", "cut", SLICE("true"));
    render_doc_close(&doc);
    return whole;
}

bool render_cef(const struct row *row, const struct render_options *options, struct buf *out)
{
    size_t start = out->len, max = options->bytes_max ? options->bytes_max : RENDER_BYTES_MAX;
    bool whole = false;
    for (int i = 0; i < RENDER_LEVELS; i++) {
        out->len = start;
        whole = cef_try(row, options, &render_levels[i], out);
        if (out->len - start <= max)
            break;
    }
    return whole;
}
