/* A record as one text, so that a test compares all of it at once: a line a field, `name=value`,
 * where a number's value begins with #, a null is ~, and a derived field's line begins with ^. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "formats/format.h"

static struct buf fields_out;

static const char *fields_text(const struct record *r)
{
    buf_clear(&fields_out);
    for (uint32_t i = 0; i < r->count; i++) {
        const struct field *f = &r->fields[i];
        buf_string(&fields_out, f->flags & FIELD_DERIVED ? "^" : "");
        buf_slice(&fields_out, f->name);
        buf_string(&fields_out, f->kind == VALUE_NUMBER ? "=#"
                                : f->kind == VALUE_NULL ? "=~"
                                                        : "=");
        buf_slice(&fields_out, f->value);
        buf_char(&fields_out, '\n');
        assert_int_equal(f->name_hash, field_name_hash(f->name));
    }
    return buf_text(&fields_out);
}

typedef int fields_parse(struct record *r, struct slice text, const struct format_header *header,
                         struct err *err);

/* Parses a copy of text that ends where the memory ends, so that a sanitizer sees a step too far.
 */
static void fields_expect_slice(fields_parse *parse, const struct format_header *header,
                                struct slice text, const char *expected)
{
    struct record r = {0};
    struct err err = {0};
    char *copy = test_malloc(text.len ? text.len : 1);
    memcpy(copy, text.data, text.len);
    int rc = parse(&r, slice_make(copy, text.len), header, &err);
    if (rc)
        print_error("%s\n", err.text);
    assert_int_equal(rc, ERR_OK);
    assert_string_equal(fields_text(&r), expected);
    buf_free(&fields_out);
    record_free(&r);
    test_free(copy);
}

static inline void fields_expect(fields_parse *parse, const char *text, const char *expected)
{
    fields_expect_slice(parse, NULL, slice_from(text), expected);
}

static inline void fields_refuse(fields_parse *parse, const struct format_header *header,
                                 const char *text, const char *reason)
{
    struct record r = {0};
    struct err err = {0};
    assert_int_equal(parse(&r, slice_from(text), header, &err), ERR_SYNTAX);
    assert_string_equal(err.text, reason);
    record_free(&r);
}
