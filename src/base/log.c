#include "base/log.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

enum {
    LOG_LEVELS = LOG_DEBUG + 1,
    LOG_TEXT_BYTES = 3072,
    LOG_LINE_END_BYTES = 8, /* what closes a line, with the sign that it was cut */
    LOG_CHAR_BYTES_MAX = 12 /* the longest escape: two of \u0000 */
};
#define LOG_BURST_NS ((uint64_t)60 * 1000000000u)

static const char *const level_names[LOG_LEVELS] = {"error", "warning", "info", "debug"};

struct burst { /* of one event */
    const char *event;
    enum log_level level;
    uint64_t since_ns, said, held;
};

static struct {
    pthread_mutex_t mutex;
    const char *role;
    enum log_level level;
    bool terminal;
    uint64_t counts[LOG_LEVELS];
    struct burst bursts[LOG_EVENTS_MAX]; /* the last one is shared by those that found no room */
    uint32_t burst_count;
} state = {.mutex = PTHREAD_MUTEX_INITIALIZER, .role = "canh", .level = LOG_INFO};

struct line {
    char bytes[LOG_LINE_BYTES_MAX];
    size_t len;
    bool cut;
};

static void line_put(struct line *line, const char *text, size_t len)
{
    if (line->cut || len > sizeof(line->bytes) - LOG_LINE_END_BYTES - line->len) {
        line->cut = true;
        return;
    }
    memcpy(line->bytes + line->len, text, len);
    line->len += len;
}

static void line_string(struct line *line, const char *text)
{
    line_put(line, text, strlen(text));
}

/* Invisible ones, and those that turn the direction of text and so disguise it. */
static bool char_is_hidden(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

/* Well-formed UTF-8 for JSON and harmless for a terminal, whatever text is. */
static void line_escaped(struct line *line, struct slice text)
{
    for (size_t at = 0; at < text.len;) {
        size_t start = at;
        uint32_t c = text_next_char(text, &at);
        char escape[LOG_CHAR_BYTES_MAX + 1];
        if (c & TEXT_BAD_BYTE)
            line_string(line, "\\ufffd");
        else if (c == '\n')
            line_string(line, "\\n");
        else if (c == '\t')
            line_string(line, "\\t");
        else if (char_is_hidden(c)) {
            (void)snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)c);
            line_string(line, escape);
        } else if (!state.terminal && (c == '"' || c == '\\')) {
            escape[0] = '\\';
            escape[1] = (char)c;
            line_put(line, escape, 2);
        } else
            line_put(line, text.data + start, at - start);
    }
}

/* One write, so that lines of processes that share the descriptor do not mix. What cannot be
 * written is lost: there is nobody to tell. */
static void line_write(struct line *line)
{
    const char *end = state.terminal ? "\n" : "\"}\n";
    if (line->cut) {
        memcpy(line->bytes + line->len, "...", 3);
        line->len += 3;
    }
    memcpy(line->bytes + line->len, end, strlen(end));
    line->len += strlen(end);
    (void)!write(STDERR_FILENO, line->bytes, line->len);
}

static void line_say(enum log_level level, const char *event, struct slice text)
{
    struct line line = {.len = 0};
    char time[CLOCK_TEXT_BYTES], process[24];
    int64_t now_ns = clock_now_ns();
    (void)clock_text(time, now_ns - now_ns % 1000000); /* milliseconds will do */
    (void)snprintf(process, sizeof(process), "%d", (int)getpid());
    const char *const as_json[] = {
        "{\"time\":\"",   time,       "\",\"level\":\"", level_names[level],
        "\",\"role\":\"", state.role, "\",\"process\":", process,
        ",\"event\":\"",  event,      "\",\"text\":\"",  NULL};
    const char *const as_text[] = {time, " ", level_names[level], " ", state.role, " ", event,
                                   ": ", NULL};
    for (const char *const *part = state.terminal ? as_text : as_json; *part; part++)
        line_string(&line, *part);
    line_escaped(&line, text);
    line_write(&line);
}

static void burst_tell(struct burst *b)
{
    char text[64];
    int len = snprintf(text, sizeof(text), "%llu more lines of this event were held back",
                       (unsigned long long)b->held);
    b->held = 0;
    line_say(b->level, b->event, slice_make(text, (size_t)len));
}

/* Those whose minute is over are told and begin anew. */
static void bursts_settle(uint64_t now_ns, bool all)
{
    for (uint32_t i = 0; i < state.burst_count; i++) {
        struct burst *b = &state.bursts[i];
        if (!all && now_ns - b->since_ns < LOG_BURST_NS)
            continue;
        if (b->held)
            burst_tell(b);
        b->said = 0;
        b->since_ns = now_ns;
    }
}

static bool burst_allows(enum log_level level, const char *event, uint64_t now_ns)
{
    uint32_t i = 0;
    while (i < state.burst_count && strcmp(state.bursts[i].event, event) != 0)
        i++;
    if (i == LOG_EVENTS_MAX)
        i--;
    struct burst *b = &state.bursts[i];
    if (i == state.burst_count) {
        state.burst_count++;
        *b = (struct burst){.event = event, .since_ns = now_ns};
    }
    b->level = level;
    if (b->said == LOG_BURST) {
        b->held++;
        return false;
    }
    b->said++;
    return true;
}

static void say(enum log_level level, const char *event, struct slice text)
{
    uint64_t now_ns = clock_monotonic_ns();
    check(pthread_mutex_lock(&state.mutex) == 0);
    if (level <= state.level) {
        state.counts[level]++;
        bursts_settle(now_ns, false);
        if (burst_allows(level, event, now_ns))
            line_say(level, event, text);
    }
    check(pthread_mutex_unlock(&state.mutex) == 0);
}

void log_open(const char *role, enum log_level level)
{
    check(pthread_mutex_lock(&state.mutex) == 0);
    state.role = role;
    state.level = level;
    state.terminal = isatty(STDERR_FILENO) == 1;
    memset(state.counts, 0, sizeof(state.counts));
    state.burst_count = 0;
    check(pthread_mutex_unlock(&state.mutex) == 0);
}

void log_say(enum log_level level, const char *event, const char *format, ...)
{
    char text[LOG_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    check(len >= 0);
    say(level, event, slice_make(text, strlen(text)));
}

void log_err(enum log_level level, const char *event, const struct err *err)
{
    say(level, event, slice_from(err->text));
}

uint64_t log_count(enum log_level level)
{
    check(pthread_mutex_lock(&state.mutex) == 0);
    uint64_t count = state.counts[level];
    check(pthread_mutex_unlock(&state.mutex) == 0);
    return count;
}

void log_end(void)
{
    check(pthread_mutex_lock(&state.mutex) == 0);
    bursts_settle(clock_monotonic_ns(), true);
    check(pthread_mutex_unlock(&state.mutex) == 0);
}
