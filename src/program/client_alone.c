/* The engine, started for one command where no daemon runs: one writer's code, one recovery. */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "program/client_inside.h"
#include "program/spawn.h"
#include "watch/message.h"

#define END_WAIT_NS ((uint64_t)20 * 1000000000u)

int client_alone_start(struct client *client, struct err *err)
{
    int parent = -1, fd = -1;
    int rc = spawn_engine_alone(client->config, client->data, &client->engine, &parent, &fd, err);
    if (rc) {
        client->engine = 0;
        return rc;
    }
    client->parent = wire_open(parent, -1);
    client->wire = wire_open(fd, -1);
    return ERR_OK;
}

static bool ended(pid_t pid)
{
    int status;
    return waitpid(pid, &status, WNOHANG) == pid;
}

/* It closes its files in order; what does not end in time is killed: its commits are durable. */
void client_alone_end(struct client *client)
{
    struct err err;
    struct timespec pause = {.tv_nsec = 2000000};
    if (!client->engine)
        return;
    (void)!wire_send(client->parent, MESSAGE_DRAIN, 0, SLICE(""), NULL, 0, &err);
    (void)!wire_flush(client->parent, &err);
    uint64_t end_ns = clock_monotonic_ns() + END_WAIT_NS;
    while (!ended(client->engine)) {
        if (clock_monotonic_ns() > end_ns) {
            (void)kill(client->engine, SIGKILL);
            (void)waitpid(client->engine, NULL, 0);
            break;
        }
        (void)nanosleep(&pause, NULL);
    }
    wire_close(&client->parent);
    client->engine = 0;
}
