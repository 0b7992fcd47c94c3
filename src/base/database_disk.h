/* SQLite on a struct disk: the VFS behind database.h for disks that are not real. Locks are kept
 * for this process only, one file's by any number of connections. For database*.c only. */
#pragma once
#include <sqlite3.h>

#include "base/disk.h"

struct database_disk;
/* What sqlite3_open_v2 is to be given by name (database_disk_name); lives at least as long as the
 * connection. */
struct database_disk *database_disk_open(struct disk *disk);
void database_disk_close(struct database_disk **d);
const char *database_disk_name(const struct database_disk *d);
/* The newest error that the disk gave, since SQLite hands on only that there was one: its code
 * (ERR_OK: none) into err, and forgotten. */
int database_disk_error(struct database_disk *d, struct err *err);
