/* Tidy: reads the source tree and says where it breaks the rules of the house (CONTRIBUTING.md).
 *
 *   canh_tidy ROOT [check...]     prints `file:line: message`, exit 1 if there was any
 *
 * Checks: includes, lengths, calls, markers, paths, lists (ask for includes, too), headers. It is a
 * program of its own without the project's library, so that a tree that does not build can still be
 * checked. Limits: FILES_MAX files of FILE_BYTES_MAX each; bigger ones are left out. */
#include <ctype.h>
#include <dirent.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    FILES_MAX = 20000,
    FILE_BYTES_MAX = 4 << 20,
    PATH_BYTES = 1024,
    LINE_COLUMNS_MAX = 100,
    FUNCTION_LINES_MAX = 80,
    FILE_LINES_MAX = 700,
    FILE_LINES_WARN = 600,
    INCLUDES_MAX = 64,
    NAME_BYTES = 128
};

/* Lowest first; floors on one row may not include each other. */
static const char *const floors[][2] = {
    {"base", NULL},  {"formats", NULL}, {"detection", "vulnerability"},
    {"store", NULL}, {"state", NULL},   {"watch", NULL},
    {"link", NULL},  {"api", NULL},     {"program", NULL},
};
enum { FLOOR_COUNT = sizeof floors / sizeof floors[0] };

/* A file, and the same without the insides of comments and strings (blanks in their place). */
struct file {
    char *path; /* from the root */
    char *text, *code;
    size_t size;
    int includes[INCLUDES_MAX]; /* indexes of the project's headers it includes */
    int include_count;
    int mark;  /* of the search for circles */
    bool used; /* a header somebody includes */
};

static struct file *files;
static int file_count, problem_count;
static char root[PATH_BYTES];

