/* Kills `canh import` at random moments, starts it again until it is done, and looks through
 * store.h whether the store has what an import that nobody killed gives: every record once, the
 * same findings and refused records, the same counts, evidence that verifies.
 *
 * import_kill CANH: rounds by CANH_KILL_ROUNDS (20), seed by CANH_TEST_SEED. */
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/store.h"

enum {
    ROUNDS = 20,
    KILLS_MAX = 12, /* a round: then it may end */
    FILES = 24,
    FILE_RECORDS = 150,
    LARGE_RECORDS = 4000, /* of one more file: several blocks */
    PADDING_BYTES = 800,
    RECORDS = FILES * FILE_RECORDS + LARGE_RECORDS,
    USERS = 40,
    PATH_BYTES = 512
};

static char work[] = "/tmp/canh-kill-XXXXXX";
static const char *program;
static uint64_t seed = 1;

static uint64_t draw(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

static const char *path_in(const char *name, char room[PATH_BYTES])
{
    (void)snprintf(room, PATH_BYTES, "%s/%s", work, name);
    return room;
}

static void file_write(const char *name, struct slice text)
{
    char room[PATH_BYTES];
    FILE *file = fopen(path_in(name, room), "wb");
    check(file);
    check(fwrite(text.data, 1, text.len, file) == text.len);
    check(fclose(file) == 0);
}

static void record_append(struct buf *out, uint32_t number)
{
    char time[CLOCK_TEXT_BYTES];
    int64_t at_ns = 1700000000 * CLOCK_SECOND_NS + (int64_t)number * CLOCK_SECOND_NS;
    size_t len = clock_text(time, at_ns);
    if (number % 331 == 7) {
        buf_printf(out, "{\"n\":%u,broken\n", number);
        return;
    }
    buf_printf(out, "{\"n\":%u,\"time\":\"%.*s\",\"user\":\"u%u\",\"a\":\"%s\",\"padding\":\"",
               number, (int)len, time, (unsigned)draw(USERS), draw(4) ? "no" : "hit");
    for (int i = 0; i < PADDING_BYTES; i++)
        buf_char(out, (char)('a' + draw(26)));
    buf_string(out, "\"}\n");
}

static void input_write(void)
{
    char name[64], room[PATH_BYTES];
    struct buf text = {0};
    uint32_t number = 0;
    check(mkdir(path_in("logs", room), 0700) == 0);
    for (uint32_t f = 0; f <= FILES; f++) {
        uint32_t records = f == FILES / 2 ? LARGE_RECORDS : FILE_RECORDS;
        buf_clear(&text);
        for (uint32_t i = 0; i < records; i++)
            record_append(&text, number++);
        (void)snprintf(name, sizeof(name), "logs/%02u.ndjson", f);
        file_write(name, buf_as_slice(&text));
    }
    check(number == RECORDS);
    buf_free(&text);
}

static const char rules_text[] = "title: Hit\n"
                                 "id: 00000000-0000-4000-8000-000000000001\n"
                                 "name: hit\n"
                                 "level: low\n"
                                 "logsource: {category: test}\n"
                                 "detection:\n"
                                 "    a: {a: hit}\n"
                                 "    condition: a\n"
                                 "---\n"
                                 "title: User seven\n"
                                 "id: 00000000-0000-4000-8000-000000000002\n"
                                 "level: low\n"
                                 "logsource: {category: test}\n"
                                 "detection:\n"
                                 "    a: {user: u7}\n"
                                 "    condition: a\n"
                                 "---\n"
                                 "title: Many hits\n"
                                 "id: 00000000-0000-4000-8000-000000000003\n"
                                 "level: high\n"
                                 "correlation:\n"
                                 "    type: event_count\n"
                                 "    rules: [hit]\n"
                                 "    group-by: [user]\n"
                                 "    timespan: 10m\n"
                                 "    generate: true\n"
                                 "    condition: {gte: 5}\n"
                                 "---\n"
                                 "title: One hit\n"
                                 "id: 00000000-0000-4000-8000-000000000004\n"
                                 "level: high\n"
                                 "correlation:\n"
                                 "    type: event_count\n"
                                 "    rules: [hit]\n"
                                 "    group-by: [user]\n"
                                 "    timespan: 5m\n"
                                 "    generate: true\n"
                                 "    condition: {lt: 2}\n";

/* Small groups, files and segments: much to be killed in. */
static void child_run(const char *store)
{
    char data[PATH_BYTES], rules[PATH_BYTES], logs[PATH_BYTES], config[PATH_BYTES], log[PATH_BYTES];
    int fd = open(path_in("log", log), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
        _exit(100);
    path_in(store, data);
    path_in("rules.yml", rules);
    path_in("logs", logs);
    path_in("canh.yaml", config);
    execl(program, program, "import", "--data", data, "--rules", rules, "--config", config,
          "--threads", "2", logs, (char *)NULL);
    _exit(101);
}

static void log_show(void)
{
    char room[PATH_BYTES], text[4096];
    FILE *file = fopen(path_in("log", room), "rb");
    size_t len = file ? fread(text, 1, sizeof(text), file) : 0;
    (void)fwrite(text, 1, len, stderr);
    if (file)
        (void)fclose(file);
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *ftw)
{
    (void)about;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void folder_remove(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* One start of the program; killed after so long (0: never). Whether it ended by itself. */
static bool import_once(const char *store, uint64_t after_ns)
{
    int status;
    pid_t child = fork();
    check(child >= 0);
    if (child == 0)
        child_run(store);
    if (after_ns) {
        struct timespec wait = {(time_t)(after_ns / 1000000000), (long)(after_ns % 1000000000)};
        (void)nanosleep(&wait, NULL);
        (void)kill(child, SIGKILL);
    }
    check(waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return false;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        (void)fprintf(stderr, "canh import failed, status %d:\n", status);
        log_show();
        folder_remove(work);
        exit(1);
    }
    return true;
}

/* What a store holds, as sorted lines. */
struct contents {
    struct buf text;
    char **lines;
    size_t count, capacity;
    uint32_t seen[RECORDS];
    uint64_t places[1 << 16]; /* number of the record + 1, by sequence */
    uint64_t problems;
};

static struct slice value_of(const struct row *row, const char *name)
{
    struct field *f = record_find(row->record, slice_from(name));
    return f ? record_text(row->record, f) : SLICE("");
}

static void line_add(struct contents *c, const char *format, ...) PRINTF_LIKE(2, 3);
static void line_add(struct contents *c, const char *format, ...)
{
    char line[2048];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (c->count == c->capacity) {
        c->capacity = c->capacity ? c->capacity * 2 : 1024;
        c->lines = mem_resize(c->lines, c->capacity, sizeof(*c->lines));
    }
    c->lines[c->count++] = mem_copy_text(line, strlen(line));
}

static void row_event(struct contents *c, const struct row *row)
{
    uint64_t number;
    if (!slice_to_u64(value_of(row, "n"), &number) || number >= RECORDS ||
        row->sequence >= sizeof(c->places) / sizeof(c->places[0])) {
        line_add(c, "an event that was never sent");
        return;
    }
    c->seen[number]++;
    c->places[row->sequence] = number + 1;
    line_add(c, "event %llu line %llu", (unsigned long long)number, (unsigned long long)row->line);
}

/* Fields but those whose values may differ between stores; ids become the records' numbers. */
static void row_internal(struct contents *c, const struct row *row)
{
    struct buf line = {0};
    for (uint32_t i = 0; i < row->record->count; i++) {
        struct field *f = &row->record->fields[i];
        struct slice value = record_text(row->record, f), epoch = slice_cut(&value, ':');
        uint64_t sequence = 0;
        bool id = slice_equal(f->name, SLICE("event.id"));
        buf_char(&line, ' ');
        buf_slice(&line, f->name);
        if (id && slice_to_u64(value, &sequence) && sequence < (1 << 16))
            buf_printf(&line, "=%llu", (unsigned long long)c->places[sequence]);
        else
            buf_printf(&line, "=%.*s", (int)epoch.len, epoch.data);
    }
    line_add(c, "%.*s%s", (int)row->context->partition.len, row->context->partition.data,
             buf_text(&line));
    buf_free(&line);
}

static void partition_read(struct contents *c, struct store *store, struct slice partition,
                           void (*each)(struct contents *c, const struct row *row))
{
    struct store_search search = {
        .order = STORE_SEQUENCE,
        .partitions = &partition,
        .partition_count = 1,
        .from_ns = CLOCK_NONE,
        .until_ns = CLOCK_NONE,
        .received_from_ns = CLOCK_NONE,
        .received_until_ns = CLOCK_NONE,
    };
    struct store_cursor *cursor = NULL;
    struct store_item item;
    struct err err;
    int rc = store_search(store, &search, &cursor, &err);
    while (rc == ERR_OK && (rc = store_next(cursor, &item, &err)) == ERR_OK)
        if (item.kind == STORE_ROW)
            each(c, item.row);
    if (rc != ERR_END)
        line_add(c, "cannot be read: %s", err.text);
    store_cursor_close(&cursor);
}

static void problem_note(void *context, const char *problem)
{
    line_add(context, "problem: %s", problem);
}

static void counters_note(void *context, struct slice source, const uint64_t *counters)
{
    line_add(context, "counters %.*s: %llu %llu %llu %llu %llu", (int)source.len, source.data,
             (unsigned long long)counters[0], (unsigned long long)counters[1],
             (unsigned long long)counters[2], (unsigned long long)counters[3],
             (unsigned long long)counters[4]);
}

static int line_compare(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

static struct contents *store_read(const char *name)
{
    char room[PATH_BYTES];
    struct contents *c = mem_zeroed(1, sizeof(*c));
    struct store *store = NULL;
    struct store_options options = {.write = true, .sign = true};
    struct store_verified verified;
    struct err err;
    if (store_open(&store, path_in(name, room), &options, &err)) {
        line_add(c, "cannot be opened: %s", err.text);
        return c;
    }
    partition_read(c, store, SLICE("main"), row_event);
    partition_read(c, store, ROW_FINDINGS, row_internal);
    partition_read(c, store, ROW_REFUSED, row_internal);
    carry_sources(store_carry(store), counters_note, c);
    if (store_verify(store, SLICE(""), problem_note, c, &verified, &err))
        line_add(c, "cannot be verified: %s", err.text);
    store_close(&store);
    qsort(c->lines, c->count, sizeof(*c->lines), line_compare);
    return c;
}

static void contents_free(struct contents **contents)
{
    struct contents *c = *contents;
    for (size_t i = 0; i < c->count; i++)
        mem_free(c->lines[i]);
    mem_free(c->lines);
    mem_free(c);
    *contents = NULL;
}

/* The number of differences; the first are shown. */
static uint64_t contents_compare(const struct contents *wanted, const struct contents *got)
{
    uint64_t differences = 0;
    size_t w = 0, g = 0;
    while (w < wanted->count || g < got->count) {
        int order = w == wanted->count ? 1
                    : g == got->count  ? -1
                                       : strcmp(wanted->lines[w], got->lines[g]);
        if (order != 0 && differences++ < 10)
            (void)fprintf(stderr, "%s: %.300s\n", order < 0 ? "lost" : "too much",
                          order < 0 ? wanted->lines[w] : got->lines[g]);
        w += order <= 0;
        g += order >= 0;
    }
    return differences;
}

static bool round_run(const struct contents *wanted, uint64_t whole_ns, uint64_t *kills)
{
    char room[PATH_BYTES];
    uint32_t killed = 0;
    while (!import_once("store", killed < KILLS_MAX ? 1 + draw(whole_ns / 2) : 0))
        killed++;
    *kills += killed;
    struct contents *got = store_read("store");
    uint64_t differences = contents_compare(wanted, got);
    contents_free(&got);
    folder_remove(path_in("store", room));
    return differences == 0;
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    uint64_t number;
    const char *text = getenv(name);
    return text && slice_to_u64(slice_from(text), &number) ? number : otherwise;
}

/* What the comparison rests on: the store that was never interrupted holds what was sent. */
static bool whole_is_right(const struct contents *c)
{
    uint32_t refused = 0, findings = 0, correlations = 0;
    for (uint32_t i = 0; i < RECORDS; i++)
        if (c->seen[i] != (i % 331 != 7)) {
            (void)fprintf(stderr, "record %u is there %u times\n", i, c->seen[i]);
            return false;
        }
    for (size_t i = 0; i < c->count; i++) {
        refused += strncmp(c->lines[i], "_refused ", 9) == 0;
        findings += strncmp(c->lines[i], "_findings ", 10) == 0;
        correlations += strstr(c->lines[i], " group.user=") != NULL;
        if (strncmp(c->lines[i], "problem", 7) == 0 || strncmp(c->lines[i], "cannot", 6) == 0) {
            (void)fprintf(stderr, "%s\n", c->lines[i]);
            return false;
        }
    }
    (void)fprintf(stderr, "%u findings, %u of them correlations, %u refused\n", findings,
                  correlations, refused);
    return refused == (RECORDS - 8) / 331 + 1 && findings > correlations && correlations > 20;
}

int main(int argc, char **argv)
{
    static const char config[] = "store:\n"
                                 "  group_bytes: 1KiB\n"
                                 "  journal_file_bytes: 1MiB\n"
                                 "  reserve_bytes: 0\n"
                                 "  seal_bytes: 1MiB\n";
    if (argc != 2) {
        (void)fprintf(stderr, "import_kill CANH\n");
        return 2;
    }
    program = argv[1];
    uint64_t rounds = number_of("CANH_KILL_ROUNDS", ROUNDS), kills = 0;
    seed = number_of("CANH_TEST_SEED", 20261122) | 1;
    check(mkdtemp(work));
    input_write();
    file_write("rules.yml", slice_make(rules_text, sizeof(rules_text) - 1));
    file_write("canh.yaml", slice_make(config, sizeof(config) - 1));
    uint64_t start = clock_monotonic_ns();
    check(import_once("whole", 0));
    uint64_t whole_ns = clock_monotonic_ns() - start;
    struct contents *wanted = store_read("whole");
    bool good = whole_is_right(wanted);
    for (uint64_t round = 0; round < rounds && good; round++) {
        uint64_t before = seed;
        good = round_run(wanted, whole_ns, &kills);
        if (!good)
            (void)fprintf(stderr, "round %llu, CANH_TEST_SEED=%llu\n", (unsigned long long)round,
                          (unsigned long long)before);
    }
    (void)fprintf(stderr, "%llu rounds, killed %llu times, %s\n", (unsigned long long)rounds,
                  (unsigned long long)kills, good ? "as expected" : "FAILED");
    contents_free(&wanted);
    folder_remove(work);
    return good ? 0 : 1;
}
