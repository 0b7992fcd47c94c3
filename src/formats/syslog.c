#include "formats/syslog.h"

#include "formats/auditd.h"
#include "formats/cef.h"
#include "formats/json.h"
#include "formats/keyvalue.h"
#include "formats/probe.h"
#include "formats/syslog_header.h"
#include "formats/weblog.h"
#include "formats/winevent.h"

static struct slice without_end(struct slice s)
{
    while (s.len &&
           (s.data[s.len - 1] == '\n' || s.data[s.len - 1] == '\r' || s.data[s.len - 1] == '\0'))
        s.len--;
    return s;
}

static int add_json(struct record *r, struct slice text, struct err *err)
{
    uint32_t first = r->count;
    int rc = json_parse_record(r, text, err);
    return rc ? rc : winevent_json_flatten_from(r, first, err);
}

/* The fields inside the message, when it is of a format of its own. What turns out to be none after
 * all leaves nothing behind. */
static int add_content(struct record *r, struct slice message, struct err *err)
{
    struct slice s = slice_trim(message);
    if (slice_starts(s, SLICE("@cee:")))
        s = slice_trim(slice_part(s, 5, s.len));
    uint32_t count = r->count;
    int rc = ERR_OK;
    struct err ignored;
    if (s.len && s.data[0] == '{')
        rc = add_json(r, s, &ignored);
    else if (slice_starts(s, SLICE("<Event")))
        rc = winevent_xml_parse(r, s, NULL, &ignored);
    else if (cef_begins(s))
        rc = cef_add(r, s, &ignored);
    else if (auditd_begins(s))
        rc = auditd_add(r, s, &ignored);
    else if (weblog_begins(s))
        rc = weblog_parse(r, s, NULL, &ignored);
    else
        rc = keyvalue_add_most(r, s, &ignored);
    if (rc == ERR_LIMIT)
        return err_set(err, rc, "in the message: %s", ignored.text);
    if (rc)
        r->count = count;
    return ERR_OK;
}

int syslog_parse(struct record *r, struct slice text, const struct format_header *header,
                 struct err *err)
{
    (void)header;
    text = without_end(text);
    if (text.len == 0)
        return err_set(err, ERR_SYNTAX, "the line is empty: a syslog line needs a text");
    struct slice message;
    int rc = syslog_header_add(r, text, &message, NULL, err);
    if (rc || message.len == 0)
        return rc;
    rc = record_add(r, SLICE("message"), message, VALUE_STRING, 0, err);
    return rc ? rc : add_content(r, message, err);
}

static bool looks_syslog(struct slice line)
{
    enum syslog_header_kind kind = syslog_header_kind(line);
    return kind == SYSLOG_5424 || kind == SYSLOG_BSD;
}

static bool looks_prioritised(struct slice line)
{
    return syslog_header_kind(line) != SYSLOG_NO_HEADER;
}

int syslog_probe(struct slice head)
{
    int sure = probe_share(head, looks_syslog, 80);
    int perhaps = probe_share(head, looks_prioritised, 50);
    return sure > perhaps ? sure : perhaps;
}

int text_parse(struct record *r, struct slice text, const struct format_header *header,
               struct err *err)
{
    (void)header;
    text = without_end(text);
    if (text.len == 0)
        return err_set(err, ERR_SYNTAX, "the line is empty: there is no text to keep");
    return record_add(r, SLICE("message"), text, VALUE_STRING, 0, err);
}
