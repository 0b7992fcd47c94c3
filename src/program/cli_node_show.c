/* What a command gave, for people: a sentence, what is worth knowing, and secrets, once. */
#include <stdio.h>

#include "formats/json.h"
#include "program/cell.h"
#include "program/cli_node.h"
#include "program/client_inside.h"

enum { LINES_MAX = 200 /* of one list: the rest is counted */ };

struct showing {
    struct slice json;
    bool vietnamese;
    struct buf *out;
};

static void text_put(struct slice escaped, struct buf *out)
{
    struct buf text = {0};
    buf_reserve(&text, escaped.len + 1);
    text.len = json_unescape(text.data, escaped);
    (void)cell_terminal(buf_as_slice(&text), 0, out);
    cli_secret_wipe(&text);
}

/* Names of members as people read them; others are shown as they are. */
static const char *const words[][3] = {
    {"added", "added", "thêm"},
    {"changed", "changed", "sửa"},
    {"unchanged", "unchanged", "giữ nguyên"},
    {"removed", "removed", "xóa"},
    {"wrong", "wrong", "lỗi"},
    {"rows", "rows", "các dòng"},
    {"errors", "errors", "các lỗi"},
    {"line", "line", "dòng"},
    {"name", "name", "tên"},
    {"change", "change", "thay đổi"},
    {"column", "column", "cột"},
    {"text", "what", "nội dung"},
    {"fields", "fields", "trường"},
    {"token", "token", "mã truy cập"},
    {"expires", "good until", "hết hạn"},
    {"codes", "recovery codes", "mã khôi phục"},
    {"secret", "secret", "khóa bí mật"},
    {"uri", "address for the app", "địa chỉ cho ứng dụng"},
    {"folder", "folder", "thư mục"},
};

static void key_put(const struct showing *s, struct slice key, struct buf *out)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (slice_equal(key, slice_from(words[i][0]))) {
            buf_string(out, words[i][s->vietnamese ? 2 : 1]);
            return;
        }
    text_put(key, out);
}

/* Members of an object on one line: `a: 1, b: x`; a list is a value before and behind: `1 -> 2`. */
static void inline_put(const struct showing *s, struct json_reader *r, struct buf *out)
{
    uint32_t depth = r->depth;
    const char *before = "";
    bool in_list = false;
    enum json_token token;
    while ((token = json_next(r)) != JSON_ERROR && token != JSON_END && r->depth >= depth) {
        if (token == JSON_ARRAY_OPEN || token == JSON_ARRAY_CLOSE) {
            in_list = token == JSON_ARRAY_OPEN;
            before = in_list ? "" : ", ";
        } else if (token == JSON_OBJECT_OPEN || token == JSON_OBJECT_CLOSE) {
            before = token == JSON_OBJECT_OPEN ? "" : ", ";
        } else if (token == JSON_KEY) {
            buf_string(out, before);
            key_put(s, r->text, out);
            buf_string(out, ": ");
            before = "";
        } else {
            buf_string(out, before);
            if (token == JSON_STRING || token == JSON_NUMBER)
                text_put(r->text, out);
            else
                buf_string(out, token == JSON_TRUE ? "true" : token == JSON_FALSE ? "false" : "-");
            before = in_list ? " -> " : ", ";
        }
    }
}

static void list_put(const struct showing *s, struct json_reader *r, struct slice name)
{
    uint64_t count = 0;
    enum json_token token;
    key_put(s, name, s->out);
    buf_string(s->out, ":\n");
    while ((token = json_next(r)) != JSON_ARRAY_CLOSE && token != JSON_ERROR && token != JSON_END) {
        struct buf line = {0};
        if (token == JSON_OBJECT_OPEN || token == JSON_ARRAY_OPEN)
            inline_put(s, r, &line);
        else
            text_put(r->text, &line);
        if (++count <= LINES_MAX)
            buf_printf(s->out, "  %s\n", buf_text(&line));
        cli_secret_wipe(&line);
    }
    if (count > LINES_MAX)
        buf_printf(s->out, s->vietnamese ? "  ... và %llu dòng nữa\n" : "  ... and %llu more\n",
                   (unsigned long long)(count - LINES_MAX));
}

