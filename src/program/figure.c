#include "program/figure.h"

#include <stdio.h>
#include <sys/resource.h>

void figure_write_all(struct json_writer *w, const struct figure *figures, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_key(w, figures[i].key);
        json_u64(w, figures[i].value);
    }
}

void figure_write_seconds(struct json_writer *w, const char *key, uint64_t time_ns)
{
    json_key(w, key);
    json_double(w, (double)time_ns / 1e9);
}

uint64_t figure_peak_rss_bytes(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_maxrss * 1024;
}

void figure_show(struct json_writer *w)
{
    buf_char(w->out, '\n');
    (void)fwrite(w->out->data, 1, w->out->len, stderr);
    buf_free(w->out);
}
