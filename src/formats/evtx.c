#include "formats/evtx.h"

#include <libbfio.h> /* before libevtx.h, which then takes its handles */
#include <libevtx.h>

#include "base/mem.h"
#include "formats/evtx_io.h"

struct evtx {
    libbfio_handle_t *io;
    libevtx_file_t *file;
    int record_count, recovered_count;
    int next; /* records, then recovered ones */
    bool damaged;
};

bool evtx_signature(struct slice head)
{
    return slice_starts(head, (struct slice){"ElfFile\0", 8});
}

/* libevtx's own words, in one line. */
static int fail(struct err *err, int code, const char *what, libevtx_error_t **error)
{
    char text[256] = "";
    if (*error && libevtx_error_sprint(*error, text, sizeof(text)) < 0)
        text[0] = '\0';
    libevtx_error_free(error);
    char *colon = strstr(text, ": ");
    return err_set(err, code, "%s%s%s", what, text[0] ? ": " : "", colon ? colon + 2 : text);
}

int evtx_open(struct evtx **out, int fd, struct err *err)
{
    libevtx_error_t *error = NULL;
    *out = NULL;
    libevtx_notify_set_verbose(0);
    struct evtx *e = mem_zeroed(1, sizeof(*e));
    int rc = ERR_OK;
    if (!evtx_io_open(&e->io, fd) || libevtx_file_initialize(&e->file, &error) != 1 ||
        libevtx_file_open_file_io_handle(e->file, e->io, LIBEVTX_OPEN_READ, &error) != 1)
        rc = fail(err, ERR_SYNTAX, "libevtx cannot read this file", &error);
    else if (libevtx_file_get_number_of_records(e->file, &e->record_count, &error) != 1)
        rc = fail(err, ERR_SYNTAX, "libevtx finds no records in this file", &error);
    if (rc) {
        evtx_close(&e);
        return rc;
    }
    e->damaged = libevtx_file_is_corrupted(e->file, NULL) == 1;
    if (!e->damaged ||
        libevtx_file_get_number_of_recovered_records(e->file, &e->recovered_count, NULL) != 1)
        e->recovered_count = 0;
    *out = e;
    return ERR_OK;
}

static int read_xml(libevtx_record_t *record, struct buf *xml, struct err *err)
{
    libevtx_error_t *error = NULL;
    size_t size = 0; /* with its NUL */
    if (libevtx_record_get_utf8_xml_string_size(record, &size, &error) != 1 || size == 0)
        return fail(err, ERR_SYNTAX, "libevtx cannot read this record", &error);
    if (size > EVTX_XML_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "this record's XML is longer than a record may be (16 MiB)");
    buf_reserve(xml, size);
    uint8_t *room = (uint8_t *)xml->data + xml->len;
    if (libevtx_record_get_utf8_xml_string(record, room, size, &error) != 1)
        return fail(err, ERR_SYNTAX, "libevtx cannot read this record", &error);
    xml->len += strnlen((const char *)room, size);
    return ERR_OK;
}

/* Remains that cannot be read are no loss: ERR_END when nothing readable is left. */
static int next_recovered(struct evtx *e, struct buf *xml, uint64_t *record_number, struct err *err)
{
    while (e->next < e->record_count + e->recovered_count) {
        libevtx_record_t *record = NULL;
        int index = e->next++ - e->record_count;
        if (libevtx_file_get_recovered_record_by_index(e->file, index, &record, NULL) != 1)
            continue;
        if (libevtx_record_get_identifier(record, record_number, NULL) != 1)
            *record_number = 0;
        size_t before = xml->len;
        int rc = read_xml(record, xml, NULL);
        (void)libevtx_record_free(&record, NULL);
        if (rc == ERR_OK)
            return ERR_OK;
        xml->len = before;
    }
    return err_set(err, ERR_END, "no more records");
}

int evtx_next(struct evtx *e, struct buf *xml, uint64_t *record_number, struct err *err)
{
    libevtx_error_t *error = NULL;
    libevtx_record_t *record = NULL;
    *record_number = 0;
    if (e->next >= e->record_count)
        return next_recovered(e, xml, record_number, err);
    if (libevtx_file_get_record_by_index(e->file, e->next++, &record, &error) != 1)
        return fail(err, ERR_SYNTAX, "libevtx cannot read this record", &error);
    if (libevtx_record_get_identifier(record, record_number, NULL) != 1)
        *record_number = 0;
    int rc = read_xml(record, xml, err);
    (void)libevtx_record_free(&record, NULL);
    return rc;
}

bool evtx_damaged(const struct evtx *e)
{
    return e->damaged;
}

void evtx_close(struct evtx **e)
{
    if (!*e)
        return;
    if ((*e)->file) {
        (void)libevtx_file_close((*e)->file, NULL);
        (void)libevtx_file_free(&(*e)->file, NULL);
    }
    if ((*e)->io)
        (void)libbfio_handle_free(&(*e)->io, NULL);
    mem_free(*e);
    *e = NULL;
}
