/* The XML is read into the fields that its JSON would give
 * ("Event.System.Provider.#attributes.Name") and then named by winevent_json_flatten, so that both
 * shapes of an event come out alike. */
#include "formats/winevent.h"

#include <expat.h>

#include "base/text.h"

enum { ATTRIBUTES_MAX = 64, PATH_BYTES_MAX = RECORD_NAME_BYTES_MAX };

struct level {
    size_t path_len, text_len; /* before this element */
    bool has_children, has_attributes;
};

struct reader {
    struct record *r;
    uint32_t first; /* what is before it in the record is not of the event */
    struct err *err;
    int rc;
    XML_Parser parser;
    unsigned depth;
    struct level levels[WINEVENT_DEPTH_MAX];
    char path[PATH_BYTES_MAX];
    size_t path_len;
    struct buf text; /* of the open elements, innermost last */
    size_t text_max;
    bool trim_hex;
};

static void fail(struct reader *x, int rc)
{
    x->rc = rc;
    (void)XML_StopParser(x->parser, XML_FALSE);
}

static bool push_path(struct reader *x, struct slice part)
{
    if (x->path_len + part.len + 1 > sizeof(x->path))
        return false;
    if (x->path_len > 0)
        x->path[x->path_len++] = '.';
    if (part.len > 0)
        memcpy(x->path + x->path_len, part.data, part.len);
    x->path_len += part.len;
    return true;
}

static void add_field(struct reader *x, struct slice value, enum value_kind kind)
{
    struct slice name = arena_copy(&x->r->arena, slice_make(x->path, x->path_len));
    value = arena_copy(&x->r->arena, value);
    int rc = record_add(x->r, name, value, kind, FIELD_NESTED, x->err);
    if (rc)
        fail(x, rc);
}

static struct slice local_name(const char *name)
{
    const char *colon = strchr(name, ':');
    bool name_space = strncmp(name, "xmlns", 5) == 0;
    return slice_from(colon && !name_space ? colon + 1 : name);
}

static bool add_attributes(struct reader *x, const char **attributes)
{
    size_t before = x->path_len;
    if (!push_path(x, SLICE("#attributes")))
        return false;
    size_t inside = x->path_len;
    for (int i = 0; attributes[i] && x->rc == ERR_OK; i += 2) {
        if (i >= ATTRIBUTES_MAX * 2 || !push_path(x, local_name(attributes[i])))
            return false;
        add_field(x, slice_from(attributes[i + 1]), VALUE_STRING);
        x->path_len = inside;
    }
    x->path_len = before;
    return true;
}

static void XMLCALL element_opens(void *context, const char *name, const char **attributes)
{
    struct reader *x = context;
    struct slice local = local_name(name);
    if (x->rc)
        return;
    if (x->depth == WINEVENT_DEPTH_MAX) {
        fail(x, err_set(x->err, ERR_LIMIT, "the event's XML is more than %d elements deep",
                        WINEVENT_DEPTH_MAX));
        return;
    }
    if (x->depth == 0 && !slice_equal(local, SLICE("Event"))) {
        fail(x, err_set(x->err, ERR_SYNTAX, "the XML is no <Event>"));
        return;
    }
    if (x->depth > 0)
        x->levels[x->depth - 1].has_children = true;
    x->levels[x->depth++] = (struct level){
        .path_len = x->path_len, .text_len = x->text.len, .has_attributes = attributes[0] != NULL};
    bool ok = push_path(x, local);
    /* each <Data> is a member of a list, and says so before its parts come */
    bool is_data = slice_equal(local, SLICE("Data"));
    if (ok && (x->depth == 1 || (is_data && attributes[0])))
        add_field(x, SLICE(""), VALUE_OBJECT);
    if (ok && x->rc == ERR_OK && attributes[0])
        ok = add_attributes(x, attributes);
    if (!ok)
        fail(x,
             err_set(x->err, ERR_LIMIT, "the event's XML has names or attributes past the limit"));
}

