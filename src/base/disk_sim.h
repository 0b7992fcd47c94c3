/* A simulated disk, in memory, for tests: it tears, loses, refuses and rots as told, and repeats
 * itself from its seed. It is used through disk.h; below is what only a test calls.
 *
 * A power cut: of every file any subset of the 512-byte sectors written since its newest sync
 * survives (one that was written twice may survive as either), its size is the synced one, the
 * newest or one between; of the folders' changes (create, rename, remove, make) since the newest
 * sync of their folder any subset survives; a rename happens or does not; what is in a folder that
 * did not survive is gone. After the cut every call fails with ERR_CLOSED until disk_sim_restart;
 * files opened before it stay dead.
 *
 * Changing calls (enum below, all before DISK_SIM_READ) are numbered: between two of them nothing
 * differs, so these are all the points where a cut can fall.
 * Threads: any (one lock); a run repeats only when its calls come in one order. Limits: what fits
 * in memory. */
#pragma once
#include "base/disk.h"

enum { DISK_SIM_SECTOR_BYTES = 512, DISK_SIM_CLASSES_MAX = 256 };

enum disk_sim_call {
    DISK_SIM_CREATE,
    DISK_SIM_WRITE,
    DISK_SIM_SYNC,
    DISK_SIM_RESIZE,
    DISK_SIM_RESERVE,
    DISK_SIM_RENAME,
    DISK_SIM_REMOVE,
    DISK_SIM_MAKE_FOLDER,
    DISK_SIM_SYNC_FOLDER,
    DISK_SIM_READ,
    DISK_SIM_CALLS,
};

struct disk *disk_sim_open(uint64_t seed); /* empty, no faults */
void disk_sim_close(struct disk **disk);   /* after all its files */

/* Cuts the power in the n-th changing call from now (1: the next), which may be done in part, or
 * not, or whole; 0: not at all. */
void disk_sim_cut_at(struct disk *disk, uint64_t n);
bool disk_sim_is_cut(struct disk *disk);
enum disk_sim_end {
    DISK_SIM_POWER, /* what was not synced is in doubt */
    DISK_SIM_KILL,  /* the process only: all that was written is there, synced or not as before */
};
/* What survived, to be opened again; faults that still wait (cut, fail, lie) are called off, the
 * capacity and the mutations stay. Without a cut before, now is the moment. */
void disk_sim_restart(struct disk *disk, enum disk_sim_end end);

/* The n-th call of this kind from now (1: the next; 0: none) fails with ERR_IO. A write may have
 * been done in part. Of a sync's data each sector is written, or kept for the next sync, or lost
 * although readable until a cut: as Linux does, and the next sync says that all is well. */
void disk_sim_fail_at(struct disk *disk, enum disk_sim_call call, uint64_t n);
/* The next n syncs of files and folders say that all is well and do nothing. */
void disk_sim_lie(struct disk *disk, uint64_t n);
/* Room for the files together, in whole sectors; writes past it fail with ERR_FULL, some after a
 * part. 0: without end. */
void disk_sim_capacity(struct disk *disk, uint64_t bytes);
uint64_t disk_sim_used(struct disk *disk);
/* Flips one bit (of byte bit / 8) of a file as it lies on the disk and as it is read. False: no
 * such file, or not so long. */
bool disk_sim_flip(struct disk *disk, const char *path, uint64_t bit);
/* The same with a bit of a file that match (a glob as in fnmatch, on the whole path) fits, both
 * drawn from the seed; out takes the path. False: there is no such file with contents. */
bool disk_sim_rot(struct disk *disk, const char *match, struct buf *out);

/* Mutations: calls that are said to be done and are not. A call's class is its kind and its path
 * (of a rename: the new one) with every decimal number and every hex one of 8 digits or more as one
 * '#', as "sync journal/#.wal"; what is a glob on classes, "sync *" for all syncs of files. Kinds:
 * create write sync resize reserve rename remove make_folder sync_folder (of the root:
 * "sync_folder ."). NULL: none any more; several add up. Creating and making folders cannot be left
 * out. */
void disk_sim_mutate(struct disk *disk, const char *what);
/* The distinct classes of changing calls seen so far, in the order of their first call: to leave
 * out the k-th, mutate with its text. NULL past the last one. */
const char *disk_sim_class(struct disk *disk, size_t k);

uint64_t disk_sim_count(struct disk *disk, enum disk_sim_call call); /* calls so far */
uint64_t disk_sim_changes(struct disk *disk);                        /* changing calls so far */
/* A number made of all that is on it, synced and not: equal runs have equal ones. */
uint64_t disk_sim_fingerprint(struct disk *disk);
