#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"
#include "unit/formats/pack.h"
#include "watch/input.h"

/* A folder of its own for each test. */
struct folder {
    char path[64];
    struct buf notes;
};

static void path_of(const struct folder *f, const char *name, char out[256])
{
    (void)snprintf(out, 256, "%s/%s", f->path, name);
}

static void put(const struct folder *f, const char *name, struct slice data)
{
    char path[256];
    path_of(f, name, path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    if (data.len > 0)
        assert_int_equal(fwrite(data.data, 1, data.len, file), data.len);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    struct folder *f = mem_zeroed(1, sizeof(*f));
    (void)snprintf(f->path, sizeof(f->path), "/tmp/canh-input-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    *state = f;
    return 0;
}

static int remove_file(void *context, const char *path)
{
    (void)context;
    return unlink(path) == 0 ? ERR_OK : ERR_IO;
}

static int tear_down(void **state)
{
    struct folder *f = *state;
    char sub[256];
    assert_int_equal(io_walk(f->path, remove_file, NULL, NULL, NULL), ERR_OK);
    path_of(f, "sub", sub);
    (void)rmdir(sub);
    assert_int_equal(rmdir(f->path), 0);
    buf_free(&f->notes);
    mem_free(f);
    return 0;
}

static void take_note(void *context, enum input_note kind, const char *text)
{
    static const char *const kinds[] = {"format", "skipped", "unreadable"};
    struct folder *f = context;
    const char *at = strstr(text, f->path);
    buf_printf(&f->notes, "%s %s\n", kinds[kind], at ? at + strlen(f->path) + 1 : text);
}

static void assert_padded(const struct input_block *block, struct slice text)
{
    static const char zeros[INPUT_PADDING_BYTES];
    bool in_data =
        block->data && text.data >= block->data && text.data < block->data + block->capacity;
    const char *end = in_data ? block->data + block->data_bytes : text.data + text.len;
    assert_memory_equal(end, zeros, sizeof(zeros));
}

/* All records: "name:line:text\n"; the counters behind. */
static void read_paths(struct folder *f, const char *const *paths, size_t count,
                       const struct format *format, struct buf *out)
{
    struct input_options options = {.paths = paths,
                                    .path_count = count,
                                    .format = format,
                                    .note = take_note,
                                    .note_context = f};
    struct input *in;
    struct input_block block = {0};
    struct err err = {0};
    int rc;
    assert_int_equal(input_open(&in, &options, &err), ERR_OK);
    while ((rc = input_next(in, &block, &err)) == ERR_OK) {
        assert_true(block.spans.count > 0);
        for (size_t i = 0; i < block.spans.count; i++) {
            const struct span *span = &block.spans.spans[i];
            const char *at = strstr(block.file->name, f->path);
            buf_printf(out, "%s:%llu:%.*s\n", at ? at + strlen(f->path) + 1 : block.file->name,
                       (unsigned long long)span->line, (int)span->text.len, span->text.data);
            assert_padded(&block, span->text);
        }
    }
    assert_int_equal(rc, ERR_END);
    buf_printf(out, "refused %llu unreadable %llu\n", (unsigned long long)input_refused_count(in),
               (unsigned long long)input_unreadable_count(in));
    input_block_free(&block);
    input_close(&in);
}

static void assert_read(struct folder *f, const char *name, const char *expected)
{
    struct buf out = {0};
    char path[256];
    path_of(f, name, path);
    read_paths(f, (const char *[]){path}, 1, NULL, &out);
    assert_string_equal(buf_text(&out), expected);
    buf_free(&out);
}

static void a_file_is_read(void **state)
{
    put(*state, "a.json", SLICE("{\"a\":1}\n{\"b\":2}\n"));
    assert_read(*state, "a.json",
                "a.json:1:{\"a\":1}\na.json:2:{\"b\":2}\nrefused 0 unreadable 0\n");
    assert_string_equal(buf_text(&((struct folder *)*state)->notes),
                        "format a.json: read as json\n");
}

static void records_cross_blocks(void **state)
{
    struct folder *f = *state;
    struct buf text = {0}, out = {0};
    char path[256];
    const size_t count = 60000;
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "{\"n\":%zu,\"filler\":\"%.*s\"}\n", i, (int)(i % 60),
                   "0123456789012345678901234567890123456789012345678901234567890123");
    put(f, "big.json", buf_as_slice(&text));
    path_of(f, "big.json", path);
    struct input_options options = {.paths = (const char *[]){path}, .path_count = 1};
    struct input *in;
    struct input_block block = {0};
    size_t seen = 0, blocks = 0;
    assert_int_equal(input_open(&in, &options, NULL), ERR_OK);
    while (input_next(in, &block, NULL) == ERR_OK) {
        blocks++;
        assert_true(block.data_bytes <= INPUT_BLOCK_BYTES);
        for (size_t i = 0; i < block.spans.count; i++, seen++) {
            char head[40];
            (void)snprintf(head, sizeof(head), "{\"n\":%zu,", seen);
            assert_int_equal(block.spans.spans[i].line, seen + 1);
            assert_true(slice_starts(block.spans.spans[i].text, slice_from(head)));
        }
    }
    assert_int_equal(seen, count);
    assert_true(blocks > 2);
    assert_int_equal(input_bytes(in), text.len);
    input_block_free(&block);
    input_close(&in);
    buf_free(&text);
    buf_free(&out);
}

static void a_long_record_makes_the_block_grow(void **state)
{
    struct folder *f = *state;
    struct buf text = {0}, out = {0}, expected = {0};
    char path[256];
    buf_string(&text, "{\"a\":1}\n{\"b\":\"");
    for (size_t i = 0; i < (size_t)5 << 20; i++)
        buf_char(&text, 'x');
    buf_string(&text, "\"}\n{\"c\":3}\n{\"d\":\"");
    for (size_t i = 0; i < (size_t)40 << 20; i++)
        buf_char(&text, 'x');
    buf_string(&text, "\"}\n{\"e\":5}\n");
    put(f, "long.json", buf_as_slice(&text));
    path_of(f, "long.json", path);
    struct input_options options = {.paths = (const char *[]){path}, .path_count = 1};
    struct input *in;
    struct input_block block = {0};
    uint64_t lines = 0;
    size_t seen = 0, kept;
    assert_int_equal(input_open(&in, &options, NULL), ERR_OK);
    while (input_next(in, &block, NULL) == ERR_OK) {
        assert_true(block.capacity <= RECORD_BYTES_MAX + 4 * INPUT_BLOCK_BYTES);
        for (size_t i = 0; i < block.spans.count; i++, seen++)
            lines = lines * 10 + block.spans.spans[i].line;
    }
    assert_int_equal(seen, 4);
    assert_int_equal(lines, 1235);
    assert_int_equal(input_refused_count(in), 1);
    const struct input_refused *refused = input_refused_list(in, &kept);
    assert_int_equal(kept, 1);
    assert_int_equal(refused[0].line, 4);
    assert_string_equal(refused[0].file->name, path);
    input_block_free(&block);
    input_close(&in);
    buf_free(&text);
    buf_free(&out);
    buf_free(&expected);
}

static void utf16_is_read(void **state)
{
    static const char text[] = "{\"a\":\"\xc4\x91\xf0\x9f\x98\x80\"}\r\n{\"b\":2}\r\n";
    for (int big = 0; big < 2; big++) {
        struct buf wide = {0};
        buf_append(&wide, big ? "\xfe\xff" : "\xff\xfe", 2);
        text_utf16(&wide, slice_from(text), big != 0);
        put(*state, "w.json", buf_as_slice(&wide));
        assert_read(*state, "w.json",
                    "w.json:1:{\"a\":\"\xc4\x91\xf0\x9f\x98\x80\"}\nw.json:2:{\"b\":2}\n"
                    "refused 0 unreadable 0\n");
        buf_free(&wide);
    }
}

static void folders_give_their_logs_only(void **state)
{
    struct folder *f = *state;
    struct buf out = {0};
    char sub[256];
    path_of(f, "sub", sub);
    assert_int_equal(mkdir(sub, 0700), 0);
    put(f, "sub/b.json", SLICE("{\"b\":2}\n"));
    put(f, "a.json", SLICE("{\"a\":1}\n"));
    put(f, "app.log", SLICE("plain words\n"));
    put(f, "empty", SLICE(""));
    put(f, "notes.md", SLICE("plain words\n"));
    put(f, "picture.png", SLICE("\x89PNG\r\n"));
    put(f, "program",
        SLICE("\x7f"
              "ELF\0\0"));
    read_paths(f, (const char *[]){f->path}, 1, NULL, &out);
    assert_string_equal(buf_text(&out), "a.json:1:{\"a\":1}\napp.log:1:plain words\n"
                                        "sub/b.json:1:{\"b\":2}\nrefused 0 unreadable 0\n");
    assert_string_equal(
        buf_text(&f->notes),
        "format a.json: read as json\nformat app.log: read as text\n"
        "skipped empty: passed over, it is empty\n"
        "skipped notes.md: passed over, no log format is known for it (name it, or give --format)\n"
        "skipped picture.png: passed over, it is no text\n"
        "skipped program: passed over, it is no text\nformat sub/b.json: read as json\n");
    buf_free(&out);
}

static void what_cannot_be_read_is_counted_and_the_rest_goes_on(void **state)
{
    struct folder *f = *state;
    struct buf out = {0};
    char missing[256], program[256], good[256], folder[256];
    path_of(f, "missing", missing);
    path_of(f, "program", program);
    path_of(f, "good.json", good);
    path_of(f, "sub", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    put(f, "program",
        SLICE("\x7f"
              "ELF\0\0"));
    put(f, "good.json", SLICE("{\"a\":1}\n"));
    read_paths(f, (const char *[]){missing, program, folder, good}, 4, NULL, &out);
    assert_string_equal(buf_text(&out), "good.json:1:{\"a\":1}\nrefused 0 unreadable 3\n");
    assert_non_null(strstr(buf_text(&f->notes), "unreadable missing: No such file"));
    assert_non_null(strstr(buf_text(&f->notes), "has no files in it"));
    buf_free(&out);
}

static void archives_are_read_member_by_member(void **state)
{
    struct folder *f = *state;
    struct buf gz = {0}, tar = {0}, zip = {0};
    struct pack_member inner = {"x", SLICE("{\"z\":26}\n")};
    pack(&gz, "raw", "gzip", NULL, &inner, 1);
    struct pack_member members[] = {{"a.json", SLICE("{\"a\":1}\n{\"b\":2}\n")},
                                    {"picture.png", SLICE("\x89PNG\r\n")},
                                    {"../z.json.gz", buf_as_slice(&gz)},
                                    {"deep.zip", SLICE("")},
                                    {"w.log", SLICE("words\n")}};
    pack(&zip, "zip", NULL, NULL, members, 3);
    members[3].data = buf_as_slice(&zip);
    pack(&tar, "ustar", "zstd", NULL, members, 5);
    put(f, "all.tar.zst", buf_as_slice(&tar));
    assert_read(f, "all.tar.zst",
                "all.tar.zst!a.json:1:{\"a\":1}\nall.tar.zst!a.json:2:{\"b\":2}\n"
                "all.tar.zst!../z.json.gz:1:{\"z\":26}\nall.tar.zst!w.log:1:words\n"
                "refused 0 unreadable 1\n");
    assert_non_null(strstr(buf_text(&f->notes), "unreadable all.tar.zst!deep.zip: "));
    put(f, "all.zip", buf_as_slice(&zip));
    assert_read(f, "all.zip",
                "all.zip!a.json:1:{\"a\":1}\nall.zip!a.json:2:{\"b\":2}\n"
                "all.zip!../z.json.gz:1:{\"z\":26}\nrefused 0 unreadable 0\n");
    put(f, "z.json.gz", buf_as_slice(&gz));
    assert_read(f, "z.json.gz", "z.json.gz:1:{\"z\":26}\nrefused 0 unreadable 0\n");
    put(f, "cut.gz", slice_part(buf_as_slice(&gz), 0, gz.len - 9));
    struct buf out = {0};
    char path[256];
    path_of(f, "cut.gz", path);
    read_paths(f, (const char *[]){path}, 1, NULL, &out);
    assert_non_null(strstr(buf_text(&out), "unreadable 1\n"));
    buf_free(&out);
    buf_free(&gz);
    buf_free(&tar);
    buf_free(&zip);
}

static void headers_live_as_long_as_the_input(void **state)
{
    struct folder *f = *state;
    char one[256], two[256];
    put(f, "1.csv", SLICE("a,b\n1,2\n3,4\n"));
    put(f, "2.csv", SLICE("c,d,e\n1,2,3\n3,4,5\n"));
    path_of(f, "1.csv", one);
    path_of(f, "2.csv", two);
    struct input_options options = {
        .paths = (const char *[]){one, two}, .path_count = 2, .format = format_find(SLICE("csv"))};
    struct input *in;
    struct input_block first = {0}, second = {0};
    assert_int_equal(input_open(&in, &options, NULL), ERR_OK);
    assert_int_equal(input_next(in, &first, NULL), ERR_OK);
    assert_int_equal(input_next(in, &second, NULL), ERR_OK);
    assert_int_equal(first.spans.spans[0].header->column_count, 2);
    assert_int_equal(second.spans.spans[0].header->column_count, 3);
    assert_int_equal(first.file->number, 0);
    assert_int_equal(second.file->number, 1);
    assert_int_equal(input_next(in, &second, NULL), ERR_END);
    assert_true(slice_equal(first.spans.spans[0].header->columns[1], SLICE("b")));
    input_block_free(&first);
    input_block_free(&second);
    input_close(&in);
}

static void a_pipe_gives_what_has_come(void **state)
{
    (void)state;
    int ends[2], saved = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_true(dup2(ends[0], STDIN_FILENO) >= 0);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(write(ends[1], "{\"a\":1}\n{\"b", 11), 11);
    struct input_options options = {.paths = (const char *[]){"-"}, .path_count = 1};
    struct input *in;
    struct input_block block = {0};
    assert_int_equal(input_open(&in, &options, NULL), ERR_OK);
    assert_int_equal(input_next(in, &block, NULL), ERR_OK);
    assert_int_equal(block.spans.count, 1);
    assert_string_equal(block.file->name, "-");
    assert_int_equal(write(ends[1], "\":2}\n", 5), 5);
    assert_int_equal(input_next(in, &block, NULL), ERR_OK);
    assert_true(slice_equal(block.spans.spans[0].text, SLICE("{\"b\":2}")));
    assert_int_equal(close(ends[1]), 0);
    assert_int_equal(input_next(in, &block, NULL), ERR_END);
    input_block_free(&block);
    input_close(&in);
    assert_true(dup2(saved, STDIN_FILENO) >= 0);
    assert_int_equal(close(saved), 0);
}

static void no_path_is_a_usage_error(void **state)
{
    (void)state;
    struct input *in;
    struct err err;
    struct input_options options = {0};
    assert_int_equal(input_open(&in, &options, &err), ERR_USAGE);
    assert_null(in);
}

static void a_broken_evtx_file_is_unreadable(void **state)
{
    put(*state, "a.evtx", (struct slice){"ElfFile\0 and nothing more", 25});
    assert_read(*state, "a.evtx", "refused 0 unreadable 1\n");
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_file_is_read),
        IN_FOLDER(records_cross_blocks),
        IN_FOLDER(a_long_record_makes_the_block_grow),
        IN_FOLDER(utf16_is_read),
        IN_FOLDER(folders_give_their_logs_only),
        IN_FOLDER(what_cannot_be_read_is_counted_and_the_rest_goes_on),
        IN_FOLDER(archives_are_read_member_by_member),
        IN_FOLDER(headers_live_as_long_as_the_input),
        IN_FOLDER(a_broken_evtx_file_is_unreadable),
        cmocka_unit_test(a_pipe_gives_what_has_come),
        cmocka_unit_test(no_path_is_a_usage_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
