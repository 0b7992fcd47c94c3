/* Simulated weeks at +07:00, from Monday 2026-09-07 on; hours are counted from there, local. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "watch/silence.h"

#define SECOND CLOCK_SECOND_NS
#define HOUR   (3600 * SECOND)

struct sim {
    struct calendar calendar;
    struct clock_zone *zone;
    struct silence *silence;
    int64_t monday; /* its first hour, UTC */
    int64_t newest_ns;
    struct silence_question question;
};

static int begin(void **state)
{
    static struct sim sim;
    sim = (struct sim){.newest_ns = CLOCK_NONE};
    assert_int_equal(clock_zone_open(&sim.zone, SLICE("+07:00"), NULL), ERR_OK);
    sim.calendar.zone = sim.zone;
    sim.silence = silence_open(&sim.calendar);
    sim.monday = rhythm_hour_of(clock_parse(SLICE("2026-09-06T17:00:00Z"), NULL, CLOCK_NONE));
    sim.question = (struct silence_question){.source = SLICE("app"),
                                             .watching_since_ns = sim.monday * RHYTHM_HOUR_NS};
    *state = &sim;
    return 0;
}

static int end(void **state)
{
    struct sim *sim = *state;
    silence_close(&sim->silence);
    clock_zone_close(&sim->zone);
    return 0;
}

static int64_t time_at(const struct sim *sim, int day, int hour, int minute)
{
    return (sim->monday + day * 24 + hour) * RHYTHM_HOUR_NS + minute * 60 * SECOND;
}

/* An hour with arrivals at every step minutes from first to last. */
static void hour_of(struct sim *sim, int day, int hour, const int minutes[3])
{
    int first = minutes[0], last = minutes[1], step = minutes[2];
    uint64_t count = (uint64_t)((last - first) / step + 1);
    struct rhythm_hour h = {.hour = sim->monday + day * 24 + hour,
                            .records = 10 * count,
                            .gaps = count,
                            .first_s = (uint32_t)first * 60,
                            .last_s = (uint32_t)last * 60,
                            .longest_s = (uint32_t)(count > 1 ? step * 60 : 0)};
    silence_learn(sim->silence, SLICE("app"), &h);
    sim->newest_ns = time_at(sim, day, hour, last);
}

static bool is_free(int day)
{
    return day % 7 >= 5;
}

static void nothing(struct sim *sim, int day, int hour)
{
    silence_watched(sim->silence, sim->monday + day * 24 + hour);
}

/* 07:45 to 17:20 on working days, an event every two minutes. */
static void office_day(struct sim *sim, int day)
{
    for (int hour = 0; hour < 24; hour++) {
        if (is_free(day) || hour < 7 || hour > 17)
            nothing(sim, day, hour);
        else
            hour_of(sim, day, hour, (int[]){hour == 7 ? 45 : 0, hour == 17 ? 20 : 58, 2});
    }
}

static void steady_day(struct sim *sim, int day)
{
    for (int hour = 0; hour < 24; hour++)
        hour_of(sim, day, hour, (int[]){0, 59, 1});
}

static struct silence_verdict judge(struct sim *sim, int day, int hour, int minute)
{
    struct silence_verdict v;
    sim->question.newest_ns = sim->newest_ns;
    sim->question.now_ns = time_at(sim, day, hour, minute);
    silence_judge(sim->silence, &sim->question, &v);
    return v;
}

static void expect(struct sim *sim, int64_t at, enum silence_state state,
                   enum silence_reason reason)
{
    struct silence_verdict v =
        judge(sim, (int)(at / 10000), (int)(at / 100 % 100), (int)(at % 100));
    if (v.state != state || v.reason != reason)
        print_error("at %d: %s by %s, not %s by %s\n", (int)at, silence_state_names[v.state],
                    silence_reason_names[v.reason], silence_state_names[state],
                    silence_reason_names[reason]);
    assert_int_equal(v.state, state);
    assert_int_equal(v.reason, reason);
}

/* Day, hour and minute as one number: 71005 is day 7 at 10:05. */
#define SILENT(at, by)   expect(sim, at, SILENCE_SILENT, by)
#define OK(at, by)       expect(sim, at, SILENCE_OK, by)
#define LEARNING(at, by) expect(sim, at, SILENCE_LEARNING, by)

