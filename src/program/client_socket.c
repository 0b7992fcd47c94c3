/* A client at the control socket, or of an engine alone: one question, one answer. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "program/client_inside.h"
#include "watch/message.h"

enum {
    WAIT_MS = 60 * 1000,           /* for what is answered at once */
    COMMAND_WAIT_MS = 3600 * 1000, /* a backup, an import */
    TEXT_BYTES_MAX = 4096,
    WORDS_MAX = UINT16_MAX
};
#define JSON_BYTES_MAX ((size_t)48 << 20)

/* Puts what stands before every question: secret (empty: the Unix user counts) and from. */
static void caller_put(struct buf *out)
{
    bytes_put_text(out, SLICE(""));
    bytes_put_text(out, SLICE(""));
}

static int went_away(const struct client *client, struct err *err)
{
    return err_set(err, ERR_IO,
                   client->settings.vietnamese
                       ? "nút canh đã ngắt trước khi trả lời: `canh audit list` cho biết lệnh đã "
                         "được thực hiện hay chưa"
                       : "the node went away before it answered: `canh audit list` shows whether "
                         "the command was done");
}

/* The answer's payload in `answer`. What answers nothing that was asked is passed over. */
static int exchange(struct client *client, enum message_type type, struct slice payload, int fd,
                    enum message_type wanted, int wait_ms, struct wire_message *answer,
                    struct err *err)
{
    uint64_t id = ++client->message_id;
    uint64_t end_ns = clock_monotonic_ns() + (uint64_t)wait_ms * 1000000u;
    int rc = wire_send(client->wire, (uint16_t)type, id, payload, &fd, fd >= 0, err);
    while (rc == ERR_OK) {
        uint64_t now_ns = clock_monotonic_ns();
        int left_ms = now_ns >= end_ns ? 0 : (int)((end_ns - now_ns) / 1000000u);
        rc = wire_wait(client->wire, answer, left_ms, err);
        if (rc == ERR_OK && answer->type == wanted && answer->id == id)
            return ERR_OK;
    }
    if (rc == ERR_BUSY)
        return err_set(err, ERR_BUSY,
                       client->settings.vietnamese ? "nút canh không trả lời trong %d giây"
                                                   : "the node did not answer within %d seconds",
                       wait_ms / 1000);
    return rc == ERR_CLOSED ? went_away(client, err) : rc;
}

static int answer_bad(struct err *err)
{
    return err_set(err, ERR_DAMAGED,
                   "the node's answer cannot be read: is it of another version of Canh?");
}

/* i32 rc and text: what the node said of the question itself. */
static int answer_rc(struct bytes_in *in, struct err *err)
{
    int rc = (int32_t)bytes_take_u32(in);
    struct slice text = bytes_take_text(in, TEXT_BYTES_MAX);
    if (in->bad)
        return answer_bad(err);
    return rc ? err_set(err, rc, "%.*s", (int)text.len, text.data) : ERR_OK;
}

static unsigned call_flags(const struct client *client, bool dry)
{
    return (client->settings.vietnamese ? CALL_VIETNAMESE : 0u) | (dry ? CALL_DRY : 0u);
}

int client_wire_command(struct client *client, struct slice packed, bool dry,
                        struct client_result *out, struct err *err)
{
    struct wire_message answer = {0};
    struct buf payload = {0};
    caller_put(&payload);
    bytes_put_u32(&payload, call_flags(client, dry));
    message_put_long(&payload, packed);
    int rc = exchange(client, MESSAGE_CALL, buf_as_slice(&payload), -1, MESSAGE_RESULT,
                      COMMAND_WAIT_MS, &answer, err);
    explicit_bzero(payload.data, payload.len);
    buf_free(&payload);
    if (rc == ERR_OK) {
        struct bytes_in in = bytes_in(buf_as_slice(&answer.payload));
        out->rc = (int32_t)bytes_take_u32(&in);
        out->denied = bytes_take_u32(&in) & RESULT_DENIED;
        struct slice text = bytes_take_text(&in, TEXT_BYTES_MAX);
        out->audit_id = bytes_take_u64(&in);
        struct slice json = message_take_long(&in, JSON_BYTES_MAX);
        if (in.bad)
            rc = answer_bad(err);
        else if (out->rc)
            (void)err_set(&out->err, out->rc, "%.*s", (int)text.len, text.data);
        if (!in.bad)
            buf_slice(&out->json, json);
    }
    if (answer.payload.len)
        explicit_bzero(answer.payload.data, answer.payload.len);
    wire_message_free(&answer);
    return rc;
}

int client_wire_status(struct client *client, struct buf *json, struct err *err)
{
    struct wire_message answer = {0};
    struct buf payload = {0};
    caller_put(&payload);
    int rc = exchange(client, MESSAGE_STATUS, buf_as_slice(&payload), -1, MESSAGE_STATUS_IS,
                      WAIT_MS, &answer, err);
    buf_free(&payload);
    if (rc == ERR_OK) {
        struct bytes_in in = bytes_in(buf_as_slice(&answer.payload));
        int said = (int32_t)bytes_take_u32(&in);
        struct slice text = message_take_long(&in, JSON_BYTES_MAX);
        if (in.bad)
            rc = answer_bad(err);
        else if (said)
            rc = err_set(err, said,
                         "the node does not give its status: only root and its own "
                         "user may ask");
        else
            buf_slice(json, text);
    }
    wire_message_free(&answer);
    return rc;
}

