/* Doctor: what a node needs of its machine, looked at one by one. Each check gives lines: good,
 * warning or bad, with what mends it.
 *
 * Shared by doctor*.c and cli_doctor.c. Threads: the main one. */
#pragma once
#include "watch/config.h"

enum doctor_grade { DOCTOR_GOOD, DOCTOR_WARNING, DOCTOR_BAD };
struct doctor {
    const struct config *config;
    const char *data;     /* folder */
    const char *settings; /* canh.yaml, or NULL */
    bool has_daemon, vietnamese, json;
    uint64_t counts[3]; /* by grade */
    struct buf out;
};
/* Both texts take the same arguments in the same order. subject: one word, the same in all
 * languages. */
void doctor_say(struct doctor *d, enum doctor_grade grade, const char *subject, const char *english,
                const char *vietnamese, ...) PRINTF_LIKE(4, 6) PRINTF_LIKE(5, 6);
void doctor_err(struct doctor *d, const char *subject, const struct err *err); /* bad */

/* doctor_machine.c */
void doctor_clock(struct doctor *d);
void doctor_disk(struct doctor *d);
void doctor_sandbox(struct doctor *d);
void doctor_limits(struct doctor *d);
/* doctor_node.c */
void doctor_folders(struct doctor *d);
void doctor_users(struct doctor *d);
void doctor_ports(struct doctor *d);
void doctor_certificates(struct doctor *d);