static void a_steady_source_is_learned_in_a_week_and_missed_in_ten_minutes(void **state)
{
    struct sim *sim = *state;
    expect(sim, 0, SILENCE_UNKNOWN, SILENCE_NEVER_SEEN);
    for (int day = 0; day < 6; day++)
        steady_day(sim, day);
    LEARNING(60001, SILENCE_FEW_DAYS);
    assert_int_equal(judge(sim, 6, 0, 1).days, 6);
    steady_day(sim, 6);
    OK(70001, SILENCE_BY_DAY);
    OK(70009, SILENCE_BY_DAY);
    SILENT(70010, SILENCE_BY_DAY);
    struct silence_verdict v = judge(sim, 9, 3, 0);
    assert_int_equal(v.state, SILENCE_SILENT);
    assert_int_equal(v.since_ns, time_at(sim, 7, 0, 9));
    assert_int_equal(v.limit_s, SILENCE_LIMIT_MIN_S);
    assert_int_equal(v.kind.gaps, 5 * 60);
    assert_int_equal(v.kind.hours, 5);
    assert_int_equal(v.hour.hour, 0);
}

static void it_is_missed_at_three_and_at_ten(void **state)
{
    struct sim *sim = *state;
    for (int day = 0; day < 14; day++)
        steady_day(sim, day);
    for (int hour = 0; hour < 3; hour++)
        hour_of(sim, 14, hour, (int[]){0, 59, 1});
    OK(140305, SILENCE_BY_DAY);
    SILENT(140310, SILENCE_BY_DAY);
    for (int hour = 3; hour < 10; hour++)
        hour_of(sim, 14, hour, (int[]){0, 59, 1});
    OK(141008, SILENCE_BY_DAY);
    SILENT(141010, SILENCE_BY_DAY);
}

static void an_office_is_quiet_at_night_and_at_weekends(void **state)
{
    struct sim *sim = *state;
    for (int day = 0; day < 14; day++)
        office_day(sim, day);
    LEARNING(140305, SILENCE_FEW_GAPS); /* night */
    OK(140705, SILENCE_BY_DAY);         /* it begins at 07:45 */
    OK(140744, SILENCE_BY_DAY);
    assert_int_equal(judge(sim, 14, 7, 44).kind.usual_s, (40 + 45) * 60);
    hour_of(sim, 14, 7, (int[]){45, 58, 2});
    OK(140759, SILENCE_BY_DAY);
    for (int hour = 8; hour < 10; hour++)
        hour_of(sim, 14, hour, (int[]){0, 58, 2});
    OK(141007, SILENCE_BY_DAY);
    SILENT(141010, SILENCE_BY_DAY); /* it died at 10:00 */
    SILENT(141901, SILENCE_BY_DAY); /* and is not healed by the evening */
    SILENT(150300, SILENCE_BY_DAY);
    SILENT(190300, SILENCE_BY_DAY);
    struct silence_verdict v = judge(sim, 19, 3, 0);
    assert_int_equal(v.since_ns, time_at(sim, 14, 10, 8));
}

static void an_office_that_does_not_begin_is_missed_in_the_morning(void **state)
{
    struct sim *sim = *state;
    for (int day = 0; day < 19; day++)
        office_day(sim, day);
    LEARNING(190300, SILENCE_FEW_GAPS); /* a Saturday, later a Sunday */
    LEARNING(200900, SILENCE_FEW_GAPS);
    LEARNING(210659, SILENCE_FEW_GAPS);
    OK(210705, SILENCE_BY_DAY);
    OK(210859, SILENCE_BY_DAY); /* somebody may come late */
    SILENT(210900, SILENCE_BY_DAY);
    SILENT(211000, SILENCE_BY_DAY);
}

static void hours_of_the_week_are_known_from_five_weeks_on(void **state)
{
    struct sim *sim = *state;
    for (int day = 0; day < 34; day++)
        office_day(sim, day);
    office_day(sim, 34);
    OK(350750, SILENCE_BY_DAY); /* what was seen begins on Monday at 07:00, ends Friday at 18:00 */
    for (int day = 35; day < 40; day++)
        office_day(sim, day);
    OK(391719, SILENCE_BY_WEEK);
    LEARNING(391801, SILENCE_FEW_GAPS);
    struct silence_verdict v = judge(sim, 39, 17, 19);
    assert_int_equal(v.hour.weekday, 4);
    assert_int_equal(v.kind.hours, 5);
    assert_int_equal(v.kind.usual_s, 40 * 60);
}

