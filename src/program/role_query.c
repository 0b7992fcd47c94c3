/* The query role: searches, exports and hunts over the store for whoever the engine says, with the
 * code of the command line; one at a time, results to the socket that came with the question. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "formats/json.h"
#include "program/cli_query.h"
#include "program/role.h"
#include "state/right.h"
#include "watch/bundle.h"
#include "watch/peer.h"

enum { QUERY_WORDS_MAX = 256, QUERY_ARGS_MAX = QUERY_WORDS_MAX + 64, QUERY_UNITS_MAX = 4096 };

struct question {
    struct caller caller;
    struct slice kind;
    struct slice words[QUERY_WORDS_MAX];
    uint32_t word_count, unit_count;
    bool vietnamese;
};

struct query_role {
    struct role_context *context;
    struct peer *engine;
    bool busy;
    uint64_t id; /* of the question that is being answered */
    struct question asked;
    uv_work_t work;
    int rc; /* how it ended */
    struct err err;
    struct data data;
    struct io_map bundle; /* of a hunt */
    const char *args[QUERY_ARGS_MAX];
    int arg_count;
    struct slice units[QUERY_UNITS_MAX];
    struct arena arena; /* of the newest question */
};

#define QUERIES_HELP "Searches, exports and hunts run."
static struct metric metrics[] = {
    {.name = "canh_queries_total", .labels = "result=\"done\"", .help = QUERIES_HELP},
    {.name = "canh_queries_total", .labels = "result=\"failed\"", .help = QUERIES_HELP},
    {.name = "canh_query_seconds", .kind = METRIC_HISTOGRAM, .help = "How long they took."},
};
enum { METRIC_DONE, METRIC_FAILED, METRIC_SECONDS, METRIC_LAST };

/* The store's own parts, one by one: state, credentials and keys stand in the same folder. */
uint32_t query_paths(const struct role_context *c, struct sandbox_path *paths, uint32_t max)
{
    static const char *const parts[] = {"STORE",          "lock",    "catalog.db", "catalog.db-wal",
                                        "catalog.db-shm", "journal", "segments",   "checkpoint",
                                        "notary",         "intel"};
    static char names[sizeof parts / sizeof parts[0]][DISK_PATH_BYTES_MAX];
    uint32_t count = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && count < max; i++) {
        (void)snprintf(names[i], sizeof names[i], "%s/%s", c->data, parts[i]);
        paths[count++] = (struct sandbox_path){.path = names[i]};
    }
    if (count < max)
        paths[count++] = (struct sandbox_path){.path = c->data, .names_only = true};
    if (count < max)
        paths[count++] = (struct sandbox_path){.path = "/usr/share/zoneinfo"};
    if (c->config->rules.mappings.len && count < max)
        paths[count++] = (struct sandbox_path){.path = c->config->rules.mappings.data};
    return count;
}

