#include "watch/intake_file.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "watch/intake_followed.h"

#define POLL_NS  ((uint64_t)CLOCK_SECOND_NS / 5)
#define OLD_NS   ((uint64_t)2 * CLOCK_SECOND_NS)  /* whoever wrote it has gone on to the next */
#define GONE_NS  ((uint64_t)10 * CLOCK_SECOND_NS) /* it was removed, and nobody writes it */
#define FOR_EVER UINT64_MAX
#define WAIT_NS  ((uint64_t)10 * CLOCK_SECOND_NS)

struct intake_files {
    const struct live *live;
    struct intake_shared *shared;
    struct intake_lane *judge;
    pthread_mutex_t mutex;
    struct followed_file *inbox; /* under mutex */
    uint32_t inbox_count;
    struct followed *first; /* the thread's */
    uint64_t refused_term;  /* of an engine with other rules: it takes nothing */
    uint32_t count;         /* under mutex */
    pthread_t thread;
    bool is_started;
    atomic_bool is_stopped;
};

struct intake_files *intake_files_open(const struct live *live, struct intake_shared *shared)
{
    struct intake_files *files = mem_zeroed(1, sizeof(*files));
    files->live = live;
    files->shared = shared;
    files->inbox = mem_zeroed(INTAKE_FILES_MAX, sizeof(*files->inbox));
    check(pthread_mutex_init(&files->mutex, NULL) == 0);
    return files;
}

void intake_files_add(struct intake_files *files, const struct followed_file *file)
{
    bool fits;
    check(pthread_mutex_lock(&files->mutex) == 0);
    fits = files->inbox_count < INTAKE_FILES_MAX;
    if (fits) {
        struct followed_file *in = &files->inbox[files->inbox_count++];
        *in = *file;
        in->source = mem_copy_text(file->source, strlen(file->source));
        in->path = mem_copy_text(file->path, strlen(file->path));
    }
    check(pthread_mutex_unlock(&files->mutex) == 0);
    if (!fits)
        (void)close(file->fd);
}

uint32_t intake_files_count(struct intake_files *files)
{
    check(pthread_mutex_lock(&files->mutex) == 0);
    uint32_t count = files->count;
    check(pthread_mutex_unlock(&files->mutex) == 0);
    return count;
}

/* ---- the thread: which files there are ---- */

static void count_add(struct intake_files *files, int add)
{
    check(pthread_mutex_lock(&files->mutex) == 0);
    files->count = (uint32_t)((int)files->count + add);
    check(pthread_mutex_unlock(&files->mutex) == 0);
}

static void name_set(struct followed *f, const char *path)
{
    mem_free(f->path);
    f->path = mem_copy_text(path, strlen(path));
    f->file.name = f->path;
}

static struct followed *file_with(struct intake_files *files, const struct followed_file *in)
{
    struct followed *f = files->first;
    while (f && (f->device != in->device || f->inode != in->inode || f->is_gone))
        f = f->next_file;
    return f;
}

static struct followed *file_at(struct intake_files *files, const char *path)
{
    struct followed *f = files->first;
    while (f && (f->is_old || strcmp(f->path, path) != 0))
        f = f->next_file;
    return f;
}

static void file_begin(struct intake_files *files, struct followed_file *in)
{
    const struct live_source *source = live_source(files->live, slice_from(in->source));
    if (!source || files->count >= INTAKE_FILES_MAX) {
        log_say(LOG_WARNING, "follow", "%s is not followed: %s", in->path,
                source ? "too many files are" : "its source is not in canh.yaml");
        (void)close(in->fd);
        return;
    }
    struct followed *f = mem_zeroed(1, sizeof(*f)), **end = &files->first;
    f->source = source;
    f->fd = in->fd;
    f->device = in->device;
    f->inode = in->inode;
    name_set(f, in->path);
    f->older = file_at(files, in->path);
    if (f->older)
        f->older->is_old = true;
    while (*end)
        end = &(*end)->next_file;
    *end = f;
    count_add(files, 1);
}

static void file_take(struct intake_files *files, struct followed_file *in)
{
    struct followed *known = file_with(files, in);
    if (!known) {
        file_begin(files, in);
        return;
    }
    (void)close(in->fd);
    if (strcmp(known->path, in->path) == 0)
        return;
    name_set(known, in->path);
    known->is_renamed = true;
    known->is_old = false;
}

static void inbox_take(struct intake_files *files)
{
    for (;;) {
        struct followed_file in;
        check(pthread_mutex_lock(&files->mutex) == 0);
        bool any = files->inbox_count > 0;
        if (any) {
            in = files->inbox[0];
            memmove(files->inbox, files->inbox + 1, --files->inbox_count * sizeof(*files->inbox));
        }
        check(pthread_mutex_unlock(&files->mutex) == 0);
        if (!any)
            return;
        file_take(files, &in);
        mem_free(in.source);
        mem_free(in.path);
    }
}

/* Those that wait for it need not any more. */
static void older_forget(struct intake_files *files, const struct followed *f)
{
    for (struct followed *other = files->first; other; other = other->next_file)
        if (other->older == f)
            other->older = NULL;
}

