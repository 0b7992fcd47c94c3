#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "program/cli.h"
#include "program/role_inject.h"
#include "program/role_process.h"
#include "program/role_setup.h"
#include "watch/peer.h"

enum { SETUP_MS_MAX = 30000 };

struct life { /* of the role that this process is */
    struct role_context context;
    const struct role_spec *spec;
    struct peer *parent;
    bool failed;
};

static void life_end(struct life *life)
{
    life->failed = true;
    uv_stop(&life->context.loop);
}

static void peer_message(struct life *life, struct wire_message *message)
{
    struct role_context *c = &life->context;
    struct bytes_in in = bytes_in(buf_as_slice(&message->payload));
    uint32_t role = bytes_take_u32(&in), instance = bytes_take_u32(&in);
    if (in.bad || bytes_left(&in) || role >= ROLES || message->fd_count != 1) {
        log_say(LOG_ERROR, "wire", "the parent's message PEER is not as it must be");
        life_end(life);
        return;
    }
    int fd = wire_take_fd(message, 0);
    if (c->on_peer)
        c->on_peer(c, (enum role)role, instance, fd);
    else
        (void)close(fd);
}

static void pong(struct life *life)
{
    struct buf metrics = {0}, payload = {0};
    struct err err;
    role_process_pack(&life->context, &metrics);
    message_put_long(&payload, buf_as_slice(&metrics));
    if (peer_send(life->parent, MESSAGE_PONG, 0, buf_as_slice(&payload), NULL, 0, &err) != ERR_OK)
        log_err(LOG_ERROR, "wire", &err);
    buf_free(&metrics);
    buf_free(&payload);
}

static void drain(struct role_context *c)
{
    if (c->draining)
        return;
    c->draining = true;
    if (c->on_drain)
        c->on_drain(c);
    else
        uv_stop(&c->loop);
}

static void on_message(void *context, struct peer *peer, struct wire_message *message)
{
    struct life *life = context;
    (void)peer;
    switch (message->type) {
    case MESSAGE_PING:
        pong(life);
        break;
    case MESSAGE_PEER:
        peer_message(life, message);
        break;
    case MESSAGE_DRAIN:
        drain(&life->context);
        break;
    default:
        if (life->context.on_message)
            life->context.on_message(&life->context, message);
    }
}

static void on_closed(void *context, struct peer *peer, const struct err *err)
{
    (void)peer;
    log_err(LOG_ERROR, "wire", err);
    life_end(context); /* without its parent a role is of no use */
}

static const struct peer_calls parent_calls = {on_message, on_closed};

static int setup_read(struct life *life, struct err *err)
{
    struct wire_message message = {0};
    int rc;
    do {
        rc = wire_wait(life->context.parent, &message, SETUP_MS_MAX, err);
        if (rc == ERR_OK)
            rc = role_setup_take(&life->context, &message, err);
    } while (rc == ERR_OK);
    wire_message_free(&message);
    return rc == ERR_END ? ERR_OK : rc;
}

static int sandbox_close(struct life *life, struct err *err)
{
    struct role_context *c = &life->context;
    struct sandbox_path paths[SANDBOX_PATHS_MAX];
    struct sandbox sandbox = {.may = life->spec->may,
                              .paths = paths,
                              .path_count = life->spec->paths(c, paths, SANDBOX_PATHS_MAX),
                              .without_landlock = getenv("CANH_WITHOUT_LANDLOCK") != NULL};
    struct proc_usage usage;
    proc_usage(&usage); /* opens what it reads later */
    int rc = sandbox_enter(&sandbox, &c->layers, err);
    if (rc != ERR_OK || c->layers == SANDBOX_LAYERS_ALL)
        return rc;
    struct buf layers = {0};
    sandbox_layers_text(c->layers, &layers);
    log_say(LOG_WARNING, "sandbox", "partial sandbox: only %s", buf_text(&layers));
    if (c->config->serve.sandbox_required)
        rc = err_set(err, ERR_UNSUPPORTED,
                     "partial sandbox (only %s), and serve.sandbox_required is true: use a kernel "
                     "with seccomp and Landlock, or set it to false",
                     buf_text(&layers));
    buf_free(&layers);
    return rc;
}

static int ready(struct life *life, struct err *err)
{
    struct buf payload = {0};
    bytes_put_u32(&payload, life->context.layers);
    int rc = peer_send(life->parent, MESSAGE_READY, 0, buf_as_slice(&payload), NULL, 0, err);
    buf_free(&payload);
    return rc;
}

static int life_begin(struct life *life, struct err *err)
{
    int rc = setup_read(life, err);
    if (rc != ERR_OK)
        return rc;
    struct role_context *c = &life->context;
    log_open(life->spec->name, config_log_level(c->config));
    rc = life->spec->open(c, err);
    if (rc == ERR_OK)
        rc = sandbox_close(life, err);
    if (rc != ERR_OK)
        return rc;
    role_inject(c);
    return ready(life, err);
}

static void failed_send(struct life *life, const struct err *err)
{
    struct buf payload = {0};
    log_err(LOG_ERROR, "start", err);
    message_put_long(&payload, slice_from(err->text));
    if (peer_send(life->parent, MESSAGE_FAILED, 0, buf_as_slice(&payload), NULL, 0, NULL) == ERR_OK)
        (void)!wire_flush(life->context.parent, NULL);
    buf_free(&payload);
}

static int life_run(struct life *life)
{
    struct role_context *c = &life->context;
    struct err err = {0};
    int rc = life_begin(life, &err);
    if (rc != ERR_OK) {
        failed_send(life, &err);
        return CLI_FAILURE;
    }
    rc = life->spec->run(c, &err);
    if (rc != ERR_OK)
        log_err(LOG_ERROR, "run", &err);
    life->spec->close(c);
    if (rc == ERR_OK && !c->draining && !life->failed)
        log_say(LOG_INFO, "end", "has done its work");
    return rc == ERR_OK && !life->failed ? CLI_OK : CLI_FAILURE;
}

/* Started by hand there is no parent to listen to. */
static bool has_parent(void)
{
    struct stat about;
    return fstat(PROC_FD_FIRST, &about) == 0 && S_ISSOCK(about.st_mode);
}

int cli_role(int argc, char **argv)
{
    static struct life life; /* too large for a stack */
    const struct role_spec *spec = argc == 2 ? role_of_name(argv[1]) : NULL;
    if (!spec || !spec->open || !has_parent()) {
        struct err err;
        (void)err_set(&err, ERR_USAGE, "roles are started by `canh serve`: run that");
        return cli_fail(CLI_USAGE, &err);
    }
    life = (struct life){.spec = spec};
    struct role_context *c = &life.context;
    c->role = (enum role)(spec - role_specs);
    c->shared_fd = -1;
    (void)umask(0027); /* group: who may read the state, who the store */
    check(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    mem_share_heaps();
    log_open(spec->name, LOG_INFO);
    check(uv_loop_init(&c->loop) == 0);
    life.parent = peer_open(&c->loop, PROC_FD_FIRST, &parent_calls, &life);
    c->parent = peer_wire(life.parent);
    int code = life_run(&life);
    peer_close(&life.parent);
    role_setup_free(c);
    return code;
}
