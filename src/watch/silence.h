/* Silence: is a source that sends nothing silent, or is it as it always is at this hour; and does
 * an hour hold as many records as it usually does.
 *
 * The rule, for a source without a set interval:
 *  1. each hour is of a kind: hour of the week, else hour of the day on a working or a free day,
 *     whichever finer one is known (watch/rhythm.h); where neither is, the verdict is *learning*,
 *     never *ok*: a printer's nights are shown so, with the reason;
 *  2. a clock starts with the newest event, or with the watch itself when that began later: what
 *     nobody listened for is no silence. It runs in hours of a known kind only, and was learned
 *     with the same clock;
 *  3. the limit of an hour is SILENCE_FACTOR times what the clock usually reads at most in hours of
X *  4. the source is silent from the first moment on at which the clock went past the limit of its
 *     hour, and stays so until an event comes: also through hours of an unknown kind;
 *  5. nothing for RHYTHM_HOURS is silent for a source of which any hour was known.
 * With a set interval: silent when more time than that has passed since 2.'s start. A source that
 * never sent, or whose newest event lies behind now (the clock was set back), is *unknown*.
 *
 * Pure: time comes in as a value. After a jump of the clock the caller sets watching_since_ns to
 * the new time: nobody can tell how long it really was. Limits: SILENCE_SOURCES_MAX sources are
 * learned, about 13 kB each; further ones are *learning* and say why. Threads: one. Ownership:
 * copies names, borrows the calendar; after a change of it open anew and learn again. */
#pragma once
#include "watch/ledger.h"
#include "watch/rhythm.h"

enum {
    SILENCE_SOURCES_MAX = 4096, /* as many as canh.yaml may name */
    SILENCE_FACTOR = 4,
    SILENCE_LIMIT_MIN_S = 600,
    SILENCE_CLOCK_SLACK_S = 60, /* an event that is so much ahead of now came now */
    /* A volume is changed when it is both so many times the median (or its part), and so many
     * spreads away from it, and this many records at the least. */
    SILENCE_VOLUME_TIMES = 4,
    SILENCE_VOLUME_SPREADS = 8,
    SILENCE_VOLUME_RECORDS_MIN = 100,
    SILENCE_VOLUME_HOURS_MIN = 3
};

struct silence;
struct silence *silence_open(const struct calendar *calendar);
void silence_close(struct silence **silence);

/* A closed hour of a source: from stored rows at the start (those of the last six weeks, oldest
 * first, so that five whole ones are seen), then from those that close. */
void silence_learn(struct silence *s, struct slice source, const struct rhythm_hour *hour);
/* The same from a cell of the ledger. */
void silence_learn_cell(struct silence *s, const struct ledger_cell *cell);
/* Canh listened in this hour, though it may be that no source sent anything. */
void silence_watched(struct silence *s, int64_t hour);
/* What was learned for hours after now, by a clock that has been set back since, is forgotten. */
void silence_tick(struct silence *s, int64_t now_ns);
void silence_forget(struct silence *s, struct slice source);

enum silence_state {
    SILENCE_OK,
    SILENCE_SILENT,
    SILENCE_LEARNING,
    SILENCE_UNKNOWN,
    SILENCE_DISABLED
};

enum silence_reason {
    SILENCE_BY_SETTING, /* OK or SILENT: an interval is set */
    SILENCE_BY_WEEK,    /* OK or SILENT: by the hour of the week */
    SILENCE_BY_DAY,     /* OK or SILENT: by the hour of a working or free day */
    SILENCE_BY_WINDOW,  /* SILENT: nothing for as long as is learned from */
    SILENCE_FEW_DAYS,   /* LEARNING: fewer than seven days were seen */
    SILENCE_FEW_GAPS,   /* LEARNING: it sends too seldom at this hour to expect anything */
    SILENCE_NO_ROOM,    /* LEARNING: more than SILENCE_SOURCES_MAX sources */
    SILENCE_NEVER_SEEN, /* UNKNOWN */
    SILENCE_CLOCK_BACK, /* UNKNOWN */
    SILENCE_OFF         /* DISABLED: the settings say so */
};

struct silence_question {
    struct slice source;
    bool is_disabled;
    uint32_t interval_s;       /* set; 0: learned */
    int64_t newest_ns;         /* when the newest event came; CLOCK_NONE: none ever did */
    int64_t watching_since_ns; /* since when Canh listens without a break */
    int64_t now_ns;
};

struct silence_verdict {
    enum silence_state state;
    enum silence_reason reason;
    int64_t newest_ns; /* as asked */
    int64_t since_ns;  /* SILENT: when the limit was passed; else CLOCK_NONE */
    uint64_t passed_s; /* since 2.'s start */
    uint64_t
        clock_s; /* of that in hours of a known kind, at the latest when the limit was passed */
    uint64_t limit_s;
    /* The numbers behind BY_WEEK, BY_DAY and FEW_GAPS: */
    struct rhythm_kind kind;
    struct calendar_hour hour;
    uint32_t days; /* FEW_DAYS: that were seen */
};
void silence_judge(struct silence *s, const struct silence_question *q,
                   struct silence_verdict *verdict);

enum silence_volume_state { SILENCE_VOLUME_OK, SILENCE_VOLUME_CHANGED, SILENCE_VOLUME_LEARNING };
struct silence_volume {
    enum silence_volume_state state;
    bool is_more; /* CHANGED */
    uint64_t records;
    struct rhythm_volume usual;
    struct calendar_hour hour;
};
/* Of a closed hour, before or after it is learned. */
void silence_volume(struct silence *s, struct slice source, int64_t hour, uint64_t records,
                    struct silence_volume *verdict);

extern const char *const silence_state_names[];  /* "ok", "silent", ... */
extern const char *const silence_reason_names[]; /* "set", "hour of week", ... in one word each */
/* One sentence with the numbers, appended. */
void silence_sentence(const struct silence_verdict *v, bool vietnamese, struct buf *out);
void silence_volume_sentence(const struct silence_volume *v, bool vietnamese, struct buf *out);
