/* Detector options: the options by which commands say which rules, mappings, placeholders and zone
 * a detector is made of. Texts of help that only one command has stand there.
 *
 * Threads: the main thread of a command. Ownership: the caller frees rules. */
#pragma once
#include "program/cli.h"
#include "watch/detector.h"

struct node_rules;
struct detector_settings { /* a member of a command's settings; what is not given is NULL */
    struct option_list rules;
    const char *mappings, *placeholders, *source, *timezone;
    const char *routing, *jit;     /* on, off */
    const struct node_rules *node; /* instead of rules */
};

/* Rows for a command's option table. Settings other than detector_settings may have the member. */
#define DETECTOR_MAPPINGS_OPTION(settings, member)                                                 \
    {                                                                                              \
        "mappings", 0, OPTION_TEXT, offsetof(struct settings, member.mappings), "PATH|none", 0, 0, \
            "mappings in place of the built-in ones", "bộ ánh xạ thay cho bộ có sẵn"     \
    }

#define DETECTOR_PLACEHOLDERS_OPTION(settings, member)                                             \
    {                                                                                              \
        "placeholders", 0, OPTION_TEXT, offsetof(struct settings, member.placeholders), "FILE", 0, \
            0, "values of %placeholders% (YAML: name: [values])",                                  \
            "giá trị của %placeholder% (YAML: tên: [giá trị])"                            \
    }

#define DETECTOR_ROUTING_OPTION(settings, member)                                                  \
    {                                                                                              \
        "routing", 0, OPTION_CHOICE, offsetof(struct settings, member.routing), "on|off", 0, 0,    \
            "try a rule only on its log source (default on)",                                      \
            "chỉ thử quy tắc trên đúng nguồn nhật ký (mặc định on)"             \
    }

/* As the settings say; out borrows from them. */
void detector_options_set(struct detector_options *out, const struct detector_settings *settings);
