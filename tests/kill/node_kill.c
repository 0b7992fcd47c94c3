/* Kills roles of `canh serve`, or all of them, at random moments while clients send commands over
 * the control socket, and checks: what was acknowledged is there, each command is all or nothing,
 * the audit chain verifies, the roles come back.
 *
 * node_kill CANH: rounds by CANH_KILL_ROUNDS (15), seed by CANH_TEST_SEED. */
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "watch/message.h"
#include "state/audit.h"
#include "state/state.h"

enum {
    ROUNDS = 15,
    CLIENTS = 50,
    NUMBERS_MAX = 1 << 20, /* commands of all rounds */
    KILLS = 3,             /* a round */
    KILL_EVERY_MS = 400,
    ANSWER_MS = 10000,
    READY_S = 60,
    CHILDREN_MAX = 32,
    NOBODY = 65534,
    PATH_BYTES = 512
};

static char work[] = "/tmp/canh-node-kill-XXXXXX";
static char data[PATH_BYTES], control[PATH_BYTES], config[PATH_BYTES];
static const char *program;
static uint64_t seed = 1;
static bool acknowledged[NUMBERS_MAX];
static uint32_t newest; /* atomic */
static bool stops;      /* atomic */

static uint64_t draw(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

static void pause_ms(uint64_t ms)
{
    struct timespec wait = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    (void)nanosleep(&wait, NULL);
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *ftw)
{
    (void)about;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void fail(const char *what)
{
    char path[PATH_BYTES], text[8192];
    (void)fprintf(stderr, "%s; the end of the log:\n", what);
    (void)snprintf(path, sizeof(path), "%s/log", work);
    FILE *file = fopen(path, "rb");
    if (file) {
        (void)!fseek(file, -(long)sizeof(text), SEEK_END);
        size_t len = fread(text, 1, sizeof(text), file);
        (void)fwrite(text, 1, len, stderr);
        (void)fclose(file);
    }
    (void)nftw(work, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    exit(1);
}

/* ---- the daemon ---- */

static void child_run(void)
{
    char log[PATH_BYTES];
    (void)snprintf(log, sizeof(log), "%s/log", work);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
        _exit(100);
    /* It ends with this program, whatever happens. By setpriv, which can start what lies in a
     * folder that nobody else may enter. */
    if (geteuid() == 0)
        execlp("setpriv", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
               "--pdeathsig=KILL", program, "serve", "--config", config, "--data", data,
               (char *)NULL);
    else if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0)
        execl(program, program, "serve", "--config", config, "--data", data, (char *)NULL);
    _exit(102);
}

static pid_t serve(void)
{
    pid_t pid = fork();
    check(pid >= 0);
    if (pid == 0)
        child_run();
    return pid;
}

static uint32_t children(pid_t of, pid_t out[CHILDREN_MAX])
{
    char path[64], text[1024];
    uint32_t count = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)of, (int)of);
    FILE *file = fopen(path, "rb");
    if (!file)
        return 0;
    size_t len = fread(text, 1, sizeof(text), file);
    (void)fclose(file);
    struct slice rest = {text, len};
    while (rest.len > 0 && count < CHILDREN_MAX) {
        uint64_t pid;
        if (slice_to_u64(slice_trim(slice_cut(&rest, ' ')), &pid))
            out[count++] = (pid_t)pid;
    }
    return count;
}

/* ---- clients ---- */

/* ERR_OK: done and acknowledged. Else it was refused, or the wire broke: nobody knows. */
static int command_send(struct wire *wire, struct slice name, const struct command_value *values,
                        uint32_t count)
{
    struct buf packed = {0}, payload = {0};
    struct wire_message answer = {0};
    struct err err;
    command_pack(name, values, count, false, &packed);
    bytes_put_text(&payload, SLICE(""));
    bytes_put_text(&payload, SLICE(""));
    bytes_put_u32(&payload, 0);
    message_put_long(&payload, buf_as_slice(&packed));
    int rc = wire_send(wire, MESSAGE_CALL, 1, buf_as_slice(&payload), NULL, 0, &err);
    if (rc == ERR_OK)
        rc = wire_wait(wire, &answer, ANSWER_MS, &err);
    if (rc == ERR_OK) {
        struct bytes_in in = bytes_in(buf_as_slice(&answer.payload));
        rc = answer.type == MESSAGE_RESULT ? (int)(int32_t)bytes_take_u32(&in) : ERR_SYNTAX;
    }
    wire_message_free(&answer);
    buf_free(&packed);
    buf_free(&payload);
    return rc;
}

