/* Sought: what events are held against, by detect and by hunt: rules and indicators, opened as the
 * command's options say.
 *
 * Limits: those of rules_load.h and indicators_load.h. Threads: opened on the main one, then
 * immutable. Ownership: owns all of its parts. */
#pragma once
#include "program/detector_options.h"
#include "watch/finding.h"
#include "watch/indicators_load.h"

enum { SOUGHT_PROBLEMS_SHOWN = 10 };

struct sought_settings { /* a member of a command's settings */
    struct detector_settings detector;
    struct option_list indicators;
    const char *fail_level; /* finding_level_of reads it */
};

/* Rows for a command's option table. */
#define SOUGHT_OPTIONS(settings, member)                                                           \
    {"rules",                                                                                      \
     'r',                                                                                          \
     OPTION_LIST,                                                                                  \
     offsetof(struct settings, member.detector.rules),                                             \
     "PATH",                                                                                       \
     0,                                                                                            \
     0,                                                                                            \
     "Sigma rules: a file, folder or archive (may be given again)",                                \
     "quy tắc Sigma: tệp, thư mục hoặc gói nén (dùng được nhiều lần)"},                            \
    {                                                                                              \
        "indicators", 'i', OPTION_LIST, offsetof(struct settings, member.indicators), "PATH", 0,   \
            0, "indicators: a feed or a table of `canh intel import` (may be given again)",        \
            "dấu hiệu nhận biết: tệp nguồn hoặc bảng của `canh intel import` "   \
            "(dùng được nhiều lần)"                                                       \
    }

#define SOUGHT_FAIL_LEVEL_OPTION(settings, member)                                                 \
    {                                                                                              \
        "fail-level", 0, OPTION_CHOICE, offsetof(struct settings, member.fail_level),              \
            "informational|low|medium|high|critical", 0, 0,                                        \
            "exit with 1 when a finding has this level or a higher one",                           \
            "thoát với mã 1 khi có kết quả từ mức này trở lên"                    \
    }

struct sought {
    struct detector detector;
    struct indicators_load indicators;
    struct finding_rules rules; /* the detector's, and those of indicators */
};

/* timezone: when the settings have none; NULL: UTC. Rules and feeds that cannot be used are told on
 * stderr. out is zeroed by the caller and is to be closed either way. */
MUST_CHECK int sought_open(struct sought *out, const struct sought_settings *settings,
                           const char *timezone, const struct cli_common *common, struct err *err);
void sought_close(struct sought *sought);
bool sought_any(const struct sought_settings *settings); /* whether rules or indicators are named */
void sought_settings_free(struct sought_settings *settings);
