#include "program/courier_output.h"

#include <pthread.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

enum { OUTPUT_ITEMS_MAX = 100000 };

struct courier_job {
    uint64_t id, engine; /* engine: which one gave it */
    struct buf payload;
    struct slice *items; /* of the payload */
    uint32_t count, refused;
    int rc;
    struct err err;
    struct courier_job *next;
};

struct courier_line {
    struct courier_outputs *outputs;
    const struct config_output *config;
    const struct courier_kind *kind;
    struct slice secret;
    pthread_t thread;
    /* under the outputs' mutex */
    pthread_cond_t changed;
    struct courier_job *waiting;
    int fd; /* a new file's; -1: none */
};

struct courier_outputs {
    struct role_context *context;
    courier_outputs_answer *answer;
    void *own;
    struct courier_line *lines;
    uint32_t count, under_way;
    uint64_t engine;
    uv_async_t ready;
    bool is_started;
    pthread_mutex_t mutex;
    bool is_ending;           /* under mutex, and what follows */
    struct courier_job *done; /* newest first */
};

static const struct courier_kind *const kinds[] = {&courier_syslog, &courier_elastic,
                                                   &courier_file};

static void job_free(struct courier_job *job)
{
    if (!job)
        return;
    buf_free(&job->payload);
    mem_free(job->items);
    mem_free(job);
}

/* ---- an output's thread ---- */

static struct courier_job *job_wait(struct courier_line *line, int *fd)
{
    struct courier_outputs *o = line->outputs;
    check(pthread_mutex_lock(&o->mutex) == 0);
    while (!line->waiting && !o->is_ending)
        check(pthread_cond_wait(&line->changed, &o->mutex) == 0);
    struct courier_job *job = line->waiting;
    line->waiting = NULL;
    *fd = line->fd;
    line->fd = -1;
    check(pthread_mutex_unlock(&o->mutex) == 0);
    return job;
}

static void *line_run(void *context)
{
    struct courier_line *line = context;
    struct courier_outputs *o = line->outputs;
    const struct courier_line_options options = {line->config, line->secret};
    void *own = line->kind->open(&options);
    struct courier_job *job;
    int fd;
    while ((job = job_wait(line, &fd))) {
        if (fd >= 0 && line->kind->file)
            line->kind->file(own, fd);
        else if (fd >= 0)
            (void)close(fd);
        const struct courier_batch batch = {job->items, job->count};
        job->rc = line->kind->send(own, &batch, &job->refused, &job->err);
        check(pthread_mutex_lock(&o->mutex) == 0);
        job->next = o->done;
        o->done = job;
        check(pthread_mutex_unlock(&o->mutex) == 0);
        (void)uv_async_send(&o->ready);
    }
    if (fd >= 0)
        (void)close(fd);
    line->kind->close(own);
    return NULL;
}

/* ---- the loop ---- */

static void on_ready(uv_async_t *async)
{
    struct courier_outputs *o = async->data;
    check(pthread_mutex_lock(&o->mutex) == 0);
    struct courier_job *job = o->done;
    o->done = NULL;
    check(pthread_mutex_unlock(&o->mutex) == 0);
    while (job) {
        struct courier_job *next = job->next;
        o->under_way--;
        bool told = job->engine == o->engine;
        struct slice why = job->rc || job->refused ? slice_from(job->err.text) : SLICE("");
        uint64_t id = told ? job->id : 0;
        o->answer(o->own, id, job->rc, job->refused, why);
        job_free(job);
        job = next;
    }
}

static struct courier_line *line_find(struct courier_outputs *o, struct slice name)
{
    for (uint32_t i = 0; i < o->count; i++)
        if (slice_equal(o->lines[i].config->row.name, name))
            return &o->lines[i];
    return NULL;
}

static int job_read(struct courier_job *job, struct slice *name, struct err *err)
{
    struct bytes_in in = bytes_in(buf_as_slice(&job->payload));
    *name = bytes_take_text(&in, CONFIG_NAME_BYTES_MAX);
    uint32_t count = bytes_take_u32(&in);
    if (!in.bad && count <= OUTPUT_ITEMS_MAX)
        job->items = mem_zeroed(count + 1u, sizeof(*job->items));
    while (job->items && !in.bad && job->count < count)
        job->items[job->count++] = message_take_long(&in, WIRE_BYTES_MAX);
    if (!job->items || in.bad || bytes_left(&in))
        return err_set(err, ERR_SYNTAX, "a batch of the engine is malformed");
    return ERR_OK;
}

