/* What commands share that take a query: search, tail, export; and hunt, a span of the store.
 * Threads: the main one. */
#pragma once
#include "program/cli.h"
#include "program/data.h"
#include "program/detector_options.h"
#include "program/query_run.h"

enum { CLI_QUERY_MEMORY_MIN = 8 << 20 };

struct span_settings {     /* a member of a command's settings: which part of the store */
    const char *from, *to; /* query_run_span reads them */
    struct option_list partitions;
};

struct query_settings { /* a member of a command's settings */
    struct span_settings span;
    const char *mappings, *timezone;
    uint64_t memory_bytes;
};

/* Rows for a command's option table. */
#define CLI_QUERY_SPAN_OPTIONS(settings, member)                                                   \
    {"from",                                                                                       \
     0,                                                                                            \
     OPTION_TEXT,                                                                                  \
     offsetof(struct settings, member.from),                                                       \
     "TIME",                                                                                       \
     0,                                                                                            \
     0,                                                                                            \
     "only events from this time on: 2026-11-22, 2026-11-22T10:00:00+07:00, -24h",                 \
     "chỉ xét sự kiện từ thời điểm này: "                                           \
     "2026-11-22, 2026-11-22T10:00:00+07:00, -24h"},                                               \
        {"to",                                                                                     \
         0,                                                                                        \
         OPTION_TEXT,                                                                              \
         offsetof(struct settings, member.to),                                                     \
         "TIME",                                                                                   \
         0,                                                                                        \
         0,                                                                                        \
         "only events before this time",                                                           \
         "chỉ xét sự kiện trước thời điểm này"},                                                   \
    {                                                                                              \
        "partition", 'p', OPTION_LIST, offsetof(struct settings, member.partitions), "NAME", 0, 0, \
            "only this partition (may be given again; default: all but internal ones)",            \
            "chỉ xét phân vùng này (dùng được nhiều lần; "                          \
            "mặc định: mọi phân vùng trừ phân vùng nội bộ)"                       \
    }

#define CLI_QUERY_OPTIONS(settings, member)                                                        \
    CLI_QUERY_SPAN_OPTIONS(settings, member.span), DETECTOR_MAPPINGS_OPTION(settings, member),     \
        {"timezone",                                                                               \
         0,                                                                                        \
         OPTION_TEXT,                                                                              \
         offsetof(struct settings, member.timezone),                                               \
         "ZONE",                                                                                   \
         0,                                                                                        \
         0,                                                                                        \
         "zone of dates and of times shown (default: store.timezone)",                             \
         "múi giờ của ngày tháng và giờ hiển thị "                                   \
         "(mặc định: store.timezone)"},                                                            \
    {                                                                                              \
        "memory", 0, OPTION_NUMBER, offsetof(struct settings, member.memory_bytes), "BYTES",       \
            CLI_QUERY_MEMORY_MIN, UINT64_MAX / 2,                                                  \
            "memory that the search may take (default: store.query_memory)",                       \
            "bộ nhớ tối đa khi tìm "                                                       \
            "(mặc định: store.query_memory)"                                                  \
    }

/* The commands themselves, over a store that is open (the query role's); given NULL: as their
 * options say. Results go to the standard output. */
int search_command(int argc, char **argv, const struct data *given);
int export_command(int argc, char **argv, const struct data *given);
int hunt_command(int argc, char **argv, const struct data *given);
/* data_open, or data_borrow of what is given. */
MUST_CHECK int cli_query_data(struct data *out, const struct data_settings *settings,
                              const struct data *given, struct err *err);
/* ERR_USAGE when one is no name of a partition. */
MUST_CHECK int cli_query_check_partitions(const struct option_list *partitions, struct err *err);
/* out is zeroed by the caller and is to be closed either way. */
MUST_CHECK int cli_query_open(struct query_run *out, const struct data *data,
                              const struct query_settings *settings,
                              const struct option_list *words, struct err *err);
/* Says what is wrong, and where in the query; returns the exit code. */
int cli_query_fail(const struct query_run *run, const struct err *err);
