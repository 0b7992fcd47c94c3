/* For stix_pattern.sh: the comparing and converting that the shell cannot do. Reads JSON with
 * jansson, so that what the program writes is judged by another reader.
 *
 * usage: stix_vectors compare VECTORS ANSWERS    both JSON, one a line: {match} or {error}
 *        stix_vectors manifest FOLDER EXCEPT     FOLDER/manifest.json as vectors on stdout, without
 *                                                the ids that EXCEPT lists (id, tab, why) */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 4096 };

static FILE *open_or_exit(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        exit(2);
    }
    return file;
}

/* The next line as JSON; NULL at the end. */
static json_t *line_next(FILE *file, const char *path)
{
    json_error_t error;
    json_t *value = json_loadf(file, JSON_DISABLE_EOF_CHECK, &error);
    if (!value && json_error_code(&error) != json_error_premature_end_of_input) {
        (void)fprintf(stderr, "%s: %s\n", path, error.text);
        exit(2);
    }
    return value;
}

static bool answer_fits(const json_t *vector, const json_t *answer)
{
    if (json_object_get(vector, "error"))
        return json_object_get(answer, "error") != NULL;
    const json_t *match = json_object_get(answer, "match");
    return json_is_boolean(match) &&
           json_is_true(match) == json_is_true(json_object_get(vector, "match"));
}

static int compare(const char *vectors_path, const char *answers_path)
{
    FILE *vectors = open_or_exit(vectors_path), *answers = open_or_exit(answers_path);
    unsigned count = 0, wrong = 0;
    json_t *vector;
    while ((vector = line_next(vectors, vectors_path))) {
        json_t *answer = line_next(answers, answers_path);
        count++;
        if (!answer || !answer_fits(vector, answer)) {
            char *shown = json_dumps(answer, JSON_ENCODE_ANY);
            (void)printf("row %u: %s: the program says %s\n", count,
                         json_string_value(json_object_get(vector, "pattern")),
                         shown ? shown : "nothing");
            free(shown);
            wrong++;
        }
        json_decref(answer);
        json_decref(vector);
    }
    json_t *more = line_next(answers, answers_path);
    if (more)
        (void)printf("the program answers more than was asked\n");
    (void)printf("%u of %u as expected\n", count - wrong, count);
    (void)fclose(vectors);
    (void)fclose(answers);
    return wrong > 0 || more || count == 0;
}

static json_t *file_load(const char *folder, const char *name)
{
    char path[PATH_BYTES];
    json_error_t error;
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    json_t *value = json_load_file(path, 0, &error);
    if (!value) {
        (void)fprintf(stderr, "%s: %s\n", path, error.text);
        exit(2);
    }
    return value;
}

static bool is_excepted(FILE *except, const char *id)
{
    char line[PATH_BYTES];
    size_t len = strlen(id);
    rewind(except);
    while (fgets(line, sizeof(line), except))
        if (strncmp(line, id, len) == 0 && line[len] == '\t')
            return true;
    return false;
}

static int manifest(const char *folder, const char *except_path)
{
    FILE *except = open_or_exit(except_path);
    json_t *rows = file_load(folder, "manifest.json"), *row;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        if (is_excepted(except, json_string_value(json_object_get(row, "id"))))
            continue;
        json_t *observed =
            file_load(folder, json_string_value(json_object_get(row, "bundle_file")));
        json_t *vector =
            json_pack("{s:O, s:O, s:o}", "pattern", json_object_get(row, "pattern"), "match",
                      json_object_get(row, "expect"), "observed_data", observed);
        (void)json_dumpf(vector, stdout, JSON_COMPACT);
        (void)putchar('\n');
        json_decref(vector);
    }
    json_decref(rows);
    (void)fclose(except);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "compare") == 0)
        return compare(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "manifest") == 0)
        return manifest(argv[2], argv[3]);
    return 2;
}
