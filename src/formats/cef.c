#include "formats/cef.h"

#include "formats/probe.h"
#include "formats/syslog_header.h"

enum { KEY_BYTES_MAX = 255, HEADER_FIELDS = 7, LEEF_FIELDS = 5 };

static struct slice skip_blanks(struct slice s)
{
    while (s.len && s.data[0] == ' ') {
        s.data++;
        s.len--;
    }
    return s;
}

/* Behind "CEF:" or "LEEF:", when a version number and a bar follow; else empty. */
static struct slice behind_name(struct slice s, struct slice name)
{
    if (!slice_starts(s, name))
        return (struct slice){"", 0};
    s = skip_blanks(slice_part(s, name.len, s.len));
    size_t bar = slice_find_char(slice_part(s, 0, 8), '|');
    if (bar == SLICE_NONE || bar == 0 || s.data[0] < '0' || s.data[0] > '9')
        return (struct slice){"", 0};
    return s;
}

bool cef_begins(struct slice text)
{
    return behind_name(text, SLICE("CEF:")).len || behind_name(text, SLICE("LEEF:")).len;
}

enum escapes { ESCAPES_HEADER, ESCAPES_EXTENSION };

/* The character that \c stands for, 0: none, the backslash stays. */
static char escaped_char(char c, enum escapes escapes)
{
    if (c == '\\' || c == '|' || c == '=')
        return c;
    if (escapes == ESCAPES_EXTENSION && c == 'n')
        return '\n';
    if (escapes == ESCAPES_EXTENSION && c == 'r')
        return '\r';
    return 0;
}

static struct slice unescape(struct record *r, struct slice s, enum escapes escapes)
{
    if (slice_find_char(s, '\\') == SLICE_NONE)
        return s;
    char *out = arena_bytes(&r->arena, s.len);
    size_t len = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = 0;
        if (s.data[i] == '\\' && i + 1 < s.len)
            c = escaped_char(s.data[i + 1], escapes);
        out[len++] = c ? c : s.data[i];
        i += c ? 1 : 0;
    }
    return slice_make(out, len);
}

/* The header field at *s up to a bar that is not escaped, which goes too. */
static bool take_field(struct slice *s, struct slice *field)
{
    for (size_t i = 0; i < s->len; i++) {
        if (s->data[i] == '\\') {
            i++;
        } else if (s->data[i] == '|') {
            *field = slice_part(*s, 0, i);
            *s = slice_part(*s, i + 1, s->len);
            return true;
        }
    }
    return false;
}

static bool is_key_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-' || c == '[' || c == ']';
}

/* Offset of the next `key=` from `at` on that stands at the start or behind a blank, or s.len.
 * *equals is where its = is. */
static size_t find_key(struct slice s, size_t at, size_t *equals)
{
    size_t key = at;
    bool clean = at == 0 || s.data[at - 1] == ' ';
    for (size_t i = at; i < s.len; i++) {
        char c = s.data[i];
        if (c == '=' && clean && i > key && i - key <= KEY_BYTES_MAX) {
            *equals = i;
            return key;
        }
        if (c == ' ') {
            key = i + 1;
            clean = true;
        } else if (!is_key_char(c)) {
            clean = false;
            i += c == '\\' ? 1 : 0;
        }
    }
    return s.len;
}

/* For each <key>Label one more field, named by the label, with the value of <key>. */
static int add_labelled(struct record *r, uint32_t first, struct err *err)
{
    uint32_t last = r->count, labels = 0;
    for (uint32_t i = first; i < last && labels < CEF_LABELS_MAX; i++) {
        struct field label = r->fields[i];
        if (!slice_ends(label.name, SLICE("Label")) || label.value.len == 0 ||
            label.value.len > RECORD_NAME_BYTES_MAX)
            continue;
        labels++;
        struct slice base = slice_part(label.name, 0, label.name.len - 5);
        uint32_t hash = field_name_hash(base);
        for (uint32_t k = first; k < last; k++) {
            if (r->fields[k].name_hash != hash || !slice_equal(r->fields[k].name, base))
                continue;
            int rc =
                record_add(r, label.value, r->fields[k].value, VALUE_STRING, FIELD_DERIVED, err);
            if (rc)
                return rc;
            break;
        }
    }
    return ERR_OK;
}

static int add_extension(struct record *r, struct slice s, struct err *err)
{
    uint32_t first = r->count;
    size_t equals = 0, key = find_key(s, 0, &equals);
    while (key < s.len) {
        struct slice name = slice_part(s, key, equals - key);
        size_t start = equals + 1;
        key = find_key(s, start, &equals);
        struct slice value = slice_part(s, start, key - start);
        while (value.len && value.data[value.len - 1] == ' ')
            value.len--;
        int rc = record_add(r, name, unescape(r, value, ESCAPES_EXTENSION), VALUE_STRING, 0, err);
        if (rc)
            return rc;
    }
    return add_labelled(r, first, err);
}

