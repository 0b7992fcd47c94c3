#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "watch/workers.h"

enum { LINES = 40000, HELD_MAX = 1000 };

/* What one run saw. Workers count the lines of a block and keep their numbers; the ordered stage
 * checks that they come one after the other. */
struct seen {
    struct input *input;
    uint64_t taken, last_parts, parts, idle;
    uint64_t stop_after; /* parts; 0: never */
    bool stop_idle;
    uint32_t jobs_open, workers_closed;
    uint64_t records_of_workers;
};

struct own {
    uint64_t first, count;
};

struct worker {
    uint64_t records;
};

static void *job_open(void *context)
{
    ((struct seen *)context)->jobs_open++;
    return mem_zeroed(1, sizeof(struct own));
}

static void job_close(void *context, void *own)
{
    ((struct seen *)context)->jobs_open--;
    mem_free(own);
}

static void *worker_open(void *context)
{
    (void)context;
    return mem_zeroed(1, sizeof(struct worker));
}

static void worker_close(void *context, void *opaque)
{
    struct seen *seen = context;
    struct worker *worker = opaque;
    seen->workers_closed++;
    seen->records_of_workers += worker->records;
    mem_free(worker);
}

static void work(void *context, void *opaque, struct workers_job *job)
{
    struct worker *worker = opaque;
    struct own *own = job->own;
    (void)context;
    *own = (struct own){0};
    for (size_t i = 0; i < job->block.spans.count; i++) {
        if (own->count == HELD_MAX) {
            if (!workers_hand_over(job))
                return;
            *own = (struct own){0};
        }
        if (own->count++ == 0)
            own->first = job->block.spans.spans[i].line;
        worker->records++;
    }
}

static int take(void *context, struct workers_job *job, bool last_part, struct err *err)
{
    struct seen *seen = context;
    const struct own *own = job->own;
    assert_int_equal(own->first, seen->taken + 1);
    seen->taken += own->count;
    seen->last_parts += last_part;
    if (++seen->parts == seen->stop_after)
        return err_set(err, ERR_FULL, "no room");
    return ERR_OK;
}

static int idle(void *context, struct err *err)
{
    struct seen *seen = context;
    seen->idle++;
    return seen->stop_idle ? err_set(err, ERR_CANCELED, "enough") : ERR_OK;
}

static const struct workers_calls calls = {.job_open = job_open,
                                           .job_close = job_close,
                                           .worker_open = worker_open,
                                           .worker_close = worker_close,
                                           .work = work,
                                           .take = take,
                                           .idle = idle};

static int run(struct seen *seen, uint32_t threads, struct err *err)
{
    char path[] = "/tmp/canh-pipeline-XXXXXX";
    const char *paths[] = {path};
    struct input_options options = {.paths = paths, .path_count = 1};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    for (int i = 0; i < LINES; i++)
        assert_true(fprintf(file, "{\"number\":%d,\"text\":\"%0200d\"}\n", i, i) > 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(input_open(&seen->input, &options, err), ERR_OK);
    int rc = workers_run(seen->input, &calls, seen, threads, err);
    input_close(&seen->input);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(seen->jobs_open, 0);
    assert_int_equal(seen->workers_closed, threads);
    return rc;
}

static void test_all_is_taken_in_order(void **state)
{
    (void)state;
    for (uint32_t threads = 1; threads <= 4; threads++) {
        struct seen seen = {0};
        struct err err = {0};
        assert_int_equal(run(&seen, threads, &err), ERR_OK);
        assert_int_equal(seen.taken, LINES);
        assert_int_equal(seen.records_of_workers, LINES);
        assert_true(seen.last_parts > 2);
        assert_true(seen.parts >= LINES / HELD_MAX); /* handed over inside blocks, too */
        assert_true(seen.parts > seen.last_parts);
    }
}

static void test_a_stage_that_fails_stops_everything(void **state)
{
    (void)state;
    for (uint32_t threads = 1; threads <= 4; threads++)
        for (uint64_t after = 1; after <= 40; after += 13) {
            struct seen seen = {.stop_after = after};
            struct err err = {0};
            assert_int_equal(run(&seen, threads, &err), ERR_FULL);
            assert_string_equal(err.text, "no room");
            assert_int_equal(seen.parts, after); /* nothing is taken behind it */
        }
}

/* The writer of the pipe waits until what it wrote was taken: with idle called, and only then. */
static void *pipe_write(void *opaque)
{
    int *fds = opaque;
    char c;
    static const char line[] = "{\"number\":1}\n";
    for (int i = 0; i < 3; i++) {
        if (write(fds[1], line, sizeof(line) - 1) < 0 || read(fds[2], &c, 1) != 1)
            break;
    }
    (void)close(fds[1]);
    return NULL;
}

struct piped {
    struct seen seen;
    int answer_fd;
    uint64_t answered;
};

static int piped_idle(void *context, struct err *err)
{
    struct piped *piped = context;
    (void)err;
    if (piped->answered < piped->seen.taken) {
        piped->answered = piped->seen.taken;
        assert_int_equal(write(piped->answer_fd, "x", 1), 1);
    }
    return idle(&piped->seen, err);
}

static void test_a_pipe_that_waits(void **state)
{
    (void)state;
    for (uint32_t threads = 1; threads <= 3; threads++) {
        int data[2], answer[2], saved = dup(STDIN_FILENO);
        const char *paths[] = {"-"};
        struct input_options options = {
            .paths = paths, .path_count = 1, .format = format_find(SLICE("ndjson"))};
        struct workers_calls with_answer = calls;
        struct piped piped = {0};
        struct err err = {0};
        pthread_t writer;
        assert_int_equal(pipe(data), 0);
        assert_int_equal(pipe(answer), 0);
        assert_true(dup2(data[0], STDIN_FILENO) >= 0);
        int fds[] = {data[0], data[1], answer[0]};
        piped.answer_fd = answer[1];
        with_answer.idle = piped_idle;
        assert_int_equal(pthread_create(&writer, NULL, pipe_write, fds), 0);
        assert_int_equal(input_open(&piped.seen.input, &options, &err), ERR_OK);
        assert_int_equal(workers_run(piped.seen.input, &with_answer, &piped, threads, &err),
                         ERR_OK);
        assert_int_equal(pthread_join(writer, NULL), 0);
        input_close(&piped.seen.input);
        assert_int_equal(piped.seen.taken, 3);
        assert_true(dup2(saved, STDIN_FILENO) >= 0);
        (void)close(saved);
        (void)close(data[0]);
        (void)close(answer[0]);
        (void)close(answer[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_is_taken_in_order),
        cmocka_unit_test(test_a_stage_that_fails_stops_everything),
        cmocka_unit_test(test_a_pipe_that_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
