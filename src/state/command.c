#include "state/command.h"

#include <stdio.h>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/text.h"
#include "formats/json.h"
#include "state/command_param.h"
#include "state/sheet.h"

enum { COMMAND_BYTES_VERSION = 1 };

const struct command *command_find(const struct command_table *table, struct slice name)
{
    uint32_t low = 0, high = table->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = slice_compare(name, slice_from(table->commands[middle]->name));
        if (order == 0)
            return table->commands[middle];
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static bool has_secrets(const struct command *c)
{
    for (uint32_t i = 0; i < c->param_count; i++)
        if (c->params[i].kind == PARAM_SECRET)
            return true;
    return false;
}

void command_call_free(struct command_call *call)
{
    if (call->secret.data)
        explicit_bzero(call->secret.data, call->secret.capacity);
    buf_free(&call->secret);
    buf_free(&call->result);
    if (!call->command || has_secrets(call->command))
        arena_wipe(&call->arena);
    else
        arena_free(&call->arena);
    *call = (struct command_call){0};
}

void command_pack(struct slice name, const struct command_value *values, uint32_t count, bool dry,
                  struct buf *out)
{
    buf_char(out, COMMAND_BYTES_VERSION);
    buf_char(out, (char)dry);
    bytes_put_text(out, name);
    bytes_put_u32(out, count);
    for (uint32_t i = 0; i < count; i++) {
        bytes_put_text(out, values[i].name);
        bytes_put_u32(out, (uint32_t)values[i].text.len);
        buf_slice(out, values[i].text);
    }
}

int command_unpack(const struct command_table *table, struct slice bytes, struct command_call *call,
                   struct err *err)
{
    struct bytes_in in = bytes_in(bytes);
    uint8_t version = bytes_take_u8(&in), dry = bytes_take_u8(&in);
    struct slice name = bytes_take_text(&in, COMMAND_NAME_BYTES_MAX);
    uint32_t count = bytes_take_u32(&in);
    if (in.bad || version != COMMAND_BYTES_VERSION || dry > 1)
        return err_set(err, ERR_SYNTAX, "this is no command as Canh packs it");
    if (count > COMMAND_VALUES_MAX)
        return err_set(err, ERR_LIMIT, "a command takes at most %d values", COMMAND_VALUES_MAX);
    call->command = command_find(table, name);
    if (!call->command)
        return err_set(err, ERR_NOT_FOUND, "there is no such command: `canh help` lists them");
    call->dry = dry;
    call->values = arena_zeroed(&call->arena, count, sizeof(*call->values));
    call->value_count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct slice value_name = bytes_take_text(&in, COMMAND_NAME_BYTES_MAX);
        struct slice text = bytes_take(&in, bytes_take_u32(&in));
        if (in.bad || text.len > COMMAND_SHEET_BYTES_MAX) {
            call->value_count = i;
            break;
        }
        call->values[i].name = arena_copy(&call->arena, value_name);
        call->values[i].text = arena_copy(&call->arena, text);
    }
    if (in.bad || bytes_left(&in))
        return err_set(err, ERR_SYNTAX, "this is no command as Canh packs it");
    if (call->value_count < count)
        return err_set(err, ERR_LIMIT, "a value has at most %zu bytes", COMMAND_SHEET_BYTES_MAX);
    return ERR_OK;
}

static int may(struct command_call *call, struct err *err)
{
    const struct command *c = call->command;
    const struct caller *who = &call->caller;
    if (c->flags & COMMAND_OPEN)
        return ERR_OK;
    call->denied = true;
    if ((c->flags & COMMAND_INTERNAL) && who->kind != CALLER_SYSTEM)
        return caller_refuse(who, err, ERR_USAGE, "%s is done by Canh itself only",
                             "%s chỉ do chính Canh thực hiện", c->name);
    if ((c->flags & COMMAND_LOCAL) && who->kind != CALLER_UNIX && who->kind != CALLER_SYSTEM)
        return caller_refuse(
            who, err, ERR_USAGE, "%s is done on the node itself only: run `canh` there",
            "%s chỉ thực hiện được ngay trên máy chủ: chạy `canh` tại đó", c->name);
    if (!caller_may(who, c->right)) {
        struct buf need = {0};
        right_text(c->right & ~who->rights, &need);
        int rc = caller_refuse(who, err, ERR_USAGE,
                               "you may not do %s: it needs the right %s; ask an administrator",
                               "bạn không được thực hiện %s: cần quyền %s; hãy hỏi quản trị",
                               c->name, buf_text(&need));
        buf_free(&need);
        return rc;
    }
    if ((c->flags & COMMAND_EVERYWHERE) && !who->everywhere)
        return caller_refuse(who, err, ERR_USAGE,
                             "%s concerns all units: only who has all of them may do it",
                             "%s liên quan đến mọi đơn vị: chỉ người phụ trách tất cả đơn vị mới "
                             "được thực hiện",
                             c->name);
    call->denied = false;
    return ERR_OK;
}

