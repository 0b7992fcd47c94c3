/* Courier output: batches of rows for other systems (docs/outputs.md): each output has a thread of
 * its own, its connection stays open between batches, and one that does not answer holds up nothing
 * else.
 *
 * Limits: one batch under way and one that waits, an output; the engine gives the next when it has
 * the answer. Threads: the loop's but where said otherwise. Ownership: borrows the context. */
#pragma once
#include "program/role.h"

struct courier_outputs;
/* On the loop: what became of a batch: ERR_OK, or all of it again; refused: for good. */
typedef void courier_outputs_answer(void *context, uint64_t id, int rc, uint32_t refused,
                                    struct slice why);
struct courier_outputs *courier_outputs_open(struct role_context *context,
                                             courier_outputs_answer *answer, void *own);
/* Threads begin: behind the sandbox. */
void courier_outputs_start(struct courier_outputs *o);
void courier_outputs_close(struct courier_outputs **outputs); /* waits for what is under way */
/* MESSAGE_OUTPUT. Errors: nothing was taken. */
MUST_CHECK int courier_outputs_take(struct courier_outputs *o, struct wire_message *message,
                                    struct err *err);
/* MESSAGE_FILE: the next batch goes there. Takes the descriptor. */
void courier_outputs_file(struct courier_outputs *o, struct wire_message *message);
/* The engine is gone: what is under way is finished and not told. */
void courier_outputs_forget(struct courier_outputs *o);
uint32_t courier_outputs_under_way(struct courier_outputs *o);

/* ---- for courier_<kind>.c ---- */

struct courier_batch {
    const struct slice *items;
    uint32_t count;
};
struct courier_line_options {
    const struct config_output *config;
    struct slice secret;
};
/* A way out; its calls are of the output's thread. */
struct courier_kind {
    const char *name;
    void *(*open)(const struct courier_line_options *options);
    /* ERR_OK: the other side has all but *refused, of which err says why. Else nothing is known. */
    int (*send)(void *line, const struct courier_batch *batch, uint32_t *refused, struct err *err);
    void (*file)(void *line, int fd); /* takes it; NULL: it wants none */
    void (*close)(void *line);
};
extern const struct courier_kind courier_syslog, courier_elastic, courier_file;
