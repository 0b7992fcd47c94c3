/* The box: what is watched (an event of it came through since the node's start), what is open but
 * not yet seen, what is not watched and why, and what people can try. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/listen.h"
#include "formats/json.h"
#include "program/cli_watch.h"
#include "program/client_inside.h"
#include "program/machine.h"

enum { PLACES_SHOWN = 24, SOURCE_COLUMNS = 10, PATH_BYTES = 4096 };

struct showing {
    struct watch *w;
    struct box box;
    struct machine_look look;
    bool wants_seen; /* which half is being shown */
    uint32_t shown, left_out;
    bool journal_is_set, sshd_is_heard;
    uint16_t syslog_port;
};

#define SAY(s, english, vietnamese) ((s)->w->vi ? (vietnamese) : (english))

/* ---- places ---- */

static uint16_t port_of(struct slice address)
{
    struct listen_address where;
    struct err err;
    return listen_parse(address, &where, &err) == ERR_OK ? where.port : 0;
}

/* That the usual port was taken when canh.yaml was made is told. */
static void usual_put(const struct showing *s, uint16_t port, uint16_t usual, struct buf *out)
{
    if (port != usual)
        buf_printf(out, SAY(s, " (%u was busy)", " (cổng %u đang bận)"), (unsigned)usual);
}

static void listener_put(struct showing *s, const struct watch_place *place, struct buf *out)
{
    const struct config_listener *listeners = s->w->config->listeners.items;
    uint16_t port = port_of(place->address);
    for (uint32_t i = 0; i < s->w->config->listeners.count; i++)
        if (slice_equal(listeners[i].row.name, place->what))
            buf_printf(out, "%.*s ", (int)listeners[i].kind.len, listeners[i].kind.data);
    buf_slice(out, place->address);
    for (size_t i = 0; i < cli_port_count; i++)
        if (slice_equal(slice_from(cli_ports[i].name), place->what))
            usual_put(s, port, cli_ports[i].usual, out);
}

static void place_describe(struct showing *s, const struct watch_place *place, struct buf *out)
{
    buf_slice(out, place->source);
    for (size_t i = place->source.len; i < SOURCE_COLUMNS; i++)
        buf_string(out, "\u00a0"); /* no word ends here */
    buf_char(out, ' ');
    if (place->kind == WATCH_JOURNAL && slice_equal(place->what, SLICE("local")))
        buf_string(out, SAY(s, "this machine's journal", "journal của máy này"));
    else if (place->kind == WATCH_JOURNAL)
        buf_printf(out, SAY(s, "the journal in %.*s", "journal trong %.*s"), (int)place->what.len,
                   place->what.data);
    else if (place->kind == WATCH_DROP)
        buf_printf(out, SAY(s, "files put into %.*s", "tệp đặt vào %.*s"), (int)place->what.len,
                   place->what.data);
    else if (place->kind == WATCH_LISTENER)
        listener_put(s, place, out);
    else if (place->kind == WATCH_DRILL)
        buf_printf(out, SAY(s, "the exercise: %llu files", "diễn tập: %llu tệp"),
                   (unsigned long long)place->files);
    else
        buf_slice(out, place->what);
}

/* Of a followed path nothing came from: why, as far as it can be told. */
static void silence_explain(struct showing *s, const struct watch_place *place, struct buf *out)
{
    struct machine_log log = {.path = place->what};
    if (place->kind != WATCH_FILE || slice_find_char(place->what, '*') != SLICE_NONE ||
        slice_find_char(place->what, '?') != SLICE_NONE)
        return;
    machine_look_file(&s->look, &log);
    if (log.state == MACHINE_READABLE)
        return;
    buf_string(out, ": ");
    machine_log_why(&log, s->w->vi, out);
}

static void place_show(void *context, const struct watch_place *place)
{
    struct showing *s = context;
    struct buf text = {0};
    bool seen = place->stored > 0;
    if (seen != s->wants_seen || (place->kind == WATCH_DRILL && !seen))
        return;
    if (s->shown >= PLACES_SHOWN) {
        s->left_out++;
        return;
    }
    place_describe(s, place, &text);
    if (seen)
        buf_printf(&text,
                   place->stored == 1 ? SAY(s, ", %llu event", ", %llu sự kiện")
                                      : SAY(s, ", %llu events", ", %llu sự kiện"),
                   (unsigned long long)place->stored);
    else
        buf_string(&text, SAY(s, ": not yet seen", ": chưa thấy"));
    if (!seen)
        silence_explain(s, place, &text);
    box_item(&s->box, seen ? "●" : "○", buf_as_slice(&text));
    s->shown++;
    buf_free(&text);
}

