/* Any pattern against any observations: the same answer again, and with the pattern in parentheses.
 * Input: one byte (odd: STIX 2.0), the pattern, a NUL byte, the observations as JSON. */
#include "base/text.h"
#include "detection/stix_pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void term_check(void *sum, const struct stix_term *term)
{
    check(term->type.len > 0);
    check(slice_starts(term->path, term->type));
    for (size_t i = 0; i < term->value.len; i++)
        *(unsigned *)sum += (unsigned char)term->value.data[i];
}

static void observe(const struct stix_pattern *pattern, const struct stix_pattern *wrapped,
                    struct slice document)
{
    struct stix_observations *observations;
    struct err err;
    bool first, second;
    if (stix_observations_open(&observations, document, &err) != ERR_OK)
        return;
    int code = stix_pattern_match(pattern, observations, &first, &err);
    check(code == ERR_OK || err.text[0]);
    check(stix_pattern_match(pattern, observations, &second, &err) == code && first == second);
    if (wrapped)
        check(stix_pattern_match(wrapped, observations, &second, &err) == code && first == second);
    stix_observations_close(&observations);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stix_pattern *pattern, *wrapped;
    struct buf parentheses = {0};
    struct err err;
    unsigned sum = 0;
    if (size == 0)
        return 0;
    enum stix_version version = data[0] & 1 ? STIX_2_0 : STIX_2_1;
    struct slice rest = slice_make((const char *)data + 1, size - 1);
    struct slice text = slice_cut(&rest, '\0');
    int code = stix_pattern_open(&pattern, text, version, &err);
    if (code) {
        check(!pattern && err.text[0]);
        return 0;
    }
    (void)stix_pattern_values(pattern, term_check, &sum);
    check(stix_pattern_strict(pattern, NULL) <= 0);
    buf_char(&parentheses, '(');
    buf_slice(&parentheses, text);
    buf_string(&parentheses, "\n)");
    code = stix_pattern_open(&wrapped, buf_as_slice(&parentheses), version, &err);
    check(code == ERR_OK || code == ERR_LIMIT);
    buf_free(&parentheses);
    observe(pattern, wrapped, rest);
    stix_pattern_close(&pattern);
    stix_pattern_close(&wrapped);
    return 0;
}
