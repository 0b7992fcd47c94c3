/* Files that are part of the program (cmake/embed.cmake writes the tables). */
#pragma once
#include <stddef.h>

struct embedded_file {
    const char *name; /* NULL: end of the table */
    const char *data;
    size_t size_bytes;
};

extern const struct embedded_file embedded_mappings[];
extern const struct embedded_file embedded_evidence[];
extern const struct embedded_file embedded_pages[];
