#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 3, 0))) static void err_fill(struct err *err, int code,
                                                           const char *format, va_list args)
{
    if (!err)
        return;
    err->code = code;
    err->line = 0;
    err->column = 0;
    (void)vsnprintf(err->text, sizeof(err->text), format, args);
}

int err_set(struct err *err, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err_fill(err, code, format, args);
    va_end(args);
    return code;
}

int err_set_at(struct err *err, int code, uint64_t line, uint32_t column, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err_fill(err, code, format, args);
    va_end(args);
    if (err) {
        err->line = line;
        err->column = column;
    }
    return code;
}

int err_set_errno(struct err *err, int errno_value, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err_fill(err, ERR_IO, format, args);
    va_end(args);
    if (err) {
        size_t used = strlen(err->text);
        (void)snprintf(err->text + used, sizeof(err->text) - used, ": %s", strerror(errno_value));
    }
    return ERR_IO;
}

int err_prefix(struct err *err, const char *format, ...)
{
    if (!err)
        return ERR_OK;
    char old[ERR_TEXT_BYTES];
    memcpy(old, err->text, sizeof(old));
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    size_t used = strlen(err->text);
    (void)snprintf(err->text + used, sizeof(err->text) - used, ": %s", old);
    return err->code;
}

void check_failed(const char *condition, const char *file, int line)
{
    (void)fprintf(stderr, "canh: %s:%d: check failed: %s\n", file, line, condition);
    abort();
}
