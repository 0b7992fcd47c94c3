/* Commands over HTTP: those the caller may run, and running one. */
#include "api/body.h"
#include "api/problem.h"
#include "api/route.h"
#include "base/text.h"
#include "formats/json.h"
#include "state/sheet.h"

static const char *const commands_kinds[] = {
    [PARAM_TEXT] = "text",  [PARAM_NAME] = "name",         [PARAM_NUMBER] = "number",
    [PARAM_BOOL] = "bool",  [PARAM_CHOICE] = "choice",     [PARAM_DATE] = "date",
    [PARAM_REF] = "ref",    [PARAM_DURATION] = "duration", [PARAM_SECRET] = "secret",
    [PARAM_SHEET] = "sheet"};

/* Those of other ways, and signing in, whose answer holds a secret for the cookie only. */
static bool commands_elsewhere(const struct command *c)
{
    return c->flags & (COMMAND_INTERNAL | COMMAND_LOCAL) || strcmp(c->name, "session.open") == 0;
}

static bool commands_offers(const struct exchange *x, const struct command *c)
{
    if (commands_elsewhere(c))
        return false;
    if (c->flags & COMMAND_OPEN)
        return true;
    return x->signed_in && caller_may(&x->caller, c->right) &&
           (x->caller.everywhere || !(c->flags & COMMAND_EVERYWHERE));
}

static void commands_choices(struct json_writer *w, const char *choices)
{
    struct slice rest = slice_from(choices);
    json_key(w, "choices");
    json_open_array(w);
    while (rest.len > 0)
        json_string(w, slice_cut(&rest, '|'));
    json_close_array(w);
}

static void commands_param(struct json_writer *w, const struct param *p, bool vietnamese)
{
    json_open_object(w);
    json_key(w, "name");
    json_string(w, slice_from(p->name));
    json_key(w, "kind");
    json_string(w, slice_from(commands_kinds[p->kind]));
    json_key(w, "required");
    json_bool(w, p->required);
    json_key(w, "many");
    json_bool(w, p->many);
    if (p->kind == PARAM_NUMBER || p->max) {
        json_key(w, "min");
        json_u64(w, p->min);
        json_key(w, "max");
        json_u64(w, p->max);
    }
    if (p->choices)
        commands_choices(w, p->choices);
    if (p->ref) {
        json_key(w, "ref");
        json_string(w, slice_from(p->ref));
    }
    json_key(w, "help");
    json_string(w, slice_from(vietnamese ? p->help_vi : p->help_en));
    json_close_object(w);
}

void commands_list(struct exchange *x)
{
    const struct command_table *table = api_options(x->api)->commands;
    struct json_writer w = {.out = &x->response.body};
    json_open_object(&w);
    json_key(&w, "items");
    json_open_array(&w);
    for (uint32_t i = 0; i < table->count; i++) {
        const struct command *c = table->commands[i];
        if (!commands_offers(x, c))
            continue;
        json_open_object(&w);
        json_key(&w, "name");
        json_string(&w, slice_from(c->name));
        json_key(&w, "title");
        json_string(&w, slice_from(x->vietnamese ? c->title_vi : c->title_en));
        json_key(&w, "dry");
        json_bool(&w, c->flags & COMMAND_DRY);
        json_key(&w, "params");
        json_open_array(&w);
        for (uint32_t j = 0; j < c->param_count; j++)
            commands_param(&w, &c->params[j], x->vietnamese);
        json_close_array(&w);
        json_close_object(&w);
    }
    json_close_array(&w);
    json_close_object(&w);
    buf_char(&x->response.body, '\n');
    x->response.status = 200;
    x->response.type = RESPONSE_JSON;
    x->step = EXCHANGE_DONE;
}

static const struct param *commands_param_find(const struct command *c, struct slice name)
{
    for (uint32_t i = 0; i < c->param_count; i++)
        if (slice_equal(slice_from(c->params[i].name), name))
            return &c->params[i];
    return NULL;
}

/* Refusals of a parameter begin with its name. */
static struct slice commands_which(const struct command *c, struct slice text)
{
    struct slice name = slice_cut(&text, ' ');
    while (name.len > 0 && strchr(":,", name.data[name.len - 1]))
        name.len--;
    return commands_param_find(c, name) ? name : (struct slice){0};
}