static int add_cef(struct record *r, struct slice s, struct err *err)
{
    const struct slice names[HEADER_FIELDS] = {
        SLICE("CEFVersion"),  SLICE("DeviceVendor"), SLICE("DeviceProduct"), SLICE("DeviceVersion"),
        SLICE("SignatureID"), SLICE("Name"),         SLICE("Severity")};
    for (int i = 0; i < HEADER_FIELDS; i++) {
        struct slice value;
        if (!take_field(&s, &value)) {
            /* some senders leave the bar behind Severity out when no extension follows */
            if (i < HEADER_FIELDS - 1)
                return err_set(err, ERR_SYNTAX,
                               "the CEF header has %d fields, it needs %d parted by '|'", i + 1,
                               HEADER_FIELDS);
            value = s;
            s = slice_part(s, s.len, 0);
        }
        int rc = record_add(r, names[i], unescape(r, value, ESCAPES_HEADER), VALUE_STRING, 0, err);
        if (rc)
            return rc;
    }
    return add_extension(r, s, err);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* LEEF 2.0's delimiter: a character, or its code as x09 or 0x09; empty: tab. */
static bool read_delimiter(struct slice s, char *out)
{
    *out = '\t';
    if (s.len == 0)
        return true;
    if (s.len == 1) {
        *out = s.data[0];
        return true;
    }
    size_t at = s.data[0] == '0' ? 1 : 0;
    if (s.data[at] != 'x' && s.data[at] != 'X')
        return false;
    int code = 0;
    size_t digits = s.len - at - 1;
    if (digits == 0 || digits > 4)
        return false;
    for (size_t i = at + 1; i < s.len; i++) {
        int digit = hex_digit(s.data[i]);
        if (digit < 0)
            return false;
        code = code * 16 + digit;
    }
    if (code == 0 || code > 127)
        return false;
    *out = (char)code;
    return true;
}

static int add_leef(struct record *r, struct slice s, struct err *err)
{
    const struct slice names[LEEF_FIELDS] = {SLICE("LEEFVersion"), SLICE("DeviceVendor"),
                                             SLICE("DeviceProduct"), SLICE("DeviceVersion"),
                                             SLICE("EventID")};
    char delimiter = '\t';
    bool second = slice_starts(s, SLICE("2"));
    for (int i = 0; i < LEEF_FIELDS; i++) {
        size_t bar = slice_find_char(s, '|');
        if (bar == SLICE_NONE)
            return err_set(err, ERR_SYNTAX,
                           "the LEEF header has %d fields, it needs %d ended by '|'", i,
                           LEEF_FIELDS);
        int rc = record_add(r, names[i], slice_part(s, 0, bar), VALUE_STRING, 0, err);
        if (rc)
            return rc;
        s = slice_part(s, bar + 1, s.len);
    }
    size_t bar = second ? slice_find_char(slice_part(s, 0, 7), '|') : SLICE_NONE;
    if (bar == 0 && s.len > 1 && s.data[1] == '|')
        bar = 1; /* the delimiter is the bar itself */
    if (bar != SLICE_NONE && read_delimiter(slice_part(s, 0, bar), &delimiter))
        s = slice_part(s, bar + 1, s.len);
    while (s.len) {
        struct slice value = slice_cut(&s, delimiter);
        struct slice key = slice_trim(slice_cut(&value, '='));
        if (key.len == 0 || key.len > KEY_BYTES_MAX)
            continue;
        int rc = record_add(r, key, value, VALUE_STRING, 0, err);
        if (rc)
            return rc;
    }
    return ERR_OK;
}

int cef_add(struct record *r, struct slice text, struct err *err)
{
    struct slice cef = behind_name(text, SLICE("CEF:"));
    return cef.len ? add_cef(r, cef, err) : add_leef(r, behind_name(text, SLICE("LEEF:")), err);
}

/* Where a CEF or LEEF header begins, or SLICE_NONE. */
static size_t find_begin(struct slice text)
{
    for (size_t at = 0; at < text.len;) {
        size_t next = slice_find(slice_part(text, at, text.len), SLICE("EF:"));
        if (next == SLICE_NONE)
            return SLICE_NONE;
        at += next;
        if (at >= 1 && cef_begins(slice_part(text, at - 1, text.len)))
            return at - 1;
        if (at >= 2 && cef_begins(slice_part(text, at - 2, text.len)))
            return at - 2;
        at += 3;
    }
    return SLICE_NONE;
}

int cef_parse(struct record *r, struct slice text, const struct format_header *header,
              struct err *err)
{
    (void)header;
    while (text.len && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\r'))
        text.len--;
    size_t begin = find_begin(text);
    if (begin == SLICE_NONE)
        return err_set(err, ERR_SYNTAX, "the line has no CEF or LEEF header (CEF:0|...)");
    if (begin > 0) {
        struct slice message;
        int rc = syslog_header_add(r, text, &message, NULL, err);
        if (rc)
            return rc;
    }
    return cef_add(r, slice_part(text, begin, text.len), err);
}

static bool looks_cef(struct slice line)
{
    return find_begin(line) != SLICE_NONE;
}

int cef_probe(struct slice head)
{
    return probe_share(head, looks_cef, 95);
}