/* 0x000003e7 -> 0x3e7: libevtx writes 8 or 16 digits, Windows as many as it takes. */
static struct slice trim_hex(struct slice text, struct arena *arena)
{
    if ((text.len != 10 && text.len != 18) || text.data[0] != '0' || text.data[1] != 'x' ||
        text.data[2] != '0')
        return text;
    size_t zeros = 0;
    for (size_t i = 2; i < text.len; i++) {
        char c = text.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return text;
        zeros += i - 2 == zeros && c == '0' && i + 1 < text.len;
    }
    struct slice digits = slice_part(text, 2 + zeros, text.len);
    return arena_printf(arena, "0x%.*s", (int)digits.len, digits.data);
}

static void XMLCALL element_closes(void *context, const char *name)
{
    struct reader *x = context;
    (void)name;
    if (x->rc)
        return; /* the newest calls may still come after the parser was stopped */
    struct level *level = &x->levels[--x->depth];
    struct slice text = slice_part(buf_as_slice(&x->text), level->text_len, x->text.len);
    bool blank = slice_trim(text).len == 0;
    if (!(blank && (level->has_children || level->has_attributes))) {
        if (level->has_attributes && !push_path(x, SLICE("#text")))
            fail(x, err_set(x->err, ERR_LIMIT, "the event's XML has names past the limit"));
        else
            add_field(x, x->trim_hex ? trim_hex(text, &x->r->arena) : text,
                      text.len == 0 ? VALUE_NULL : VALUE_STRING);
    }
    x->text.len = level->text_len;
    x->path_len = level->path_len;
}

static void XMLCALL text_comes(void *context, const char *text, int len)
{
    struct reader *x = context;
    if (x->depth > 0 && x->text.len + (size_t)len <= x->text_max)
        buf_append(&x->text, text, (size_t)len);
}

static void XMLCALL doctype_comes(void *context, const char *name, const char *system_id,
                                  const char *public_id, int has_subset)
{
    struct reader *x = context;
    (void)name, (void)system_id, (void)public_id, (void)has_subset;
    fail(x, err_set(x->err, ERR_SYNTAX, "the event's XML has a document type: it is not read"));
}

static enum XML_Error read_xml(struct reader *x, struct slice text)
{
    x->parser = XML_ParserCreate("UTF-8");
    check(x->parser);
    XML_SetUserData(x->parser, x);
    XML_SetElementHandler(x->parser, element_opens, element_closes);
    XML_SetCharacterDataHandler(x->parser, text_comes);
    XML_SetStartDoctypeDeclHandler(x->parser, doctype_comes);
    enum XML_Error code = XML_ERROR_NONE;
    if (XML_Parse(x->parser, text.data, (int)text.len, 1) == XML_STATUS_ERROR)
        code = XML_GetErrorCode(x->parser);
    if (code != XML_ERROR_NONE && x->rc == ERR_OK)
        (void)err_set(x->err, ERR_SYNTAX, "the event's XML is not well-formed at byte %ld: %s",
                      (long)XML_GetCurrentByteIndex(x->parser), XML_ErrorString(code));
    XML_ParserFree(x->parser);
    return code;
}

/* A reference to a character that XML does not allow (&#1; &#xB;): its length, else 0. */
static size_t bad_reference(struct slice s)
{
    if (s.len < 4 || s.data[0] != '&' || s.data[1] != '#')
        return 0;
    unsigned base = s.data[2] == 'x' ? 16 : 10, value = 0;
    size_t at = base == 16 ? 3 : 2;
    for (; at < s.len && at < 12 && s.data[at] != ';'; at++) {
        unsigned c = (unsigned char)s.data[at] | 0x20u;
        unsigned digit = c >= 'a' ? c - 'a' + 10 : c - 0x30u; /* digits keep their bit 0x20 */
        if (digit >= base)
            return 0;
        value = value * base + digit;
        if (value > 0x10ffff)
            value = 0x110000;
    }
    if (at == s.len || s.data[at] != ';')
        return 0;
    bool allowed = value == 9 || value == 10 || value == 13 || (value >= 0x20 && value < 0xd800) ||
                   (value >= 0xe000 && value < 0xfffe) || (value >= 0x10000 && value <= 0x10ffff);
    return allowed ? 0 : at + 1;
}

