#include "formats/journal_export.h"

#include "base/bytes.h"

enum { SIZE_BYTES = 8 };

/* The next field of *rest, which is not empty. */
static int field_next(struct slice *rest, struct slice *name, struct slice *value, struct err *err)
{
    struct slice line = slice_cut(rest, '\n');
    size_t equals = slice_find_char(line, '=');
    *value = SLICE("");
    *name = slice_part(line, 0, equals);
    if (name->len == 0 || name->len > JOURNAL_NAME_BYTES_MAX)
        return err_set(err, ERR_SYNTAX,
                       "A field of the journal entry has no name of 1 to %d bytes.",
                       JOURNAL_NAME_BYTES_MAX);
    if (equals != SLICE_NONE) {
        *value = slice_part(line, equals + 1, line.len);
        return ERR_OK;
    }
    uint64_t size = rest->len >= SIZE_BYTES ? bytes_u64(rest->data) : UINT64_MAX;
    if (rest->len < SIZE_BYTES || size > rest->len - SIZE_BYTES)
        return err_set(err, ERR_SYNTAX,
                       "The journal entry ends inside the field %.*s: it was cut off.",
                       (int)name->len, name->data);
    *value = slice_part(*rest, SIZE_BYTES, size);
    *rest = slice_part(*rest, SIZE_BYTES + size, rest->len);
    if (rest->len > 0 && rest->data[0] != '\n')
        return err_set(err, ERR_SYNTAX,
                       "The size of the journal entry's field %.*s is not that of its value.",
                       (int)name->len, name->data);
    *rest = slice_part(*rest, 1, rest->len);
    return ERR_OK;
}

int journal_export_parse(struct record *r, struct slice text, const struct format_header *header,
                         struct err *err)
{
    (void)header;
    if (text.len == 0)
        return err_set(err, ERR_SYNTAX, "The journal entry is empty.");
    while (text.len > 0) {
        struct slice name, value;
        int rc = field_next(&text, &name, &value, err);
        if (!rc)
            rc = record_add(r, name, value, VALUE_STRING, 0, err);
        if (rc)
            return rc;
    }
    return ERR_OK;
}

struct slice journal_export_cursor(struct slice text)
{
    struct slice name, value;
    while (text.len > 0 && field_next(&text, &name, &value, NULL) == ERR_OK)
        if (slice_equal(name, SLICE("__CURSOR")))
            return value;
    return SLICE("");
}

int journal_export_probe(struct slice head)
{
    static const char *const firsts[] = {"__CURSOR=", "__REALTIME_TIMESTAMP=", "__SEQNUM="};
    head = slice_part(head, 0, 4096);
    while (head.len > 0 && head.data[0] == '\n')
        head = slice_part(head, 1, head.len);
    for (size_t i = 0; i < sizeof(firsts) / sizeof(*firsts); i++)
        if (slice_starts(head, slice_from(firsts[i])))
            return 99;
    return 0;
}
