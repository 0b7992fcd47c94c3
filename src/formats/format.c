#include "formats/format.h"

#include "formats/auditd.h"
#include "formats/cef.h"
#include "formats/csv.h"
#include "formats/evtx.h"
#include "formats/gelf.h"
#include "formats/journal_export.h"
#include "formats/json.h"
#include "formats/keyvalue.h"
#include "formats/syslog.h"
#include "formats/weblog.h"
#include "formats/winevent.h"

enum { HEAD_BYTES_MAX = 64 << 10, PROBE_LINES = 32 };

static int json_parse(struct record *r, struct slice text, const struct format_header *header,
                      struct err *err)
{
    (void)header;
    int rc = json_parse_record(r, text, err);
    return rc ? rc : winevent_json_flatten(r, err);
}

/* { before " or }, [ before { : anything else only looks like JSON ("[2026-01-01] text"). */
static bool json_begins(struct slice text)
{
    text = slice_trim(text);
    if (text.len == 0 || (text.data[0] != '{' && text.data[0] != '['))
        return false;
    char open = text.data[0];
    text = slice_trim(slice_part(text, 1, text.len));
    if (text.len == 0)
        return true;
    return open == '{' ? text.data[0] == '"' || text.data[0] == '}' : text.data[0] == '{';
}

static int json_probe(struct slice head)
{
    if (json_begins(head))
        return 95;
    int lines = 0, values = 0;
    while (head.len > 0 && lines < PROBE_LINES) {
        struct slice line = slice_cut(&head, '\n');
        lines++;
        values += line.len > 1 && line.data[0] == '{' && json_begins(line);
    }
    return values * 2 > lines ? 80 : 0;
}

static int evtx_probe(struct slice head)
{
    return evtx_signature(head) ? 100 : 0;
}

static int text_probe(struct slice head)
{
    (void)head;
    return 0;
}

/* Rows of the table. */
enum row {
    ROW_JSON,
    ROW_WINXML,
    ROW_EVTX,
    ROW_AUDITD,
    ROW_CEF,
    ROW_W3C,
    ROW_WEBLOG,
    ROW_SYSLOG,
    ROW_KEYVALUE,
    ROW_CSV,
    ROW_JOURNAL_EXPORT,
    ROW_GELF,
    ROW_TEXT
};

const struct format format_table[] = {
    [ROW_JSON] = {"json", "JSON objects: one a line, in an array, or printed over many lines",
                  SPLIT_JSON, json_parse, json_probe},
    [ROW_WINXML] = {"winxml", "Windows events as XML", SPLIT_XML, winevent_xml_parse,
                    winevent_xml_probe},
    [ROW_EVTX] = {"evtx", "Windows event log files", SPLIT_EVTX, winevent_evtx_parse, evtx_probe},
    [ROW_AUDITD] = {"auditd", "Linux audit records, joined by serial", SPLIT_AUDITD, auditd_parse,
                    auditd_probe},
    [ROW_CEF] = {"cef", "CEF and LEEF lines, with or without a syslog header", SPLIT_LINES,
                 cef_parse, cef_probe},
    [ROW_W3C] = {"w3c", "W3C extended logs: IIS, proxies", SPLIT_W3C, w3c_parse, w3c_probe},
    [ROW_WEBLOG] = {"weblog", "web access logs: common, combined", SPLIT_LINES, weblog_parse,
                    weblog_probe},
    [ROW_SYSLOG] = {"syslog", "syslog lines: RFC 5424 and RFC 3164", SPLIT_LINES, syslog_parse,
                    syslog_probe},
    [ROW_KEYVALUE] = {"keyvalue", "key=value lines (logfmt)", SPLIT_LINES, keyvalue_parse,
                      keyvalue_probe},
    [ROW_CSV] = {"csv", "CSV with a header row; separated by , ; tab or |", SPLIT_CSV, csv_parse,
                 csv_probe},
    [ROW_JOURNAL_EXPORT] = {"journal-export",
                            "systemd journal entries as journalctl -o export prints them",
                            SPLIT_JOURNAL, journal_export_parse, journal_export_probe},
    [ROW_GELF] = {"gelf", "GELF 1.1 messages, a NUL byte between them", SPLIT_NUL, gelf_parse,
                  gelf_probe},
    [ROW_TEXT] = {"text", "any lines, each as one message", SPLIT_LINES, text_parse, text_probe},
};
const size_t format_count = sizeof(format_table) / sizeof(*format_table);

const struct format *format_find(struct slice name)
{
    if (slice_equal(name, SLICE("ndjson")))
        name = SLICE("json");
    for (size_t i = 0; i < format_count; i++)
        if (slice_equal(name, slice_from(format_table[i].name)))
            return &format_table[i];
    return NULL;
}

const struct format *format_guess(struct slice head)
{
    head = slice_part(head, 0, HEAD_BYTES_MAX);
    if (slice_starts(head, SLICE("\xef\xbb\xbf")))
        head = slice_part(head, 3, head.len);
    const struct format *best = &format_table[ROW_TEXT];
    int best_score = 0;
    for (size_t i = 0; i < format_count; i++) {
        int score = format_table[i].probe(head);
        if (score > best_score) {
            best = &format_table[i];
            best_score = score;
        }
    }
    return best;
}

static bool xml_begins(struct slice text)
{
    return slice_starts(text, SLICE("<Event>")) || slice_starts(text, SLICE("<Event "));
}

/* A whole object: what was cut off is kept as text. An array would be several records. */
static bool object_begins(struct slice text)
{
    text = slice_trim(text);
    return json_begins(text) && text.data[0] == '{' && text.data[text.len - 1] == '}';
}

const struct format *format_guess_record(struct slice text)
{
    static const struct {
        bool (*begins)(struct slice text);
        enum row row;
    } bare[] = {{object_begins, ROW_JSON},
                {xml_begins, ROW_WINXML},
                {auditd_begins, ROW_AUDITD},
                {cef_begins, ROW_CEF},
                {weblog_begins, ROW_WEBLOG}};
    /* Most messages have a header, which begins with <PRI>. */
    bool has_priority = text.len > 1 && text.data[0] == '<' && text.data[1] <= '9';
    for (size_t i = 0; !has_priority && i < sizeof(bare) / sizeof(*bare); i++)
        if (bare[i].begins(text))
            return &format_table[bare[i].row];
    return &format_table[ROW_SYSLOG];
}
