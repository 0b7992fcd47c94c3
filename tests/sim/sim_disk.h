/* A disk that passes every call on to another and tells of changing ones before they are done, so
 * that a test can let other work happen between two calls of a seal. Threads: one. Ownership: it
 * borrows the other disk. */
#pragma once
#include "base/disk.h"

typedef void sim_disk_visit(void *context, const char *path);
struct disk *sim_disk_open(struct disk *inner, sim_disk_visit *visit, void *context);
void sim_disk_close(struct disk **disk);
