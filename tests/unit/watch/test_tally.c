#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <unistd.h>

#include "watch/intake_shared.h"

enum { SLOT_BYTES = 4096 };

static struct tally_page page_of(int fd)
{
    struct tally_page page;
    assert_int_equal(pread(fd, &page, sizeof(page), SLOT_BYTES), sizeof(page));
    return page;
}

/* The engine reads what intake counted, also when intake has died. */
static void what_was_cut_outlives_its_sender(void **state)
{
    struct intake_shared *shared;
    int fd = memfd_create("hauls", MFD_CLOEXEC);
    (void)state;
    assert_int_equal(ftruncate(fd, SLOT_BYTES + TALLY_BYTES), 0);
    assert_int_equal(intake_shared_open(&shared, fd, 1, SLOT_BYTES, NULL), ERR_OK);
    tally_add(intake_shared_tally(shared, 0), 3);
    tally_add(intake_shared_tally(shared, TALLY_LISTENERS_MAX - 1), 1);
    tally_add(intake_shared_tally(shared, 0), 4);
    tally_add(intake_shared_tally(shared, TALLY_LISTENERS_MAX), 100); /* none such */
    intake_shared_close(&shared);
    struct tally_page page = page_of(fd);
    assert_int_equal(tally_cut(&page, 0), 7);
    assert_int_equal(tally_cut(&page, 1), 0);
    assert_int_equal(tally_cut(&page, TALLY_LISTENERS_MAX - 1), 1);
    assert_int_equal(tally_cut(&page, TALLY_LISTENERS_MAX), 0);
    assert_int_equal(tally_lost(7, 5), 2);
    assert_int_equal(tally_lost(5, 7), 0);
    (void)close(fd);
}

static void ids_of_one_parent_are_in_order(void **state)
{
    uint64_t first = tally_sender(UINT64_C(0x123456789abcdef0), 1), fifth = first + 4;
    (void)state;
    assert_int_equal(fifth, tally_sender(UINT64_C(0x123456789abcdef0), 5));
    assert_true(tally_is_up_to(first, fifth) && tally_is_up_to(fifth, fifth));
    assert_false(tally_is_up_to(fifth, first));
    assert_false(tally_is_up_to(tally_sender(7, 1), fifth)); /* another parent's */
    assert_false(tally_is_up_to(first, 0));                  /* none yet */
}

static void memory_without_a_page_counts_nothing(void **state)
{
    struct intake_shared *shared;
    int fd = memfd_create("hauls", MFD_CLOEXEC);
    (void)state;
    assert_int_equal(ftruncate(fd, SLOT_BYTES), 0);
    assert_int_equal(intake_shared_open(&shared, fd, 1, SLOT_BYTES, NULL), ERR_OK);
    tally_add(intake_shared_tally(shared, 0), 3);
    intake_shared_close(&shared);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_cut_outlives_its_sender),
        cmocka_unit_test(ids_of_one_parent_are_in_order),
        cmocka_unit_test(memory_without_a_page_counts_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