static bool is_of_sentence(struct slice key)
{
    return slice_equal(key, SLICE("id")) || slice_equal(key, SLICE("name"));
}

/* The picture for a terminal comes last; the one for pages not at all. */
static bool is_passed_over(struct slice key)
{
    return slice_equal(key, SLICE("svg")) || slice_equal(key, SLICE("picture")) ||
           slice_equal(key, SLICE("more"));
}

static void member_put(const struct showing *s, struct json_reader *r, struct slice key)
{
    enum json_token token = json_next(r);
    struct buf line = {0};
    if (token == JSON_ARRAY_OPEN) {
        list_put(s, r, key);
        return;
    }
    if (token == JSON_OBJECT_OPEN)
        inline_put(s, r, &line);
    else if (token == JSON_STRING || token == JSON_NUMBER)
        text_put(r->text, &line);
    else
        buf_string(&line, token == JSON_TRUE ? "true" : token == JSON_FALSE ? "false" : "-");
    if (!is_of_sentence(key) && !is_passed_over(key)) {
        key_put(s, key, s->out);
        buf_printf(s->out, ": %s\n", buf_text(&line));
    }
    cli_secret_wipe(&line);
}

static void picture_put(const struct showing *s)
{
    struct buf picture = {0};
    bool has = client_answer_text(s->json, "picture", &picture);
    struct slice rest = buf_as_slice(&picture);
    while (has && rest.len) {
        (void)cell_terminal(slice_cut(&rest, '\n'), 0, s->out);
        buf_char(s->out, '\n');
    }
    cli_secret_wipe(&picture);
}

static void once_put(const struct showing *s)
{
    static const char *const secrets[] = {"token", "codes", "secret", "password", "link"};
    struct slice value;
    bool has = false;
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        has |= client_answer_raw(s->json, secrets[i], &value);
    if (has)
        buf_string(s->out, s->vietnamese
                               ? "Phần bí mật trên chỉ hiện một lần: hãy cất giữ ngay.\n"
                               : "What is secret here is shown only this once: keep it now.\n");
}

void cli_node_show(struct slice json, enum cli_outcome outcome, const char *title, bool vietnamese,
                   uint64_t audit_id, struct buf *out)
{
    static const char *const outcomes[][2] = {
        {"Done", "Xong"},
        {"Would be done (nothing was changed)", "Sẽ làm (chưa thay đổi gì)"},
        {"Refused (nothing was changed)", "Bị từ chối (chưa thay đổi gì)"}};
    struct showing s = {.json = json, .vietnamese = vietnamese, .out = out};
    struct json_reader r;
    struct slice id;
    struct buf name = {0};
    buf_printf(out, "%s: %s", outcomes[outcome][vietnamese], title);
    if (client_answer_text(json, "name", &name)) {
        buf_string(out, " ");
        (void)cell_terminal(buf_as_slice(&name), 0, out);
    }
    if (client_answer_raw(json, "id", &id)) {
        buf_string(out, vietnamese ? " (mã " : " (id ");
        text_put(id, out);
        buf_char(out, ')');
    }
    if (audit_id)
        buf_printf(out, vietnamese ? ", dòng nhật ký kiểm toán %llu" : ", audit row %llu",
                   (unsigned long long)audit_id);
    buf_char(out, '\n');
    buf_free(&name);
    json_reader_open(&r, json);
    if (json.len == 0 || json_next(&r) != JSON_OBJECT_OPEN)
        return;
    while (json_next(&r) == JSON_KEY)
        member_put(&s, &r, r.text);
    picture_put(&s);
    once_put(&s);
}
