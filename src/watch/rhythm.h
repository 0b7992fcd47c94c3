/* Rhythm: how a source usually sends, learned from its closed ledger hours: for each kind of hour
 * how long it is quiet at most, and how many records come.
 *
 * A kind of hour is coarse (hour of the day on a working or on a free day) or fine (hour of the
 * week; days that the settings list as free are no part of it). A coarse kind is known from seven
 * days on, a fine one from five weeks on, each with RHYTHM_GAPS_MIN gaps between arrivals.
 *
 * The clock of silence. One clock is used for learning and for judging:
 *  1. it is set to nought by an arrival;
 *  2. it runs in hours of a known kind only: hours of which nothing is known (the nights of an
 *     office) stop it, and it goes on behind them from where it stood. What a source is quiet from
 *     its last event to the end of the office's hours, and from their beginning to its first, is so
 *     part of what is usual in its first hour, and the night between is not;
 *  3. hours in which nothing at all was watched set it to nought: they say nothing of the source;
 *  4. a sample is the highest reading of the clock within one past hour; an hour in which the
 *     source sent nothing is a sample too;
 *  5. what is usual for a kind is the sample that three quarters of its hours do not go beyond (the
 *     highest is left out where there are three or more): one outage does not move it.
 *
 * Limits: RHYTHM_HOURS back from a source's newest hour (what a dead source did stays known);
 * about 13 kB a source. Threads: one. Ownership: borrows the calendar. */
#pragma once
#include "watch/calendar.h"

enum {
    RHYTHM_HOURS = 35 * 24,
    RHYTHM_COARSE_HOURS = 7 * 24, /* of data, before anything is known */
    RHYTHM_GAPS_MIN = 30,
    RHYTHM_COARSE_KINDS = 2 * 24,
    RHYTHM_FINE_KINDS = 7 * 24
};

/* Hours count from 1970, UTC. */
#define RHYTHM_HOUR_NS (3600 * CLOCK_SECOND_NS)
static inline int64_t rhythm_hour_of(int64_t time_ns)
{
    return time_ns / RHYTHM_HOUR_NS - (time_ns % RHYTHM_HOUR_NS < 0);
}

/* What all sources have in common: the kinds of hours, and which were watched. */
struct rhythm_hours;
struct rhythm_hours *rhythm_hours_open(const struct calendar *calendar);
void rhythm_hours_close(struct rhythm_hours **hours);
void rhythm_hours_watched(struct rhythm_hours *hours, int64_t hour);
void rhythm_hours_kind(struct rhythm_hours *hours, int64_t hour, struct calendar_hour *out);

struct rhythm_hour { /* of a source, closed; several of one hour add up */
    int64_t hour;
    uint64_t records, gaps;              /* gaps: between arrivals, that ended in it */
    uint32_t first_s, last_s, longest_s; /* of arrivals in the hour; the longest gap inside of it */
};

struct rhythm;
struct rhythm *rhythm_open(void);
void rhythm_close(struct rhythm **rhythm);
/* Hours before the window are let go; an hour beyond it makes the window move on. Marks the hour as
 * watched. */
void rhythm_learn(struct rhythm *r, struct rhythm_hours *hours, const struct rhythm_hour *hour);
/* Hours after this one cannot be: the clock was set back. */
void rhythm_forget_after(struct rhythm *r, int64_t hour);

enum rhythm_grain { RHYTHM_UNKNOWN, RHYTHM_COARSE, RHYTHM_FINE };
struct rhythm_kind {
    enum rhythm_grain grain;
    uint32_t gaps;    /* of that grain; UNKNOWN: of the coarse kind */
    uint32_t hours;   /* that made samples */
    uint32_t usual_s; /* the usual highest reading of the clock */
};
void rhythm_at(struct rhythm *r, struct rhythm_hours *hours, int64_t hour, struct rhythm_kind *out);
/* From the first hour that was ever learned to the newest. */
int64_t rhythm_hours_learned(const struct rhythm *r);

struct rhythm_volume {
    struct rhythm_kind kind;
    uint64_t median, spread; /* spread: the median of the distances from the median */
    uint32_t hours;          /* without the one asked for */
};
/* How many records such an hour usually has. */
void rhythm_volume(struct rhythm *r, struct rhythm_hours *hours, int64_t hour,
                   struct rhythm_volume *out);
