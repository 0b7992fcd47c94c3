/* docs/api.yaml says what the tables of routes, commands and listings say, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "api/route.h"
#include "base/io.h"
#include "program/commands.h"

static struct buf text;

static int text_read(void **state)
{
    struct err err;
    (void)state;
    return io_read_file(&text, CANH_SOURCE "/docs/api.yaml", 1 << 20, &err);
}

static int text_free(void **state)
{
    (void)state;
    buf_free(&text);
    return 0;
}

static const char *method_name(enum request_method method)
{
    return method == METHOD_GET ? "get" : method == METHOD_POST ? "post" : "delete";
}

static const struct route *route_of(struct slice path, struct slice method)
{
    for (uint32_t i = 0; i < route_count; i++)
        if (slice_equal(path, slice_from(route_table[i].path)) &&
            slice_equal(method, slice_from(method_name(route_table[i].method))))
            return &route_table[i];
    return NULL;
}

static void test_routes(void **state)
{
    (void)state;
    struct slice rest = buf_as_slice(&text), path = {0};
    const struct route *route = NULL;
    uint32_t found = 0;
    while (rest.len > 0) {
        struct slice line = slice_cut(&rest, '\n');
        struct slice word = slice_trim(line);
        if (slice_starts(line, SLICE("components:")))
            break;
        if (slice_starts(line, SLICE("  /")))
            path = slice_part(word, 0, word.len - 1);
        if (path.len > 0 && slice_starts(line, SLICE("    ")) && line.data[4] != ' ') {
            route = route_of(path, slice_part(word, 0, word.len - 1));
            if (!route)
                fail_msg("no route %.*s %.*s", (int)path.len, path.data, (int)word.len, word.data);
            found++;
        }
        if (route && slice_starts(line, SLICE("      summary: "))) {
            struct slice summary = slice_part(word, 9, word.len);
            if (!slice_equal(summary, slice_from(route->summary_en)))
                fail_msg("%s: the table says \"%s\"", route->path, route->summary_en);
        }
    }
    assert_int_equal(found, route_count);
    for (uint32_t i = 0; i < route_count; i++)
        assert_true(route_table[i].summary_en[0] && route_table[i].summary_vi[0]);
}

/* The names of an enumeration behind a comment. */
static uint32_t names_behind(const char *comment, struct slice *names, uint32_t max)
{
    size_t at = slice_find(buf_as_slice(&text), slice_from(comment));
    struct slice rest = slice_part(buf_as_slice(&text), at, text.len);
    uint32_t count = 0;
    assert_true(at != SLICE_NONE);
    (void)slice_cut(&rest, '\n');
    (void)slice_cut(&rest, '\n');
    while (count < max) {
        struct slice line = slice_trim(slice_cut(&rest, '\n'));
        if (!slice_starts(line, SLICE("- ")) || slice_find_char(line, ':') != SLICE_NONE)
            break;
        names[count++] = slice_part(line, 2, line.len);
    }
    return count;
}

static bool among(const struct slice *names, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (slice_equal(names[i], slice_from(name)))
            return true;
    return false;
}

static bool over_http(const struct command *c)
{
    return !(c->flags & (COMMAND_INTERNAL | COMMAND_LOCAL)) && strcmp(c->name, "session.open") != 0;
}

static void test_commands(void **state)
{
    (void)state;
    struct slice names[256];
    uint32_t count = names_behind("# the command table", names, 256);
    for (uint32_t i = 0; i < commands.count; i++)
        if (among(names, count, commands.commands[i]->name) != over_http(commands.commands[i]))
            fail_msg("docs/api.yaml and the table differ about %s", commands.commands[i]->name);
    for (uint32_t i = 0; i < count; i++)
        if (!command_find(&commands, names[i]))
            fail_msg("there is no command %.*s", (int)names[i].len, names[i].data);
}

static void test_listings(void **state)
{
    (void)state;
    struct slice names[64];
    uint32_t count = names_behind("# the table of listings", names, 64);
    assert_int_equal(count, listings.count);
    for (uint32_t i = 0; i < listings.count; i++) {
        const struct listing *listing;
        unsigned methods;
        char path[100];
        if (!among(names, count, listings.listings[i]->name))
            fail_msg("docs/api.yaml lacks the listing %s", listings.listings[i]->name);
        (void)snprintf(path, sizeof path, "/api/v1/%s", listings.listings[i]->name);
        assert_non_null(route_find(&listings, METHOD_GET, slice_from(path), &listing, &methods));
        assert_ptr_equal(listing, listings.listings[i]); /* no other route has its name */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_routes),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_listings),
    };
    return cmocka_run_group_tests(tests, text_read, text_free);
}
