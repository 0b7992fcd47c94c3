/* Time: UTC nanoseconds since 1970 as int64_t (1677 to 2262), calendar dates, and the texts of
 * both. Nothing here asks the system for the time but clock_now_ns. Threads: any. */
#pragma once
#include "base/str.h"

#define CLOCK_NONE      INT64_MIN /* no time known */
#define CLOCK_SECOND_NS 1000000000ll

struct clock_date { /* proleptic Gregorian, as read off a calendar and a wall clock */
    int year, month, day, hour, minute, second; /* month and day from 1; second up to 60 */
    int32_t nanosecond;
};

int64_t clock_now_ns(void); /* wall time */
uint64_t clock_monotonic_ns(void);
uint64_t clock_cpu_ns(void);        /* processor time of this process */
uint64_t clock_thread_cpu_ns(void); /* of the calling thread */

/* CLOCK_NONE when a part is out of range. offset_seconds: east of Greenwich is positive. */
int64_t clock_from_date(const struct clock_date *date, int offset_seconds);
void clock_to_date(int64_t time_ns, int offset_seconds, struct clock_date *date);
int clock_weekday(int64_t time_ns, int offset_seconds);  /* 0 Monday .. 6 Sunday */
int clock_iso_week(int64_t time_ns, int offset_seconds); /* ISO 8601 week 1..53 */

enum { CLOCK_TEXT_BYTES = 40 };
/* RFC 3339 in UTC, with as many digits as are needed: 2026-11-22T10:36:00.25Z. Returns the length.
 */
size_t clock_text(char out[CLOCK_TEXT_BYTES], int64_t time_ns);

/* Time zones: "Z", "UTC", "+07:00", "-0330", or a name of the system's zone table
 * ("Asia/Ho_Chi_Minh"). A zone answers the offset in force at a UTC or local instant. */
struct clock_zone;
MUST_CHECK int clock_zone_open(struct clock_zone **out, struct slice name, struct err *err);
int clock_zone_offset(const struct clock_zone *zone, int64_t utc_ns); /* seconds; NULL zone: 0 */
int64_t clock_zone_to_utc(const struct clock_zone *zone, const struct clock_date *local);
void clock_zone_close(struct clock_zone **zone);

/* Any time that logs carry: RFC 3339 and ISO 8601 (blank or T, comma or point, zone or none, date
 * only, 20261122T103600Z), RFC 3164 "Nov 22 10:36:00" (year from the nearest to near_ns; none when
 * near_ns is CLOCK_NONE), "Tue Jul 28 11:28:00 2026", "Tue, 28 Jul 2026 11:28:00 +0700", combined
 * web log "22/Nov/2026:10:36:00 +0700", W3C, "07/28/2026 11:28:00 AM" (month first always), Unix
 * seconds / milliseconds / microseconds / nanoseconds by their count of digits (9-10 / 12-13 /
 * 15-16 / 19, with fraction: auditd "1700000000.123"), Windows FILETIME (18 digits). Texts without
 * a zone are in zone (NULL: UTC). CLOCK_NONE: not a time. */
int64_t clock_parse(struct slice text, const struct clock_zone *zone, int64_t near_ns);

/* The newest text that was read and what it said: logs of a second carry the same one again and
 * again. Zeroed: none. Threads: one. The zone must live as long as the memo is asked. */
enum { CLOCK_MEMO_BYTES = 32 };
struct clock_memo {
    char text[CLOCK_MEMO_BYTES];
    size_t len;
    const struct clock_zone *zone;
    int64_t near_ns, time_ns;
};
/* What clock_parse says. */
int64_t clock_parse_again(struct clock_memo *memo, struct slice text, const struct clock_zone *zone,
                          int64_t near_ns);
