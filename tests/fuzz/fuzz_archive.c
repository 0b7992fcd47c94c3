/* Archives: any bytes come to an end within the limits. First byte: with seeks or without. */
#include <stdlib.h>

#include "formats/archive.h"

enum { OUTPUT_BYTES = 8 << 20, MEMBERS = 200 };

struct memory {
    struct slice all;
    size_t at;
};

static int64_t memory_read(void *context, char *to, size_t room, struct err *err)
{
    struct memory *m = context;
    (void)err;
    struct slice part = slice_part(m->all, m->at, room);
    if (part.len > 0)
        memcpy(to, part.data, part.len);
    m->at += part.len;
    return (int64_t)part.len;
}

static int memory_seek(void *context, uint64_t offset, struct err *err)
{
    struct memory *m = context;
    if (offset > m->all.len)
        return err_set(err, ERR_IO, "past the end");
    m->at = (size_t)offset;
    return ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    static char room[65536];
    struct memory m = {{(const char *)data + 1, size - 1}, 0};
    struct archive_source source = {.context = &m,
                                    .read = memory_read,
                                    .seek = data[0] & 1 ? memory_seek : NULL,
                                    .size_bytes = size - 1};
    struct archive_stream *a;
    struct slice name;
    struct err err = {0};
    (void)archive_signature(m.all);
    int rc = archive_open(&a, &source, &err);
    size_t total = 0;
    for (int members = 0; rc == ERR_OK && members < MEMBERS && total < OUTPUT_BYTES; members++) {
        rc = archive_next(a, &name, &err);
        if (rc == ERR_UNSUPPORTED) {
            rc = ERR_OK;
            continue;
        }
        if (rc != ERR_OK)
            break;
        if (name.len >= ARCHIVE_NAME_BYTES_MAX || memchr(name.data, '\n', name.len))
            abort();
        int64_t got;
        while ((got = archive_read(a, room, sizeof(room), &err)) > 0 && total < OUTPUT_BYTES)
            total += (size_t)got;
        rc = got < 0 ? (int)got : ERR_OK;
    }
    if (rc != ERR_OK && err.text[0] == '\0')
        abort();
    archive_close(&a);
    return 0;
}
