/* The fixed commands of canh.yaml: started by their place in the list, as user canh-command, with a
 * message as standard input; output kept up to a cap, time limited, ended with all they started. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "program/folder.h"
#include "program/parent.h"

enum { NOT_STARTED = 1000, BY_SIGNAL = 256 };

struct parent_command {
    struct parent *parent;
    uint64_t id, until_ns;
    uint32_t index;
    pid_t pid;
    int input_fd, output_fd; /* our ends; -1: closed */
    uv_poll_t input_poll, output_poll;
    struct buf input, output;
    size_t input_sent, output_max;
    int handles;
    bool done;
};

static void ran_send(struct parent *p, uint64_t id, uint32_t code, struct slice output)
{
    struct buf payload = {0};
    bytes_put_u32(&payload, code);
    message_put_long(&payload, output);
    parent_role_send(parent_engine(p), MESSAGE_RAN, id, buf_as_slice(&payload), NULL, 0);
    buf_free(&payload);
    metric_add(&p->metrics[code ? PARENT_RUN_FAILURES : PARENT_RUNS], 1);
}

static void command_free_if_done(struct parent_command *c)
{
    if (c->handles > 0 || !c->done)
        return;
    buf_free(&c->input);
    buf_free(&c->output);
    mem_free(c);
}

static void handle_closed(uv_handle_t *handle)
{
    struct parent_command *c = handle->data;
    c->handles--;
    command_free_if_done(c);
}

static void end_close(int *fd, uv_poll_t *poll)
{
    if (*fd < 0)
        return;
    uv_close((uv_handle_t *)poll, handle_closed);
    (void)close(*fd); /* the loop has forgotten it by now */
    *fd = -1;
}

static void input_ready(uv_poll_t *poll, int status, int events)
{
    struct parent_command *c = poll->data;
    (void)status;
    (void)events;
    size_t left = c->input.len - c->input_sent;
    ssize_t wrote = left ? write(c->input_fd, c->input.data + c->input_sent, left) : 0;
    if (wrote > 0)
        c->input_sent += (size_t)wrote;
    bool again = wrote < 0 && (errno == EAGAIN || errno == EINTR);
    if (!again && (wrote < 0 || c->input_sent == c->input.len))
        end_close(&c->input_fd, &c->input_poll);
}

/* What is beyond the cap is read, so that the program goes on, and forgotten. */
static bool output_read(struct parent_command *c)
{
    char room[4096];
    ssize_t got = read(c->output_fd, room, sizeof(room));
    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    size_t free_bytes = c->output_max - c->output.len;
    buf_append(&c->output, room, (size_t)got < free_bytes ? (size_t)got : free_bytes);
    return got > 0;
}

static void output_ready(uv_poll_t *poll, int status, int events)
{
    struct parent_command *c = poll->data;
    (void)status;
    (void)events;
    if (!output_read(c))
        end_close(&c->output_fd, &c->output_poll);
}

static int pipe_make(int ends[2], bool ours_is_write, struct err *err)
{
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_set_errno(err, errno, "cannot make a pipe for a command");
    int ours = ends[ours_is_write ? 1 : 0];
    (void)fcntl(ours, F_SETFL, fcntl(ours, F_GETFL) | O_NONBLOCK);
    return ERR_OK;
}

static void poll_begin(struct parent_command *c, uv_poll_t *poll, int fd, int events,
                       uv_poll_cb ready)
{
    check(uv_poll_init(&c->parent->loop, poll, fd) == 0);
    poll->data = c;
    c->handles++;
    check(uv_poll_start(poll, events, ready) == 0);
}

