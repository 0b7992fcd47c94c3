/* canh watch: what is watched and what is not, in one box, and findings as they happen. */
#include "program/cli_watch.h"

#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/map.h"
#include "program/client_inside.h"
#include "program/interrupt.h"

enum {
    POLL_MS = 300,
    RESTART_POLLS = 60,    /* an engine has so long to be there again */
    STATUS_EVERY = 5,      /* polls between two looks at the node's status */
    DRILL_QUIET = 10,      /* polls without an event of the exercise: it is through */
    DRILL_POLLS_MAX = 400, /* two minutes */
};

#define AT(member) offsetof(struct watch_settings, member)
static const struct option watch_options[] = {
    DATA_OPTIONS(watch_settings, data),
    {"once", 0, OPTION_FLAG, AT(once), NULL, 0, 0, "show the box and end",
     "chỉ hiện bảng tình trạng rồi kết thúc"},
    {"drill", 0, OPTION_FLAG, AT(drill), NULL, 0, 0,
     "first the findings since the node's start, until the exercise is through, then the box",
     "trước hết hiện các phát hiện từ khi nút khởi động đến hết diễn tập, rồi mới hiện bảng"},
    {"logs", 0, OPTION_TEXT, AT(logs), "DIR", 0, 0, "folder of this machine's logs (/var/log)",
     "thư mục nhật ký của máy này (/var/log)"},
    CLI_OPTIONS(watch_settings, common, "auto"),
};

static int node_find(struct watch *w, struct err *err)
{
    static const struct server_settings here = {0};
    client_close(&w->client);
    int rc = cli_node_open(&w->client, &w->settings->data, &here, &w->settings->common, err);
    if (rc != ERR_OK)
        return rc;
    w->config = client_config(w->client);
    if (client_has_daemon(w->client))
        return ERR_OK;
    return err_set(err, ERR_BUSY,
                   "the node does not run: start it with `canh serve` (or try it with `make "
                   "run`), then watch");
}

/* An engine that ended is started again by its parent: it is given time for that. */
int watch_status(struct watch *w, struct err *err)
{
    buf_clear(&w->status);
    int rc = client_status(w->client, &w->status, err);
    for (int i = 0; i < RESTART_POLLS && rc != ERR_OK && !interrupt_came(); i++) {
        (void)poll(NULL, 0, POLL_MS);
        if (node_find(w, err) != ERR_OK)
            continue;
        buf_clear(&w->status);
        rc = client_status(w->client, &w->status, err);
    }
    if (rc != ERR_OK)
        return err_set(err, ERR_CLOSED, "the node has ended or does not answer; its log says why");
    return ERR_OK;
}

/* Waits; false when nobody reads any more or it is to end. */
static bool wait_more(struct watch *w)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = 0};
    if (w->closed || interrupt_came())
        return false;
    int ready = poll(&out, 1, POLL_MS);
    return !interrupt_came() && (ready <= 0 || !(out.revents & (POLLERR | POLLHUP | POLLNVAL)));
}

static int written(struct watch *w, struct err *err)
{
    if (w->out.len && cli_write(&w->out, &w->closed) != CLI_OK)
        return err_set(err, ERR_IO, "the standard output cannot be written");
    return ERR_OK;
}

/* ---- the exercise ---- */

static void drill_count(void *context, const struct watch_place *place)
{
    uint64_t *counts = context; /* since the start; ever; sources */
    if (place->kind != WATCH_DRILL)
        return;
    counts[0] += place->stored;
    counts[1] += place->stored_ever;
    counts[2]++;
}

/* Findings as they come, until nothing more comes of the exercise. */
static int drill_follow(struct watch *w, struct watch_findings *findings, uint64_t *found,
                        struct err *err)
{
    uint64_t before = 0;
    int rc = ERR_OK, quiet = 0;
    for (int i = 0; i < DRILL_POLLS_MAX && quiet < DRILL_QUIET && rc == ERR_OK; i++) {
        uint64_t counts[3] = {0};
        rc = watch_status(w, err);
        if (rc == ERR_OK)
            rc = watch_findings_show(findings, found, err);
        watch_places(w, drill_count, counts);
        if (counts[2] == 0)
            return rc;
        quiet = counts[1] > 0 && counts[0] == before ? quiet + 1 : 0;
        before = counts[0];
        if (!wait_more(w))
            return rc;
    }
    return rc;
}

/* ---- places that are heard for the first time ---- */