static void holidays_are_no_silence(void **state)
{
    struct sim *sim = *state;
    assert_int_equal(calendar_add(&sim->calendar, SLICE("2026-10-19..2026-10-23"), NULL), ERR_OK);
    for (int day = 0; day < 42; day++) /* the 19th is day 42, a Monday */
        office_day(sim, day);
    LEARNING(421000, SILENCE_FEW_GAPS);
    LEARNING(461500, SILENCE_FEW_GAPS);
    LEARNING(481500, SILENCE_FEW_GAPS);
    OK(490705, SILENCE_BY_WEEK); /* the Monday after it */
    SILENT(490915, SILENCE_BY_WEEK);
    for (int day = 42; day < 49; day++)
        for (int hour = 0; hour < 24; hour++)
            nothing(sim, day, hour);
    for (int day = 49; day < 56; day++)
        office_day(sim, day);
    OK(531719, SILENCE_BY_WEEK); /* the free Mondays were no samples of Mondays */
    sim->newest_ns = time_at(sim, 52, 10, 0);
    SILENT(521015, SILENCE_BY_WEEK);
}

static void holidays_are_no_samples_of_hours_of_the_week(void **state)
{
    struct sim *sim = *state;
    assert_int_equal(calendar_add(&sim->calendar, SLICE("2026-10-19..2026-10-30"), NULL), ERR_OK);
    for (int day = 0; day < 63; day++)
        for (int hour = 0; hour < 24; hour++) {
            bool is_slow = is_free(day) || (day >= 42 && day < 54);
            hour_of(sim, day, hour, (int[]){0, 59, is_slow ? 20 : 1});
        }
    sim->newest_ns = time_at(sim, 58, 10, 0);
    OK(581009, SILENCE_BY_WEEK);
    SILENT(581011, SILENCE_BY_WEEK);
    assert_int_equal(judge(sim, 58, 10, 11).kind.hours, 3);
}

static void a_past_outage_does_not_move_what_is_usual(void **state)
{
    struct sim *sim = *state;
    for (int day = 0; day < 7; day++) {
        if (day != 2)
            steady_day(sim, day);
        for (int hour = 0; hour < 24 && day == 2; hour++)
            nothing(sim, day, hour);
    }
    for (int hour = 0; hour < 10; hour++)
        hour_of(sim, 7, hour, (int[]){0, 59, 1});
    OK(71005, SILENCE_BY_DAY);
    SILENT(71012, SILENCE_BY_DAY);
}

static void a_burst_each_second_hour_is_no_alarm_but_its_end_is(void **state)
{
    struct sim *sim = *state;
    for (int day = 0; day < 14; day++)
        for (int hour = 0; hour < 24; hour++) {
            if (hour % 2)
                nothing(sim, day, hour);
            else
                hour_of(sim, day, hour, (int[]){0, 9, 1});
        }
    LEARNING(140130, SILENCE_FEW_GAPS); /* an odd hour */
    OK(140001, SILENCE_BY_DAY);
    OK(140059, SILENCE_BY_DAY);
    OK(140205, SILENCE_BY_DAY); /* it stands at 55 minutes, 51 are usual */
    SILENT(141100, SILENCE_BY_DAY);
    assert_true(judge(sim, 14, 11, 0).limit_s >= 3600);
}

static void a_nightly_run_that_does_not_come_is_missed(void **state)
{
    struct sim *sim = *state;
    for (int day = 0; day < 14; day++)
        for (int hour = 0; hour < 24; hour++) {
            if (hour != 2)
                nothing(sim, day, hour);
            else
                hour_of(sim, day, hour, (int[]){0, 30, 1});
        }
    LEARNING(141200, SILENCE_FEW_GAPS);
    OK(140259, SILENCE_BY_DAY);
    SILENT(171200, SILENCE_BY_DAY);
}

