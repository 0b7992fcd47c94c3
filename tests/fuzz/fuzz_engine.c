/* What web, intake, query, courier and clients send to the engine: each message's parser on bytes
 * of anybody; what a parser takes lies inside of the payload. The first byte says which message. */
#include "program/commands.h"
#include "program/engine_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct slice payload;

static void inside(struct slice text)
{
    check(text.len == 0 ||
          (text.data >= payload.data && text.data + text.len <= payload.data + payload.len));
}

static void call_check(struct err *err)
{
    struct engine_wish wish;
    struct command_call call = {.caller = caller_system()};
    if (engine_parse_call(payload, &wish, err) != ERR_OK)
        return;
    inside(wish.secret);
    inside(wish.packed);
    if (command_unpack(&commands, wish.packed, &call, err) == ERR_OK)
        (void)!command_check(&call, err);
    command_call_free(&call);
}

static void ask_check(struct err *err)
{
    static struct engine_question question;
    if (engine_parse_ask(payload, &question, err) != ERR_OK)
        return;
    for (uint16_t i = 0; i < question.count; i++)
        inside(question.words[i]);
}

static void roles_check(struct err *err)
{
    static struct engine_roles roles;
    if (engine_parse_roles(payload, &roles, err) != ERR_OK)
        return;
    for (uint32_t i = 0; i < roles.count; i++) {
        check(roles.rows[i].role < ROLES && roles.rows[i].state <= ROLE_WAITING);
        inside(roles.rows[i].metrics);
        inside(roles.rows[i].why);
    }
}

static void outcome_check(uint8_t which, struct err *err)
{
    struct engine_outcome outcome;
    int rc = which == 3   ? engine_parse_queried(payload, &outcome, err)
             : which == 4 ? engine_parse_sent(payload, &outcome, err)
                          : engine_parse_ran(payload, &outcome, err);
    if (rc != ERR_OK)
        return;
    check(outcome.rc <= ERR_OK && outcome.rc >= ERR_CANCELED);
    inside(outcome.why);
}

static void rest_check(uint8_t which, struct err *err)
{
    struct engine_who who;
    struct engine_note note;
    struct engine_import import;
    if (which == 6 && engine_parse_note(payload, &note, err) == ERR_OK)
        inside(note.text);
    else if (which == 7 && engine_parse_import(payload, 1, &import, err) == ERR_OK)
        inside(import.name);
    else if (which == 0 && engine_parse_who(payload, &who, err) == ERR_OK)
        inside(who.from);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    if (size == 0)
        return 0;
    uint8_t which = data[0] % 9;
    payload = slice_make((const char *)data + 1, size - 1);
    if (which == 1)
        call_check(&err);
    else if (which == 2)
        ask_check(&err);
    else if (which == 8)
        roles_check(&err);
    else if (which >= 3 && which <= 5)
        outcome_check(which, &err);
    else
        rest_check(which, &err);
    return 0;
}
