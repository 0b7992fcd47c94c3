/* Log: what the program says about itself, one line of JSON each on standard error:
 * {"time":"...","level":"info","role":"engine","process":123,"event":"seal","text":"..."}. On a
 * terminal a line of text instead.
 *
 * Nothing that others sent goes in unescaped; a line is at most LOG_LINE_BYTES_MAX and written by
 * one write. More than LOG_BURST lines of one event within a minute are counted and told as one,
 * with the next line of any event behind the minute, or by log_end. Threads: any. */
#pragma once
#include "base/str.h"

enum { LOG_LINE_BYTES_MAX = 4096, LOG_BURST = 30, LOG_EVENTS_MAX = 128 /* different ones */ };
enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* Once, at the start, before sandbox_enter. role: literal. Before it: role "canh", LOG_INFO. */
void log_open(const char *role, enum log_level level);
/* event: one word, the same for the same kind of thing (literal). */
void log_say(enum log_level level, const char *event, const char *format, ...) PRINTF_LIKE(3, 4);
void log_err(enum log_level level, const char *event, const struct err *err);
uint64_t log_count(enum log_level level); /* since log_open, those held back included */
void log_end(void);                       /* tells what was held back: when a process ends */
