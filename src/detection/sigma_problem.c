#include "detection/sigma_inside.h"

#include <stdio.h>

#include "base/mem.h"

enum { PROBLEM_TEXT_BYTES = 600, PROBLEMS_MAX = 100000 };

static void problem_put(struct problem_list *list, struct arena *arena, struct problem problem,
                        const char *text)
{
    if (problem.level == PROBLEM_ERROR)
        list->error_count++;
    if (list->count == PROBLEMS_MAX)
        return;
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 16;
        list->items = mem_resize(list->items, list->capacity, sizeof(*list->items));
    }
    problem.text = arena_copy(arena, slice_from(text));
    list->items[list->count++] = problem;
}

void problem_add(struct problem_list *list, struct arena *arena, enum problem_level level,
                 const char *code, struct slice file, uint32_t line, uint32_t column,
                 const char *format, ...)
{
    char text[PROBLEM_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    problem_put(list, arena,
                (struct problem){
                    .level = level, .code = code, .file = file, .line = line, .column = column},
                text);
}

void problem_list_free(struct problem_list *list)
{
    mem_free(list->items);
    *list = (struct problem_list){0};
}

__attribute__((format(printf, 6, 0))) static void
sigma_problem(struct sigma_reader *r, enum problem_level level, const char *code, uint32_t line,
              uint32_t column, const char *format, va_list args)
{
    char text[PROBLEM_TEXT_BYTES];
    (void)vsnprintf(text, sizeof(text), format, args);
    r->refused |= level == PROBLEM_ERROR;
    problem_add(r->problems, r->arena, level, code, r->file, line, column, "%s", text);
}

void sigma_error(struct sigma_reader *r, const char *code, uint32_t line, uint32_t column,
                 const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sigma_problem(r, PROBLEM_ERROR, code, line, column, format, args);
    va_end(args);
}

void sigma_warning(struct sigma_reader *r, const char *code, uint32_t line, uint32_t column,
                   const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sigma_problem(r, PROBLEM_WARNING, code, line, column, format, args);
    va_end(args);
}
