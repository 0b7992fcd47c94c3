/* What must hold of every reader of lines, shared by their fuzz targets. */
#pragma once
#include "formats/format.h"

/* Parses text from memory that ends with it. Every name and value must be readable, names within
 * their limit, and what is kept in the arena no more than a few times the text. */
static inline void
fuzz_line(int (*parse)(struct record *, struct slice, const struct format_header *, struct err *),
          int (*probe)(struct slice), struct slice text, const struct format_header *header)
{
    static struct record r;
    struct err err;
    int rc = parse(&r, text, header, &err);
    check(rc == ERR_OK || (rc == err.code && err.text[0]));
    check(r.count <= RECORD_FIELDS_MAX);
    unsigned sum = 0;
    for (uint32_t i = 0; i < r.count; i++) {
        struct slice name = r.fields[i].name, value = r.fields[i].value;
        check(name.len <= RECORD_NAME_BYTES_MAX);
        check(r.fields[i].name_hash == field_name_hash(name));
        for (size_t k = 0; k < name.len; k++)
            sum += (unsigned char)name.data[k];
        for (size_t k = 0; k < value.len; k++)
            sum += (unsigned char)value.data[k];
    }
    check(rc != ERR_OK || text.len == 0 || r.count > 0 || sum == 0);
    int surety = probe(text);
    check(surety >= 0 && surety <= 100);
    record_reset(&r);
}
