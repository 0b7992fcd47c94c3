/* Gives a fuzz target a main: runs it over every file of the folders that are named (one level),
 * then over simple mutations of each (cut short, one byte changed, repeated) from a fixed seed, so
 * that gcc builds replay corpus and past crashes without libFuzzer. A folder that is not there is
 * empty. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_BYTES_MAX = 1 << 20, MUTATIONS = 64 };

static uint64_t random_state = 20261122;
static uint64_t random_next(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return random_state >> 33;
}

/* A block of its exact size, so that reading past the end is seen by the address sanitizer. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = calloc(size ? size : 1, 1);
    if (!copy)
        abort();
    if (size)
        memcpy(copy, data, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void run_mutations(const uint8_t *data, size_t size)
{
    uint8_t *changed = malloc(size * 2 + 1);
    if (!changed)
        abort();
    for (int i = 0; i < MUTATIONS && size > 0; i++) {
        memcpy(changed, data, size);
        size_t length = size;
        switch (i % 4) {
        case 0:
            length = random_next() % size;
            break;
        case 1:
            changed[random_next() % size] = (uint8_t)random_next();
            break;
        case 2:
            changed[random_next() % size] ^= (uint8_t)(1u << random_next() % 8);
            changed[random_next() % size] = (uint8_t) "\"\\{}[]<>&;:,=\n\0\xff"[random_next() % 17];
            break;
        default:
            memcpy(changed + size, data, size);
            length = size * 2;
            break;
        }
        run(changed, length);
    }
    free(changed);
}

static size_t run_file(const char *path)
{
    static uint8_t input[INPUT_BYTES_MAX];
    FILE *file = fopen(path, "rb");
    if (!file)
        return 0;
    size_t size = fread(input, 1, sizeof(input), file);
    (void)fclose(file);
    run(input, size);
    run_mutations(input, size);
    return 1;
}

int main(int argc, char **argv)
{
    size_t inputs = 0;
    run((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        if (!folder)
            continue;
        for (struct dirent *entry; (entry = readdir(folder));) {
            char path[4096];
            if (entry->d_name[0] == '.')
                continue;
            (void)snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
            inputs += run_file(path);
        }
        (void)closedir(folder);
    }
    printf("%zu inputs\n", inputs);
    return 0;
}