/* A copy in which what XML does not allow is U+FFFD: Windows and libevtx write such texts. */
static struct slice mend(struct slice text, struct buf *out)
{
    static const struct slice mark = {"\xef\xbf\xbd", 3};
    for (size_t at = 0; at < text.len;) {
        size_t before = at, reference;
        uint32_t c = text_next_char(text, &at);
        bool bad = (c & TEXT_BAD_BYTE) != 0 || c == 0xfffe || c == 0xffff ||
                   (c < ' ' && c != '\t' && c != '\n' && c != '\r');
        if (c == '&' && (reference = bad_reference(slice_part(text, before, 16))) > 0) {
            at = before + reference;
            bad = true;
        }
        buf_slice(out, bad ? mark : slice_part(text, before, at - before));
    }
    return buf_as_slice(out);
}

/* A second try with the text mended, when mending changes it. */
static enum XML_Error read_mended(struct reader *x, struct slice text, enum XML_Error before)
{
    struct buf mended = {0};
    struct slice again = mend(text, &mended);
    enum XML_Error code = before;
    if (!slice_equal(again, text)) {
        x->r->count = x->first;
        x->depth = 0;
        x->path_len = 0;
        buf_clear(&x->text);
        code = read_xml(x, again);
    }
    buf_free(&mended);
    return code;
}

static int parse_event(struct record *r, struct slice text, bool from_evtx, struct err *err)
{
    if (text.len > RECORD_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "the event is longer than a record may be (16 MiB)");
    struct reader x = {
        .r = r, .first = r->count, .err = err, .text_max = RECORD_BYTES_MAX, .trim_hex = from_evtx};
    enum XML_Error code = read_xml(&x, text);
    if (code != XML_ERROR_NONE && x.rc == ERR_OK)
        code = read_mended(&x, text, code);
    buf_free(&x.text);
    if (x.rc)
        return x.rc;
    return code != XML_ERROR_NONE ? ERR_SYNTAX : winevent_json_flatten_from(r, x.first, err);
}

int winevent_xml_parse(struct record *r, struct slice text, const struct format_header *header,
                       struct err *err)
{
    (void)header;
    return parse_event(r, text, false, err);
}

int winevent_evtx_parse(struct record *r, struct slice text, const struct format_header *header,
                        struct err *err)
{
    (void)header;
    if (slice_find_char(text, '\r') == SLICE_NONE)
        return parse_event(r, text, true, err);
    struct buf kept = {0}; /* XML itself reads CR LF as LF, but not a reference */
    while (text.len > 0 && kept.len <= RECORD_BYTES_MAX) {
        struct slice part = slice_cut(&text, '\r');
        buf_slice(&kept, part);
        if (part.data + part.len < text.data)
            buf_string(&kept, "&#13;");
    }
    int rc = parse_event(r, buf_as_slice(&kept), true, err);
    buf_free(&kept);
    return rc;
}

int winevent_xml_probe(struct slice head)
{
    head = slice_trim(head);
    if (head.len == 0 || head.data[0] != '<')
        return 0;
    for (size_t at = 0; at < head.len;) {
        size_t found = slice_find(slice_part(head, at, head.len), SLICE("Event"));
        if (found == SLICE_NONE)
            break;
        at += found;
        char before = at > 0 ? head.data[at - 1] : ' ';
        char after = at + 5 < head.len ? head.data[at + 5] : '>';
        if ((before == '<' || before == ':') && (after == ' ' || after == '>' || after == 's'))
            return 95;
        at += 5;
    }
    return 0;
}