static void thirty_gaps_make_an_hour_known_and_29_do_not(void **state)
{
    struct sim *sim = *state;
    for (int day = 0; day < 7; day++)
        for (int hour = 0; hour < 24; hour++) {
            struct rhythm_hour h = {.hour = sim->monday + day * 24 + hour,
                                    .records = 1,
                                    .gaps = hour == 9 ? 6
                                            : day     ? 6
                                                      : 5,
                                    .longest_s = 600,
                                    .last_s = 3599};
            if (!is_free(day))
                silence_learn(sim->silence, SLICE("app"), &h);
            else
                nothing(sim, day, hour);
        }
    hour_of(sim, 6, 23, (int[]){0, 59, 60}); /* a week is seen */
    sim->newest_ns = time_at(sim, 7, 9, 1);
    OK(70902, SILENCE_BY_DAY);
    assert_int_equal(judge(sim, 7, 9, 2).kind.gaps, 30);
    sim->newest_ns = time_at(sim, 7, 10, 1);
    LEARNING(71002, SILENCE_FEW_GAPS);
    assert_int_equal(judge(sim, 7, 10, 2).kind.gaps, 29);
}

static void what_nobody_listened_for_is_no_silence(void **state)
{
    struct sim *sim = *state;
    for (int day = 0; day < 10; day++)
        steady_day(sim, day);
    SILENT(101200, SILENCE_BY_DAY);
    sim->question.watching_since_ns = time_at(sim, 10, 11, 55); /* the node was off */
    OK(101200, SILENCE_BY_DAY);
    SILENT(101206, SILENCE_BY_DAY);
    sim->question.watching_since_ns = 0;
    for (int day = 13; day < 20; day++) /* hours without any source are no samples */
        steady_day(sim, day);
    OK(200005, SILENCE_BY_DAY);
    SILENT(200011, SILENCE_BY_DAY);
}

static void clocks_jump(void **state)
{
    struct sim *sim = *state;
    for (int day = 0; day < 14; day++)
        steady_day(sim, day);
    sim->newest_ns = time_at(sim, 20, 0, 0);
    expect(sim, 140000, SILENCE_UNKNOWN, SILENCE_CLOCK_BACK);
    sim->newest_ns = time_at(sim, 14, 0, 1);
    OK(140000, SILENCE_BY_DAY);         /* a minute is no jump */
    for (int day = 20; day < 23; day++) /* the clock was ahead for three days */
        steady_day(sim, day);
    silence_tick(sim->silence, time_at(sim, 14, 0, 0));
    steady_day(sim, 14);
    OK(150005, SILENCE_BY_DAY);
    SILENT(150012, SILENCE_BY_DAY);
    hour_of(sim, 4000, 0, (int[]){0, 59, 1}); /* years: what was learned is lost, and shown so */
    LEARNING(40000105, SILENCE_FEW_DAYS);
    silence_tick(sim->silence, time_at(sim, 15, 0, 0));
    for (int day = 15; day < 22; day++)
        steady_day(sim, day);
    OK(220005, SILENCE_BY_DAY);
    hour_of(sim, -400, 0, (int[]){0, 59, 1}); /* too old to say anything */
    sim->newest_ns = time_at(sim, 22, 0, 0);
    OK(220005, SILENCE_BY_DAY);
}

static void the_settings_stand_above_what_is_learned(void **state)
{
    struct sim *sim = *state;
    sim->newest_ns = time_at(sim, 0, 12, 0);
    sim->question.interval_s = 1800;
    OK(1230, SILENCE_BY_SETTING);
    SILENT(1231, SILENCE_BY_SETTING);
    assert_int_equal(judge(sim, 0, 13, 0).since_ns, time_at(sim, 0, 12, 30));
    sim->question.watching_since_ns = time_at(sim, 0, 12, 20);
    OK(1250, SILENCE_BY_SETTING);
    sim->question.is_disabled = true;
    expect(sim, 2000, SILENCE_DISABLED, SILENCE_OFF);
}