static void place_note(void *context, const struct watch_place *place)
{
    struct showing *s = context;
    bool is_syslog = place->kind == WATCH_LISTENER && slice_starts(place->what, SLICE("syslog"));
    bool is_login_log = place->kind == WATCH_FILE && (slice_ends(place->what, SLICE("auth.log")) ||
                                                      slice_ends(place->what, SLICE("secure")));
    s->journal_is_set |= place->kind == WATCH_JOURNAL;
    s->sshd_is_heard |=
        place->kind == WATCH_JOURNAL || is_login_log || (is_syslog && place->stored > 0);
    if (is_syslog && slice_find(place->what, SLICE("tcp")) != SLICE_NONE)
        s->syslog_port = port_of(place->address);
}

static void half_show(struct showing *s, bool seen)
{
    char rest[64];
    s->wants_seen = seen;
    s->shown = s->left_out = 0;
    box_heading(&s->box,
                seen ? SAY(s, "Watched: an event of each came through since the start",
                           "Đang canh: từ khi khởi động đã có sự kiện của từng nơi đi qua")
                     : SAY(s, "Open, but nothing has come yet", "Đang mở, nhưng chưa có gì tới"));
    watch_places(s->w, place_show, s);
    if (s->shown == 0)
        box_item(&s->box, "", slice_from(SAY(s, "none", "không có")));
    (void)snprintf(rest, sizeof(rest), SAY(s, "and %lu more", "và %lu nơi khác"),
                   (unsigned long)s->left_out);
    if (s->left_out)
        box_item(&s->box, "", slice_from(rest));
}

/* ---- what is not watched ---- */

static void reason_show(struct showing *s, struct slice reason)
{
    struct slice code = {0};
    struct buf text = {0};
    if (!client_answer_raw(reason, "code", &code) || slice_equal(code, SLICE("unseen")) ||
        !client_answer_text(reason, s->w->vi ? "vi" : "en", &text))
        code = SLICE("");
    if (code.len && text.len) {
        box_item(&s->box, "!", buf_as_slice(&text));
        s->shown++;
    }
    buf_free(&text);
}

static void reasons_show(struct showing *s)
{
    struct slice overall = {0}, reasons = {0};
    struct json_reader r;
    if (!client_answer_raw(buf_as_slice(&s->w->status), "overall", &overall) ||
        !client_answer_raw(overall, "reasons", &reasons))
        return;
    json_reader_open(&r, reasons);
    if (json_next(&r) != JSON_ARRAY_OPEN)
        return;
    while (json_next(&r) == JSON_OBJECT_OPEN) {
        size_t start = r.at - 1;
        if (json_skip(&r) == JSON_ERROR)
            return;
        reason_show(s, slice_part(reasons, start, r.at - start));
    }
}

static bool is_followed(const struct config *config, struct slice path)
{
    const struct config_source *sources = config->sources.items;
    for (uint32_t i = 0; i < config->sources.count; i++)
        for (uint32_t k = 0; k < sources[i].follow.count; k++)
            if (slice_equal(sources[i].follow.items[k], path))
                return true;
    return false;
}

static void missing_show(struct showing *s)
{
    struct buf text = {0};
    s->shown = 0;
    box_heading(&s->box, SAY(s, "Not watched, and why", "Chưa canh, và lý do"));
    if (!s->journal_is_set) {
        struct slice why = s->w->vi ? s->look.journal_vi : s->look.journal_en;
        if (s->look.journal == MACHINE_READABLE)
            why = slice_from(SAY(s, "canh.yaml has no source with `journal: local`",
                                 "canh.yaml không có nguồn nào có `journal: local`"));
        buf_printf(&text, "journal: %.*s", (int)why.len, why.data);
        box_item(&s->box, "!", buf_as_slice(&text));
        s->shown++;
    }
    for (uint32_t i = 0; i < s->look.log_count; i++) {
        const struct machine_log *log = &s->look.logs[i];
        if (log->state != MACHINE_REFUSED || is_followed(s->w->config, log->path))
            continue;
        buf_clear(&text);
        buf_printf(&text, "%.*s: ", (int)log->path.len, log->path.data);
        machine_log_why(log, s->w->vi, &text);
        box_item(&s->box, "!", buf_as_slice(&text));
        s->shown++;
    }
    reasons_show(s);
    if (s->shown == 0)
        box_item(&s->box, "",
                 slice_from(SAY(s, "nothing that Canh knows to look for on this machine",
                                "không còn gì mà Canh biết cần tìm trên máy này")));
    buf_free(&text);
}

/* ---- what to try ---- */

static void command_show(struct showing *s, const char *format, ...) PRINTF_LIKE(2, 3);
static void command_show(struct showing *s, const char *format, ...)
{
    char line[PATH_BYTES + 256];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(line, sizeof(line), format, list);
    va_end(list);
    box_command(&s->box, slice_from(line));
}

