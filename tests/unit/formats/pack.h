/* Archives made in memory for tests. The caller frees out. */
#pragma once
#include <archive.h>
#include <archive_entry.h>

#include "base/mem.h"
#include "base/str.h"

struct pack_member {
    const char *name;
    struct slice data;
};

static inline la_ssize_t pack_append(struct archive *a, void *context, const void *data, size_t len)
{
    (void)a;
    buf_append(context, data, len);
    return (la_ssize_t)len;
}

/* format: "zip", "ustar" or "raw" (one member); filter: "gzip", "zstd", "xz", "bzip2" or NULL. */
static inline void pack(struct buf *out, const char *format, const char *filter,
                        const char *password, const struct pack_member *members, size_t count)
{
    struct archive *a = archive_write_new();
    check(archive_write_set_format_by_name(a, format) == ARCHIVE_OK);
    if (filter)
        check(archive_write_add_filter_by_name(a, filter) == ARCHIVE_OK);
    if (password) {
        check(archive_write_set_options(a, "zip:encryption=zipcrypt") == ARCHIVE_OK);
        check(archive_write_set_passphrase(a, password) == ARCHIVE_OK);
    }
    (void)archive_write_set_bytes_in_last_block(a, 1);
    check(archive_write_open(a, out, NULL, pack_append, NULL) == ARCHIVE_OK);
    for (size_t i = 0; i < count; i++) {
        struct archive_entry *entry = archive_entry_new();
        archive_entry_set_pathname(entry, members[i].name);
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0600);
        archive_entry_set_size(entry, (la_int64_t)members[i].data.len);
        check(archive_write_header(a, entry) == ARCHIVE_OK);
        check(archive_write_data(a, members[i].data.data, members[i].data.len) ==
              (la_ssize_t)members[i].data.len);
        archive_entry_free(entry);
    }
    check(archive_write_free(a) == ARCHIVE_OK);
}
