/* Hostile tables: any bytes, and good ones with parts overwritten and the checksum made good again.
 * Opening refuses or gives a table that can be asked anything. */
#include "base/hash.h"
#include "base/mem.h"
#include "detection/indicator_bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const values[] = {"192.0.2.1",
                                     "10.0.0.0/8",
                                     "10.1.0.0/16",
                                     "2001:db8::/32",
                                     "192.0.2.2:80",
                                     "a.example.org",
                                     "example.net",
                                     "/owa/x.aspx",
                                     "evil.exe",
                                     "u@example.org",
                                     "http://example.org/",
                                     "example.org/a/b",
                                     "http://example.org/a/bc",
                                     "example.org/a",
                                     "d41d8cd98f00b204e9800998ecf8427e"};

static const char question[] =
    "192.0.2.1 10.1.2.3 2001:db8::5 192.0.2.2:80 x.a.example.org www.example.net u@example.org "
    "http://example.org/a/bcd https://example.org/a/x \\evil.exe d41d8cd98f00b204e9800998ecf8427e";

static void hit_take(void *context, uint64_t number, const struct sight *sight)
{
    const struct indicator_table *t = context;
    struct indicator i;
    indicator_table_get(t, number, &i);
    check(i.type < INDICATOR_TYPES && sight);
}

static unsigned sum;

static void sight_ask(void *context, const struct sight *sight)
{
    struct indicator_table *t = context;
    indicator_table_match(t, sight, 100, hit_take, t);
    struct slice list = indicator_table_exception(t, sight);
    for (size_t i = 0; i < list.len; i++)
        sum += (unsigned char)list.data[i];
}

static void bytes_try(struct slice bytes)
{
    struct indicator_table *t;
    struct err err;
    int rc = indicator_table_open(&t, bytes, &err);
    if (rc != ERR_OK) {
        check((rc == ERR_DAMAGED || rc == ERR_UNSUPPORTED) && err.text[0] && !t);
        return;
    }
    for (uint64_t i = 0; i < indicator_table_count(t) && i < 1000; i++) {
        struct indicator got;
        indicator_table_get(t, i, &got);
        for (size_t k = 0; k < got.value.len; k++)
            sum += (unsigned char)got.value.data[k];
    }
    sight_scan(SLICE(question), sight_ask, t);
    sight_scan(SLICE("/owa/x.aspx"), sight_ask, t);
    indicator_table_close(&t);
}

static void table_make(struct buf *out)
{
    struct indicator_builder *b = indicator_builder_open();
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct indicator it = {.source = SLICE("feed"), .from_ns = CLOCK_NONE, .until_ns = 1000};
        check(indicator_parse(&it, slice_from(values[i]), INDICATOR_TYPES, &arena, NULL) == ERR_OK);
        check(indicator_builder_add(b, &it, NULL) == ERR_OK);
        if (i % 3 == 0)
            check(indicator_builder_add_exception(b, &it, SLICE("good"), NULL) == ERR_OK);
    }
    indicator_builder_finish(b, out);
    indicator_builder_close(&b);
    arena_free(&arena);
}

static void checksum_mend(struct buf *bytes)
{
    struct indicator_header h;
    memcpy(&h, bytes->data, sizeof(h));
    h.magic = INDICATOR_MAGIC;
    h.version = INDICATOR_VERSION;
    h.size_bytes = bytes->len;
    memcpy(bytes->data, &h, sizeof(h));
    h.checksum =
        hash_bytes(bytes->data + INDICATOR_CHECKED_FROM, bytes->len - INDICATOR_CHECKED_FROM, 0);
    memcpy(bytes->data, &h, sizeof(h));
}

/* The first byte: 0 the bytes as they are; else triples (offset, offset, value) into a good one. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf bytes = {0};
    if (size == 0)
        return 0;
    if (data[0] == 0) {
        buf_append(&bytes, data + 1, size - 1);
        bytes_try(buf_as_slice(&bytes));
        if (bytes.len >= sizeof(struct indicator_header))
            checksum_mend(&bytes);
    } else {
        table_make(&bytes);
        for (size_t at = 1; at + 3 <= size; at += 3) {
            size_t offset = ((size_t)data[at] << 8 | data[at + 1]) % bytes.len;
            bytes.data[offset] = (char)data[at + 2];
        }
        bytes.len -= data[0] == 2 && size > 1 ? data[1] : 0;
        checksum_mend(&bytes);
    }
    bytes_try(buf_as_slice(&bytes));
    buf_free(&bytes);
    return 0;
}