static struct wire *client_open(void)
{
    struct err err;
    int fd;
    return wire_connect(control, &fd, &err) == ERR_OK ? wire_open(fd, -1) : NULL;
}

static bool host_add(struct wire *wire)
{
    char name[32];
    uint32_t number = __atomic_fetch_add(&newest, 1, __ATOMIC_RELAXED);
    check(number < NUMBERS_MAX);
    (void)snprintf(name, sizeof(name), "h%u", number);
    struct command_value values[2] = {{SLICE("name"), slice_from(name)},
                                      {SLICE("unit"), SLICE("kill")}};
    int rc = command_send(wire, SLICE("host.add"), values, 2);
    if (rc == ERR_OK)
        acknowledged[number] = true;
    return rc == ERR_OK;
}

static void *client_run(void *context)
{
    struct wire *wire = NULL;
    (void)context;
    while (!__atomic_load_n(&stops, __ATOMIC_RELAXED)) {
        if (!wire)
            wire = client_open();
        if (wire && host_add(wire))
            continue;
        wire_close(&wire);
        pause_ms(20);
    }
    wire_close(&wire);
    return NULL;
}

/* Until a command is done again: the roles came back. */
static void await_ready(const char *when)
{
    for (int i = 0; i < READY_S * 10; i++) {
        struct wire *wire = client_open();
        bool done = wire && host_add(wire);
        wire_close(&wire);
        if (done)
            return;
        pause_ms(100);
    }
    fail(when);
}

static void first_unit(void)
{
    struct command_value values[2] = {{SLICE("name"), SLICE("kill")}, {SLICE("title"), SLICE("K")}};
    for (int i = 0; i < READY_S * 10; i++) {
        struct wire *wire = client_open();
        int rc = wire ? command_send(wire, SLICE("unit.add"), values, 2) : ERR_CLOSED;
        wire_close(&wire);
        if (rc == ERR_OK)
            return;
        pause_ms(100);
    }
    fail("the daemon does not start");
}

/* ---- what is to hold ---- */

static uint64_t number_of(struct database *db, const char *sql)
{
    struct err err;
    struct statement *s = statement_get(db, sql);
    check(statement_step(s, &err) == ERR_OK);
    uint64_t number = statement_column_u64(s, 0);
    statement_reset(s);
    return number;
}

static void problem(void *context, uint64_t id, const char *text)
{
    (void)context;
    (void)fprintf(stderr, "audit row %llu: %s\n", (unsigned long long)id, text);
}

static void chain_check(struct database *db)
{
    char path[PATH_BYTES + 32];
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    struct sign_key *key = NULL;
    struct audit_verified verified = {0};
    struct err err;
    (void)snprintf(path, sizeof(path), "%s/keys/node.key", data);
    check(sign_key_read(&key, path, &err) == ERR_OK);
    sign_key_public(key, public_key);
    sign_key_close(&key);
    if (audit_verify(db, public_key, SLICE(""), problem, NULL, &verified, &err) != ERR_OK)
        fail(err.text);
    if (verified.problems > 0 || !verified.is_signed)
        fail("the audit chain does not verify");
}