static void try_guessing(struct showing *s)
{
    uint16_t sshd = s->sshd_is_heard ? machine_port_of_sshd() : 0;
    char port[16] = "";
    if (sshd) {
        if (sshd != 22)
            (void)snprintf(port, sizeof(port), "-p %u ", (unsigned)sshd);
        box_item(&s->box, "1",
                 slice_from(SAY(s,
                                "guess a password: six wrong ones, and the finding stands here "
                                "within 2 seconds",
                                "dò mật khẩu: nhập sai sáu lần, kết quả hiện ở đây trong 2 giây")));
        command_show(s,
                     "for i in 1 2 3 4 5 6; do ssh %s-o PreferredAuthentications=password "
                     "-o NumberOfPasswordPrompts=1 nobody@localhost; done",
                     port);
        return;
    }
    box_item(&s->box, "1",
             slice_from(SAY(s,
                            "send what a machine under password guessing would send (no sshd is "
                            "heard here)",
                            "gửi những dòng mà một máy đang bị dò mật khẩu sẽ gửi (ở đây không "
                            "nghe thấy sshd)")));
    if (s->syslog_port)
        command_show(s,
                     "for i in 1 2 3 4 5 6; do logger -n 127.0.0.1 -P %u -T -t sshd 'Failed "
                     "password for root from 203.0.113.9 port 4022 ssh2'; done",
                     (unsigned)s->syslog_port);
}

/* For `detect`: the rules that are watched by, else those installed beside the program. */
static void rules_put(const struct showing *s, struct buf *out)
{
    const struct config_list *paths = &s->w->config->rules.paths;
    char program[PATH_BYTES];
    for (uint32_t i = 0; i < paths->count; i++)
        buf_printf(out, " --rules %.*s", (int)paths->items[i].len, paths->items[i].data);
    ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (paths->count || len <= 0)
        return;
    program[len] = '\0';
    char *slash = strrchr(program, '/');
    if (slash)
        *slash = '\0';
    buf_printf(out, " --rules %s/../share/canh/rules", program);
}

static void try_show(struct showing *s)
{
    struct buf rules = {0};
    const char *as_root = geteuid() == 0 ? "" : "sudo ";
    rules_put(s, &rules);
    box_heading(&s->box, SAY(s, "Three things to try", "Ba việc nên thử"));
    try_guessing(s);
    box_item(&s->box, "2",
             slice_from(SAY(s, "look through logs of your own, or a folder of EVTX files",
                            "rà soát nhật ký của bạn, hoặc một thư mục tệp EVTX")));
    command_show(s, "%s detect%s%s -o table %s", program_invocation_name,
                 s->w->vi ? " --lang vi" : "", buf_text(&rules),
                 s->w->settings->logs ? s->w->settings->logs : MACHINE_LOG_FOLDER);
    buf_free(&rules);
    if (!s->syslog_port)
        return;
    box_item(&s->box, "3",
             slice_from(SAY(s, "bring rsyslog's messages here, in two lines",
                            "đưa nhật ký của rsyslog về đây bằng hai dòng")));
    command_show(s, "echo '*.* @@127.0.0.1:%u' | %stee /etc/rsyslog.d/canh.conf",
                 (unsigned)s->syslog_port, as_root);
    command_show(s, "%ssystemctl restart rsyslog", as_root);
}

/* ---- the whole ---- */

static void title_show(struct showing *s)
{
    struct slice store = {0}, rules = {0};
    struct buf title = {0};
    buf_string(&title, SAY(s, "Canh keeps watch", "Canh đang canh"));
    if (client_answer_raw(buf_as_slice(&s->w->status), "store", &store) &&
        client_answer_raw(store, "rules", &rules))
        buf_printf(&title, SAY(s, " with %.*s rules", " với %.*s quy tắc"), (int)rules.len,
                   rules.data);
    box_begin(&s->box, buf_as_slice(&title));
    buf_free(&title);
}

static void web_show(struct showing *s)
{
    struct buf text = {0};
    const struct config_web *web = &s->w->config->web;
    if (!config_has_web(s->w->config))
        return;
    buf_printf(&text, SAY(s, "API and metrics: %s://%.*s", "API và số đo: %s://%.*s"),
               web->tls ? "https" : "http", (int)web->listen.len, web->listen.data);
    if (s->w->settings->drill) /* `make run`: its settings were proposed */
        usual_put(s, port_of(web->listen), CLI_PORT_WEB, &text);
    box_item(&s->box, "", buf_as_slice(&text));
    buf_free(&text);
}

void watch_box(struct watch *w)
{
    struct showing s = {.w = w};
    s.box = (struct box){
        .out = &w->out,
        .columns = w->output.columns ? w->output.columns : BOX_COLUMNS_MAX,
        .colour = w->output.colour,
    };
    machine_look_open(&s.look, w->settings->logs, NULL);
    watch_places(w, place_note, &s);
    title_show(&s);
    half_show(&s, true);
    half_show(&s, false);
    missing_show(&s);
    try_show(&s);
    web_show(&s);
    box_end(&s.box);
    machine_look_close(&s.look);
}
