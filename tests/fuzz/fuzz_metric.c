/* Metrics as another role may send them: no crash; what is taken comes out as whole lines of the
 * one form, and what is refused leaves nothing. */
#include "base/metric.h"

static void check_line(struct slice line)
{
    if (slice_starts(line, SLICE("# HELP canh_")) || slice_starts(line, SLICE("# TYPE canh_")))
        return;
    check(slice_starts(line, SLICE("canh_")));
    size_t value = line.len;
    while (value > 0 && line.data[value - 1] != ' ')
        value--;
    check(value > 2 && line.data[value - 2] == '}' && value < line.len);
    for (size_t i = value; i < line.len; i++)
        check((line.data[i] >= '0' && line.data[i] <= '9') || line.data[i] == '.' ||
              (i == value && line.data[i] == '-'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice packed = slice_make((const char *)data, size);
    struct metric_text *t = metric_text_open();
    struct buf out = {0};
    struct err err;
    int first = metric_text_add(t, "engine", packed, &err);
    int again = metric_text_add(t, "engine", packed, &err);
    int other = metric_text_add(t, "web", packed, &err);
    check(first == other);
    check(first == ERR_OK || again == first);
    metric_text_end(&t, &out);
    check(first == ERR_OK || out.len == 0);
    for (struct slice rest = buf_as_slice(&out); rest.len;)
        check_line(slice_cut(&rest, '\n'));
    buf_free(&out);
    return 0;
}