static void commands_ran(struct exchange *x, const struct api_answer *answer)
{
    const struct command *command = x->command;
    if (answer->away || answer->denied) {
        problem_of_answer(x, answer);
        return;
    }
    if (answer->rc) {
        struct slice which = commands_which(command, answer->text);
        problem_answer_result(x, problem_of_code(answer->rc), answer->text, which, answer->json);
        return;
    }
    struct json_writer w = {.out = &x->response.body};
    json_open_object(&w);
    json_key(&w, "audit");
    json_u64(&w, answer->audit_id);
    json_key(&w, "result");
    json_raw(&w, answer->json.len > 0 ? answer->json : SLICE("{}"));
    json_close_object(&w);
    buf_char(&x->response.body, '\n');
    x->response.status = 200;
    x->response.type = RESPONSE_JSON;
    x->step = EXCHANGE_DONE;
}

/* A program of ours cuts the table itself and sends the cells in base64. */
static bool commands_cut_already(struct slice text, uint32_t columns, struct buf *flat)
{
    struct sheet sheet;
    if (text_base64_decode(flat, text) &&
        sheet_open(&sheet, buf_as_slice(flat), columns, NULL) == ERR_OK)
        return true;
    buf_clear(flat);
    return false;
}

/* Tables come as text and go to the engine as cells. */
static int commands_sheets(struct exchange *x, const struct command *c, struct body_command *body,
                           struct buf *flat, struct slice *which, struct err *err)
{
    for (uint32_t i = 0; i < body->count; i++) {
        const struct param *p = commands_param_find(c, body->values[i].name);
        if (!p || p->kind != PARAM_SHEET)
            continue;
        uint32_t columns;
        const struct sheet_column *column = sheet_columns(c->name, &columns);
        *which = body->values[i].name;
        check(column);
        if (flat->len > 0)
            return err_set(err, ERR_SYNTAX, "a command takes one sheet");
        int rc = ERR_OK;
        if (!commands_cut_already(body->values[i].text, columns, flat))
            rc = sheet_read_csv(body->values[i].text, column, columns, x->vietnamese, flat, err);
        if (rc)
            return rc;
        body->values[i].text = buf_as_slice(flat);
    }
    return ERR_OK;
}

static void commands_send(struct exchange *x, const struct command *c, struct body_command *body)
{
    const struct api_engine *engine = &api_options(x->api)->engine;
    struct buf flat = {0}, packed = {0};
    struct slice which = {0};
    struct err err;
    if (commands_sheets(x, c, body, &flat, &which, &err)) {
        problem_answer(x, PROBLEM_REFUSED, slice_from(err.text), which);
        buf_free(&flat);
        return;
    }
    command_pack(body->name, body->values, body->count, body->dry, &packed);
    buf_free(&flat);
    x->command = c;
    x->step = EXCHANGE_ASKING;
    engine->call(engine->context, x, buf_as_slice(&packed), body->dry, commands_ran);
    explicit_bzero(packed.data, packed.len);
    buf_free(&packed);
}

void commands_run(struct exchange *x)
{
    struct body_command body;
    struct err err;
    if (body_command(x->request.body, &x->arena, &body, &err)) {
        problem_answer(x, PROBLEM_BAD_REQUEST, slice_from(err.text), (struct slice){0});
        return;
    }
    const struct command *c = command_find(api_options(x->api)->commands, body.name);
    if (!c || commands_elsewhere(c)) {
        problem_say(x, PROBLEM_NOT_FOUND,
                    "There is no such command here: GET /api/v1/commands lists yours",
                    "Không có lệnh này: GET /api/v1/commands liệt kê các lệnh của bạn");
    } else if (!x->signed_in && !(c->flags & COMMAND_OPEN)) {
        problem_say(x, PROBLEM_NOT_SIGNED_IN, "Sign in first (POST /api/v1/session)",
                    "Hãy đăng nhập trước (POST /api/v1/session)");
    } else if (!commands_offers(x, c)) {
        problem_say(x, PROBLEM_FORBIDDEN,
                    "Your role or token may not run this: ask an administrator",
                    "Vai trò hoặc mã truy cập của bạn không được chạy lệnh này: hãy hỏi quản trị "
                    "viên");
    } else {
        commands_send(x, c, &body);
    }
}