static int slice_by_text(const void *a, const void *b)
{
    return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

static int question_read(struct query_role *q, struct slice payload, struct question *out,
                         struct err *err)
{
    struct bytes_in in = bytes_in(payload);
    int rc = caller_unpack(&in, &q->arena, &out->caller, err);
    if (rc)
        return rc;
    out->unit_count = bytes_take_u16(&in);
    if (out->unit_count > QUERY_UNITS_MAX)
        return err_set(err, ERR_LIMIT, "a question names %u units, more than %d", out->unit_count,
                       QUERY_UNITS_MAX);
    for (uint32_t i = 0; i < out->unit_count; i++)
        q->units[i] = arena_copy(&q->arena, bytes_take_text(&in, UINT16_MAX));
    qsort(q->units, out->unit_count, sizeof(*q->units), slice_by_text);
    out->kind = bytes_take_text(&in, 16);
    out->word_count = bytes_take_u16(&in);
    if (out->word_count > QUERY_WORDS_MAX)
        return err_set(err, ERR_LIMIT, "a question has %u words, more than %d", out->word_count,
                       QUERY_WORDS_MAX);
    for (uint32_t i = 0; i < out->word_count; i++)
        out->words[i] = arena_copy(&q->arena, bytes_take_text(&in, UINT16_MAX));
    out->vietnamese = bytes_take_u32(&in) & CALL_VIETNAMESE;
    return in.bad || bytes_left(&in)
               ? err_set(err, ERR_SYNTAX, "a question of the engine is malformed")
               : ERR_OK;
}

static void arg_add(struct query_role *q, const char *arg)
{
    check(q->arg_count < QUERY_ARGS_MAX - 1);
    q->args[q->arg_count++] = arg;
    q->args[q->arg_count] = NULL;
}

/* Options that somebody else may give: none names a file. */
static bool option_allowed(struct slice kind, struct slice word)
{
    static const struct {
        const char *kind, *name;
    } allowed[] = {
        {NULL, "--from"},       {NULL, "--to"},        {NULL, "--partition"}, {NULL, "--timezone"},
        {NULL, "--output"},     {NULL, "-o"},          {"search", "--limit"}, {"search", "-n"},
        {"search", "--oldest"}, {"export", "--about"}, {"hunt", "--hunting"},
    };
    struct slice name = word;
    name = slice_cut(&name, '=');
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        if (slice_equal(name, slice_from(allowed[i].name)) &&
            (!allowed[i].kind || slice_equal(kind, slice_from(allowed[i].kind))))
            return true;
    return false;
}

static int words_check(const struct question *asked, struct err *err)
{
    bool options = true;
    for (uint32_t i = 0; i < asked->word_count; i++) {
        struct slice word = asked->words[i];
        if (slice_equal(word, SLICE("--")))
            options = false;
        else if (options && word.len > 1 && word.data[0] == '-' &&
                 !option_allowed(asked->kind, word))
            return err_set(err, ERR_USAGE, "%.*s cannot be given to the node: leave it out",
                           (int)slice_part(word, 0, 60).len, word.data);
        /* behind "--" a query may end so: a file of this machine is named with a folder */
        bool rule = slice_ends(word, SLICE(".yml")) || slice_ends(word, SLICE(".yaml"));
        if (rule && (options || slice_find_char(word, '/') != SLICE_NONE))
            return err_set(err, ERR_USAGE,
                           "the node reads no rule files of yours: ask for a hunt with its own "
                           "rules, or put the question as a query");
    }
    return ERR_OK;
}

static void args_make(struct query_role *q, const struct question *asked)
{
    const char *kind = arena_printf(&q->arena, "%.*s", (int)asked->kind.len, asked->kind.data).data;
    q->arg_count = 0;
    arg_add(q, kind);
    arg_add(q, "--quiet");
    arg_add(q, "--lang");
    arg_add(q, asked->vietnamese ? "vi" : "en");
    bool hunts = strcmp(kind, "hunt") == 0; /* with the bundle's mappings */
    if (!hunts && q->context->config->rules.mappings.len) {
        arg_add(q, "--mappings");
        arg_add(q, q->context->config->rules.mappings.data);
    }
    for (uint32_t i = 0; i < asked->word_count; i++)
        arg_add(
            q,
            arena_printf(&q->arena, "%.*s", (int)asked->words[i].len, asked->words[i].data).data);
}

/* The store is opened for each question: it may have been sealed, merged, restored meanwhile. */
static int store_find(struct query_role *q, struct err *err)
{
    struct store_options options = {.query_ns = (int64_t)q->context->config->store.query_ns};
    store_close(&q->data.store);
    return store_open(&q->data.store, q->context->data, &options, err);
}

static int question_run(struct query_role *q, const struct question *asked, struct err *err)
{
    static const struct {
        const char *kind;
        int (*run)(int argc, char **argv, const struct data *given);
    } kinds[] = {{"search", search_command}, {"export", export_command}, {"hunt", hunt_command}};
    int rc = words_check(asked, err);
    if (rc == ERR_OK)
        rc = store_find(q, err);
    if (rc)
        return rc;
    q->data.units = q->units;
    q->data.unit_count = asked->unit_count;
    q->data.scoped = !asked->caller.everywhere;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!slice_equal(asked->kind, slice_from(kinds[i].kind)))
            continue;
        char *argv[QUERY_ARGS_MAX]; /* option_parse keeps pointers, it changes nothing */
        struct err told = {0};
        args_make(q, asked);
        memcpy(argv, q->args, ((size_t)q->arg_count + 1) * sizeof(*argv));
        cli_catch(&told);
        int code = kinds[i].run(q->arg_count, argv, &q->data);
        cli_catch(NULL);
        *err = told;
        return code == CLI_OK || code == CLI_PROBLEMS ? ERR_OK : (told.code ? told.code : ERR_IO);
    }
    return err_set(err, ERR_USAGE, "there is no question of this kind");
}

/* The stream's last line: without it the result was cut. */
static void stream_end(int rc, const struct err *err)
{
    struct buf out = {0};
    struct json_writer w = {.out = &out};
    buf_string(&out, ASK_END);
    json_open_object(&w);
    json_key(&w, "error");
    if (rc)
        json_string(&w, slice_from(err->text));
    else
        json_null(&w);
    json_close_object(&w);
    buf_char(&out, '\n');
    (void)!io_write_all(STDOUT_FILENO, out.data, out.len, NULL);
    buf_free(&out);
}

static void answer(struct query_role *q, uint64_t id, int rc, const struct err *err)
{
    struct buf out = {0};
    struct err failed;
    bytes_put_u32(&out, (uint32_t)rc);
    bytes_put_text(&out, rc ? slice_from(err->text) : SLICE(""));
    bytes_put_u64(&out, 0);
    bytes_put_u64(&out, 0);
    if (peer_send(q->engine, MESSAGE_QUERIED, id, buf_as_slice(&out), NULL, 0, &failed) != ERR_OK)
        log_err(LOG_WARNING, "query", &failed);
    buf_free(&out);
}