static void five_weeks_of_nothing_are_silence(void **state)
{
    struct sim *sim = *state;
    assert_int_equal(calendar_add(&sim->calendar, SLICE("2026-09-16..2026-12-31"), NULL), ERR_OK);
    for (int day = 0; day < 7; day++)
        for (int hour = 0; hour < 24; hour++)
            nothing(sim, day, hour);
    struct rhythm_hour burst = {.hour = sim->monday + 12, .records = 31, .gaps = 30};
    silence_learn(sim->silence, SLICE("app"), &burst); /* 16 hours are its limit */
    hour_of(sim, 7, 13, (int[]){0, 0, 1});
    OK(81230, SILENCE_BY_DAY);
    LEARNING(201200, SILENCE_FEW_GAPS); /* all these days are free */
    LEARNING(421200, SILENCE_FEW_GAPS);
    SILENT(421300, SILENCE_BY_WINDOW);
    SILENT(1001300, SILENCE_BY_WINDOW);
    silence_forget(sim->silence, SLICE("app"));
    LEARNING(1001300, SILENCE_FEW_DAYS);
}

static void the_number_of_sources_has_a_limit(void **state)
{
    struct sim *sim = *state;
    char name[16];
    for (int i = 0; i < SILENCE_SOURCES_MAX; i++) {
        struct rhythm_hour h = {.hour = sim->monday, .records = 1};
        (void)snprintf(name, sizeof(name), "s%d", i);
        silence_learn(sim->silence, slice_from(name), &h);
    }
    sim->newest_ns = time_at(sim, 0, 0, 0);
    LEARNING(5, SILENCE_NO_ROOM);
    silence_forget(sim->silence, SLICE("s0"));
    silence_forget(sim->silence, SLICE("s0"));
    hour_of(sim, 0, 0, (int[]){0, 59, 1});
    LEARNING(105, SILENCE_FEW_DAYS);
    sim->question.source = slice_from(name); /* the last one took the place of the first */
    LEARNING(105, SILENCE_FEW_DAYS);
}

static struct silence_volume volume(struct sim *sim, int day, int hour, uint64_t records)
{
    struct silence_volume v;
    silence_volume(sim->silence, SLICE("app"), sim->monday + day * 24 + hour, records, &v);
    return v;
}

static void a_volume_is_held_against_what_such_hours_have(void **state)
{
    struct sim *sim = *state;
    assert_int_equal(volume(sim, 0, 10, 5).state, SILENCE_VOLUME_LEARNING);
    for (int day = 0; day < 14; day++)
        office_day(sim, day);
    assert_int_equal(volume(sim, 14, 10, 300).state, SILENCE_VOLUME_OK);
    assert_int_equal(volume(sim, 14, 10, 900).state, SILENCE_VOLUME_OK);
    assert_int_equal(volume(sim, 14, 10, 90).state, SILENCE_VOLUME_OK);
    assert_int_equal(volume(sim, 14, 3, 5000).state, SILENCE_VOLUME_LEARNING);
    struct silence_volume v = volume(sim, 14, 10, 5000);
    assert_int_equal(v.state, SILENCE_VOLUME_CHANGED);
    assert_true(v.is_more);
    assert_int_equal(v.usual.median, 300);
    assert_int_equal(v.usual.hours, 10);
    v = volume(sim, 14, 10, 10);
    assert_int_equal(v.state, SILENCE_VOLUME_CHANGED);
    assert_false(v.is_more);
}

static void a_volume_that_always_changes_is_as_usual(void **state)
{
    struct sim *sim = *state;
    for (int day = 0; day < 14; day++) {
        struct rhythm_hour h = {
            .hour = sim->monday + day * 24 + 10, .records = day % 2 ? 1000 : 100, .gaps = 30};
        if (day == 5)
            assert_int_equal(volume(sim, 4, 10, 50000).state, SILENCE_VOLUME_LEARNING);
        silence_learn(sim->silence, SLICE("app"), &h);
    }
    assert_int_equal(volume(sim, 14, 10, 5000).state, SILENCE_VOLUME_OK);
    assert_int_equal(volume(sim, 14, 10, 50000).state, SILENCE_VOLUME_CHANGED);
}

