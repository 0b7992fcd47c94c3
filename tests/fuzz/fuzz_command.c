/* Hostile bytes of a command: unpacking and checking never crash and keep to their limits; what
 * holds packs to the same bytes, and what was checked once is good again. */
#include <stdlib.h>

#include "base/mem.h"
#include "state/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int nothing_run(struct command_call *call, struct err *err)
{
    (void)call;
    (void)err;
    return ERR_OK;
}

static const struct param params[] = {
    {.name = "t", .kind = PARAM_TEXT, .required = true, .help_en = "t", .help_vi = "t"},
    {.name = "n", .kind = PARAM_NAME, .many = true, .help_en = "n", .help_vi = "n"},
    {.name = "i", .kind = PARAM_NUMBER, .min = 3, .max = 70, .help_en = "i", .help_vi = "i"},
    {.name = "b", .kind = PARAM_BOOL, .help_en = "b", .help_vi = "b"},
    {.name = "c", .kind = PARAM_CHOICE, .choices = "x|yy", .help_en = "c", .help_vi = "c"},
    {.name = "d", .kind = PARAM_DATE, .help_en = "d", .help_vi = "d"},
    {.name = "l", .kind = PARAM_DURATION, .help_en = "l", .help_vi = "l"},
    {.name = "s", .kind = PARAM_SECRET, .max = 30, .help_en = "s", .help_vi = "s"},
    {.name = "r", .kind = PARAM_REF, .ref = "unit", .help_en = "r", .help_vi = "r"},
    {.name = "h", .kind = PARAM_SHEET, .help_en = "h", .help_vi = "h"},
};
static const struct command command = {.name = "a.b",
                                       .right = RIGHT_READ,
                                       .flags = COMMAND_DRY,
                                       .params = params,
                                       .param_count = sizeof(params) / sizeof(params[0]),
                                       .run = nothing_run,
                                       .title_en = "a",
                                       .title_vi = "a"};
static const struct command *const commands[] = {&command, NULL};
static const struct command_table table = {commands, 1};

static void values_read(const struct command_call *call)
{
    for (uint32_t i = 0; i < command.param_count; i++) {
        uint32_t at = 0;
        struct slice text;
        while (call_next(call, params[i].name, &at, &text))
            check(at <= call->value_count);
        (void)call_text(call, params[i].name);
        (void)call_number(call, params[i].name);
        (void)call_bool(call, params[i].name);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = slice_make((const char *)data, size);
    struct command_call call = {0};
    struct buf again = {0}, detail = {0};
    struct err err = {0};
    if (command_unpack(&table, bytes, &call, &err) == ERR_OK) {
        command_pack(slice_from(call.command->name), call.values, call.value_count, call.dry,
                     &again);
        check(slice_equal(buf_as_slice(&again), bytes));
        call.caller = caller_system();
        if (command_check(&call, &err) == ERR_OK) {
            check(call_given(&call, "t") && call_text(&call, "t").len > 0);
            values_read(&call);
            command_detail(&call, &detail);
            check(command_check(&call, &err) == ERR_OK);
        } else {
            check(err.text[0] != '\0' && !call.denied);
        }
    } else {
        check(err.text[0] != '\0');
    }
    buf_free(&again);
    buf_free(&detail);
    command_call_free(&call);
    return 0;
}
