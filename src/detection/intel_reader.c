#include "detection/intel_inside.h"

#include <stdio.h>

#include "base/text.h"

const char *const intel_kind_names[INTEL_KINDS] = {
    [INTEL_UNKNOWN] = "unknown",
    [INTEL_STIX] = "STIX",
    [INTEL_MISP] = "MISP",
    [INTEL_MISP_MANIFEST] = "MISP manifest",
    [INTEL_MISP_HASHES] = "MISP digests",
    [INTEL_WARNING_LIST] = "warning list",
    [INTEL_CSV] = "CSV",
    [INTEL_LIST] = "list",
};

enum { REASON_BYTES = 300, PERCENT = 100 };

struct intel_item intel_item_make(void)
{
    return (struct intel_item){.type = INDICATOR_TYPES,
                               .confidence = INDICATOR_CONFIDENCE_NONE,
                               .from_ns = CLOCK_NONE,
                               .until_ns = CLOCK_NONE};
}

void intel_refuse(struct intel_reading *r, uint64_t line, const char *format, ...)
{
    char reason[REASON_BYTES];
    va_list arguments;
    r->counts->refused++;
    if (!r->sink->refused)
        return;
    va_start(arguments, format);
    (void)vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    r->sink->refused(r->sink->context, line, reason);
}

struct slice intel_text_cut(struct slice text)
{
    if (text.len <= INDICATOR_TEXT_BYTES_MAX)
        return text;
    size_t len = INDICATOR_TEXT_BYTES_MAX;
    while (len > INDICATOR_TEXT_BYTES_MAX - 4 && ((unsigned char)text.data[len] & 0xc0) == 0x80)
        len--;
    return slice_part(text, 0, len);
}

enum indicator_tlp intel_tlp_stricter(enum indicator_tlp a, enum indicator_tlp b)
{
    return a > b ? a : b;
}

bool intel_reader_tlp(struct slice text, enum indicator_tlp *out)
{
    static const struct {
        const char *name;
        enum indicator_tlp tlp;
    } names[] = {{"white", TLP_CLEAR}, {"clear", TLP_CLEAR},
                 {"green", TLP_GREEN}, {"amber", TLP_AMBER},
                 {"red", TLP_RED},     {"amber+strict", TLP_AMBER_STRICT},
                 {"ex:chr", TLP_RED},  {"amber-strict", TLP_AMBER_STRICT}};
    text = slice_trim(text);
    if (text.len > 4 && slice_equal_nocase(slice_part(text, 0, 4), SLICE("tlp:")))
        text = slice_trim(slice_part(text, 4, text.len));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (slice_equal_nocase(text, slice_from(names[i].name))) {
            *out = names[i].tlp;
            return true;
        }
    return false;
}

uint8_t intel_confidence(struct slice text)
{
    double value;
    text = slice_trim(text);
    if (text.len && text.data[text.len - 1] == '%')
        text.len--;
    if (!slice_to_double(text, &value) || value < 0 || value > PERCENT)
        return INDICATOR_CONFIDENCE_NONE;
    return (uint8_t)value;
}

bool intel_type_find(struct slice name, enum indicator_type *out)
{
    static const struct {
        const char *name;
        enum indicator_type type;
    } names[] = {
        {"ip", INDICATOR_IP},
        {"ip-src", INDICATOR_IP},
        {"ip-dst", INDICATOR_IP},
        {"ipv4", INDICATOR_IP},
        {"ipv6", INDICATOR_IP},
        {"ipv4-addr", INDICATOR_IP},
        {"ipv6-addr", INDICATOR_IP},
        {"ip_address", INDICATOR_IP},
        {"ip address", INDICATOR_IP},
        {"address", INDICATOR_IP},
        {"src_ip", INDICATOR_IP},
        {"dst_ip", INDICATOR_IP},
        {"cidr", INDICATOR_CIDR},
        {"netblock", INDICATOR_CIDR},
        {"subnet", INDICATOR_CIDR},
        {"ip:port", INDICATOR_IP_PORT},
        {"ip-src|port", INDICATOR_IP_PORT},
        {"ip-dst|port", INDICATOR_IP_PORT},
        {"domain", INDICATOR_DOMAIN},
        {"domain-name", INDICATOR_DOMAIN},
        {"hostname", INDICATOR_DOMAIN},
        {"host", INDICATOR_DOMAIN},
        {"fqdn", INDICATOR_DOMAIN},
        {"hostname|port", INDICATOR_DOMAIN},
        {"url", INDICATOR_URL},
        {"uri", INDICATOR_URL},
        {"url-prefix", INDICATOR_URL_PREFIX},
        {"md5", INDICATOR_MD5},
        {"md5_hash", INDICATOR_MD5},
        {"filehash-md5", INDICATOR_MD5},
        {"filename|md5", INDICATOR_MD5},
        {"malware-sample", INDICATOR_MD5},
        {"sha1", INDICATOR_SHA1},
        {"sha-1", INDICATOR_SHA1},
        {"sha1_hash", INDICATOR_SHA1},
        {"filehash-sha1", INDICATOR_SHA1},
        {"filename|sha1", INDICATOR_SHA1},
        {"sha256", INDICATOR_SHA256},
        {"sha-256", INDICATOR_SHA256},
        {"sha256_hash", INDICATOR_SHA256},
        {"filehash-sha256", INDICATOR_SHA256},
        {"filename|sha256", INDICATOR_SHA256},
        {"email", INDICATOR_EMAIL},
        {"e-mail", INDICATOR_EMAIL},
        {"email-addr", INDICATOR_EMAIL},
        {"email-src", INDICATOR_EMAIL},
        {"email-dst", INDICATOR_EMAIL},
        {"email-reply-to", INDICATOR_EMAIL},
        {"filename", INDICATOR_FILE_NAME},
        {"file-name", INDICATOR_FILE_NAME},
        {"file_name", INDICATOR_FILE_NAME},
    };
    name = slice_trim(name);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (slice_equal_nocase(name, slice_from(names[i].name))) {
            *out = names[i].type;
            return true;
        }
    for (size_t i = 0; i < INDICATOR_TYPES; i++)
        if (slice_equal_nocase(name, slice_from(indicator_type_names[i]))) {
            *out = (enum indicator_type)i;
            return true;
        }
    return false;
}

