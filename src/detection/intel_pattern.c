/* STIX patterns that are lists of values, as indicators. */
#include "detection/intel_inside.h"

struct giving {
    struct intel_reading *reading;
    struct intel_item *item;
    struct err *err;
    uint64_t others; /* terms that are no value of an indicator */
    bool dry;        /* only count */
    int rc;
};

static bool path_type(const struct stix_term *term, enum indicator_type *out)
{
    static const struct {
        const char *path;
        enum indicator_type type;
    } paths[] = {
        {"ipv4-addr:value", INDICATOR_IP},
        {"ipv6-addr:value", INDICATOR_IP},
        {"domain-name:value", INDICATOR_DOMAIN},
        {"url:value", INDICATOR_URL},
        {"email-addr:value", INDICATOR_EMAIL},
        {"email-message:from_ref.value", INDICATOR_EMAIL},
        {"email-message:sender_ref.value", INDICATOR_EMAIL},
        {"file:name", INDICATOR_FILE_NAME},
        {"network-traffic:dst_ref.value", INDICATOR_TYPES},
        {"network-traffic:src_ref.value", INDICATOR_TYPES},
    };
    static const struct {
        const char *end;
        enum indicator_type type;
    } hashes[] = {
        {"hashes.MD5", INDICATOR_MD5},          {"hashes.md5", INDICATOR_MD5},
        {"hashes.'SHA-1'", INDICATOR_SHA1},     {"hashes.SHA1", INDICATOR_SHA1},
        {"hashes.sha1", INDICATOR_SHA1},        {"hashes.'SHA-256'", INDICATOR_SHA256},
        {"hashes.SHA256", INDICATOR_SHA256},    {"hashes.sha256", INDICATOR_SHA256},
        {"hashes.'sha-256'", INDICATOR_SHA256},
    };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (slice_equal(term->path, slice_from(paths[i].path))) {
            *out = paths[i].type;
            return true;
        }
    for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++)
        if (slice_ends(term->path, slice_from(hashes[i].end))) {
            *out = hashes[i].type;
            return true;
        }
    return false;
}

static void visit(void *context, const struct stix_term *term)
{
    struct giving *g = context;
    enum indicator_type type;
    if (!path_type(term, &type)) {
        g->others++;
        return;
    }
    if (g->dry || g->rc != ERR_OK)
        return;
    g->item->type = type;
    g->item->value = term->value;
    g->rc = intel_item_give(g->reading, g->item, g->err);
}

/* `a ISSUBSET 'net'` is an equality with a network for the table of indicators: the pattern with
 * `=` in the operator's place, outside of quotes. */
static struct slice subset_as_equality(struct arena *arena, struct slice text)
{
    const struct slice word = SLICE("ISSUBSET");
    char *out = arena_bytes(arena, text.len);
    size_t len = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (quoted && c == '\\' && i + 1 < text.len) {
            out[len++] = c;
            c = text.data[++i];
        } else if (c == '\'') {
            quoted = !quoted;
        } else if (!quoted && slice_starts(slice_part(text, i, word.len), word)) {
            c = '=';
            i += word.len - 1;
        }
        out[len++] = c;
    }
    return slice_make(out, len);
}

int intel_pattern_give(struct intel_reading *r, struct slice pattern, enum stix_version version,
                       struct intel_item *item, struct err *err)
{
    struct giving g = {.reading = r, .item = item, .err = err, .dry = true};
    struct stix_pattern *parsed = NULL;
    struct err why;
    if (!pattern.len) {
        intel_refuse(r, item->line, "the indicator has no pattern");
        return ERR_OK;
    }
    if (slice_find(pattern, SLICE("ISSUBSET")) != SLICE_NONE)
        pattern = subset_as_equality(&r->scratch, pattern);
    if (stix_pattern_open(&parsed, pattern, version, &why) != ERR_OK) {
        intel_refuse(r, item->line, "pattern, column %u: %s", why.column, why.text);
        return ERR_OK;
    }
    if (stix_pattern_values(parsed, visit, &g)) {
        bool part = g.others > 0;
        g = (struct giving){.reading = r, .item = item, .err = err};
        (void)stix_pattern_values(parsed, visit, &g);
        r->counts->patterns += part;
    } else {
        r->counts->patterns++;
    }
    stix_pattern_close(&parsed);
    return g.rc;
}
