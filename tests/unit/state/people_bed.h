/* A state with the commands of this floor and signed-in callers, for tests. Include behind
 * cmocka.h. Threads: one. */
#pragma once
#include "base/text.h"
#include "formats/json.h"
#include "state/commands_state.h"
#include "state/sheet.h"
#include "state/signin.h"
#include "unit/state/state_bed.h"

enum { PEOPLE_VALUES_MAX = 16 };
#define PASSWORD "tre lang xanh ngat 7"

struct people {
    struct bed bed;
    struct command_table table;
    struct signin *signin;
    struct arena arena;       /* callers */
    struct command_call call; /* the newest */
    int64_t now_ns;
    bool dry;
};

static inline void people_open(struct people *p)
{
    struct err err = {0};
    *p =
        (struct people){.table = {state_commands, state_command_count}, .now_ns = STATE_BED_NOW_NS};
    bed_folder(&p->bed);
    p->bed.options.table = &p->table;
    if (state_open(&p->bed.state, &p->bed.options, &err) != ERR_OK)
        fail_msg("%s", err.text);
    assert_int_equal(signin_open(&p->signin, p->bed.state, &err), ERR_OK);
}

static inline void people_close(struct people *p)
{
    command_call_free(&p->call);
    signin_close(&p->signin);
    arena_free(&p->arena);
    bed_close(&p->bed);
}

static inline struct database *people_db(struct people *p)
{
    return state_db(p->bed.state);
}

/* Values as "name=text", ended by NULL; sheet may be empty. */
static inline int people_run(struct people *p, const struct caller *caller, const char *command,
                             struct slice sheet, va_list texts)
{
    struct command_value values[PEOPLE_VALUES_MAX];
    struct command_call *calls[1] = {&p->call};
    uint32_t count = 0;
    struct err err = {0};
    command_call_free(&p->call);
    for (const char *text; (text = va_arg(texts, const char *)) != NULL; count++) {
        struct slice rest = slice_from(text);
        assert_true(count + 1 < PEOPLE_VALUES_MAX);
        values[count].name = slice_cut(&rest, '=');
        values[count].text = rest;
    }
    if (sheet.len)
        values[count++] = (struct command_value){SLICE("sheet"), sheet};
    p->call = (struct command_call){.command = command_find(&p->table, slice_from(command)),
                                    .caller = *caller,
                                    .values = values,
                                    .value_count = count,
                                    .now_ns = p->now_ns,
                                    .dry = p->dry};
    assert_non_null(p->call.command);
    state_prepare(p->bed.state, &p->call);
    assert_int_equal(state_execute(p->bed.state, calls, 1, p->now_ns, &err), ERR_OK);
    assert_int_equal(signin_refresh(p->signin, &err), ERR_OK);
    p->call.values = NULL;
    p->call.value_count = 0;
    return p->call.rc;
}

static inline int act(struct people *p, const struct caller *caller, const char *command, ...)
{
    va_list texts;
    va_start(texts, command);
    int rc = people_run(p, caller, command, SLICE(""), texts);
    va_end(texts);
    return rc;
}

static inline int act_sheet(struct people *p, const struct caller *caller, const char *command,
                            const char *csv, ...)
{
    struct buf flat = {0};
    struct err err = {0};
    uint32_t count;
    const struct sheet_column *columns = sheet_columns(command, &count);
    va_list texts;
    if (sheet_read_csv(slice_from(csv), columns, count, false, &flat, &err) != ERR_OK)
        fail_msg("%s", err.text);
    va_start(texts, csv);
    int rc = people_run(p, caller, command, buf_as_slice(&flat), texts);
    va_end(texts);
    buf_free(&flat);
    return rc;
}

#define MUST(done)                                                                                 \
    do {                                                                                           \
        if ((done) != ERR_OK)                                                                      \
            fail_msg("%s", p.call.err.text);                                                       \
    } while (0)

/* A text of the newest result, into the arena. */
static inline struct slice people_result(struct people *p, const char *key)
{
    struct json_reader r;
    struct slice found = {0};
    json_reader_open(&r, buf_as_slice(&p->call.result));
    for (enum json_token t = json_next(&r); t != JSON_END && t != JSON_ERROR; t = json_next(&r)) {
        if (t != JSON_KEY || !slice_equal(r.text, slice_from(key)))
            continue;
        (void)json_next(&r);
        char *out = arena_bytes(&p->arena, r.text.len + 1);
        found = slice_make(out, json_unescape(out, r.text));
        break;
    }
    if (!found.data)
        fail_msg("no %s in %s", key, buf_text(&p->call.result));
    return found;
}

static inline bool result_has(struct people *p, const char *part)
{
    bool has = strstr(buf_text(&p->call.result), part) != NULL;
    if (!has)
        print_error("%s is not in %s\n", part, buf_text(&p->call.result));
    return has;
}

/* Who this cookie or token is. */
static inline int who(struct people *p, struct slice secret, struct caller *out)
{
    return signin_find(p->signin, secret, p->now_ns, &p->arena, out, NULL);
}

static inline int sign_in(struct people *p, const char *name, const char *password,
                          const char *code)
{
    static const struct caller nobody = {
        .kind = CALLER_SYSTEM, .name = {"", 0}, .from = {"10.9.9.9", 8}};
    char values[3][100];
    (void)snprintf(values[0], sizeof values[0], "name=%s", name);
    (void)snprintf(values[1], sizeof values[1], "password=%s", password);
    (void)snprintf(values[2], sizeof values[2], "code=%s", code ? code : "");
    return act(p, &nobody, "session.open", values[0], values[1], values[2], NULL);
}

static inline struct caller signed_in(struct people *p, const char *name)
{
    struct caller caller;
    if (sign_in(p, name, PASSWORD, NULL) != ERR_OK)
        fail_msg("%s: %s", name, p->call.err.text);
    assert_int_equal(who(p, people_result(p, "session"), &caller), ERR_OK);
    return caller;
}

/* Units a (a1, a2 under it) and b; users: root of everything, anna who administers a. */
static inline void people_make(struct people *p)
{
    struct caller node = caller_system();
    static const char *const units[][2] = {
        {"name=a", NULL}, {"name=b", NULL}, {"name=a1", "parent=a"}, {"name=a2", "parent=a"}};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(act(p, &node, "unit.add", units[i][0], "title=Đơn vị", units[i][1], NULL),
                         ERR_OK);
    assert_int_equal(act(p, &node, "user.add", "name=root1", "title=Gốc", "role=administrator",
                         "password=" PASSWORD, NULL),
                     ERR_OK);
    assert_int_equal(act(p, &node, "user.add", "name=anna", "title=Anna", "role=administrator",
                         "unit=a", "password=" PASSWORD, NULL),
                     ERR_OK);
}
