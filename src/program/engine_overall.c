/* The judgement over all: is everything watched? What is not known counts as not watched. */
#include <stdio.h>

#include "program/engine_output.h"
#include "program/engine_health.h"
#include "program/engine_status.h"
#include "program/engine_rules.h"
#include "program/engine_store.h"
#include "program/keys.h"

enum { REASON_BYTES = 640, OUTBOX_LATE_S = 3600, JUMP_SHOWN_S = 3600 };

void engine_judge(struct engine_judgement *j, const struct engine_reason *reason)
{
    int kind = 0;
    if (reason->grade > j->worst)
        j->worst = reason->grade;
    const char *code = strcmp(reason->code, "disk_full") == 0 ? "store" : reason->code;
    while (kind < HEALTH_KINDS && strcmp(health_kinds[kind].name, code) != 0)
        kind++;
    if (j->health && kind < HEALTH_KINDS)
        health_add(j->health, &(struct health_finding){(enum health_kind)kind, reason->subject,
                                                       CLOCK_NONE, reason->en, reason->vi});
    if (!engine_scope_tells(j->scope, reason->code, reason->subject)) {
        j->hides = true;
        return;
    }
    if (!j->w)
        return;
    json_open_object(j->w);
    json_key(j->w, "code");
    json_string(j->w, slice_from(reason->code));
    json_key(j->w, "en");
    json_string(j->w, reason->en);
    json_key(j->w, "vi");
    json_string(j->w, reason->vi);
    json_close_object(j->w);
}

static void reason(struct engine_judgement *j, enum engine_overall grade, const char *code,
                   const char *english, const char *vietnamese)
{
    engine_judge(j, &(struct engine_reason){.grade = grade,
                                            .code = code,
                                            .en = slice_from(english),
                                            .vi = slice_from(vietnamese)});
}

/* A reason with one text in it that is the same in both languages. */
static void reason_about(struct engine_judgement *j, enum engine_overall grade, const char *code,
                         const char *const texts[2], const char *about)
{
    char both[2][REASON_BYTES];
    bool is_subject = strcmp(code, "role") == 0 || strcmp(code, "sandbox") == 0;
    for (int i = 0; i < 2; i++) {
        const char *mark = strchr(texts[i], '@');
        size_t head = mark ? (size_t)(mark - texts[i]) : strlen(texts[i]);
        (void)snprintf(both[i], REASON_BYTES, "%.*s%s%s", (int)head, texts[i], mark ? about : "",
                       mark ? mark + 1 : "");
    }
    engine_judge(j, &(struct engine_reason){.grade = grade,
                                            .code = code,
                                            .subject = is_subject ? slice_from(about) : SLICE(""),
                                            .en = slice_from(both[0]),
                                            .vi = slice_from(both[1])});
}

bool engine_status_is_partial(const struct engine_role *role)
{
    return role->state == ROLE_READY && role->role != ROLE_PARENT &&
           (role->layers & SANDBOX_LAYERS_ALL) != SANDBOX_LAYERS_ALL;
}

static void roles_judge(const struct engine *e, struct engine_judgement *j)
{
    static const char *const down[2] = {"the role @ is not at work",
                                        "vai trò @ hiện không hoạt động"};
    static const char *const partial[2] = {"the sandbox of the role @ is partial",
                                           "vai trò @ chỉ được cách ly một phần"};
    const struct engine_status *s = e->status;
    if (e->is_alone) {
        reason(j, ENGINE_UNKNOWN, "alone", "the node does not run: start `canh serve`",
               "nút chưa chạy: hãy khởi động `canh serve`");
        return;
    }
    if (!s->is_told)
        reason(j, ENGINE_UNKNOWN, "starting", "the node is just starting", "nút đang khởi động");
    for (uint32_t i = 0; i < s->roles.count; i++) {
        const struct engine_role *r = &s->roles.rows[i];
        const char *name = role_specs[r->role].name;
        bool wanted = role_specs[r->role].kept && r->instance == 0;
        /* the parent starts no web without web.listen, and no intake without sources */
        if (wanted && r->state != ROLE_READY && r->state != ROLE_ABSENT)
            reason_about(j, r->role == ROLE_INTAKE ? ENGINE_UNKNOWN : ENGINE_PARTIAL, "role", down,
                         name);
        if (engine_status_is_partial(r))
            reason_about(j, ENGINE_PARTIAL, "sandbox", partial, name);
    }
}

static void sources_judge(const struct engine *e, struct engine_judgement *j)
{
    const struct config *c = e->context->config;
    const struct config_source *sources = c->sources.items;
    bool followed = false;
    for (uint32_t i = 0; i < c->sources.count; i++)
        followed |= sources[i].follow.count > 0;
    if (!followed && c->listeners.count == 0)
        reason(j, ENGINE_UNKNOWN, "sources",
               "nothing is watched yet: canh.yaml has no listener and no file to follow",
               "chưa giám sát nguồn nào: canh.yaml chưa có listener và chưa có tệp cần theo dõi");
}

static void unseen_judge(const struct engine *e, struct engine_judgement *j)
{
    char texts[2][96];
    struct buf names = {0};
    bool has_more = false;
    uint32_t count = engine_status_unseen(e, j->scope, &names, &has_more);
    (void)snprintf(texts[0], sizeof(texts[0]), "watching, %lu source%s not yet seen: @",
                   (unsigned long)count, count == 1 ? "" : "s");
    (void)snprintf(texts[1], sizeof(texts[1]), "đang canh, %lu nguồn chưa thấy sự kiện nào: @",
                   (unsigned long)count);
    if (count)
        reason_about(j, ENGINE_UNSEEN, "unseen", (const char *const[]){texts[0], texts[1]},
                     buf_text(&names));
    if (has_more && j->worst < ENGINE_UNSEEN)
        j->worst = ENGINE_UNSEEN;
    j->hides |= has_more;
    buf_free(&names);
}