static int unknown_param(struct command_call *call, struct slice name, struct err *err)
{
    const char *names[COMMAND_PARAMS_MAX + 1] = {0};
    for (uint32_t i = 0; i < call->command->param_count; i++)
        names[i] = call->command->params[i].name;
    const char *nearest = text_nearest(name, names);
    int len = name.len > COMMAND_NAME_BYTES_MAX ? COMMAND_NAME_BYTES_MAX : (int)name.len;
    if (nearest)
        return caller_refuse(&call->caller, err, ERR_USAGE,
                             "%s has no parameter \"%.*s\"; did you mean \"%s\"?",
                             "%s không có tham số \"%.*s\"; có phải \"%s\"?", call->command->name,
                             len, name.data, nearest);
    return caller_refuse(
        &call->caller, err, ERR_USAGE, "%s has no parameter \"%.*s\": leave it out",
        "%s không có tham số \"%.*s\": hãy bỏ đi", call->command->name, len, name.data);
}

int command_check(struct command_call *call, struct err *err)
{
    const struct command *c = call->command;
    uint32_t seen[COMMAND_PARAMS_MAX] = {0};
    check(c->param_count <= COMMAND_PARAMS_MAX);
    int rc = may(call, err);
    if (rc)
        return rc;
    if (call->dry && !(c->flags & COMMAND_DRY))
        return caller_refuse(&call->caller, err, ERR_USAGE, "%s has no dry run",
                             "%s không có chế độ chạy thử", c->name);
    if (call->value_count > COMMAND_VALUES_MAX)
        return caller_refuse(&call->caller, err, ERR_LIMIT, "a command takes at most %d values",
                             "một lệnh nhận nhiều nhất %d giá trị", COMMAND_VALUES_MAX);
    for (uint32_t i = 0; i < call->value_count; i++) {
        const struct param *p = param_find(c, call->values[i].name);
        if (!p)
            return unknown_param(call, call->values[i].name, err);
        if (seen[p - c->params]++ && !p->many)
            return caller_refuse(&call->caller, err, ERR_USAGE, "%s was given twice: give it once",
                                 "%s được cho hai lần: chỉ cho một lần", p->name);
        rc = param_check(call, p, &call->values[i].text, err);
        if (rc)
            return rc;
    }
    for (uint32_t i = 0; i < c->param_count; i++)
        if (c->params[i].required && !seen[i])
            return caller_refuse(&call->caller, err, ERR_USAGE, "%s is missing: %s", "thiếu %s: %s",
                                 c->params[i].name,
                                 call->caller.vietnamese ? c->params[i].help_vi
                                                         : c->params[i].help_en);
    return ERR_OK;
}

int call_refuse(const struct command_call *call, struct err *err, int code, const char *english,
                const char *vietnamese, ...)
{
    char text[ERR_TEXT_BYTES];
    va_list args;
    va_start(args, vietnamese);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)vsnprintf(text, sizeof(text), call->caller.vietnamese ? vietnamese : english, args);
#pragma GCC diagnostic pop
    va_end(args);
    return err_set(err, code, "%s", text);
}

static void sheet_detail(struct json_writer *w, const struct command *c, struct slice flat)
{
    struct digester *digester = digester_open();
    struct digest digest = digest_of(digester, flat);
    struct buf hex = {0};
    text_hex(&hex, slice_make((const char *)digest.bytes, DIGEST_BYTES));
    json_open_object(w);
    json_key(w, "rows");
    json_u64(w, param_sheet_rows(c, flat));
    json_key(w, "sha256");
    json_string(w, buf_as_slice(&hex));
    json_close_object(w);
    buf_free(&hex);
    digester_close(&digester);
}

static void value_detail(struct json_writer *w, const struct command *c, const struct param *p,
                         struct slice text)
{
    uint64_t number;
    if (p->kind == PARAM_SECRET)
        json_string(w, SLICE("***"));
    else if (p->kind == PARAM_SHEET)
        sheet_detail(w, c, text);
    else if (p->kind == PARAM_NUMBER && slice_to_u64(text, &number))
        json_u64(w, number);
    else if (p->kind == PARAM_BOOL)
        json_bool(w, slice_equal(text, SLICE("true")));
    else
        json_string(w, text);
}

static void param_detail(struct json_writer *w, const struct command_call *call, uint32_t number)
{
    const struct param *p = &call->command->params[number];
    struct slice text;
    uint32_t at = 0;
    if (!call_given(call, p->name))
        return;
    json_key(w, p->name);
    if (p->many)
        json_open_array(w);
    while (call_next(call, p->name, &at, &text))
        value_detail(w, call->command, p, text);
    if (p->many)
        json_close_array(w);
    if (call->refs[number]) {
        char key[COMMAND_NAME_BYTES_MAX + 4];
        (void)snprintf(key, sizeof(key), "%s_id", p->name);
        json_key(w, key);
        json_u64(w, call->refs[number]);
    }
}

void command_detail(const struct command_call *call, struct buf *out)
{
    struct json_writer w = {.out = out};
    json_open_object(&w);
    for (uint32_t i = 0; i < call->command->param_count; i++)
        param_detail(&w, call, i);
    json_close_object(&w);
}
