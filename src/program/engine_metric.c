#include "program/engine.h"

#define COUNTER(text, label, words)                                                                \
    {                                                                                              \
        .name = (text), .kind = METRIC_COUNTER, .labels = (label), .help = (words)                 \
    }
#define GAUGE(text, words)                                                                         \
    {                                                                                              \
        .name = (text), .kind = METRIC_GAUGE, .help = (words)                                      \
    }
#define TIMES(label, words)                                                                        \
    {                                                                                              \
        .name = "canh_command_seconds", .kind = METRIC_HISTOGRAM, .labels = (label),               \
        .help = (words)                                                                            \
    }

static const char commands_help[] = "commands answered, by outcome";
static const char seconds_help[] = "how long commands take, by stage";
static const char who_help[] = "look-ups of a session or token";
static const char asks_help[] = "searches, hunts and exports, by outcome";

struct metric engine_metrics[ENGINE_METRICS] = {
    [ENGINE_METRIC_COMMANDS_DONE] =
        COUNTER("canh_commands_total", "result=\"done\"", commands_help),
    [ENGINE_METRIC_COMMANDS_REFUSED] =
        COUNTER("canh_commands_total", "result=\"refused\"", commands_help),
    [ENGINE_METRIC_COMMANDS_FAILED] =
        COUNTER("canh_commands_total", "result=\"failed\"", commands_help),
    [ENGINE_METRIC_COMMANDS_BUSY] =
        COUNTER("canh_commands_total", "result=\"busy\"", commands_help),
    [ENGINE_METRIC_SECONDS_QUEUE] = TIMES("stage=\"queue\"", seconds_help),
    [ENGINE_METRIC_SECONDS_COMMIT] = TIMES("stage=\"commit\"", seconds_help),
    [ENGINE_METRIC_SECONDS_SLOW] = TIMES("stage=\"slow\"", seconds_help),
    [ENGINE_METRIC_GROUPS] =
        COUNTER("canh_command_groups_total", NULL, "transactions that commands were grouped into"),
    [ENGINE_METRIC_QUEUED] = GAUGE("canh_commands_queued", "commands that wait for the writer"),
    [ENGINE_METRIC_AUDIT_ROWS] = GAUGE("canh_audit_rows", "rows of the audit chain"),
    [ENGINE_METRIC_SESSIONS] = GAUGE("canh_sessions", "open sessions"),
    [ENGINE_METRIC_OUTBOX_WAITING] = GAUGE("canh_outbox_waiting", "messages not delivered yet"),
    [ENGINE_METRIC_OUTBOX_OLDEST] =
        GAUGE("canh_outbox_oldest_seconds", "age of the oldest message not delivered yet"),
    [ENGINE_METRIC_OUTBOX_DELIVERED] =
        COUNTER("canh_outbox_settled_total", "result=\"delivered\"", "messages that are settled"),
    [ENGINE_METRIC_OUTBOX_GIVEN_UP] =
        COUNTER("canh_outbox_settled_total", "result=\"given_up\"", "messages that are settled"),
    [ENGINE_METRIC_VIOLATIONS] = COUNTER("canh_wire_violations_total", NULL,
                                         "peers cut off because they broke the rules of a wire"),
    [ENGINE_METRIC_CONTROLS] = GAUGE("canh_control_clients", "clients at the control socket"),
    [ENGINE_METRIC_WHO_KNOWN] = COUNTER("canh_lookups_total", "result=\"known\"", who_help),
    [ENGINE_METRIC_WHO_UNKNOWN] = COUNTER("canh_lookups_total", "result=\"unknown\"", who_help),
    [ENGINE_METRIC_ASKS_DONE] = COUNTER("canh_searches_total", "result=\"done\"", asks_help),
    [ENGINE_METRIC_ASKS_FAILED] = COUNTER("canh_searches_total", "result=\"failed\"", asks_help),
    [ENGINE_METRIC_ASKS_CANCELED] =
        COUNTER("canh_searches_total", "result=\"canceled\"", asks_help),
    [ENGINE_METRIC_ASKS_BUSY] = COUNTER("canh_searches_total", "result=\"busy\"", asks_help),
    [ENGINE_METRIC_ASKS_WAITING] = GAUGE("canh_searches_waiting", "searches that wait for a role"),
    [ENGINE_METRIC_ROLES_RESTARTS] =
        GAUGE("canh_roles_restarts", "how often roles were started again"),
    [ENGINE_METRIC_ROLES_READY] = GAUGE("canh_roles_ready", "roles that are at work"),
    [ENGINE_METRIC_DISK_FREE] = GAUGE("canh_disk_free_bytes", "room on the data folder's disk"),
    [ENGINE_METRIC_OVERALL] =
        GAUGE("canh_watching", "1: all is watched, 0: not all, or it is not known"),
};