int courier_outputs_take(struct courier_outputs *o, struct wire_message *message, struct err *err)
{
    struct courier_job *job = mem_zeroed(1, sizeof(*job));
    struct slice name;
    job->id = message->id;
    job->engine = o->engine;
    job->payload = message->payload;
    message->payload = (struct buf){0};
    int rc = job_read(job, &name, err);
    struct courier_line *line = rc ? NULL : line_find(o, name);
    if (rc == ERR_OK && !line)
        rc = err_set(err, ERR_NOT_FOUND, "canh.yaml has no output of this name: add it to outputs");
    if (rc) {
        job_free(job);
        return rc;
    }
    check(pthread_mutex_lock(&o->mutex) == 0);
    struct courier_job *replaced = line->waiting; /* of an engine that is gone */
    line->waiting = job;
    check(pthread_cond_signal(&line->changed) == 0);
    check(pthread_mutex_unlock(&o->mutex) == 0);
    o->under_way += replaced ? 0 : 1;
    job_free(replaced);
    return ERR_OK;
}

void courier_outputs_file(struct courier_outputs *o, struct wire_message *message)
{
    struct bytes_in in = bytes_in(buf_as_slice(&message->payload));
    struct courier_line *line = line_find(o, bytes_take_text(&in, CONFIG_NAME_BYTES_MAX));
    if (in.bad || !line || message->fd_count != 1)
        return;
    check(pthread_mutex_lock(&o->mutex) == 0);
    if (line->fd >= 0)
        (void)close(line->fd);
    line->fd = wire_take_fd(message, 0);
    check(pthread_mutex_unlock(&o->mutex) == 0);
}

void courier_outputs_forget(struct courier_outputs *o)
{
    o->engine++;
}

uint32_t courier_outputs_under_way(struct courier_outputs *o)
{
    return o ? o->under_way : 0;
}

/* ---- life ---- */

static const struct courier_kind *kind_of(const struct config_output *config)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (slice_equal(config->kind, slice_from(kinds[i]->name)))
            return kinds[i];
    return NULL; /* config_check refuses it */
}

/* Those that the parent opened before GO. */
static int file_of(struct role_context *c, struct slice name)
{
    for (uint32_t i = 0; i < c->file_count; i++) {
        struct followed_file *file = &c->files[i];
        if (!slice_equal(slice_from(file->source), name) || file->fd < 0)
            continue;
        int fd = file->fd;
        file->fd = -1;
        return fd;
    }
    return -1;
}

struct courier_outputs *courier_outputs_open(struct role_context *context,
                                             courier_outputs_answer *answer, void *own)
{
    const struct config_output *outputs = context->config->outputs.items;
    struct courier_outputs *o = mem_zeroed(1, sizeof(*o));
    *o = (struct courier_outputs){.context = context, .answer = answer, .own = own};
    check(pthread_mutex_init(&o->mutex, NULL) == 0);
    o->lines = mem_zeroed(context->config->outputs.count + 1u, sizeof(*o->lines));
    for (uint32_t i = 0; i < context->config->outputs.count; i++) {
        struct courier_line *line = &o->lines[o->count++];
        *line = (struct courier_line){.outputs = o,
                                      .config = &outputs[i],
                                      .kind = kind_of(&outputs[i]),
                                      .secret = context->output_secrets[i],
                                      .fd = file_of(context, outputs[i].row.name)};
        check(line->kind);
        check(pthread_cond_init(&line->changed, NULL) == 0);
    }
    return o;
}

void courier_outputs_start(struct courier_outputs *o)
{
    check(uv_async_init(&o->context->loop, &o->ready, on_ready) == 0);
    o->ready.data = o;
    for (uint32_t i = 0; i < o->count; i++)
        check(pthread_create(&o->lines[i].thread, NULL, line_run, &o->lines[i]) == 0);
    o->is_started = true;
}

static void threads_end(struct courier_outputs *o)
{
    check(pthread_mutex_lock(&o->mutex) == 0);
    o->is_ending = true;
    for (uint32_t i = 0; i < o->count; i++)
        check(pthread_cond_signal(&o->lines[i].changed) == 0);
    check(pthread_mutex_unlock(&o->mutex) == 0);
    for (uint32_t i = 0; i < o->count; i++)
        check(pthread_join(o->lines[i].thread, NULL) == 0);
    uv_close((uv_handle_t *)&o->ready, NULL);
    (void)uv_run(&o->context->loop, UV_RUN_NOWAIT); /* closed before its memory goes */
}

void courier_outputs_close(struct courier_outputs **outputs)
{
    struct courier_outputs *o = *outputs;
    if (!o)
        return;
    if (o->is_started)
        threads_end(o);
    while (o->done) {
        struct courier_job *job = o->done;
        o->done = job->next;
        job_free(job);
    }
    for (uint32_t i = 0; i < o->count; i++) {
        if (o->lines[i].fd >= 0)
            (void)close(o->lines[i].fd);
        job_free(o->lines[i].waiting);
        check(pthread_cond_destroy(&o->lines[i].changed) == 0);
    }
    check(pthread_mutex_destroy(&o->mutex) == 0);
    mem_free(o->lines);
    mem_free(o);
    *outputs = NULL;
}