static int command_start(struct parent_command *c, const struct config_command *command,
                         struct err *err)
{
    const char *arguments[PROC_ARGS_MAX + 1] = {0};
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    struct proc_start start = {
        .arguments = arguments, .new_session = true, .ends_with_parent = true};
    if (command->run.count > PROC_ARGS_MAX)
        return err_set(err, ERR_LIMIT, "it has more than %d arguments", PROC_ARGS_MAX);
    for (uint32_t i = 0; i < command->run.count; i++)
        arguments[i] = command->run.items[i].data;
    start.path = arguments[0];
    int rc = folder_user(c->parent->config, "-command", &start.user, err);
    if (rc == ERR_OK)
        rc = pipe_make(in, true, err);
    if (rc == ERR_OK)
        rc = pipe_make(out, false, err);
    start.input = in[0];
    start.output = out[1];
    if (rc == ERR_OK)
        rc = proc_start(&start, &c->pid, err);
    int theirs[2] = {in[0], out[1]};
    for (int i = 0; i < 2; i++)
        if (theirs[i] >= 0)
            (void)close(theirs[i]);
    c->input_fd = in[1];
    c->output_fd = out[0];
    if (rc == ERR_OK) {
        poll_begin(c, &c->input_poll, c->input_fd, UV_WRITABLE, input_ready);
        poll_begin(c, &c->output_poll, c->output_fd, UV_READABLE, output_ready);
        return ERR_OK;
    }
    for (int i = 0; i < 2; i++)
        if ((i ? out[0] : in[1]) >= 0)
            (void)close(i ? out[0] : in[1]);
    return rc;
}

static struct parent_command **free_place(struct parent *p)
{
    for (int i = 0; i < PARENT_COMMANDS_MAX; i++)
        if (!p->commands[i])
            return &p->commands[i];
    return NULL;
}

void parent_command_run(struct parent *p, uint64_t id, uint32_t index, struct slice input)
{
    struct parent_command **place = free_place(p);
    struct err err;
    if (index >= p->config->commands.count || !place || p->stopping) {
        ran_send(p, id, NOT_STARTED,
                 place ? SLICE("there is no such command") : SLICE("too many commands run"));
        return;
    }
    const struct config_command *commands = p->config->commands.items;
    struct parent_command *c = mem_zeroed(1, sizeof(*c));
    *c = (struct parent_command){.parent = p,
                                 .id = id,
                                 .index = index,
                                 .input_fd = -1,
                                 .output_fd = -1,
                                 .output_max = commands[index].output_bytes};
    buf_slice(&c->input, input);
    if (command_start(c, &commands[index], &err) != ERR_OK) {
        log_say(LOG_WARNING, "command", "%.*s: %s", (int)commands[index].row.name.len,
                commands[index].row.name.data, err.text);
        ran_send(p, id, NOT_STARTED, slice_from(err.text));
        c->done = true;
        command_free_if_done(c);
        return;
    }
    c->until_ns = clock_monotonic_ns() + commands[index].timeout_ns;
    *place = c;
}

bool parent_command_reaped(struct parent *p, pid_t pid, int status)
{
    for (int i = 0; i < PARENT_COMMANDS_MAX; i++) {
        struct parent_command *c = p->commands[i];
        if (!c || c->pid != pid)
            continue;
        (void)kill(-pid, SIGKILL); /* what it left behind */
        while (c->output_fd >= 0 && c->output.len < c->output_max) {
            size_t before = c->output.len;
            if (!output_read(c) || c->output.len == before)
                break;
        }
        uint32_t code = WIFEXITED(status) ? (uint32_t)WEXITSTATUS(status)
                                          : BY_SIGNAL + (uint32_t)WTERMSIG(status);
        ran_send(p, c->id, code, buf_as_slice(&c->output));
        p->commands[i] = NULL;
        c->done = true;
        end_close(&c->input_fd, &c->input_poll);
        end_close(&c->output_fd, &c->output_poll);
        command_free_if_done(c);
        return true;
    }
    return false;
}

void parent_commands_tick(struct parent *p, uint64_t now_ns)
{
    for (int i = 0; i < PARENT_COMMANDS_MAX; i++)
        if (p->commands[i] && now_ns >= p->commands[i]->until_ns)
            (void)kill(-p->commands[i]->pid, SIGKILL);
}

void parent_commands_kill(struct parent *p)
{
    for (int i = 0; i < PARENT_COMMANDS_MAX; i++)
        if (p->commands[i])
            (void)kill(-p->commands[i]->pid, SIGKILL);
}
