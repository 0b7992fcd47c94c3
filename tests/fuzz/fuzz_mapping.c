/* Mapping files: any text is read or refused with a sentence; what is read is bound and asked about
 * a few events, the last of which is made of the text's own lines (name=value). */
#include <stdint.h>

#include "detection/mapping.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NAMES_MAX = 64 };

static void ask(struct mapping_set *set, struct event *e, struct mapping_scratch *scratch,
                struct record *r)
{
    uint64_t limit_hits = 0;
    uint16_t names[NAMES_MAX];
    struct event_source source;
    event_bind(e, r);
    e->mapping = mapping_select(set, e);
    mapping_derive(set, e, scratch, &limit_hits);
    mapping_source(set, e, &source);
    check(source.category_count <= MAPPING_CATEGORIES_MAX);
    check(mapping_source_names(set, e->mapping, names, NAMES_MAX) <= NAMES_MAX);
    struct mapping_found found;
    check(mapping_found(e, &found) == mapping_finding(e));
    check(found.title.len || !mapping_finding(e));
    (void)mapping_time(set, e, NULL, 0);
    (void)mapping_host(set, e);
}

static void add(struct record *r, struct slice name, struct slice value)
{
    if (r->count < 1000 && name.len && name.len <= RECORD_NAME_BYTES_MAX)
        check(record_add(r, name, value, VALUE_STRING, 0, NULL) == ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make((const char *)data, size);
    struct err err = {0};
    struct mapping_set *set = mapping_set_open();
    int rc = mapping_set_add(set, SLICE("fuzz.yaml"), text, &err);
    check(rc == ERR_OK || err.text[0]);
    check(mapping_set_count(set) == (rc == ERR_OK));
    struct name_table *names = name_table_open();
    mapping_set_bind(set, names);
    struct event e;
    event_open(&e, names);
    struct mapping_scratch *scratch = mapping_scratch_open();
    struct record r = {0};
    add(&r, SLICE("message"), SLICE("Failed password for root from 10.0.0.1 port 22 ssh2"));
    add(&r, SLICE("a0"), SLICE("ls"));
    ask(set, &e, scratch, &r);
    record_reset(&r);
    for (struct slice rest = text; rest.len;) {
        struct slice value = slice_cut(&rest, '\n');
        struct slice name = slice_cut(&value, ':');
        add(&r, slice_trim(name), slice_trim(value));
    }
    ask(set, &e, scratch, &r);
    record_free(&r);
    mapping_scratch_close(&scratch);
    event_close(&e);
    name_table_close(&names);
    mapping_set_close(&set);
    return 0;
}
