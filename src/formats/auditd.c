#include "formats/auditd.h"

#include "formats/probe.h"

enum { KEY_BYTES_MAX = 255, BRACES_BYTES_MAX = 1024, ENRICHED_SEPARATOR = 0x1d };

/* What begins a line. */
struct head {
    struct slice node, type, time, serial, rest;
};

/* One line being read. */
struct line {
    struct record *record;
    struct slice type;
    bool pieces; /* an argument came in pieces */
};

static struct slice slice_after(struct slice s, size_t offset)
{
    return slice_part(s, offset, s.len);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == ENRICHED_SEPARATOR;
}

static size_t digits_length(struct slice s)
{
    size_t len = 0;
    while (len < s.len && is_digit(s.data[len]))
        len++;
    return len;
}

/* audit(S.MMM:N): at the start of s; ausearch puts a blank before the last colon. */
static bool read_stamp(struct slice s, struct head *h)
{
    if (!slice_starts(s, SLICE("audit(")))
        return false;
    s = slice_after(s, 6);
    size_t len = digits_length(s);
    if (len == 0 || len >= s.len || s.data[len] != '.')
        return false;
    size_t fraction = digits_length(slice_after(s, len + 1));
    h->time = slice_part(s, 0, len + 1 + fraction);
    s = slice_after(s, h->time.len);
    if (fraction == 0 || s.len == 0 || s.data[0] != ':')
        return false;
    h->serial = slice_part(s, 1, digits_length(slice_after(s, 1)));
    s = slice_after(s, 1 + h->serial.len);
    if (h->serial.len == 0 || (!slice_starts(s, SLICE("):")) && !slice_starts(s, SLICE(") :"))))
        return false;
    h->rest = slice_after(s, s.data[1] == ':' ? 2 : 3);
    return true;
}

static bool read_head(struct slice s, struct head *h)
{
    *h = (struct head){0};
    s = slice_trim(s);
    if (slice_starts(s, SLICE("audit: ")))
        s = slice_after(s, 7);
    if (slice_starts(s, SLICE("node="))) {
        s = slice_after(s, 5);
        h->node = slice_cut(&s, ' ');
    }
    if (!slice_starts(s, SLICE("type=")))
        return false;
    s = slice_after(s, 5);
    h->type = slice_cut(&s, ' ');
    if (slice_starts(s, SLICE("msg=")))
        s = slice_after(s, 4);
    return h->type.len > 0 && read_stamp(s, h);
}

bool auditd_begins(struct slice text)
{
    struct head h;
    return read_head(slice_part(text, 0, 1024), &h);
}

/* aN or aN[M] */
static bool is_argument(struct slice key)
{
    if (key.len < 2 || key.data[0] != 'a')
        return false;
    size_t digits = digits_length(slice_after(key, 1));
    return digits > 0 &&
           (1 + digits == key.len || (key.data[1 + digits] == '[' && key.data[key.len - 1] == ']'));
}

bool auditd_hex_key(struct slice key, struct slice record_type)
{
    /* the fields that audit-userspace's auparse (typetab.h) types as escaped, those of one length
     * behind each other */
    static const char *const keys[] = {
        [2] = "swvm",
        [3] = "cmdcwddirexegrpkey",
        [4] = "acctcommdatafileinfonamepath",
        [5] = "ocommwatch",
        [6] = "cgroupdevicenew-fsold-fs",
        [7] = "new-netnew-rngold-netold-rngprofile",
        [8] = "apparmornew-diskold-diskroot_dir",
        [9] = "new_groupoperationproctitle",
        [11] = "denied_masknew-chardevold-chardev",
        [14] = "requested_mask",
        [15] = "invalid_context",
    };
    if (is_argument(key))
        return slice_equal(record_type, SLICE("EXECVE")) || slice_equal(record_type, SLICE("1309"));
    const char *same = key.len < sizeof keys / sizeof *keys ? keys[key.len] : NULL;
    for (; same && *same; same += key.len)
        if (memcmp(same, key.data, key.len) == 0)
            return true;
    return false;
}

