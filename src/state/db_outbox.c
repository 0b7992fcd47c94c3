#include "formats/json.h"
#include "state/db.h"
#include "state/db_commands.h"
#include "state/outbox.h"

/* Channels take JSON. */
static int outbox_send(struct command_call *call, struct err *err)
{
    struct buf body = {0};
    struct json_writer w = {.out = &body};
    uint64_t id = 0;
    json_open_object(&w);
    json_key(&w, "subject");
    json_string(&w, call_text(call, "subject"));
    json_key(&w, "text");
    json_string(&w, call_text(call, "text"));
    json_close_object(&w);
    int rc = outbox_put(call->db, call_text(call, "channel"), call_text(call, "subject"),
                        buf_as_slice(&body), call->now_ns, &id, err);
    if (rc == ERR_OK)
        buf_printf(&call->result, "{\"id\":%llu}", (unsigned long long)id);
    buf_free(&body);
    return rc;
}

static int waiting(struct command_call *call, uint64_t id, struct err *err)
{
    uint64_t found = 0;
    int rc = db_number(call->db, "SELECT id FROM outbox WHERE id = ?1 AND due_ns IS NOT NULL", id,
                       0, &found, err);
    if (rc == ERR_OK && found == 0)
        return call_refuse(call, err, ERR_NOT_FOUND, "no message %llu waits in the outbox",
                           "không có tin %llu đang chờ gửi", (unsigned long long)id);
    return rc;
}

/* Given up, as if it were too old. */
static int outbox_drop(struct command_call *call, struct err *err)
{
    uint64_t id = call_number(call, "id"), made_ns = 0;
    int rc = waiting(call, id, err);
    if (rc == ERR_OK)
        rc = db_number(call->db, "SELECT made_ns FROM outbox WHERE id = ?1", id, 0, &made_ns, err);
    return rc == ERR_OK ? outbox_settle(call->db, id, false, SLICE("dropped by a person"),
                                        (int64_t)made_ns + OUTBOX_KEEP_NS, err)
                        : rc;
}

static int outbox_retry(struct command_call *call, struct err *err)
{
    uint64_t id = call_number(call, "id");
    int rc = waiting(call, id, err);
    return rc == ERR_OK ? db_change(call->db, "UPDATE outbox SET due_ns = ?2 WHERE id = ?1", id,
                                    (uint64_t)call->now_ns, err)
                        : rc;
}

static int settle(struct command_call *call, struct err *err)
{
    return outbox_settle(call->db, call_number(call, "id"), call_bool(call, "delivered"),
                         call_text(call, "why"), call->now_ns, err);
}

/* What is told stands in the audit row. */
static int node_note(struct command_call *call, struct err *err)
{
    (void)call;
    (void)err;
    return ERR_OK;
}

static const struct param send_params[] = {
    {.name = "channel",
     .kind = PARAM_NAME,
     .required = true,
     .operand = true,
     .help_en = "channel of canh.yaml",
     .help_vi = "kênh gửi trong canh.yaml"},
    {.name = "subject",
     .kind = PARAM_TEXT,
     .required = true,
     .max = 200,
     .help_en = "subject",
     .help_vi = "tiêu đề"},
    {.name = "text",
     .kind = PARAM_TEXT,
     .required = true,
     .help_en = "text",
     .help_vi = "nội dung"},
};
const struct command command_outbox_send = {.name = "outbox.send",
                                            .right = RIGHT_SETTINGS,
                                            .flags = COMMAND_EVERYWHERE,
                                            DB_PARAMS(send_params),
                                            .run = outbox_send,
                                            .title_en = "send a message, to try a channel",
                                            .title_vi = "gửi một tin để thử kênh"};

static const struct param message_params[] = {
    {.name = "id",
     .kind = PARAM_NUMBER,
     .required = true,
     .operand = true,
     .min = 1,
     .help_en = "number of the message",
     .help_vi = "số của tin"},
};
const struct command command_outbox_drop = {.name = "outbox.drop",
                                            .right = RIGHT_SETTINGS,
                                            .flags = COMMAND_EVERYWHERE,
                                            DB_PARAMS(message_params),
                                            .run = outbox_drop,
                                            .title_en = "give up a message that waits",
                                            .title_vi = "bỏ một tin đang chờ gửi"};
const struct command command_outbox_retry = {.name = "outbox.retry",
                                             .right = RIGHT_SETTINGS,
                                             .flags = COMMAND_EVERYWHERE,
                                             DB_PARAMS(message_params),
                                             .run = outbox_retry,
                                             .title_en = "try to send a message now",
                                             .title_vi = "gửi lại ngay một tin đang chờ"};

static const struct param settle_params[] = {
    {.name = "id",
     .kind = PARAM_NUMBER,
     .required = true,
     .operand = true,
     .min = 1,
     .help_en = "number of the message",
     .help_vi = "số của tin"},
    {.name = "delivered",
     .kind = PARAM_BOOL,
     .required = true,
     .help_en = "whether it was received",
     .help_vi = "bên nhận đã nhận hay chưa"},
    {.name = "why",
     .kind = PARAM_TEXT,
     .max = 400,
     .help_en = "outcome of the try",
     .help_vi = "kết quả lần gửi"},
};
const struct command command_outbox_settle = {.name = "outbox.settle",
                                              .flags = COMMAND_INTERNAL,
                                              DB_PARAMS(settle_params),
                                              .run = settle,
                                              .title_en = "keep the outcome of a try",
                                              .title_vi = "ghi kết quả một lần gửi"};

static const struct param note_params[] = {
    {.name = "text",
     .kind = PARAM_TEXT,
     .required = true,
     .operand = true,
     .help_en = "what happened",
     .help_vi = "việc đã xảy ra"},
    {.name = "kind",
     .kind = PARAM_TEXT,
     .max = 48,
     .help_en = "kind of thing",
     .help_vi = "loại việc"},
};
const struct command command_node_note = {.name = "node.note",
                                          .flags = COMMAND_INTERNAL,
                                          DB_PARAMS(note_params),
                                          .run = node_note,
                                          .title_en = "keep what the node did by itself",
                                          .title_vi = "ghi lại việc nút canh tự thực hiện"};