static void rules_judge(const struct engine *e, struct engine_judgement *j)
{
    static const char *const texts[2] = {
        "the newest rules are not judged by: @ (`canh rules rollback` goes back)",
        "chưa dùng được bộ quy tắc mới nhất: @ (`canh rules rollback` để quay lại)"};
    const char *why = e->store ? engine_rules_failure(engine_store_rules_of(e->store)) : "";
    if (*why)
        reason_about(j, ENGINE_UNKNOWN, "rules", texts, why);
}

static void store_judge(struct engine *e, struct engine_judgement *j)
{
    static const char *const texts[2] = {"the event store: @", "kho sự kiện: @"};
    struct buf why = {0};
    const char *code = e->store ? engine_store_trouble(e->store, &why) : NULL;
    if (code)
        reason_about(j, ENGINE_UNKNOWN, code, texts, buf_text(&why));
    buf_free(&why);
}

static void state_judge(struct engine *e, const struct engine_figures *f,
                        struct engine_judgement *j)
{
    static const char *const failing[2] = {"commands cannot be kept: @",
                                           "không lưu được các lệnh: @"};
    if (f->failures > 0)
        reason_about(j, ENGINE_PARTIAL, "state", failing, f->failure);
    if (f->disk_free_bytes < e->context->config->store.reserve_bytes ||
        f->disk_free_bytes < e->context->config->health.disk_free_bytes)
        reason(j, ENGINE_PARTIAL, "disk",
               "the disk of the data folder is nearly full: make room, or keep events for less "
               "time",
               "ổ đĩa chứa dữ liệu sắp đầy: hãy giải phóng chỗ hoặc giảm thời gian lưu");
    if (f->outbox.waiting > 0 && f->outbox.oldest_ns != CLOCK_NONE &&
        clock_now_ns() - f->outbox.oldest_ns > OUTBOX_LATE_S * CLOCK_SECOND_NS)
        reason(j, ENGINE_PARTIAL, "outbox",
               "messages have waited for more than an hour: `canh outbox list` says why",
               "có tin nhắn chờ gửi quá một giờ: xem lý do bằng `canh outbox list`");
}

static void outputs_judge(struct engine *e, struct engine_judgement *j)
{
    struct buf english = {0}, vietnamese = {0};
    for (uint32_t at = 0; engine_outputs_late(e, &at, &english, &vietnamese);) {
        const struct config_output *output = e->context->config->outputs.items;
        engine_judge(j, &(struct engine_reason){.grade = ENGINE_PARTIAL,
                                                .code = "output",
                                                .subject = output[at - 1].row.name,
                                                .en = buf_as_slice(&english),
                                                .vi = buf_as_slice(&vietnamese)});
        buf_clear(&english);
        buf_clear(&vietnamese);
    }
    buf_free(&english);
    buf_free(&vietnamese);
}

static void certificate_judge(const struct engine *e, const struct engine_figures *f,
                              struct engine_judgement *j)
{
    if (e->context->config->web.tls &&
        f->certificate_until_ns < clock_now_ns() + KEYS_WARN_DAYS * 86400 * CLOCK_SECOND_NS)
        reason(j, ENGINE_PARTIAL, "certificate",
               "the console's certificate is missing or ends soon: `canh keys` renews it",
               "chứng thư của giao diện web bị thiếu hoặc sắp hết hạn: gia hạn bằng `canh keys`");
}

static void clock_judge(const struct engine_status *s, struct engine_judgement *j)
{
    if (s->jump_at_ns != CLOCK_NONE &&
        clock_now_ns() - s->jump_at_ns < JUMP_SHOWN_S * CLOCK_SECOND_NS)
        reason(j, ENGINE_PARTIAL, "clock",
               "the system's clock jumped within the last hour: check time synchronisation",
               "đồng hồ hệ thống bị nhảy trong một giờ qua: hãy kiểm tra đồng bộ thời gian");
}

void engine_status_judge(struct engine *e, const struct engine_figures *f,
                         struct engine_judgement *j)
{
    roles_judge(e, j);
    sources_judge(e, j);
    unseen_judge(e, j);
    rules_judge(e, j);
    store_judge(e, j);
    state_judge(e, f, j);
    outputs_judge(e, j);
    certificate_judge(e, f, j);
    clock_judge(e->status, j);
}

enum engine_overall engine_status_overall(struct engine *e, const struct engine_figures *f,
                                          const struct engine_scope *scope, struct json_writer *w)
{
    static const char *const names[] = {"watching", "unseen", "partial", "unknown"};
    struct engine_judgement j = {.w = w, .scope = scope};
    if (w) {
        json_open_object(w);
        json_key(w, "reasons");
        json_open_array(w);
    }
    engine_status_judge(e, f, &j);
    if (e->store)
        engine_health_reasons(engine_store_health_of(e->store), &j);
    if (j.hides)
        reason(&j, ENGINE_WATCHING, "elsewhere",
               "something outside of your units needs care: the administrators of the node see it",
               "có việc cần xử lý ngoài các đơn vị của bạn: quản trị viên của nút nhìn thấy");
    if (w) {
        json_close_array(w);
        json_key(w, "state");
        json_string(w, slice_from(names[j.worst]));
        json_close_object(w);
    }
    return j.worst;
}
