/* What `canh config propose` sets up and `canh watch` shows: shared by the two, and by the parts of
 * the latter. Threads: the main one. */
#pragma once
#include "program/box.h"
#include "program/cli_node.h"
#include "program/output.h"

enum { CLI_PORT_WEB = 8480, CLI_PORT_SYSLOG = 5514, CLI_PORT_HTTP = 8490 };
struct cli_port { /* a listener that is proposed */
    const char *name, *kind, *source;
    uint16_t usual; /* port; when it is busy, the next free one */
};
extern const struct cli_port cli_ports[];
extern const size_t cli_port_count;
int cli_config_propose(int argc, char **argv);

struct watch_settings {
    struct cli_common common;
    struct data_settings data;
    const char *logs;
    bool once, drill;
};

struct watch {
    const struct watch_settings *settings;
    bool vi;
    uint32_t columns;
    struct output_options output;
    struct client *client;
    const struct config *config;
    struct clock_zone *zone;
    struct buf status; /* the newest, as JSON */
    struct buf out;
    bool closed; /* nobody reads any more */
};
MUST_CHECK int watch_status(struct watch *w, struct err *err); /* asks the node anew */

/* cli_watch_sources.c: places that events come by, as the node tells of them. */
enum watch_place_kind { WATCH_JOURNAL, WATCH_FILE, WATCH_LISTENER, WATCH_DROP, WATCH_DRILL };
struct watch_place {
    enum watch_place_kind kind;
    struct slice source, what; /* what: a path, a listener's name */
    struct slice address;      /* a listener's */
    uint64_t stored;           /* since the node started */
    uint64_t stored_ever;
    uint64_t files; /* of a drill: that something came from */
};
typedef void watch_place_visit(void *context, const struct watch_place *place);
void watch_places(const struct watch *w, watch_place_visit *visit, void *context);

/* cli_watch_box.c: what is watched, what is not and why, what to try; appended to w->out. */
void watch_box(struct watch *w);

/* cli_watch_findings.c: findings as they are stored. */
struct watch_findings;
MUST_CHECK int watch_findings_open(struct watch_findings **out, struct watch *w, struct err *err);
/* From the node's start on instead of from now on. */
void watch_findings_rewind(struct watch_findings *f);
void watch_findings_close(struct watch_findings **f);
/* Those that are new, as lines, written out; *count grows. */
MUST_CHECK int watch_findings_show(struct watch_findings *f, uint64_t *count, struct err *err);
