/* Checkpoints: the newest whole one counts, and none is lost to a power cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/disk_sim.h"
#include "store/checkpoint.h"

static const struct journal_identity identity = {.uuid = "a store's uuid.", .epoch = 2};

static int write_number(struct disk *disk, uint64_t number, struct err *err)
{
    char chain[2000];
    memset(chain, (int)number, sizeof chain);
    struct checkpoint c = {.number = number,
                           .identity = identity,
                           .last_sequence = number * 10,
                           .cut = {number, 512},
                           .commit_ns = (int64_t)number * 100,
                           .carry = SLICE("carry"),
                           .chain = {chain, sizeof chain}};
    return checkpoint_write(disk, &c, err);
}

static void read_expects(struct disk *disk, uint64_t number, uint32_t damaged)
{
    struct checkpoint c;
    uint32_t seen;
    assert_int_equal(checkpoint_read(disk, &identity, &c, &seen, NULL), ERR_OK);
    assert_int_equal(c.number, number);
    assert_int_equal(c.last_sequence, number * 10);
    assert_int_equal(c.cut.file, number);
    assert_int_equal(c.cut.offset, 512);
    assert_int_equal(c.commit_ns, number * 100);
    assert_int_equal(c.identity.epoch, 2);
    assert_true(slice_equal(c.carry, SLICE("carry")));
    assert_int_equal(c.chain.len, 2000);
    assert_int_equal(c.chain.data[1999], number);
    assert_int_equal(seen, damaged);
    checkpoint_free(&c);
}

static void newest_whole_one_counts(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_open(1);
    struct checkpoint c;
    assert_int_equal(checkpoint_read(disk, &identity, &c, NULL, NULL), ERR_NOT_FOUND);
    assert_int_equal(c.number, 0);
    for (uint64_t n = 1; n <= 12; n++)
        assert_int_equal(write_number(disk, n, NULL), ERR_OK);
    read_expects(disk, 12, 0);
    assert_true(disk_exists(disk, "checkpoint/0000000011.checkpoint"));
    assert_false(disk_exists(disk, "checkpoint/0000000010.checkpoint"));
    for (uint64_t bit = 3; bit < 2109 * 8; bit += 97) {
        assert_true(disk_sim_flip(disk, "checkpoint/0000000012.checkpoint", bit));
        read_expects(disk, 11, 1);
        assert_true(disk_sim_flip(disk, "checkpoint/0000000012.checkpoint", bit));
    }
    struct journal_identity other = identity;
    other.uuid[3]++;
    assert_int_equal(checkpoint_read(disk, &other, &c, NULL, NULL), ERR_NOT_FOUND);
    assert_int_equal(c.number, 12);
    disk_sim_close(&disk);
}

static void survives_a_power_cut_anywhere(void **state)
{
    (void)state;
    for (uint64_t n = 1, cut = 1; cut; n++) {
        struct disk *disk = disk_sim_open(n);
        uint64_t written = 0;
        disk_sim_cut_at(disk, n);
        while (written < 6 && write_number(disk, written + 1, NULL) == ERR_OK)
            written++;
        cut = disk_sim_is_cut(disk);
        disk_sim_restart(disk, DISK_SIM_POWER);
        struct checkpoint c;
        int rc = checkpoint_read(disk, &identity, &c, NULL, NULL);
        assert_int_equal(rc, c.number ? ERR_OK : ERR_NOT_FOUND);
        assert_true(c.number == written || c.number == written + 1);
        uint64_t next = c.number + 1;
        checkpoint_free(&c);
        assert_int_equal(write_number(disk, next, NULL), ERR_OK);
        read_expects(disk, next, 0);
        disk_sim_close(&disk);
    }
}

static void full_disk_keeps_the_old_ones(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_open(1);
    struct err err;
    assert_int_equal(write_number(disk, 1, NULL), ERR_OK);
    assert_int_equal(write_number(disk, 2, NULL), ERR_OK);
    uint64_t used = disk_sim_used(disk);
    disk_sim_capacity(disk, used + 512);
    assert_int_equal(write_number(disk, 3, &err), ERR_FULL);
    assert_int_equal(disk_sim_used(disk), used);
    read_expects(disk, 2, 0);
    disk_sim_capacity(disk, 0);
    assert_int_equal(write_number(disk, 3, NULL), ERR_OK);
    read_expects(disk, 3, 0);
    disk_sim_close(&disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newest_whole_one_counts),
        cmocka_unit_test(survives_a_power_cut_anywhere),
        cmocka_unit_test(full_disk_keeps_the_old_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