static int give(struct intel_reading *r, const struct intel_item *item, struct indicator *i,
                struct err *err)
{
    const struct intel_reader_options *options = r->options;
    if (options->warning_list || item->list.len) {
        struct slice list = item->list.len ? item->list : options->source;
        r->counts->exceptions++;
        return r->sink->exception(r->sink->context, i, intel_text_cut(list), err);
    }
    i->source =
        intel_text_cut(item->source.len && !options->source_fixed ? item->source : options->source);
    i->id = item->id.len <= INDICATOR_TEXT_BYTES_MAX ? item->id : SLICE("");
    i->title = intel_text_cut(slice_trim(item->title));
    i->confidence =
        item->confidence == INDICATOR_CONFIDENCE_NONE ? options->confidence : item->confidence;
    i->tlp = item->tlp == TLP_NONE ? options->tlp : item->tlp;
    i->from_ns = item->from_ns;
    i->until_ns = item->until_ns == CLOCK_NONE ? options->until_ns : item->until_ns;
    if (options->now_ns != CLOCK_NONE && i->until_ns != CLOCK_NONE &&
        i->until_ns <= options->now_ns) {
        r->counts->expired++;
        return ERR_OK;
    }
    r->counts->indicators++;
    return r->sink->indicator(r->sink->context, i, err);
}

int intel_item_give(struct intel_reading *r, const struct intel_item *item, struct err *err)
{
    struct indicator i = {0};
    struct err why;
    struct slice value = slice_trim(item->value);
    enum indicator_type type = item->type;
    if (type == INDICATOR_IP && slice_find_char(value, '/') != SLICE_NONE)
        type = INDICATOR_CIDR;
    if (value.len > INDICATOR_VALUE_BYTES_MAX) {
        intel_refuse(r, item->line, "the value is longer than %d bytes", INDICATOR_VALUE_BYTES_MAX);
        return ERR_OK;
    }
    if (indicator_parse(&i, value, type, &r->scratch, &why) != ERR_OK) {
        intel_refuse(r, item->line, "%s", why.text);
        return ERR_OK;
    }
    return give(r, item, &i, err);
}

bool intel_line_next(struct slice *rest, struct slice *line)
{
    if (!rest->len)
        return false;
    size_t end = slice_find_char(*rest, '\n');
    *line = slice_part(*rest, 0, end);
    *rest = slice_part(*rest, end == SLICE_NONE ? rest->len : end + 1, rest->len);
    return true;
}

bool intel_line_is_comment(struct slice trimmed)
{
    return !trimmed.len || trimmed.data[0] == '#' || trimmed.data[0] == ';' ||
           slice_starts(trimmed, SLICE("//"));
}

static struct slice without_mark(struct slice text)
{
    return slice_starts(text, SLICE("\xef\xbb\xbf")) ? slice_part(text, 3, text.len) : text;
}

enum intel_kind intel_reader_kind(struct slice text)
{
    text = without_mark(text);
    struct slice head = slice_trim(slice_part(text, 0, INTEL_ROW_BYTES_MAX));
    if (head.len && (head.data[0] == '{' || head.data[0] == '[')) {
        enum intel_kind kind = intel_json_kind(text);
        if (kind != INTEL_UNKNOWN || head.data[0] == '{')
            return kind;
    }
    return intel_list_kind(text);
}

int intel_reader_run(struct slice text, enum intel_kind kind,
                     const struct intel_reader_options *options,
                     const struct intel_reader_sink *sink, struct intel_reader_counts *counts,
                     struct err *err)
{
    static int (*const readers[INTEL_KINDS])(struct intel_reading *, struct err *) = {
        [INTEL_STIX] = intel_stix_read, [INTEL_MISP] = intel_misp_read,
        [INTEL_CSV] = intel_csv_read,   [INTEL_WARNING_LIST] = intel_warning_read,
        [INTEL_LIST] = intel_list_read,
    };
    struct intel_reading reading = {
        .text = without_mark(text), .options = options, .sink = sink, .counts = counts, .line = 1};
    int rc = ERR_OK;
    if (kind == INTEL_MISP_MANIFEST)
        return err_set(err, ERR_UNSUPPORTED,
                       "the manifest of a MISP feed has no values: read the event files beside it");
    if (kind == INTEL_MISP_HASHES)
        return err_set(err, ERR_UNSUPPORTED,
                       "the hashes.csv of a MISP feed has digests of values, not values: read the "
                       "event files beside it");
    if (kind == INTEL_UNKNOWN)
        return err_set(err, ERR_UNSUPPORTED,
                       "neither STIX, MISP, a warning list, CSV nor a list of values");
    if (text.len > INTEL_TEXT_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "over %zu bytes, the limit of one file: divide it",
                       INTEL_TEXT_BYTES_MAX);
    if (kind == INTEL_STIX || kind == INTEL_MISP || kind == INTEL_WARNING_LIST)
        rc = intel_json_check(reading.text, err);
    if (rc == ERR_OK)
        rc = readers[kind](&reading, err);
    arena_free(&reading.kept);
    arena_free(&reading.scratch);
    return rc;
}