static void a_ledger_cell_is_an_hour(void **state)
{
    struct sim *sim = *state;
    struct ledger_cell cell;
    for (int day = 0; day < 10; day++)
        for (int hour = 0; hour < 24; hour++) {
            ledger_cell_begin(&cell, sim->monday + day * 24 + hour, SLICE("app"));
            silence_learn_cell(sim->silence, &cell); /* nothing came, but it was watched */
            cell.figures.counts[LEDGER_RECEIVED] = 90;
            cell.gaps[3] = 20;
            cell.gaps[9] = 10;
            cell.longest_s = 700;
            cell.first_ns = time_at(sim, day, hour, 20);
            cell.newest_ns = time_at(sim, day, hour, 55);
            if (hour > 5)
                silence_learn_cell(sim->silence, &cell);
            sim->newest_ns = cell.newest_ns;
        }
    struct silence_verdict v = judge(sim, 10, 12, 0);
    assert_int_equal(v.kind.usual_s, 25 * 60); /* from :55 to :20 */
    assert_int_equal(v.kind.gaps, 8 * 30);
    v = judge(sim, 10, 6, 0);
    assert_int_equal(v.kind.usual_s, 25 * 60); /* the night between does not count */
    assert_int_equal(volume(sim, 10, 12, 9).usual.median, 90);
    LEARNING(100300, SILENCE_FEW_GAPS);
}

static void sentences_have_the_numbers(void **state)
{
    struct sim *sim = *state;
    struct buf out = {0};
    for (int day = 0; day < 14; day++)
        office_day(sim, day);
    for (int hour = 7; hour < 10; hour++)
        hour_of(sim, 14, hour, (int[]){0, 58, 2});
    struct silence_verdict v = judge(sim, 14, 12, 30);
    silence_sentence(&v, false, &out);
    assert_string_equal(buf_text(&out),
                        "Silent: it sent nothing for 2 h 32 min; on working days from 10:00 to "
                        "11:00 it is usually quiet for at most 2 min (300 gaps in 10 such hours), "
                        "silent is what is quiet for more than 10 min.");
    buf_clear(&out);
    silence_sentence(&v, true, &out);
    assert_string_equal(buf_text(&out),
                        "Im lặng: không gửi gì suốt 2 giờ 32 phút; từ 10:00 đến 11:00 ngày làm "
                        "việc thường ngừng lâu nhất 2 phút (300 khoảng cách trong 10 giờ đã xem), "
                        "coi là im lặng sau 10 phút.");
    for (int reason = 0; reason <= SILENCE_OFF; reason++)
        for (int vietnamese = 0; vietnamese < 2; vietnamese++) {
            v.reason = (enum silence_reason)reason;
            buf_clear(&out);
            silence_sentence(&v, vietnamese, &out);
            assert_true(slice_ends(buf_as_slice(&out), SLICE(".")));
            assert_non_null(silence_reason_names[reason]);
        }
    struct silence_volume w = volume(sim, 14, 10, 5000);
    buf_clear(&out);
    silence_volume_sentence(&w, false, &out);
    assert_string_equal(buf_text(&out),
                        "Far more than usual: 5000 records; on working days from 10:00 to 11:00 "
                        "there are usually 300 (give or take 0, 10 such hours).");
    buf_free(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_steady_source_is_learned_in_a_week_and_missed_in_ten_minutes),
        TEST(it_is_missed_at_three_and_at_ten),
        TEST(an_office_is_quiet_at_night_and_at_weekends),
        TEST(an_office_that_does_not_begin_is_missed_in_the_morning),
        TEST(hours_of_the_week_are_known_from_five_weeks_on),
        TEST(holidays_are_no_silence),
        TEST(holidays_are_no_samples_of_hours_of_the_week),
        TEST(a_past_outage_does_not_move_what_is_usual),
        TEST(a_burst_each_second_hour_is_no_alarm_but_its_end_is),
        TEST(a_nightly_run_that_does_not_come_is_missed),
        TEST(thirty_gaps_make_an_hour_known_and_29_do_not),
        TEST(what_nobody_listened_for_is_no_silence),
        TEST(clocks_jump),
        TEST(the_settings_stand_above_what_is_learned),
        TEST(five_weeks_of_nothing_are_silence),
        TEST(the_number_of_sources_has_a_limit),
        TEST(a_volume_is_held_against_what_such_hours_have),
        TEST(a_volume_that_always_changes_is_as_usual),
        TEST(a_ledger_cell_is_an_hour),
        TEST(sentences_have_the_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
