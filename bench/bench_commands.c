/* Speed of the node: start to ready, and durable commands by 100 writers through the control socket
 * of a real daemon: bench_commands CANH FOLDER [--json]. FOLDER is made, and should be on the disk
 * that is measured; the caller removes it. Started as root, the daemon runs as nobody. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "watch/message.h"
#include "state/command.h"

enum {
    WRITERS = 100,
    WIRES = 50, /* the control socket takes 64: two writers share one */
    MEASURED_S = 5,
    ANSWER_MS = 30000,
    READY_MS = 60000,
    TIMES_MAX = 1 << 20,
    NOBODY = 65534,
    PATH_BYTES = 1024
};

static char data[PATH_BYTES], control[PATH_BYTES], config[PATH_BYTES];
static uint64_t times_ns[TIMES_MAX];
static uint32_t done, sent; /* atomic */
static bool stops;          /* atomic */

static void row_print(bool json, const char *name, const char *unit, double value)
{
    if (json)
        (void)printf("{\"name\":\"%s\",\"unit\":\"%s\",\"value\":%.1f}\n", name, unit, value);
    else
        (void)printf("%-52s %12.1f %s\n", name, value, unit);
}

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "bench_commands: %s\n", what);
    exit(1);
}

static void path_make(char out[PATH_BYTES], const char *folder, const char *name)
{
    must(snprintf(out, PATH_BYTES, "%s%s", folder, name) < PATH_BYTES, "the path is too long");
}

static pid_t serve(const char *program)
{
    pid_t pid = fork();
    must(pid >= 0, "cannot start a process");
    if (pid > 0)
        return pid;
    int null = open("/dev/null", O_WRONLY);
    if (null < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
        _exit(100);
    if (geteuid() == 0 && (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY)))
        _exit(101);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) /* it ends with this program, whatever happens */
        _exit(103);
    execl(program, program, "serve", "--config", config, "--data", data, (char *)NULL);
    _exit(102);
}

static struct wire *client_open(void)
{
    struct err err;
    int fd;
    return wire_connect(control, &fd, &err) == ERR_OK ? wire_open(fd, -1) : NULL;
}

static bool command_send(struct wire *wire, uint64_t id, struct slice name,
                         const struct command_value *values, uint32_t count)
{
    struct buf packed = {0}, payload = {0};
    struct err err;
    command_pack(name, values, count, false, &packed);
    bytes_put_text(&payload, SLICE(""));
    bytes_put_text(&payload, SLICE(""));
    bytes_put_u32(&payload, 0);
    message_put_long(&payload, buf_as_slice(&packed));
    int rc = wire_send(wire, MESSAGE_CALL, id, buf_as_slice(&payload), NULL, 0, &err);
    buf_free(&packed);
    buf_free(&payload);
    return rc == ERR_OK;
}

/* The code of the next answer; *id: whose. */
static int answer_take(struct wire *wire, uint64_t *id)
{
    struct wire_message answer = {0};
    struct err err;
    int rc = wire_wait(wire, &answer, ANSWER_MS, &err);
    struct bytes_in in = bytes_in(buf_as_slice(&answer.payload));
    if (rc == ERR_OK)
        rc = (int)(int32_t)bytes_take_u32(&in);
    *id = answer.id;
    wire_message_free(&answer);
    return rc;
}

static void host_add(struct wire *wire, uint64_t writer, uint64_t *began_ns)
{
    char name[32];
    (void)snprintf(name, sizeof(name), "h%u", __atomic_fetch_add(&sent, 1, __ATOMIC_RELAXED));
    struct command_value values[2] = {{SLICE("name"), slice_from(name)},
                                      {SLICE("unit"), SLICE("bench")}};
    *began_ns = clock_monotonic_ns();
    must(command_send(wire, writer, SLICE("host.add"), values, 2), "a command cannot be sent");
}

