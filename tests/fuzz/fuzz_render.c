/* Rendering of any row: what comes out is JSON without a key twice, CEF and syslog that Canh's own
 * readers take, and never longer than was asked for. */
#include <jansson.h>

#include "formats/cef.h"
#include "formats/syslog.h"
#include "watch/render.h"

enum { HEAD_BYTES = 3 };

static void json_check(struct slice text)
{
    json_error_t error;
    json_t *json = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    check(json && json_is_object(json));
    json_decref(json);
}

static void row_check(const struct row *row, const struct render_options *options, bool bom)
{
    struct buf out = {0};
    struct record back = {0};
    bool whole = render_ecs(row, options, &out);
    check(out.len <= options->bytes_max &&
          (whole || slice_find(buf_as_slice(&out), SLICE("\"cut\":true")) != SLICE_NONE));
    json_check(buf_as_slice(&out));
    buf_clear(&out);
    render_cef(row, options, &out);
    check(out.len <= options->bytes_max && !memchr(out.data, '\n', out.len));
    check(cef_parse(&back, buf_as_slice(&out), NULL, NULL) == ERR_OK);
    check(record_find(&back, SLICE("externalId")) && record_find(&back, SLICE("rt")));
    for (int format = RENDER_JSON; format <= RENDER_CEF; format++) {
        struct render_syslog syslog = {
            .facility = 16, .format = (enum render_format)format, .bom = bom};
        buf_clear(&out);
        record_reset(&back);
        render_syslog(row, options, &syslog, &out);
        check(out.len <= options->bytes_max && !memchr(out.data, '\n', out.len));
        check(syslog_parse(&back, buf_as_slice(&out), NULL, NULL) == ERR_OK);
        check(record_find(&back, SLICE("msgid")));
    }
    record_free(&back);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD_BYTES)
        return 0;
    struct slice rest = slice_make((const char *)data + HEAD_BYTES, size - HEAD_BYTES);
    struct record record = {0};
    struct row_context context = {.partition = data[0] & 1   ? ROW_FINDINGS
                                               : data[0] & 2 ? ROW_REFUSED
                                                             : SLICE("main"),
                                  .flags = data[0] >> 2 & (ROW_HISTORICAL | ROW_DRILL)};
    context.host = slice_cut(&rest, '\n');
    context.category = slice_cut(&rest, '\n');
    context.unit = context.mapping = slice_cut(&rest, '\n');
    struct render_options options = {.node = slice_cut(&rest, '\n'),
                                     .version = SLICE("1"),
                                     .epoch = UINT32_MAX,
                                     .bytes_max = (size_t)RENDER_BYTES_MIN << (data[1] & 7)};
    while (rest.len) {
        struct slice value = slice_cut(&rest, '\n'), name = slice_cut(&value, '=');
        int repeats = 1 + (data[2] & 63);
        for (int i = 0; i < repeats && record.count < 4096; i++)
            check(record_add(&record, name, value, VALUE_STRING, 0, NULL) == ERR_OK);
    }
    struct row row = {.sequence = UINT64_MAX,
                      .time_ns = data[1] & 8 ? CLOCK_NONE : (int64_t)data[1] << 55,
                      .received_ns = (int64_t)data[2] << 54,
                      .context = &context,
                      .record = &record};
    row_check(&row, &options, data[1] & 16);
    record_free(&record);
    return 0;
}
