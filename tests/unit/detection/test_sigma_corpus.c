/* Every rule of the SigmaHQ archive that is shared beside the project is read; without the archive
 * the test is skipped. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "formats/archive.h"
#include "sigma_case.h"

enum { FILES = 3754, GOOD = 3752, ATOMS = 47216, SKIPPED = 77 };

static struct sigma_case corpus;
static uint32_t file_count, refused_count;

static int64_t read_fd(void *context, char *to, size_t room, struct err *err)
{
    ssize_t got = read(*(int *)context, to, room);
    return got < 0 ? err_set(err, ERR_IO, "cannot read") : (int64_t)got;
}

static void read_member(struct archive_stream *a, struct slice name)
{
    char room[65536];
    struct buf text = {0};
    int64_t got;
    while ((got = archive_read(a, room, sizeof(room), NULL)) > 0)
        buf_append(&text, room, (size_t)got);
    assert_int_equal(got, 0);
    file_count++;
    refused_count +=
        sigma_read(&corpus.rules, &corpus.problems, name, buf_as_slice(&text), NULL, &corpus.arena);
    buf_free(&text);
}

static void read_archive(int fd)
{
    struct archive_source source = {.context = &fd, .read = read_fd};
    struct archive_stream *a;
    struct slice name;
    assert_int_equal(archive_open(&a, &source, NULL), ERR_OK);
    int rc;
    while ((rc = archive_next(a, &name, NULL)) == ERR_OK)
        if (slice_ends(name, SLICE(".yml")) && !slice_ends(name, SLICE("thor.yml")))
            read_member(a, name);
    assert_int_equal(rc, ERR_END);
    archive_close(&a);
}

static void the_whole_corpus_is_read(void **state)
{
    read_archive(*(int *)*state);
    assert_int_equal(file_count, FILES);
    assert_int_equal(refused_count, FILES - GOOD);
    assert_int_equal(corpus.rules.count, GOOD);
    assert_int_equal(corpus.problems.count, FILES - GOOD);
    for (uint32_t i = 0; i < corpus.problems.count; i++)
        assert_string_equal(corpus.problems.items[i].code, "unresolved-placeholder");
    uint32_t atoms = 0;
    for (uint32_t i = 0; i < corpus.rules.count; i++)
        atoms += corpus.rules.rules[i]->predicate_count;
    assert_int_equal(atoms, ATOMS);
    sigma_check_set(&corpus.rules, &corpus.problems, NULL, &corpus.arena);
    assert_int_equal(corpus.rules.count, GOOD);
    assert_int_equal(corpus.problems.count, FILES - GOOD);
    case_free(&corpus);
}

int main(void)
{
    char path[4096];
    const char *shared = getenv("CANH_SHARED");
    (void)snprintf(path, sizeof(path), "%s/sigma/sigmahq-rules-8eaafff1.tar.zst",
                   shared ? shared : CANH_SOURCE "/../shared");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        puts("skipped: shared data not found");
        return SKIPPED;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test_prestate(the_whole_corpus_is_read, &fd)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)close(fd);
    return failed;
}