static void problem(const struct file *f, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void problem(const struct file *f, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("%s:%d: ", f->path, line);
    vprintf(format, args);
    putchar('\n');
    va_end(args);
    problem_count++;
}

static bool ends(const char *text, const char *tail)
{
    size_t a = strlen(text), b = strlen(tail);
    return a >= b && strcmp(text + a - b, tail) == 0;
}

static bool starts(const char *text, const char *head)
{
    return strncmp(text, head, strlen(head)) == 0;
}

static bool is_c(const char *path)
{
    return ends(path, ".c") || ends(path, ".h");
}

static bool is_build(const char *path)
{
    return ends(path, "CMakeLists.txt") || ends(path, ".cmake") || ends(path, "Makefile");
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* ---- reading ---- */

/* Blanks out comments, and the insides of strings and characters. */
static void strip(char *code)
{
    enum { PLAIN, LINE, BLOCK, STRING, LETTER } in = PLAIN;
    for (char *p = code; *p; p++) {
        char c = *p, next = p[1];
        if (in == PLAIN) {
            if (c == '/' && (next == '/' || next == '*')) {
                in = next == '/' ? LINE : BLOCK;
                *p++ = ' ';
                *p = ' ';
            } else if (c == '"') {
                in = STRING;
            } else if (c == '\'' && (p == code || !isalnum((unsigned char)p[-1]))) {
                in = LETTER;
            }
            continue;
        }
        if (c == '\n') {
            in = in == BLOCK ? BLOCK : PLAIN;
        } else if (in == BLOCK && c == '*' && next == '/') {
            *p++ = ' ';
            *p = ' ';
            in = PLAIN;
        } else if ((in == STRING && c == '"') || (in == LETTER && c == '\'')) {
            in = PLAIN;
        } else {
            if ((in == STRING || in == LETTER) && c == '\\' && next && next != '\n')
                *p++ = ' ';
            *p = ' ';
        }
    }
}

static char *read_whole(const char *path, size_t size)
{
    FILE *in = fopen(path, "rb");
    if (!in)
        return NULL;
    char *text = malloc(size + 1);
    if (!text)
        abort();
    size_t got = fread(text, 1, size, in);
    text[got] = 0;
    fclose(in);
    if (memchr(text, 0, got)) { /* not text */
        free(text);
        return NULL;
    }
    return text;
}

static void add_file(const char *full, const char *path, size_t size)
{
    if (file_count == FILES_MAX || size > FILE_BYTES_MAX)
        return;
    char *text = read_whole(full, size);
    if (!text)
        return;
    struct file *f = &files[file_count++];
    *f = (struct file){.path = strdup(path), .text = text, .code = strdup(text), .size = size};
    if (is_c(path))
        strip(f->code);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int wanted(const struct dirent *entry)
{
    static const char *const left_out[] = {".",   "..",           ".git",   "build",
                                           "var", "node_modules", "crashes"};
    for (size_t i = 0; i < sizeof left_out / sizeof left_out[0]; i++) {
        if (strcmp(entry->d_name, left_out[i]) == 0)
            return 0;
    }
    return 1;
}

static void walk(const char *folder)
{
    char full[2 * PATH_BYTES], path[PATH_BYTES];
    struct dirent **entries;
    snprintf(full, sizeof full, "%s/%s", root, folder);
    int count = scandir(full, &entries, wanted, by_name);
    for (int i = 0; i < count; i++) {
        struct stat st;
        snprintf(path, sizeof path, "%s%s%s", folder, *folder ? "/" : "", entries[i]->d_name);
        snprintf(full, sizeof full, "%s/%s", root, path);
        if (lstat(full, &st) == 0) {
            if (S_ISDIR(st.st_mode))
                walk(path);
            else if (S_ISREG(st.st_mode))
                add_file(full, path, (size_t)st.st_size);
        }
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

static int find_file(const char *path)
{
    for (int i = 0; i < file_count; i++) {
        if (strcmp(files[i].path, path) == 0)
            return i;
    }
    return -1;
}

/* ---- includes: order of the floors, circles ---- */

/* Row and column in floors of the folder that path begins with ("base/..."), or false. */
static bool floor_of(const char *path, int *row, int *column)
{
    for (*row = 0; *row < FLOOR_COUNT; (*row)++) {
        for (*column = 0; *column < 2; (*column)++) {
            const char *name = floors[*row][*column];
            if (name && starts(path, name) && path[strlen(name)] == '/')
                return true;
        }
    }
    return false;
}

/* The part of the path that says its floor: src/<floor>/..., tests/unit/<floor>/... */
static const char *below_floors(const char *path)
{
    if (starts(path, "src/"))
        return path + 4;
    if (starts(path, "tests/unit/"))
        return path + 11;
    return NULL;
}

static void check_include(struct file *f, int line, const char *name)
{
    char path[PATH_BYTES + 8];
    int row, column, own_row, own_column;
    const char *own = below_floors(f->path);
    if (own && floor_of(own, &own_row, &own_column) && floor_of(name, &row, &column) &&
        (row > own_row || (row == own_row && column != own_column)))
        problem(f, line, "includes \"%s\": a file of %s may include its own floor and those below",
                name, floors[own_row][own_column]);
    snprintf(path, sizeof path, "src/%s", name);
    int target = find_file(path);
    if (target >= 0) {
        files[target].used = true;
        if (f->include_count < INCLUDES_MAX)
            f->includes[f->include_count++] = target;
        else
            problem(f, line, "more than %d includes", INCLUDES_MAX);
    } else if (own && floor_of(name, &row, &column)) {
        problem(f, line, "includes \"%s\", which is not there", name);
    }
}

static void read_includes(struct file *f)
{
    int line = 1;
    for (const char *p = f->text; *p; line++) {
        const char *end = strchr(p, '\n');
        char name[PATH_BYTES];
        size_t len = end ? (size_t)(end - p) : strlen(p);
        if (starts(p, "#include \"") && len < sizeof name) {
            const char *from = p + 10, *to = memchr(from, '"', len - 10);
            if (to) {
                snprintf(name, sizeof name, "%.*s", (int)(to - from), from);
                check_include(f, line, name);
            }
        }
        p += len + (end != NULL);
    }
}

/* Depth first; mark 1: on the way, 2: done. */
static void find_circle(struct file *f)
{
    f->mark = 1;
    for (int i = 0; i < f->include_count; i++) {
        struct file *target = &files[f->includes[i]];
        if (target->mark == 1)
            problem(f, 1, "includes %s, which includes it again: a circle", target->path);
        else if (target->mark == 0)
            find_circle(target);
    }
    f->mark = 2;
}

static void check_includes(void)
{
    for (int i = 0; i < file_count; i++) {
        if (is_c(files[i].path))
            read_includes(&files[i]);
    }
    for (int i = 0; i < file_count; i++) {
        if (files[i].mark == 0 && is_c(files[i].path))
            find_circle(&files[i]);
    }
}

/* ---- lengths of files, functions, lines ---- */

static int columns(const char *text, size_t len)
{
    int count = 0;
    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

/* A row of a table: `{...},`: may be long where its text is. */
static bool is_table_row(const char *text, size_t len)
{
    while (len && *text == ' ') {
        text++;
        len--;
    }
    return len > 2 && *text == '{' && (text[len - 1] == ',' || text[len - 1] == '}');
}

static void check_length_of(const struct file *f)
{
    int line = 1, brace_line = 0;
    for (const char *p = f->text; *p; line++) {
        const char *end = strchr(p, '\n');
        size_t len = end ? (size_t)(end - p) : strlen(p);
        int width = columns(p, len);
        if (width > LINE_COLUMNS_MAX && !is_table_row(p, len))
            problem(f, line, "%d columns; %d is the limit", width, LINE_COLUMNS_MAX);
        if (len == 1 && *p == '{')
            brace_line = line;
        if (*p == '}' && brace_line) {
            if (line - brace_line + 1 > FUNCTION_LINES_MAX)
                problem(f, brace_line, "a function of %d lines; %d is the limit",
                        line - brace_line + 1, FUNCTION_LINES_MAX);
            brace_line = 0;
        }
        p += len + (end != NULL);
    }
    if (line - 1 > FILE_LINES_MAX)
        problem(f, line - 1, "%d lines; %d is the limit: divide it by meaning", line - 1,
                FILE_LINES_MAX);
    else if (line - 1 > FILE_LINES_WARN)
        printf("%s:%d: note: over %d lines\n", f->path, line - 1, FILE_LINES_WARN);
}

static void check_lengths(void)
{
    for (int i = 0; i < file_count; i++) {
        if (is_c(files[i].path) || is_build(files[i].path))
            check_length_of(&files[i]);
    }
}

/* ---- calls ---- */

static void check_calls_of(const struct file *f, const char *const *banned, const char *instead)
{
    int line = 1;
    for (const char *p = f->code; *p; p++) {
        if (*p == '\n')
            line++;
        if (!is_word(*p) || (p > f->code && (is_word(p[-1]) || p[-1] == '.' || p[-1] == '>')))
            continue;
        size_t len = 0;
        while (is_word(p[len]))
            len++;
        const char *after = p + len;
        while (*after == ' ')
            after++;
        for (size_t i = 0; banned[i]; i++) {
            if (*after == '(' && strlen(banned[i]) == len && strncmp(p, banned[i], len) == 0)
                problem(f, line, "calls %s: %s", banned[i], instead);
        }
    }
}

static void check_calls(void)
{
    static const char *const unsafe[] = {
        "strcpy",  "stpcpy",  "strcat",    "sprintf",   "vsprintf", "gets",   "atoi",    "atol",
        "atoll",   "atof",    "strtok",    "rand",      "srand",    "system", "popen",   "alloca",
        "scanf",   "sscanf",  "fscanf",    "tmpnam",    "mktemp",   "ctime",  "asctime", "gmtime",
        "strncpy", "strncat", "localtime", "setlocale", NULL};
    static const char *const heap[] = {"malloc",  "calloc",       "realloc",  "free",      "strdup",
                                       "strndup", "reallocarray", "asprintf", "vasprintf", NULL};
    for (int i = 0; i < file_count; i++) {
        const struct file *f = &files[i];
        if (!is_c(f->path))
            continue;
        if (starts(f->path, "src/") || starts(f->path, "tests/") || starts(f->path, "tools/"))
            check_calls_of(f, unsafe, "use base/str.h, base/clock.h or base/text.h");
        if (starts(f->path, "src/") && !starts(f->path, "src/base/"))
            check_calls_of(f, heap, "use base/mem.h or base/arena.h");
    }
}

/* ---- words that must not stay, and paths of one machine ---- */

static bool same_nocase(const char *text, const char *word)
{
    for (; *word; text++, word++) {
        if (tolower((unsigned char)*text) != *word)
            return false;
    }
    return true;
}

static void find_words(const struct file *f, const char *const *words, bool paths,
                       const char *message)
{
    int line = 1;
    for (const char *p = f->text; *p; p++) {
        if (*p == '\n')
            line++;
        char before = p > f->text ? p[-1] : ' ';
        if (is_word(before) || (paths && (before == '-' || before == '.')))
            continue;
        for (size_t i = 0; words[i]; i++) {
            if (same_nocase(p, words[i]) && (paths || !is_word(p[strlen(words[i])])))
                problem(f, line, "%s%s", message, words[i]);
        }
    }
}

static void check_markers(void)
{
    /* in two parts, so that this file does not hold them */
    static const char *const words[] = {"to"
                                        "do",
                                        "fix"
                                        "me",
                                        "xx"
                                        "x",
                                        "ha"
                                        "ck",
                                        "for n"
                                        "ow",
                                        "st"
                                        "ub",
                                        "work in pro"
                                        "gress",
                                        "not implemen"
                                        "ted yet",
                                        NULL};
    for (int i = 0; i < file_count; i++) {
        if (is_c(files[i].path) || is_build(files[i].path))
            find_words(&files[i], words, false, "a leftover marker: ");
    }
}

static void check_paths(void)
{
    static const char *const words[] = {"/wo"
                                        "rk/",
                                        "/tm"
                                        "p/x/",
                                        "/tm"
                                        "p/build",
                                        ".libr"
                                        "ary/",
                                        "/tm"
                                        "p/brief",
                                        NULL};
    for (int i = 0; i < file_count; i++)
        find_words(&files[i], words, true, "a path of one machine: ");
}

/* ---- lists: every source file is built, every header is used ---- */

static bool listed(const struct file *f)
{
    char folder[PATH_BYTES], name[NAME_BYTES];
    const char *slash = strrchr(f->path, '/');
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - f->path), f->path);
    snprintf(name, sizeof name, "%s", slash + 1);
    char *noun = name;
    if (starts(name, "test_") || starts(name, "fuzz_")) {
        noun = name + 5;
        noun[strlen(noun) - 2] = 0;
    }
    for (int i = 0; i < file_count; i++) {
        const struct file *list = &files[i];
        if (!ends(list->path, "CMakeLists.txt") && !ends(list->path, ".cmake"))
            continue;
        if (starts(f->path, "src/") && !starts(list->path, folder))
            continue;
        for (const char *at = list->text; (at = strstr(at, noun)); at++) {
            if ((at == list->text || !is_word(at[-1])) && !is_word(at[strlen(noun)]))
                return true;
        }
    }
    return false;
}

static void check_lists(void)
{
    for (int i = 0; i < file_count; i++) {
        const struct file *f = &files[i];
        bool built = starts(f->path, "src/") || starts(f->path, "tests/");
        if (built && ends(f->path, ".c") && !listed(f))
            problem(f, 1, "is in no CMakeLists.txt");
        if (ends(f->path, ".h") && starts(f->path, "src/") && !f->used)
            problem(f, 1, "nobody includes it");
    }
}

/* ---- each header compiles alone; one without `#pragma once` is a template, made to be included by
 * several files with other macros ---- */

static bool compiles(const char *path)
{
    extern char **environ;
    char header[2 * PATH_BYTES], include[PATH_BYTES + 8];
    const char *cc = getenv("CC");
    pid_t child;
    int status = 0;
    snprintf(header, sizeof header, "%s/%s", root, path);
    snprintf(include, sizeof include, "-I%s/src", root);
    const char *const args[] = {
        cc && *cc ? cc : "cc", "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Werror",
        "-fsyntax-only",       include,      "-include",      header,  "-xc",
        "/dev/null",           NULL};
    const union {
        const char *const *mine;
        char *const
            *theirs; /* posix_spawn changes nothing, but its prototype is older than const */
    } spawned = {args};
    if (posix_spawnp(&child, args[0], NULL, NULL, spawned.theirs, environ) != 0)
        return false;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void check_headers(void)
{
    for (int i = 0; i < file_count; i++) {
        const char *path = files[i].path;
        bool alone =
            ends(path, ".h") && starts(path, "src/") && strstr(files[i].text, "#pragma once");
        if (alone && !compiles(path))
            problem(&files[i], 1, "does not compile alone: it needs more includes");
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } checks[] = {
        {"includes", check_includes}, {"lengths", check_lengths}, {"calls", check_calls},
        {"markers", check_markers},   {"paths", check_paths},     {"lists", check_lists},
        {"headers", check_headers},
    };
    if (argc < 2) {
        fputs("usage: canh_tidy ROOT [includes lengths calls markers paths lists headers]\n",
              stderr);
        return 2;
    }
    snprintf(root, sizeof root, "%s", argv[1]);
    files = calloc(FILES_MAX, sizeof *files);
    if (!files)
        abort();
    walk("");
    if (file_count == 0) {
        fprintf(stderr, "%s: no files\n", root);
        return 2;
    }
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        bool asked = argc == 2;
        for (int a = 2; a < argc; a++)
            asked |= strcmp(argv[a], checks[i].name) == 0;
        if (asked)
            checks[i].run();
    }
    printf("%d files, %d problems\n", file_count, problem_count);
    for (int i = 0; i < file_count; i++) {
        free(files[i].path);
        free(files[i].text);
        free(files[i].code);
    }
    free(files);
    return problem_count > 0;
}