int client_wire_ask(struct client *client, const char *kind, const char *const *words,
                    uint32_t word_count, int fd, struct err *err)
{
    struct wire_message answer = {0};
    struct buf payload = {0};
    if (word_count > WORDS_MAX)
        return err_set(err, ERR_LIMIT, "a question has at most %d words", WORDS_MAX);
    caller_put(&payload);
    bytes_put_u32(&payload, call_flags(client, false));
    bytes_put_text(&payload, slice_from(kind));
    bytes_put_u16(&payload, (uint16_t)word_count);
    for (uint32_t i = 0; i < word_count; i++)
        bytes_put_text(&payload, slice_part(slice_from(words[i]), 0, UINT16_MAX));
    int rc = exchange(client, MESSAGE_ASK, buf_as_slice(&payload), -1, MESSAGE_ASKED, WAIT_MS,
                      &answer, err);
    buf_free(&payload);
    struct bytes_in in = bytes_in(buf_as_slice(&answer.payload));
    if (rc == ERR_OK)
        rc = answer_rc(&in, err);
    int stream = rc == ERR_OK ? wire_take_fd(&answer, 0) : -1;
    if (rc == ERR_OK)
        rc = stream < 0 ? answer_bad(err) : client_answer_stream(stream, fd, err);
    if (stream >= 0)
        (void)close(stream);
    wire_message_free(&answer);
    return rc;
}

int client_wire_import(struct client *client, const char *source, const char *path,
                       struct client_imported *out, struct err *err)
{
    struct wire_message answer = {0};
    struct buf payload = {0};
    const char *slash = strrchr(path, '/');
    int file = open(path, O_RDONLY | O_CLOEXEC);
    *out = (struct client_imported){0};
    if (file < 0)
        return err_set_errno(err, errno, "%s cannot be read", path);
    bytes_put_text(&payload, slice_from(source));
    bytes_put_text(&payload, slice_part(slice_from(slash ? slash + 1 : path), 0, TEXT_BYTES_MAX));
    int rc = exchange(client, MESSAGE_IMPORT, buf_as_slice(&payload), file, MESSAGE_IMPORTED,
                      COMMAND_WAIT_MS, &answer, err);
    (void)close(file);
    buf_free(&payload);
    struct bytes_in in = bytes_in(buf_as_slice(&answer.payload));
    if (rc == ERR_OK)
        rc = answer_rc(&in, err);
    if (rc == ERR_OK)
        *out = (struct client_imported){.stored = bytes_take_u64(&in),
                                        .refused = bytes_take_u64(&in),
                                        .findings = bytes_take_u64(&in),
                                        .passed_over = bytes_take_u64(&in)};
    if (rc == ERR_OK && in.bad)
        rc = answer_bad(err);
    wire_message_free(&answer);
    return rc;
}

int client_wire_rules(struct client *client, const char *origin, int fd, char *version,
                      struct err *err)
{
    enum { VERSION_BYTES = 64 };
    struct wire_message answer = {0};
    struct buf payload = {0};
    bytes_put_text(&payload, slice_part(slice_from(origin), 0, 1024));
    int rc = exchange(client, MESSAGE_RULES_NEW, buf_as_slice(&payload), fd, MESSAGE_RULES_KEPT,
                      WAIT_MS, &answer, err);
    buf_free(&payload);
    struct bytes_in in = bytes_in(buf_as_slice(&answer.payload));
    int code = rc == ERR_OK ? (int32_t)bytes_take_u32(&in) : rc;
    struct slice text = rc == ERR_OK ? bytes_take_text(&in, ERR_TEXT_BYTES) : SLICE("");
    if (rc == ERR_OK && (in.bad || (code == ERR_OK && text.len != VERSION_BYTES)))
        rc = answer_bad(err);
    else if (rc == ERR_OK && code)
        rc = err_set(err, code, "%.*s", (int)text.len, text.data);
    if (rc == ERR_OK) {
        memcpy(version, text.data, VERSION_BYTES);
        version[VERSION_BYTES] = '\0';
    }
    wire_message_free(&answer);
    return rc;
}

int client_wire_fetch(struct client *client, const char *url, int *fd, struct err *err)
{
    enum { FETCH_WAIT_MS = 180 * 1000 };
    struct wire_message answer = {0};
    struct buf payload = {0};
    bytes_put_text(&payload, slice_part(slice_from(url), 0, TEXT_BYTES_MAX));
    int rc = exchange(client, MESSAGE_RULES_FETCH, buf_as_slice(&payload), -1,
                      MESSAGE_RULES_FETCHED, FETCH_WAIT_MS, &answer, err);
    buf_free(&payload);
    struct bytes_in in = bytes_in(buf_as_slice(&answer.payload));
    if (rc == ERR_OK)
        rc = answer_rc(&in, err);
    *fd = rc == ERR_OK ? wire_take_fd(&answer, 0) : -1;
    if (rc == ERR_OK && *fd < 0)
        rc = answer_bad(err);
    wire_message_free(&answer);
    return rc;
}
