/* Machine: what there is on this machine to be watched, and why not where it cannot be: its systemd
 * journal, the logs of known programs, free ports, an sshd that people can try it with.
 *
 * Nothing is changed and nothing is connected to. Limits: MACHINE_LOGS_MAX. Threads: one.
 * Ownership: texts of a look live as long as it does; those of the table always. */
#pragma once
#include "base/arena.h"

#define MACHINE_LOG_FOLDER "/var/log"
enum { MACHINE_LOGS_MAX = 64, MACHINE_PORTS_TRIED = 20 };

enum machine_state {
    MACHINE_READABLE,
    MACHINE_MISSING,
    MACHINE_REFUSED, /* it is there and may not be read */
    MACHINE_TWICE    /* its lines stand in the journal, or in another log, too */
};

struct machine_log {
    const char *source; /* name of the row of sources it belongs to; several logs may have it */
    struct slice path;
    enum machine_state state;
    const char *twice_in; /* source that has the same lines */
    struct slice group;   /* whose members may read it; empty: only root may */
};

struct machine_look {
    struct machine_log logs[MACHINE_LOGS_MAX]; /* in the order of the table */
    uint32_t log_count;
    enum machine_state journal;
    struct slice journal_en, journal_vi; /* why it is not read, and what mends it */
    struct arena arena;
};

/* folder: NULL is MACHINE_LOG_FOLDER. journal: folder of one, or NULL: the machine's own. */
void machine_look_open(struct machine_look *out, const char *folder, const char *journal);
void machine_look_close(struct machine_look *look);
/* One file: sets state and group. */
void machine_look_file(struct machine_look *look, struct machine_log *log);
/* Why a log is not read and what mends it, as a sentence, appended. */
void machine_log_why(const struct machine_log *log, bool vietnamese, struct buf *out);

/* The first port of loopback from `first` on that is free for TCP (and for UDP, if asked for); 0:
 * none of MACHINE_PORTS_TRIED. */
uint16_t machine_port_free(uint16_t first, bool with_datagrams);
/* The port of loopback that an sshd listens on; 0: none that this user can see. */
uint16_t machine_port_of_sshd(void);