/* On a thread of its own, so that the loop goes on answering its parent. */
static void question_work(uv_work_t *work)
{
    struct query_role *q = work->data;
    struct question *asked = &q->asked;
    uint64_t start_ns = clock_monotonic_ns();
    q->rc = question_run(q, asked, &q->err);
    stream_end(q->rc, &q->err);
    check(dup2(STDERR_FILENO, STDOUT_FILENO) == STDOUT_FILENO); /* lets the asker see the end */
    metric_add(&metrics[q->rc ? METRIC_FAILED : METRIC_DONE], 1);
    metric_observe(&metrics[METRIC_SECONDS], clock_monotonic_ns() - start_ns);
}

static void question_done(uv_work_t *work, int status)
{
    struct query_role *q = work->data;
    (void)status;
    q->busy = false;
    io_unmap(&q->bundle);
    answer(q, q->id, q->rc, &q->err);
    if (q->context->draining)
        uv_stop(&q->context->loop);
}

/* A hunt is by the rules of the moment in which it begins. */
static int bundle_take(struct query_role *q, int fd, struct err *err)
{
    io_unmap(&q->bundle);
    q->data.rules = SLICE("");
    if (!slice_equal(q->asked.kind, SLICE("hunt")))
        return ERR_OK;
    if (fd < 0)
        return err_set(err, ERR_SYNTAX, "a hunt came without the node's rules");
    int rc = io_map_descriptor(&q->bundle, fd, "the node's rules", BUNDLE_BYTES_MAX, err);
    q->data.rules = q->bundle.bytes;
    return rc;
}

static void question_take(struct query_role *q, struct wire_message *m)
{
    struct err err = {0};
    int fd = wire_take_fd(m, 0), bundle = m->fd_count > 1 ? wire_take_fd(m, 1) : -1;
    int rc = q->busy ? err_set(&err, ERR_BUSY, "another question is being answered") : ERR_OK;
    if (rc == ERR_OK) {
        arena_reset(&q->arena);
        rc = question_read(q, buf_as_slice(&m->payload), &q->asked, &err);
    }
    if (rc == ERR_OK)
        rc = bundle_take(q, bundle, &err);
    if (rc == ERR_OK && (fd < 0 || dup2(fd, STDOUT_FILENO) < 0))
        rc = err_set(&err, ERR_SYNTAX, "a question came without a place for its answer");
    if (fd >= 0)
        (void)close(fd);
    if (bundle >= 0)
        (void)close(bundle);
    if (rc) {
        answer(q, m->id, rc, &err);
        return;
    }
    q->busy = true;
    q->id = m->id;
    q->work.data = q;
    check(uv_queue_work(&q->context->loop, &q->work, question_work, question_done) == 0);
}

static void engine_said(void *context, struct peer *peer, struct wire_message *m)
{
    struct query_role *q = context;
    (void)peer;
    if (m->type == MESSAGE_QUERY)
        question_take(q, m);
}

static void engine_gone(void *context, struct peer *peer, const struct err *err)
{
    struct query_role *q = context;
    (void)peer;
    (void)err;
    peer_close(&q->engine);
}

static void query_peer(struct role_context *c, enum role role, uint32_t instance, int fd)
{
    static const struct peer_calls calls = {engine_said, engine_gone};
    struct query_role *q = c->own;
    (void)instance;
    if (role != ROLE_ENGINE) {
        (void)close(fd);
        return;
    }
    peer_close(&q->engine);
    q->engine = peer_open(&c->loop, fd, &calls, q);
}

static void query_drain(struct role_context *c)
{
    struct query_role *q = c->own;
    if (!q->busy)
        uv_stop(&c->loop);
}

int query_open(struct role_context *c, struct err *err)
{
    (void)err;
    struct query_role *q = mem_zeroed(1, sizeof(*q));
    q->context = c;
    q->data.config = c->config;
    q->data.path = c->data;
    c->own = q;
    c->on_peer = query_peer;
    c->on_drain = query_drain;
    c->metrics = metrics;
    c->metric_count = METRIC_LAST;
    return ERR_OK;
}

int query_role_run(struct role_context *c, struct err *err)
{
    (void)err;
    (void)uv_run(&c->loop, UV_RUN_DEFAULT);
    return ERR_OK;
}

void query_close_role(struct role_context *c)
{
    struct query_role *q = c->own;
    if (!q)
        return;
    peer_close(&q->engine);
    store_close(&q->data.store);
    io_unmap(&q->bundle);
    arena_free(&q->arena);
    mem_free(q);
    c->own = NULL;
}
