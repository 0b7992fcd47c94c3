/* Any bytes as canh.yaml: problems have a place, and what is good is printed as what is read again
 * and then printed the same. The first byte says whether the rest is the environment. */
#include "watch/config_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
    struct config config;
    struct config_reader reader;
    struct buf problems;
};

static void reading_open(struct reading *r)
{
    *r = (struct reading){0};
    r->reader = (struct config_reader){.table = &config_table,
                                       .config = &r->config,
                                       .arena = &r->config.arena,
                                       .problems = &r->problems};
    config_read_begin(&r->reader);
}

static void reading_close(struct reading *r)
{
    arena_free(&r->config.arena);
    buf_free(&r->problems);
}

static void print_again(struct slice text, struct buf *out)
{
    struct reading r;
    reading_open(&r);
    config_read_text(&r.reader, "printed", text);
    check(r.reader.problem_count == 0);
    config_print(&r.config, out);
    reading_close(&r);
}

static void environment_try(struct slice text)
{
    char *environment[2] = {0};
    struct buf variable = {0};
    struct reading r;
    reading_open(&r);
    buf_slice(&variable, text);
    environment[0] = (char *)(uintptr_t)buf_text(&variable);
    config_read_environment(&r.reader, environment);
    check((r.reader.problem_count == 0) == (r.problems.len == 0));
    buf_free(&variable);
    reading_close(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make((const char *)data, size);
    struct buf printed[3] = {{0}};
    struct reading r;
    if (size > 0 && data[0] == '=') {
        environment_try(slice_part(text, 1, SIZE_MAX));
        return 0;
    }
    reading_open(&r);
    config_read_text(&r.reader, "fuzz", text);
    check((r.reader.problem_count == 0) == (r.problems.len == 0));
    if (r.reader.problem_count == 0) {
        config_print(&r.config, &printed[0]);
        print_again(buf_as_slice(&printed[0]), &printed[1]);
        print_again(buf_as_slice(&printed[1]), &printed[2]);
        check(slice_equal(buf_as_slice(&printed[1]), buf_as_slice(&printed[2])));
    } else {
        check(slice_starts(buf_as_slice(&r.problems), SLICE("fuzz")));
    }
    for (int i = 0; i < 3; i++)
        buf_free(&printed[i]);
    reading_close(&r);
    return 0;
}
