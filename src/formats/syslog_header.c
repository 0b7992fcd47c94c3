#include "formats/syslog_header.h"

/* What was found, borrowed from the text; empty: absent. */
struct head {
    struct slice facility, severity, sequence, timestamp, timezone, hostname, appname, procid,
        msgid;
    struct slice data; /* RFC 5424 structured data, checked */
    struct slice message;
    enum syslog_header_kind kind;
};

enum { HOST_BYTES_MAX = 255, PRI_MAX = 191, SEQUENCE_DIGITS_MAX = 20, ZONE_BYTES_MAX = 6 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct slice slice_after(struct slice s, size_t offset)
{
    return slice_part(s, offset, s.len);
}

static struct slice skip_blanks(struct slice s)
{
    while (s.len && (s.data[0] == ' ' || s.data[0] == '\t')) {
        s.data++;
        s.len--;
    }
    return s;
}

static size_t word_length(struct slice s)
{
    size_t at = slice_find_char(s, ' ');
    return at == SLICE_NONE ? s.len : at;
}

/* Length of "<PRI>", 0 when there is none; *pri its number. */
static size_t pri_length(struct slice s, unsigned *pri)
{
    if (s.len < 3 || s.data[0] != '<')
        return 0;
    unsigned value = 0;
    size_t i = 1;
    for (; i < s.len && i <= 3 && is_digit(s.data[i]); i++)
        value = value * 10 + (unsigned)(s.data[i] - '0');
    if (i == 1 || i >= s.len || s.data[i] != '>' || value > PRI_MAX)
        return 0;
    *pri = value;
    return i + 1;
}

/* Whether s matches shape: 0 is a digit, anything else itself. */
static bool has_shape(struct slice s, const char *shape)
{
    size_t len = strlen(shape);
    if (s.len < len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (shape[i] == '0' ? !is_digit(s.data[i]) : s.data[i] != shape[i])
            return false;
    return true;
}

static size_t fraction_length(struct slice s)
{
    if (s.len < 2 || (s.data[0] != '.' && s.data[0] != ',') || !is_digit(s.data[1]))
        return 0;
    size_t i = 1;
    while (i < s.len && is_digit(s.data[i]))
        i++;
    return i;
}

/* yyyy-mm-ddThh:mm:ss with a blank for T, fraction and zone as they come; 0: no such time. */
static size_t iso_time_length(struct slice s)
{
    if (!has_shape(s, "0000-00-00T00:00:00") && !has_shape(s, "0000-00-00 00:00:00"))
        return 0;
    size_t at = 19;
    at += fraction_length(slice_after(s, at));
    struct slice zone = slice_after(s, at);
    if (zone.len && zone.data[0] == 'Z')
        return at + 1;
    if (has_shape(zone, "+00:00") || has_shape(zone, "-00:00"))
        return at + 6;
    if (has_shape(zone, "+0000") || has_shape(zone, "-0000"))
        return at + 5;
    return at;
}

static bool is_month(struct slice s)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (s.len < 3)
        return false;
    for (size_t i = 0; i + 3 < sizeof names; i += 3)
        if (memcmp(s.data, names + i, 3) == 0)
            return true;
    return false;
}

/* Mmm dd [yyyy] hh:mm:ss[.fraction], the day with one digit, two, or a blank before one; NX-OS
 * writes the year first. */
static size_t bsd_time_length(struct slice s)
{
    size_t at = has_shape(s, "0000 ") ? 5 : 0;
    if (!is_month(slice_after(s, at)) || s.len < at + 14 || s.data[at + 3] != ' ')
        return 0;
    at += 4;
    if (s.data[at] == ' ')
        at++;
    size_t day = at;
    while (at < s.len && at < day + 2 && is_digit(s.data[at]))
        at++;
    if (at == day || at >= s.len || s.data[at] != ' ')
        return 0;
    at++;
    if (has_shape(slice_after(s, at), "0000 "))
        at += 5;
    if (has_shape(slice_after(s, at), "00:00:00"))
        at += 8;
    else if (has_shape(slice_after(s, at), "0:00:00"))
        at += 7;
    else
        return 0;
    return at + fraction_length(slice_after(s, at));
}

static size_t time_length(struct slice s)
{
    size_t len = iso_time_length(s);
    if (len == 0)
        len = bsd_time_length(s);
    return len && (len == s.len || s.data[len] == ' ' || s.data[len] == ':') ? len : 0;
}

/* Whether s begins with JSON, CEF or LEEF. */
static bool is_format(struct slice s)
{
    if (slice_starts(s, SLICE("CEF:")) || slice_starts(s, SLICE("LEEF:")))
        return skip_blanks(slice_after(s, slice_find_char(s, ':') + 1)).len > 0;
    return slice_starts(s, SLICE("{")) || slice_starts(s, SLICE("@cee:"));
}

/* Whether the message proper begins here: contents that must not be taken for a host or a tag. */
static bool is_content(struct slice s)
{
    return s.len == 0 || s.data[0] == '%' || s.data[0] == '[' || is_format(s);
}

static bool is_host_char(char c)
{
    return is_letter(c) || is_digit(c) || c == '.' || c == '-' || c == '_' || c == ':' ||
           c == '/' || c == '@' || (unsigned char)c >= 0x80;
}

static bool is_host(struct slice word)
{
    if (word.len == 0 || word.len > HOST_BYTES_MAX)
        return false;
    for (size_t i = 0; i < word.len; i++)
        if (!is_host_char(word.data[i]))
            return false;
    return true;
}

/* tag: or tag[pid] or tag[pid]: at the start; the blank behind it goes too. */
static bool take_tag(struct head *h, struct slice *s)
{
    size_t len = 0;
    while (len < s->len && len < SYSLOG_TAG_BYTES_MAX && s->data[len] != ' ' &&
           s->data[len] != ':' && s->data[len] != '[' && s->data[len] != '=' &&
           s->data[len] != '"' && s->data[len] != '{')
        len++;
    if (len == 0 || len == s->len)
        return false;
    struct slice rest = slice_after(*s, len), procid = {"", 0};
    if (rest.data[0] == '[') {
        size_t close = slice_find_char(slice_part(rest, 0, SYSLOG_TAG_BYTES_MAX), ']');
        if (close == SLICE_NONE || close < 2)
            return false;
        procid = slice_part(rest, 1, close - 1);
        if (slice_find_char(procid, ' ') != SLICE_NONE)
            return false;
        rest = slice_after(rest, close + 1);
        if (rest.len && rest.data[0] != ':' && rest.data[0] != ' ')
            return false;
    } else if (rest.data[0] != ':') {
        return false;
    }
    if (rest.len && rest.data[0] == ':')
        rest = slice_after(rest, 1);
    if (rest.len && rest.data[0] != ' ' && procid.len == 0)
        return false;
    h->appname = slice_part(*s, 0, len);
    h->procid = procid;
    *s = rest.len ? slice_after(rest, 1) : rest;
    return true;
}

/* %FACILITY-SEVERITY-MNEMONIC: of Cisco systems; the message keeps it. */
static void note_mnemonic(struct head *h, struct slice s)
{
    if (s.len < 6 || s.data[0] != '%')
        return;
    size_t len = 1, dashes = 0;
    while (len < s.len && len < SYSLOG_TAG_BYTES_MAX &&
           (is_letter(s.data[len]) || is_digit(s.data[len]) || s.data[len] == '_' ||
            s.data[len] == '-' || s.data[len] == '/'))
        dashes += s.data[len++] == '-' ? 1 : 0;
    if (dashes >= 2 && len < s.len && s.data[len] == ':')
        h->msgid = slice_part(s, 1, len - 1);
}

/* "host: " before Cisco's time or mnemonic. */
static struct slice take_origin(struct head *h, struct slice s)
{
    size_t len = word_length(s);
    if (len < 2 || s.data[len - 1] != ':' || !is_host(slice_part(s, 0, len - 1)))
        return s;
    struct slice next = skip_blanks(slice_after(s, len));
    struct slice time =
        next.len && (next.data[0] == '*' || next.data[0] == '.') ? slice_after(next, 1) : next;
    if (!time_length(time) && (next.len == 0 || next.data[0] != '%'))
        return s;
    h->hostname = slice_part(s, 0, len - 1);
    return next;
}

/* Host and tag behind a time. */
static struct slice take_host(struct head *h, struct slice s)
{
    if (is_content(s))
        return s;
    size_t len = word_length(s);
    struct slice word = slice_part(s, 0, len), rest = skip_blanks(slice_after(s, len));
    if (slice_starts(rest, SLICE(": %"))) {
        rest = slice_after(rest, 2);
    } else if (word.len > 1 && word.data[word.len - 1] == ':') {
        if (rest.len == 0 || rest.data[0] != '%')
            return s;
        word.len--;
    }
    if (rest.len == 0 || h->hostname.len || !is_host(word))
        return s;
    if (!slice_equal(word, SLICE("-")))
        h->hostname = word;
    return rest;
}

/* A tag without its colon before a message of a format of its own, as rsyslog writes what came to
 * it by RFC 5424. */
static void take_bare_tag(struct head *h, struct slice *s)
{
    size_t len = word_length(*s);
    struct slice rest = skip_blanks(slice_after(*s, len));
    if (!is_host(slice_part(*s, 0, len)) || !is_format(rest))
        return;
    h->appname = slice_part(*s, 0, len);
    *s = rest;
}

/* The time, the zone name and the colon that Cisco puts behind it. False: no time here. */
static bool take_time(struct head *h, struct slice *s)
{
    struct slice at = *s;
    if (at.len && (at.data[0] == '*' || at.data[0] == '.'))
        at = slice_after(at, 1);
    size_t len = time_length(at);
    if (len == 0)
        return false;
    h->timestamp = slice_part(at, 0, len);
    struct slice rest = slice_after(at, len);
    struct slice zone = skip_blanks(rest);
    size_t letters = 0;
    while (letters < zone.len && letters < ZONE_BYTES_MAX && zone.data[letters] >= 'A' &&
           zone.data[letters] <= 'Z')
        letters++;
    if (letters >= 2 && letters < zone.len && zone.data[letters] == ':' &&
        slice_starts(skip_blanks(slice_after(zone, letters + 1)), SLICE("%"))) {
        h->timezone = slice_part(zone, 0, letters);
        rest = slice_after(zone, letters);
    }
    if (rest.len && rest.data[0] == ':')
        rest = slice_after(rest, 1);
    *s = skip_blanks(rest);
    return true;
}

static struct slice take_sequence(struct head *h, struct slice s)
{
    size_t digits = 0;
    while (digits < s.len && digits < SEQUENCE_DIGITS_MAX && is_digit(s.data[digits]))
        digits++;
    if (digits == 0 || !slice_starts(slice_after(s, digits), SLICE(": ")))
        return s;
    h->sequence = slice_part(s, 0, digits);
    return skip_blanks(slice_after(s, digits + 1));
}

static void read_bsd(struct head *h, struct slice s, bool has_pri)
{
    struct slice start = s;
    if (has_pri) {
        if (slice_starts(s, SLICE(": "))) /* NX-OS */
            s = slice_after(s, 2);
        s = skip_blanks(s);
        s = take_sequence(h, s);
        s = take_origin(h, s);
    }
    if (take_time(h, &s)) {
        h->kind = SYSLOG_BSD;
        s = take_host(h, s);
        if (!is_content(s) && !take_tag(h, &s))
            take_bare_tag(h, &s);
    } else if (has_pri) {
        h->kind = h->sequence.len || h->hostname.len ? SYSLOG_BSD : SYSLOG_PRI_ONLY;
        if (!is_content(s))
            take_tag(h, &s);
    } else {
        s = start;
    }
    note_mnemonic(h, s);
    h->message = s;
}

/* Length of one SD-PARAM's value with its quotes, 0: not closed. */
static size_t quoted_length(struct slice s)
{
    if (s.len < 2 || s.data[0] != '"')
        return 0;
    for (size_t i = 1; i < s.len; i++) {
        if (s.data[i] == '\\')
            i++;
        else if (s.data[i] == '"')
            return i + 1;
    }
    return 0;
}

/* SD-NAME: printable ASCII without = blank ] ". */
static size_t name_length(struct slice s)
{
    size_t len = 0;
    while (len < s.len && s.data[len] > 32 && s.data[len] < 127 && s.data[len] != '=' &&
           s.data[len] != ']' && s.data[len] != '"')
        len++;
    return len <= SYSLOG_SD_NAME_BYTES_MAX ? len : 0;
}

/* Length of all SD-ELEMENTs, 0 when they are not as RFC 5424 section 6.3 says. */
static size_t data_length(struct slice s)
{
    size_t at = 0;
    while (at < s.len && s.data[at] == '[') {
        size_t len = name_length(slice_after(s, at + 1));
        if (len == 0)
            return 0;
        at += 1 + len;
        while (at < s.len && s.data[at] == ' ') {
            size_t name = name_length(slice_after(s, at + 1));
            at += 1 + name;
            if (name == 0 || at >= s.len || s.data[at] != '=')
                return 0;
            size_t value = quoted_length(slice_after(s, at + 1));
            if (value == 0)
                return 0;
            at += 1 + value;
        }
        if (at >= s.len || s.data[at] != ']')
            return 0;
        at++;
    }
    return at;
}

/* One header word and the blank behind it; nil stays empty. */
static bool take_word(struct slice *s, struct slice *out)
{
    size_t len = word_length(*s);
    if (len == 0 || len == s->len || len > HOST_BYTES_MAX)
        return false;
    *out = slice_part(*s, 0, len);
    if (slice_equal(*out, SLICE("-")))
        out->len = 0;
    *s = slice_after(*s, len + 1);
    return true;
}

/* s stands behind PRI. False: not RFC 5424, h is to be cleared. */
static bool read_5424(struct head *h, struct slice s)
{
    size_t version = 0;
    while (version < s.len && version < 3 && is_digit(s.data[version]))
        version++;
    if (version == 0 || s.data[0] == '0' || version >= s.len || s.data[version] != ' ')
        return false;
    s = slice_after(s, version + 1);
    if (!take_word(&s, &h->timestamp) ||
        (h->timestamp.len && iso_time_length(h->timestamp) != h->timestamp.len))
        return false;
    if (!take_word(&s, &h->hostname) || !take_word(&s, &h->appname) || !take_word(&s, &h->procid))
        return false;
    size_t len = word_length(s);
    h->msgid = slice_equal(slice_part(s, 0, len), SLICE("-")) ? slice_part(s, 0, 0)
                                                              : slice_part(s, 0, len);
    if (len == 0 || len > HOST_BYTES_MAX)
        return false;
    s = slice_after(s, len + (len < s.len ? 1 : 0));
    if (s.len && s.data[0] == '-' && (s.len == 1 || s.data[1] == ' ')) {
        s = slice_after(s, 1);
    } else {
        h->data = slice_part(s, 0, data_length(s));
        s = slice_after(s, h->data.len);
    }
    if (s.len && s.data[0] == ' ')
        s = slice_after(s, 1);
    if (slice_starts(s, SLICE("\xef\xbb\xbf")))
        s = slice_after(s, 3);
    h->message = s;
    h->kind = SYSLOG_5424;
    return true;
}

static const char *const numbers[] = {"0",  "1",  "2",  "3",  "4",  "5",  "6",  "7",
                                      "8",  "9",  "10", "11", "12", "13", "14", "15",
                                      "16", "17", "18", "19", "20", "21", "22", "23"};

static void read_head(struct head *h, struct slice text)
{
    *h = (struct head){.message = text};
    unsigned pri = 0;
    size_t len = pri_length(text, &pri);
    struct slice rest = slice_after(text, len);
    if (len && !read_5424(h, rest))
        *h = (struct head){.message = text};
    if (h->kind == SYSLOG_NO_HEADER)
        read_bsd(h, rest, len > 0);
    if (len) {
        h->facility = slice_from(numbers[pri / 8]);
        h->severity = slice_from(numbers[pri % 8]);
    }
}

/* The value between the quotes; \" \\ \] lose their backslash, others keep it (RFC 5424 6.3.3). */
static struct slice data_value(struct record *r, struct slice inside)
{
    if (slice_find_char(inside, '\\') == SLICE_NONE)
        return inside;
    char *out = arena_bytes(&r->arena, inside.len);
    size_t len = 0;
    for (size_t i = 0; i < inside.len; i++) {
        if (inside.data[i] == '\\' && i + 1 < inside.len &&
            (inside.data[i + 1] == '"' || inside.data[i + 1] == '\\' || inside.data[i + 1] == ']'))
            i++;
        out[len++] = inside.data[i];
    }
    return slice_make(out, len);
}

/* sd.<id>.<param>; without param sd.<id>. */
static struct slice data_name(struct record *r, struct slice id, struct slice param)
{
    size_t len = 3 + id.len + (param.len ? 1 + param.len : 0);
    char *out = arena_bytes(&r->arena, len);
    memcpy(out, "sd.", 3);
    memcpy(out + 3, id.data, id.len);
    if (param.len) {
        out[3 + id.len] = '.';
        memcpy(out + 4 + id.len, param.data, param.len);
    }
    return slice_make(out, len);
}

static int add_data(struct record *r, struct slice s, struct err *err)
{
    while (s.len && s.data[0] == '[') {
        struct slice id = slice_part(s, 1, name_length(slice_after(s, 1)));
        s = slice_after(s, 1 + id.len);
        int rc = ERR_OK;
        if (s.len && s.data[0] == ']')
            rc = record_add(r, data_name(r, id, (struct slice){"", 0}), slice_part(s, 0, 0),
                            VALUE_STRING, 0, err);
        while (!rc && s.len && s.data[0] == ' ') {
            struct slice name = slice_part(s, 1, name_length(slice_after(s, 1)));
            s = slice_after(s, 2 + name.len);
            size_t len = quoted_length(s);
            rc = record_add(r, data_name(r, id, name), data_value(r, slice_part(s, 1, len - 2)),
                            VALUE_STRING, 0, err);
            s = slice_after(s, len);
        }
        if (rc)
            return rc;
        s = slice_after(s, 1);
    }
    return ERR_OK;
}

int syslog_header_add(struct record *r, struct slice text, struct slice *message,
                      enum syslog_header_kind *kind, struct err *err)
{
    struct head h;
    read_head(&h, text);
    const struct {
        struct slice name, value;
        enum value_kind kind;
    } fields[] = {{SLICE("facility"), h.facility, VALUE_NUMBER},
                  {SLICE("severity"), h.severity, VALUE_NUMBER},
                  {SLICE("sequence"), h.sequence, VALUE_STRING},
                  {SLICE("timestamp"), h.timestamp, VALUE_STRING},
                  {SLICE("timezone"), h.timezone, VALUE_STRING},
                  {SLICE("hostname"), h.hostname, VALUE_STRING},
                  {SLICE("appname"), h.appname, VALUE_STRING},
                  {SLICE("procid"), h.procid, VALUE_STRING},
                  {SLICE("msgid"), h.msgid, VALUE_STRING}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (fields[i].value.len == 0)
            continue;
        int rc = record_add(r, fields[i].name, fields[i].value, fields[i].kind, 0, err);
        if (rc)
            return rc;
    }
    *message = h.message;
    if (kind)
        *kind = h.kind;
    return add_data(r, h.data, err);
}

enum syslog_header_kind syslog_header_kind(struct slice text)
{
    struct head h;
    read_head(&h, text);
    return h.kind;
}
