/* Any bytes as an HTTP request's address, headers and body: read strictly, or refused with a
 * sentence; what was read holds its promises. */
#include "api/body.h"
#include "api/request.h"
#include "base/language.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void values_check(const struct command_value *values, uint32_t count)
{
    check(count <= COMMAND_VALUES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        check(values[i].name.len <= COMMAND_NAME_BYTES_MAX);
        check(text_utf8_valid(values[i].text) == values[i].text.len);
    }
}

static void body_check(struct slice text, struct arena *arena)
{
    struct command_value *values;
    struct body_command command;
    struct err err = {0};
    uint32_t count;
    if (body_command(text, arena, &command, &err) == ERR_OK) {
        check(command.name.len >= 1 && command.name.len <= COMMAND_NAME_BYTES_MAX);
        values_check(command.values, command.count);
    } else {
        check(err.code && err.text[0]);
    }
    if (body_values(text, arena, &values, &count, &err) == ERR_OK)
        values_check(values, count);
}

static void target_check(struct slice text, struct arena *arena)
{
    struct request request = {0};
    struct err err = {0};
    if (request_target(&request, arena, text, &err)) {
        check(err.code && err.text[0]);
        return;
    }
    check(request.path.len >= 1 && request.path.data[0] == '/');
    check(request.query_count <= REQUEST_QUERY_MAX);
    for (uint32_t i = 0; i < request.query_count; i++) {
        struct slice value = request.query[i].value;
        check(request.query[i].name.len > 0);
        check(text_utf8_valid(value) == value.len && slice_find_char(value, '\0') == SLICE_NONE);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make((const char *)data, size);
    struct arena arena = {0};
    target_check(text, &arena);
    body_check(text, &arena);
    struct slice cookie = request_cookie(text, SLICE("canh_session"));
    check(slice_find_char(cookie, ';') == SLICE_NONE);
    int language = language_wanted(text);
    check(language >= -1 && language <= 1);
    (void)request_host_is_ours(text, SLICE("canh.example.vn"));
    arena_free(&arena);
    return 0;
}
