#include "watch/render_inside.h"

enum { FACILITIES = 24, HOST_BYTES_MAX = 255, MESSAGE_ID_BYTES_MAX = 32 };

static const char *const facility_names[FACILITIES] = {
    "kern",   "user",   "mail",     "daemon", "auth",   "syslog",   "lpr",     "news",
    "uucp",   "cron",   "authpriv", "ftp",    "ntp",    "security", "console", "clock",
    "local0", "local1", "local2",   "local3", "local4", "local5",   "local6",  "local7"};

int render_facility(struct slice name)
{
    for (int i = 0; i < FACILITIES; i++)
        if (slice_equal(name, slice_from(facility_names[i])))
            return i;
    return -1;
}

/* crit, err, warning, notice, info: syslog's own words for how bad it is. */
static unsigned syslog_severity(const struct row *row)
{
    unsigned severity = render_severity(row);
    return severity >= 10 ? 2 : severity >= 8 ? 3 : severity >= 5 ? 4 : severity >= 3 ? 5 : 6;
}

/* A header field: printable ASCII without blanks, `otherwise` when nothing is left. */
static void put_word(struct buf *out, struct slice text, size_t max, char leave_out,
                     const char *otherwise)
{
    size_t start = out->len;
    for (size_t i = 0; i < text.len && out->len - start < max; i++)
        if (text.data[i] > ' ' && text.data[i] < 0x7f && text.data[i] != leave_out)
            buf_char(out, text.data[i]);
    if (out->len == start)
        buf_string(out, otherwise);
}

/* RFC 5424 takes six digits of a second. */
static void put_time(struct buf *out, int64_t time_ns)
{
    char text[CLOCK_TEXT_BYTES];
    int64_t below = ((time_ns % 1000) + 1000) % 1000;
    if (time_ns == CLOCK_NONE || time_ns < INT64_MIN + 1000)
        buf_char(out, '-');
    else
        buf_append(out, text, clock_text(text, time_ns - below));
}

/* A rule's id is a UUID mostly: without its hyphens it has the 32 characters that MSGID may have.
 */
static void put_message_id(struct buf *out, const struct row *row)
{
    static const char *const words[] = {
        [RENDER_FINDING] = "finding", [RENDER_REFUSED] = "refused", [RENDER_EVENT] = "event"};
    enum render_sort sort = render_sort(row);
    const struct field *id = NULL;
    if (sort == RENDER_FINDING)
        id = record_find(row->record, SLICE("rule.id"));
    put_word(out, id ? id->value : SLICE(""), MESSAGE_ID_BYTES_MAX, '-', words[sort]);
}

bool render_syslog(const struct row *row, const struct render_options *options,
                   const struct render_syslog *syslog, struct buf *out)
{
    size_t start = out->len, max = options->bytes_max ? options->bytes_max : RENDER_BYTES_MAX;
    buf_printf(out, "<%u>1 ", syslog->facility * 8u + syslog_severity(row));
    put_time(out, row->received_ns);
    buf_char(out, ' ');
    put_word(out, options->node, HOST_BYTES_MAX, ' ', "-");
    buf_string(out, " canh ");
    if (syslog->process_id)
        buf_printf(out, "%lu ", (unsigned long)syslog->process_id);
    else
        buf_string(out, "- ");
    put_message_id(out, row);
    /* no structured data: its names want a registered enterprise number */
    buf_string(out, " - ");
    if (syslog->bom)
        buf_string(out, "\xef\xbb\xbf");
    struct render_options message = *options;
    message.bytes_max = max - (out->len - start);
    return syslog->format == RENDER_CEF ? render_cef(row, &message, out)
                                        : render_ecs(row, &message, out);
}

void render_frame(struct slice message, struct buf *out)
{
    buf_printf(out, "%zu ", message.len);
    buf_slice(out, message);
}