static void file_remove(struct intake_files *files, struct followed *f)
{
    struct followed **at = &files->first;
    while (*at != f)
        at = &(*at)->next_file;
    *at = f->next_file;
    older_forget(files, f);
    followed_free(&f);
    count_add(files, -1);
}

/* ---- the thread: reading ---- */

static int file_judge(struct intake_files *files, struct followed *f, bool always)
{
    struct err err = {0};
    struct intake_block block = {.source = f->source,
                                 .file = &f->file,
                                 .split = always ? NULL : f->split,
                                 .told = f->told,
                                 .received_ns = clock_now_ns(),
                                 .wait_ns = WAIT_NS,
                                 .retries_ns = FOR_EVER,
                                 .cursors = followed_cursors,
                                 .context = f,
                                 .always = always};
    int rc = intake_lane_run(files->judge, &block, &err);
    if (rc && rc != ERR_CANCELED && rc != ERR_CLOSED)
        log_err(LOG_ERROR, "follow", &err);
    if (rc == ERR_UNSUPPORTED)
        files->refused_term = f->term;
    if (rc)
        f->term = 0; /* goes on where the engine says */
    return rc;
}

/* Its cursor alone: it has another name, or it goes. */
static bool cursor_send(struct intake_files *files, struct followed *f)
{
    struct input_block *block = intake_lane_block(files->judge);
    f->next = f->at;
    f->block = block;
    f->gone = 0;
    if (file_judge(files, f, true))
        return false;
    f->is_renamed = false;
    older_forget(files, f);
    return true;
}

/* Nothing came: whether it is to be left. */
static bool has_ended(struct followed *f)
{
    uint64_t now_ns = clock_monotonic_ns();
    if (!f->quiet_ns)
        f->quiet_ns = now_ns;
    uint64_t quiet_ns = now_ns - f->quiet_ns;
    f->is_gone = quiet_ns >= GONE_NS && followed_is_unlinked(f);
    return (f->is_old && quiet_ns >= OLD_NS) || f->is_gone;
}

static void file_end(struct intake_files *files, struct followed *f)
{
    struct err err;
    int rc;
    do { /* what is unfinished is its last record */
        struct input_block *block = intake_lane_block(files->judge);
        rc = followed_read(f, block, true, &err);
        if (rc == ERR_OK && file_judge(files, f, false))
            return;
        if (rc == ERR_OK)
            followed_done(f);
    } while (rc == ERR_OK || rc == ERR_BUSY);
    if (f->is_gone && !f->is_old && !cursor_send(files, f))
        return;
    file_remove(files, f);
}

/* Says whether anything was read. */
static bool file_go_on(struct intake_files *files, struct followed *f)
{
    struct err err;
    if (f->older)
        return false;
    if (f->is_renamed && !cursor_send(files, f))
        return false;
    if (!f->file.format)
        followed_find_format(f);
    if (!f->file.format)
        return false;
    int rc = followed_read(f, intake_lane_block(files->judge), false, &err);
    if (rc == ERR_END) {
        if (has_ended(f))
            file_end(files, f);
        return false;
    }
    f->quiet_ns = 0;
    if (rc == ERR_OK && file_judge(files, f, false) == ERR_OK)
        followed_done(f);
    else if (rc != ERR_OK && rc != ERR_BUSY)
        log_err(LOG_ERROR, "follow", &err);
    return rc == ERR_OK || rc == ERR_BUSY;
}

static void *files_run(void *context)
{
    struct intake_files *files = context;
    files->judge = intake_lane_open(files->live, files->shared);
    while (!intake_shared_has_ended(files->shared) && !atomic_load(&files->is_stopped)) {
        bool any = false;
        inbox_take(files);
        uint64_t term = intake_shared_term(files->shared, 0, POLL_NS);
        for (struct followed *f = term ? files->first : NULL, *next; f; f = next) {
            next = f->next_file;
            if (atomic_load(&files->is_stopped) || files->refused_term == term)
                break;
            if (f->term != term)
                followed_resume(f, files->shared);
            f->term = term;
            any = file_go_on(files, f) || any;
        }
        if (!any)
            intake_shared_wait(files->shared, POLL_NS);
    }
    intake_lane_close(&files->judge);
    return NULL;
}

void intake_files_start(struct intake_files *files)
{
    check(pthread_create(&files->thread, NULL, files_run, files) == 0);
    files->is_started = true;
}

void intake_files_stop(struct intake_files *files)
{
    atomic_store(&files->is_stopped, true);
}

void intake_files_close(struct intake_files **out)
{
    struct intake_files *files = *out;
    if (!files)
        return;
    if (files->is_started)
        check(pthread_join(files->thread, NULL) == 0);
    for (uint32_t i = 0; i < files->inbox_count; i++) {
        (void)close(files->inbox[i].fd);
        mem_free(files->inbox[i].source);
        mem_free(files->inbox[i].path);
    }
    while (files->first)
        file_remove(files, files->first);
    check(pthread_mutex_destroy(&files->mutex) == 0);
    mem_free(files->inbox);
    mem_free(files);
    *out = NULL;
}
