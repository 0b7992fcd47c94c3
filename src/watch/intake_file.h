/* Intake file: files that are followed as they grow. The parent opens them (MESSAGE_FILE); this
 * reads, judges and hands over, and each haul carries how far its file is read, so that events are
 * stored once, whatever is killed when.
 *
 * A file is known by device and inode and by its first bytes. One that was renamed is read to its
 * end before its successor is begun; one that became shorter, or begins otherwise, is read from its
 * beginning. An unfinished last line waits. Limits: INTAKE_FILES_MAX; a file has one haul on its
 * way at a time. Threads: one of its own; calls are the loop's. Ownership: borrows live and shared.
 */
#pragma once
#include "watch/intake_lane.h"
#include "watch/listener.h"

enum { INTAKE_FILES_MAX = 1024, INTAKE_FILE_HEAD_BYTES = 1024 };

struct intake_files;
struct intake_files *intake_files_open(const struct live *live, struct intake_shared *shared);
/* A file to be followed, or the one that took a path's place. Takes file->fd. */
void intake_files_add(struct intake_files *files, const struct followed_file *file);
void intake_files_start(struct intake_files *files); /* its thread begins */
void intake_files_stop(struct intake_files *files);  /* reads no more; what it has goes on */
/* After intake_shared_end: its thread ends. */
void intake_files_close(struct intake_files **files);
uint32_t intake_files_count(struct intake_files *files);
