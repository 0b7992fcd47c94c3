#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "watch/rules_set.h"

static void entry(struct bundle_writer *w, enum bundle_kind kind, const char *pack,
                  const char *name, const char *text)
{
    struct bundle_entry e = {kind, slice_from(pack), slice_from(name), slice_from(text)};
    assert_int_equal(bundle_add(w, &e, NULL), ERR_OK);
}

static void pack(struct bundle_writer *w, const char *name)
{
    struct bundle_pack p = {slice_from(name), SLICE("1"), SLICE("here")};
    assert_int_equal(bundle_add_pack(w, &p, NULL), ERR_OK);
}

static void end(struct bundle_writer **w, struct buf *out)
{
    assert_int_equal(bundle_end(*w, out, NULL), ERR_OK);
    bundle_writer_close(w);
}

static void order_of_adding_does_not_count(void **state)
{
    struct buf a = {0}, b = {0};
    struct bundle_writer *w = bundle_writer_open();
    (void)state;
    pack(w, "own");
    pack(w, "sigma");
    entry(w, BUNDLE_RULE, "own", "a.yml", "1");
    entry(w, BUNDLE_RULE, "sigma", "b.yml", "2");
    entry(w, BUNDLE_TUNING, "own", "t.yml", "3");
    end(&w, &a);
    w = bundle_writer_open();
    pack(w, "sigma");
    entry(w, BUNDLE_TUNING, "own", "t.yml", "3");
    entry(w, BUNDLE_RULE, "sigma", "b.yml", "2");
    entry(w, BUNDLE_RULE, "own", "a.yml", "old");
    entry(w, BUNDLE_RULE, "own", "a.yml", "1");
    pack(w, "own");
    end(&w, &b);
    assert_true(slice_equal(buf_as_slice(&a), buf_as_slice(&b)));
    struct bundle bundle;
    assert_int_equal(bundle_open(&bundle, buf_as_slice(&a), NULL), ERR_OK);
    assert_int_equal(bundle.entry_count, 3);
    assert_true(slice_equal(bundle.entries[0].text, SLICE("1")));
    assert_true(slice_equal(bundle.entries[1].pack, SLICE("sigma")));
    assert_int_equal(bundle.entries[2].kind, BUNDLE_TUNING);
    assert_true(slice_equal(bundle_pack(&bundle, SLICE("own"))->origin, SLICE("here")));
    assert_null(bundle_pack(&bundle, SLICE("other")));
    bundle_close(&bundle);
    buf_free(&a);
    buf_free(&b);
}

static void what_is_cut_or_changed_is_refused(void **state)
{
    struct buf a = {0};
    struct bundle bundle;
    struct err err;
    struct bundle_writer *w = bundle_writer_open();
    (void)state;
    pack(w, "own");
    entry(w, BUNDLE_RULE, "own", "a.yml", "title: A");
    end(&w, &a);
    for (size_t len = 0; len < a.len; len++) {
        char *copy = mem_copy_text(a.data, len);
        assert_int_not_equal(bundle_open(&bundle, slice_make(copy, len), &err), ERR_OK);
        bundle_close(&bundle);
        mem_free(copy);
    }
    a.data[8] = 2; /* of a later form */
    assert_int_equal(bundle_open(&bundle, buf_as_slice(&a), &err), ERR_UNSUPPORTED);
    bundle_close(&bundle);
    buf_free(&a);
}

/* Equal contents have one form: names that stand in another order, or twice, are no bundle. */
static void entries_out_of_order_are_refused(void **state)
{
    (void)state;
    static const char firsts[] = "bz";
    for (size_t i = 0; firsts[i]; i++) {
        struct buf bytes = {0};
        struct bundle bundle;
        struct bundle_writer *w = bundle_writer_open();
        pack(w, "own");
        entry(w, BUNDLE_RULE, "own", "a.yml", "1");
        entry(w, BUNDLE_RULE, "own", "b.yml", "2");
        end(&w, &bytes);
        char *name = memmem(bytes.data, bytes.len, "a.yml", 5);
        assert_non_null(name);
        name[0] = firsts[i];
        assert_int_equal(bundle_open(&bundle, buf_as_slice(&bytes), NULL), ERR_DAMAGED);
        bundle_close(&bundle);
        buf_free(&bytes);
    }
}

static void an_entry_of_no_pack_is_refused(void **state)
{
    struct buf a = {0};
    struct bundle bundle;
    struct bundle_writer *w = bundle_writer_open();
    (void)state;
    pack(w, "own");
    entry(w, BUNDLE_RULE, "other", "a.yml", "title: A");
    end(&w, &a);
    assert_int_equal(bundle_open(&bundle, buf_as_slice(&a), NULL), ERR_DAMAGED);
    bundle_close(&bundle);
    buf_free(&a);
}

/* What canh.yaml names is read anew, what came by an update stays. */
static void set_keeps_what_updates_brought(void **state)
{
    char folder[] = "/tmp/canh-bundle-XXXXXX", path[64];
    struct buf kept = {0}, made = {0}, problems = {0};
    struct bundle before, bundle;
    (void)state;
    struct bundle_writer *w = bundle_writer_open();
    pack(w, "local");
    pack(w, "sigma");
    entry(w, BUNDLE_RULE, "local", "old.yml", "1");
    entry(w, BUNDLE_RULE, "sigma", "b.yml", "2");
    end(&w, &kept);
    assert_int_equal(bundle_open(&before, buf_as_slice(&kept), NULL), ERR_OK);
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/new.yml", folder);
    FILE *file = fopen(path, "wb");
    assert_true(fputs("title: N", file) >= 0);
    assert_int_equal(fclose(file), 0);
    struct slice named = slice_from(folder);
    struct config_rules config = {.paths = {.items = &named, .count = 1}};
    assert_int_equal(rules_set_make(&config, &before, &made, &problems, NULL), ERR_OK);
    assert_int_equal(bundle_open(&bundle, buf_as_slice(&made), NULL), ERR_OK);
    assert_int_equal(bundle.entry_count, 2);
    assert_true(slice_equal(bundle.entries[0].name, SLICE("new.yml")));
    assert_true(slice_equal(bundle.entries[1].pack, SLICE("sigma")));
    struct rules_choice choice;
    assert_int_equal(rules_choice_open(&choice, &config, &bundle, NULL), ERR_OK);
    assert_int_equal(choice.select.pack_count, 2);
    assert_true(choice.packs[0].is_own);
    assert_false(choice.packs[1].is_own);
    rules_choice_close(&choice);
    config.select_level = SLICE("loud");
    assert_int_equal(rules_choice_open(&choice, &config, &bundle, NULL), ERR_USAGE);
    rules_choice_close(&choice);
    bundle_close(&before);
    bundle_close(&bundle);
    buf_free(&kept);
    buf_free(&made);
    buf_free(&problems);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_of_adding_does_not_count),
        cmocka_unit_test(what_is_cut_or_changed_is_refused),
        cmocka_unit_test(entries_out_of_order_are_refused),
        cmocka_unit_test(an_entry_of_no_pack_is_refused),
        cmocka_unit_test(set_keeps_what_updates_brought),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