/* Each writer sends its next command when the one before is acknowledged. */
static void *wire_run(void *context)
{
    struct wire *wire = client_open();
    uint64_t began_ns[WRITERS / WIRES], id;
    uint32_t under_way = WRITERS / WIRES;
    (void)context;
    must(wire != NULL, "the control socket takes no client");
    for (uint64_t i = 0; i < WRITERS / WIRES; i++)
        host_add(wire, i, &began_ns[i]);
    while (under_way > 0) {
        must(answer_take(wire, &id) == ERR_OK && id < WRITERS / WIRES, "a command failed");
        uint32_t number = __atomic_fetch_add(&done, 1, __ATOMIC_RELAXED);
        if (number < TIMES_MAX)
            times_ns[number] = clock_monotonic_ns() - began_ns[id];
        if (__atomic_load_n(&stops, __ATOMIC_RELAXED))
            under_way--;
        else
            host_add(wire, id, &began_ns[id]);
    }
    wire_close(&wire);
    return NULL;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Until the first command is done. Returns how long it took. */
static double first_command(uint64_t began_ns)
{
    struct command_value values[2] = {{SLICE("name"), SLICE("bench")},
                                      {SLICE("title"), SLICE("Bench")}};
    for (int i = 0; i < READY_MS; i++) {
        struct wire *wire = client_open();
        uint64_t id;
        int rc = wire && command_send(wire, 1, SLICE("unit.add"), values, 2)
                     ? answer_take(wire, &id)
                     : ERR_CLOSED;
        wire_close(&wire);
        if (rc == ERR_OK || rc == ERR_USAGE)
            return (double)(clock_monotonic_ns() - began_ns) / 1e6;
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    must(false, "the daemon does not start: run `canh serve` by hand to see why");
    return 0;
}

static void commands_measure(bool json)
{
    static pthread_t wires[WIRES];
    uint64_t began_ns = clock_monotonic_ns();
    for (int i = 0; i < WIRES; i++)
        must(pthread_create(&wires[i], NULL, wire_run, NULL) == 0, "cannot start a thread");
    (void)nanosleep(&(struct timespec){.tv_sec = MEASURED_S}, NULL);
    __atomic_store_n(&stops, true, __ATOMIC_RELAXED);
    for (int i = 0; i < WIRES; i++)
        must(pthread_join(wires[i], NULL) == 0, "cannot end a thread");
    double seconds = (double)(clock_monotonic_ns() - began_ns) / 1e9;
    uint32_t count = done < TIMES_MAX ? done : TIMES_MAX;
    must(count > 0, "no command was done");
    qsort(times_ns, count, sizeof(times_ns[0]), by_number);
    row_print(json, "durable commands by 100 writers, daemon", "per second", done / seconds);
    row_print(json, "one of them, median", "ms", (double)times_ns[count / 2] / 1e6);
    row_print(json, "one of them, 99 of 100 within", "ms",
              (double)times_ns[(uint64_t)count * 99 / 100] / 1e6);
}

static void folder_make(const char *folder)
{
    static const char text[] = "web:\n  listen: 127.0.0.1:0\n";
    must(mkdir(folder, 0755) == 0, "cannot make the folder");
    path_make(data, folder, "/data");
    path_make(control, folder, "/data/control.sock");
    path_make(config, folder, "/canh.yaml");
    must(mkdir(data, 0700) == 0, "cannot make the data folder");
    FILE *file = fopen(config, "wb");
    must(file && fwrite(text, 1, sizeof(text) - 1, file) == sizeof(text) - 1 && fclose(file) == 0,
         "cannot write canh.yaml");
    if (geteuid() == 0)
        must(chown(data, NOBODY, NOBODY) == 0 && chown(config, NOBODY, NOBODY) == 0,
             "cannot give the folder to nobody");
}

int main(int argc, char **argv)
{
    bool json = argc == 4 && strcmp(argv[3], "--json") == 0;
    int status;
    must(argc == 3 || json, "usage: bench_commands CANH FOLDER [--json]");
    folder_make(argv[2]);
    uint64_t began_ns = clock_monotonic_ns();
    pid_t node = serve(argv[1]);
    row_print(json, "first start (keys, folders) to first command", "ms", first_command(began_ns));
    commands_measure(json);
    (void)kill(node, SIGTERM);
    must(waitpid(node, &status, 0) == node && WIFEXITED(status) && WEXITSTATUS(status) == 0,
         "the daemon did not end in order");
    began_ns = clock_monotonic_ns();
    node = serve(argv[1]);
    row_print(json, "start to first command", "ms", first_command(began_ns));
    (void)kill(node, SIGTERM);
    (void)waitpid(node, &status, 0);
    return 0;
}