struct heard {
    struct watch *w;
    struct map known; /* source/listener; the keys are the arena's */
    struct arena keys;
    bool is_first; /* nothing is told */
};

static void heard_look(void *context, const struct watch_place *place)
{
    struct heard *h = context;
    struct slice what = place->kind == WATCH_LISTENER ? place->what : SLICE("");
    struct buf name = {0};
    if (place->stored == 0)
        return;
    buf_printf(&name, "%.*s/%.*s", (int)place->source.len, place->source.data, (int)what.len,
               what.data);
    bool is_new = !map_find(&h->known, buf_as_slice(&name));
    if (is_new)
        (void)map_put(&h->known, arena_copy(&h->keys, buf_as_slice(&name)), 0, NULL);
    buf_free(&name);
    if (!is_new || h->is_first)
        return;
    buf_printf(&h->w->out,
               h->w->vi ? "● đã thấy sự kiện đầu tiên: %.*s" : "● first event seen: %.*s",
               (int)place->source.len, place->source.data);
    if (place->kind == WATCH_LISTENER)
        buf_printf(&h->w->out, " (%.*s)", (int)place->what.len, place->what.data);
    buf_char(&h->w->out, '\n');
}

/* Behind the box, which said what had been heard by then. */
static int follow(struct watch *w, struct watch_findings *findings, uint64_t *found,
                  struct err *err)
{
    struct heard heard = {.w = w, .is_first = true};
    int rc = ERR_OK;
    watch_places(w, heard_look, &heard);
    heard.is_first = false;
    for (uint64_t i = 1; rc == ERR_OK && wait_more(w); i++) {
        rc = watch_findings_show(findings, found, err);
        if (rc != ERR_OK || i % STATUS_EVERY)
            continue;
        rc = watch_status(w, err);
        if (rc == ERR_OK)
            watch_places(w, heard_look, &heard);
        if (rc == ERR_OK)
            rc = written(w, err);
    }
    map_free(&heard.known);
    arena_free(&heard.keys);
    return interrupt_came() ? ERR_OK : rc;
}

/* ---- the whole ---- */

static int watch_run(struct watch *w, struct err *err)
{
    const struct watch_settings *settings = w->settings;
    struct watch_findings *findings = NULL;
    uint64_t found = 0;
    int rc = watch_status(w, err);
    if (rc == ERR_OK && !(settings->once && !settings->drill))
        rc = watch_findings_open(&findings, w, err);
    if (rc == ERR_OK && settings->drill) {
        watch_findings_rewind(findings);
        rc = drill_follow(w, findings, &found, err);
        if (rc == ERR_OK && !interrupt_came())
            rc = watch_status(w, err);
    }
    if (rc == ERR_OK && !interrupt_came() && !w->closed) {
        watch_box(w);
        if (!settings->once)
            buf_string(&w->out, w->vi ? "Phát hiện mới hiện ở đây khi xảy ra; Ctrl-C để kết thúc.\n"
                                      : "Findings stand here as they happen; Ctrl-C ends it.\n");
        rc = written(w, err);
    }
    if (rc == ERR_OK && !settings->once)
        rc = follow(w, findings, &found, err);
    watch_findings_close(&findings);
    return rc;
}

static int watch_with(const struct watch_settings *settings, struct err *err)
{
    struct watch w = {.settings = settings, .vi = cli_vietnamese(&settings->common)};
    int rc = output_options_set(&w.output, "table", STDOUT_FILENO, err);
    if (rc == ERR_OK)
        rc = node_find(&w, err);
    if (rc == ERR_OK) {
        if (clock_zone_open(&w.zone, w.config->store.timezone, NULL) != ERR_OK)
            w.zone = NULL;
        rc = watch_run(&w, err);
    }
    clock_zone_close(&w.zone);
    client_close(&w.client);
    buf_free(&w.status);
    buf_free(&w.out);
    return rc == ERR_OK ? CLI_OK : cli_fail(CLI_FAILURE, err);
}

int cli_watch(int argc, char **argv)
{
    struct watch_settings settings = {0};
    struct option_list operands = {0};
    struct err err = {0};
    interrupt_watch();
    int code = cli_parse(watch_options, sizeof watch_options / sizeof watch_options[0], argc, argv,
                         &settings, &settings.common, &operands,
                         "canh watch [--data DIR] [--once] [options]\n");
    if (code < 0 && operands.count) {
        (void)err_set(&err, ERR_USAGE, "watch takes options only");
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0)
        code = watch_with(&settings, &err);
    option_list_free(&operands);
    return code;
}
