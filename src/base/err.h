/* Errors: one set of codes for the whole program, and the detail of the newest one.
 *
 * A function that can fail returns int: ERR_OK (0, or a count where its header says so) or one of
 * the negative codes below; the detail goes into the caller's struct err, which may be NULL when
 * the caller does not care. It is set once, where the failure is seen; a layer above may prefix its
 * context but neither logs nor prints what it returns.
 * Limits: ERR_TEXT_BYTES a message, longer ones are cut. Threads: a struct err belongs to one. */
#pragma once
#include <stdarg.h>
#include <stdint.h>

#define MUST_CHECK               __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

enum err_code {
    ERR_OK = 0,
    ERR_SYNTAX = -1,      /* the input is not what its format says */
    ERR_LIMIT = -2,       /* a named limit was reached */
    ERR_IO = -3,          /* the system refused: detail has the reason */
    ERR_NOT_FOUND = -4,   /* the named thing does not exist */
    ERR_UNSUPPORTED = -5, /* understood, but not offered here */
    ERR_USAGE = -6,       /* the command line or a setting is wrong */
    ERR_END = -7,         /* no more input: not a failure */
    ERR_CLOSED = -8,      /* the other side of a pipe went away */
    ERR_FULL = -9,        /* no room on the disk: may work later */
    ERR_DAMAGED = -10,    /* a checksum or a bound does not hold: what is stored is not what was */
    ERR_BUSY = -11,       /* somebody else has it: may work later */
    ERR_CANCELED = -12,   /* the caller asked to stop */
    ERR_EXISTS = -13      /* it is there already */
};

enum { ERR_TEXT_BYTES = 400 };

struct err {
    int code;
    uint32_t column; /* 1-based, 0: unknown */
    uint64_t line;   /* 1-based, 0: unknown */
    char text[ERR_TEXT_BYTES];
};

/* Sets code and text, clears line and column. Returns code, so `return err_set(...)` reads well.
 * err may be NULL. */
int err_set(struct err *err, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/* The same with a place in the input. */
int err_set_at(struct err *err, int code, uint64_t line, uint32_t column, const char *format, ...)
    PRINTF_LIKE(5, 6);

/* Sets ERR_IO with the text of the errno value: "format: No such file or directory". */
int err_set_errno(struct err *err, int errno_value, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts "format: " before the text that is there. Returns err->code (ERR_OK when err is NULL). */
int err_prefix(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* A programmer's error: prints file, line and condition, and aborts. On in every build. */
#define check(condition)                                                                           \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            check_failed(#condition, __FILE__, __LINE__);                                          \
    } while (0)
void check_failed(const char *condition, const char *file, int line) __attribute__((noreturn));
