/* Figure: what --stats says on stderr at the end of a command: one JSON object of numbers.
 * Threads: one. Ownership: nothing is kept. */
#pragma once
#include "formats/json.h"

struct figure {
    const char *key;
    uint64_t value;
};

void figure_write_all(struct json_writer *w, const struct figure *figures, size_t count);
void figure_write_seconds(struct json_writer *w, const char *key, uint64_t time_ns);
uint64_t figure_peak_rss_bytes(void); /* of this process */
/* The finished object as a line on stderr; w->out is freed. */
void figure_show(struct json_writer *w);