static int hex_digit(char c)
{
    return is_digit(c) ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The writers use capital digits only. */
static bool is_hex(struct slice s)
{
    if (s.len == 0 || s.len % 2)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (hex_digit(s.data[i]) < 0)
            return false;
    return true;
}

static struct slice decode_hex(struct record *r, struct slice s)
{
    char *out = arena_bytes(&r->arena, s.len / 2);
    for (size_t i = 0; i < s.len; i += 2)
        out[i / 2] = (char)(hex_digit(s.data[i]) * 16 + hex_digit(s.data[i + 1]));
    return slice_make(out, s.len / 2);
}

/* A proctitle is argv with NUL behind each argument. */
static struct slice join_title(struct record *r, struct slice title)
{
    while (title.len && title.data[title.len - 1] == '\0')
        title.len--;
    char *out = arena_bytes(&r->arena, title.len);
    for (size_t i = 0; i < title.len; i++)
        out[i] = title.data[i] ? title.data[i] : ' ';
    return slice_make(out, title.len);
}

static int add_bare(struct line *line, struct slice key, struct slice value, struct err *err)
{
    struct record *r = line->record;
    if (is_hex(value) && auditd_hex_key(key, line->type)) {
        value = decode_hex(r, value);
        if (slice_equal(key, SLICE("proctitle")))
            value = join_title(r, value);
        while (slice_equal(key, SLICE("key")) && slice_find_char(value, '\x01') != SLICE_NONE) {
            int rc = record_add(r, key, slice_cut(&value, '\x01'), VALUE_STRING, 0, err);
            if (rc)
                return rc;
        }
    }
    return record_add(r, key, value, VALUE_STRING, 0, err);
}

/* Length of the key at the start of s when = stands behind it, else 0. */
static size_t key_length(struct slice s)
{
    size_t len = 0;
    while (len < s.len && !is_blank(s.data[len]) && s.data[len] != '=' && s.data[len] != '"' &&
           s.data[len] != '\'')
        len++;
    return len < s.len && s.data[len] == '=' && len <= KEY_BYTES_MAX ? len : 0;
}

/* The value at the start of s without its quotes or braces; *used is its length with them. */
static struct slice take_value(struct slice s, char *quote, size_t *used)
{
    struct slice inside = {"", 0};
    *quote = s.len ? s.data[0] : 0;
    size_t close = SLICE_NONE;
    if (*quote == '"') {
        close = slice_find_char(slice_after(s, 1), '"');
    } else if (*quote == '{') {
        close = slice_find_char(slice_part(s, 1, BRACES_BYTES_MAX), '}');
    } else if (*quote == '\'') {
        /* what is inside may hold apostrophes: the last one before the enriched part closes */
        struct slice rest = slice_after(s, 1);
        rest = slice_part(rest, 0, slice_find_char(rest, ENRICHED_SEPARATOR));
        const char *last = rest.len ? memrchr(rest.data, '\'', rest.len) : NULL;
        close = last ? (size_t)(last - rest.data) : SLICE_NONE;
    }
    if (close != SLICE_NONE) {
        *used = close + 2;
        return slice_part(s, 1, close);
    }
    if (*quote == '"' || *quote == '\'') {
        *used = s.len;
        return slice_after(s, 1);
    }
    *quote = 0;
    size_t len = 0;
    while (len < s.len && !is_blank(s.data[len]))
        len++;
    inside = slice_part(s, 0, len);
    *used = len;
    return inside;
}

static struct slice take_loose(struct slice *s)
{
    struct slice start = *s;
    size_t at = 0, end = 0;
    do {
        while (at < start.len && !is_blank(start.data[at]))
            at++;
        end = at;
        while (at < start.len && is_blank(start.data[at]))
            at++;
    } while (at < start.len && key_length(slice_after(start, at)) == 0);
    *s = slice_after(start, at);
    return slice_part(start, 0, end);
}

static int add_pairs(struct line *line, struct slice s, int depth, struct err *err)
{
    int rc = ERR_OK;
    while (!rc) {
        while (s.len && is_blank(s.data[0]))
            s = slice_after(s, 1);
        if (s.len == 0)
            break;
        size_t len = key_length(s), used;
        if (len == 0) {
            rc = record_add(line->record, SLICE("message"), take_loose(&s), VALUE_STRING, 0, err);
            continue;
        }
        struct slice key = slice_part(s, 0, len);
        char quote;
        struct slice value = take_value(slice_after(s, len + 1), &quote, &used);
        s = slice_after(s, len + 1 + used);
        line->pieces = line->pieces || (key.data[len - 1] == ']' && is_argument(key));
        if (quote == 0)
            rc = add_bare(line, key, value, err);
        else if (quote != '\'' || depth > 0 || !slice_equal(key, SLICE("msg")))
            rc = record_add(line->record, key, value, VALUE_STRING, 0, err);
        if (!rc && depth == 0 && (quote == '\'' || quote == '{'))
            rc = add_pairs(line, value, depth + 1, err);
    }
    return rc;
}

/* Gives the argument whose pieces are fields[from .. to) as one field. */
static int add_joined(struct record *r, struct slice name, uint32_t from, uint32_t to,
                      struct err *err)
{
    size_t total = 0, len = 0;
    for (uint32_t i = from; i < to; i++)
        total += r->fields[i].value.len;
    char *out = arena_bytes(&r->arena, total);
    for (uint32_t i = from; i < to; i++) {
        memcpy(out + len, r->fields[i].value.data, r->fields[i].value.len);
        len += r->fields[i].value.len;
    }
    return record_add(r, name, slice_make(out, len), VALUE_STRING, FIELD_DERIVED, err);
}

static struct slice piece_of(const struct field *f)
{
    bool piece = f->name.len > 0 && f->name.data[f->name.len - 1] == ']' && is_argument(f->name);
    return slice_part(f->name, 0, piece ? slice_find_char(f->name, '[') : 0);
}

static int join_pieces(struct record *r, uint32_t first, struct err *err)
{
    uint32_t last = r->count;
    for (uint32_t from = first, to; from < last; from = to) {
        struct slice name = piece_of(&r->fields[from]);
        to = from + 1;
        if (name.len == 0)
            continue;
        while (to < last && slice_equal(piece_of(&r->fields[to]), name))
            to++;
        int rc = add_joined(r, name, from, to, err);
        if (rc)
            return rc;
    }
    return ERR_OK;
}

static int add_head(struct record *r, const struct head *h, bool first, struct slice previous_type,
                    struct err *err)
{
    int rc = ERR_OK;
    if (!slice_equal(h->type, previous_type))
        rc = record_add(r, SLICE("type"), h->type, VALUE_STRING, 0, err);
    if (!rc && first && h->node.len)
        rc = record_add(r, SLICE("node"), h->node, VALUE_STRING, 0, err);
    if (!rc && first)
        rc = record_add(r, SLICE("timestamp"), h->time, VALUE_STRING, 0, err);
    if (!rc && first)
        rc = record_add(r, SLICE("serial"), h->serial, VALUE_STRING, 0, err);
    return rc;
}

int auditd_add(struct record *r, struct slice text, struct err *err)
{
    struct line line = {.record = r, .type = {"", 0}};
    uint32_t first = r->count;
    uint64_t number = 0;
    bool any = false;
    while (text.len) {
        struct slice s = slice_trim(slice_cut(&text, '\n'));
        number++;
        if (s.len == 0)
            continue;
        struct head h;
        if (!read_head(s, &h))
            return err_set_at(err, ERR_SYNTAX, number, 0,
                              "the line does not begin with type=T msg=audit(seconds:serial):");
        int rc = add_head(r, &h, !any, line.type, err);
        line.type = h.type;
        any = true;
        if (!rc)
            rc = add_pairs(&line, h.rest, 0, err);
        if (rc)
            return rc;
    }
    if (!any)
        return err_set(err, ERR_SYNTAX, "the audit event is empty");
    return line.pieces ? join_pieces(r, first, err) : ERR_OK;
}

int auditd_parse(struct record *r, struct slice text, const struct format_header *header,
                 struct err *err)
{
    (void)header;
    return auditd_add(r, text, err);
}

int auditd_probe(struct slice head)
{
    return probe_share(head, auditd_begins, 97);
}