static void contents_check(void)
{
    struct database *db = NULL;
    struct err err;
    char name[32];
    uint32_t count = 0;
    if (state_read_open(&db, data, &err) != ERR_OK)
        fail(err.text);
    for (uint32_t i = 0; i < newest; i++) {
        if (!acknowledged[i])
            continue;
        struct statement *s = statement_get(db, "SELECT count(*) FROM host WHERE name = ?1");
        (void)snprintf(name, sizeof(name), "h%u", i);
        statement_text(s, 1, slice_from(name));
        check(statement_step(s, &err) == ERR_OK);
        if (statement_column_u64(s, 0) != 1)
            fail("a command that was acknowledged is lost");
        statement_reset(s);
        count++;
    }
    uint64_t hosts = number_of(db, "SELECT count(*) FROM host");
    uint64_t rows =
        number_of(db, "SELECT count(*) FROM audit WHERE command = 'host.add' AND code = 0");
    if (hosts != rows || hosts < count)
        fail("a command is done by half: hosts and their audit rows are not the same");
    chain_check(db);
    (void)printf("%u acknowledged, %llu done, %u sent\n", count, (unsigned long long)hosts, newest);
    database_close(&db);
}

/* ---- rounds ---- */

static void kill_one(pid_t *node)
{
    pid_t roles[CHILDREN_MAX];
    uint32_t count = children(*node, roles);
    int status;
    if (count > 0 && draw(3) > 0) {
        (void)kill(roles[draw(count)], SIGKILL);
        return;
    }
    (void)kill(*node, SIGKILL); /* its roles end with it */
    check(waitpid(*node, &status, 0) == *node);
    *node = serve();
}

static void round_run(pid_t *node)
{
    pthread_t clients[CLIENTS];
    pid_t roles[CHILDREN_MAX];
    stops = false;
    for (int i = 0; i < CLIENTS; i++)
        check(pthread_create(&clients[i], NULL, client_run, NULL) == 0);
    for (int i = 0; i < KILLS; i++) {
        pause_ms(draw(KILL_EVERY_MS));
        kill_one(node);
    }
    await_ready("the roles do not come back");
    __atomic_store_n(&stops, true, __ATOMIC_RELAXED);
    for (int i = 0; i < CLIENTS; i++)
        check(pthread_join(clients[i], NULL) == 0);
    uint32_t count = 0;
    for (int i = 0; i < READY_S * 10 && count < 3; i++) { /* engine, query, web */
        count = children(*node, roles);
        pause_ms(count < 3 ? 100 : 0);
    }
    if (count < 3)
        fail("a role that was killed does not come back");
    contents_check();
}

static void folders_make(void)
{
    static const char text[] = "web:\n  listen: 127.0.0.1:0\n";
    check(mkdtemp(work) && chmod(work, 0755) == 0);
    (void)snprintf(data, sizeof(data), "%s/data", work);
    (void)snprintf(control, sizeof(control), "%s/data/control.sock", work);
    (void)snprintf(config, sizeof(config), "%s/canh.yaml", work);
    check(mkdir(data, 0700) == 0);
    FILE *file = fopen(config, "wb");
    check(file && fwrite(text, 1, sizeof(text) - 1, file) == sizeof(text) - 1);
    check(fclose(file) == 0);
    if (geteuid() == 0)
        check(chown(work, NOBODY, NOBODY) == 0 && chown(data, NOBODY, NOBODY) == 0 &&
              chown(config, NOBODY, NOBODY) == 0);
}

int main(int argc, char **argv)
{
    const char *text = getenv("CANH_KILL_ROUNDS"), *seed_text = getenv("CANH_TEST_SEED");
    uint64_t rounds = ROUNDS;
    int status;
    check(argc == 2);
    program = argv[1];
    if (text)
        check(slice_to_u64(slice_from(text), &rounds));
    seed = clock_monotonic_ns() | 1;
    if (seed_text)
        check(slice_to_u64(slice_from(seed_text), &seed) && seed > 0);
    (void)printf("seed %llu\n", (unsigned long long)seed);
    (void)signal(SIGPIPE, SIG_IGN);
    folders_make();
    pid_t node = serve();
    first_unit();
    for (uint64_t i = 0; i < rounds; i++)
        round_run(&node);
    (void)kill(node, SIGTERM);
    check(waitpid(node, &status, 0) == node);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail("the daemon does not end in order");
    (void)nftw(work, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}
