#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/state/people_bed.h"

#define HOSTS_CSV                                                                                  \
    "Tên máy,Địa chỉ IP,Đơn vị,Hệ điều hành,Loại máy\n"                        \
    "WEB01,\"10.0.0.1, 10.0.0.2\",a1,Debian 12,Máy chủ\n"                                       \
    "DC01,10.0.0.3,a1,Windows Server,máy chủ\n"                                                 \
    "PC-7,,a2,Windows 11,Máy trạm\n"

static int64_t hosts(struct people *p)
{
    return bed_number(people_db(p), "SELECT count(*) FROM host");
}

static void test_hosts_come_in_and_differences_are_told(void **state)
{
    (void)state;
    struct people p;
    struct caller node = caller_system();
    people_open(&p);
    people_make(&p);
    p.dry = true;
    MUST(act_sheet(&p, &node, "host.import", HOSTS_CSV, NULL));
    assert_true(result_has(&p, "\"added\":3,\"changed\":0"));
    assert_int_equal(hosts(&p), 0);
    p.dry = false;
    MUST(act_sheet(&p, &node, "host.import", HOSTS_CSV, NULL));
    assert_int_equal(hosts(&p), 3);
    assert_true(
        bed_text_is(people_db(&p), "SELECT kind FROM host WHERE name = 'pc-7'", "workstation"));
    MUST(act_sheet(&p, &node, "host.import", HOSTS_CSV, NULL));
    assert_true(result_has(&p, "\"added\":0,\"changed\":0,\"unchanged\":3"));
    /* two swap their addresses; columns that are not there stay */
    MUST(act_sheet(&p, &node, "host.import",
                   "host,ip,unit\nweb01,10.0.0.3,a1\ndc01,10.0.0.1 10.0.0.2,a1\n", NULL));
    assert_true(result_has(&p, "\"changed\":2"));
    assert_true(result_has(&p, "{\"line\":2,\"name\":\"web01\",\"change\":\"changed\",\"fields\":"
                               "{\"addresses\":[\"10.0.0.1, 10.0.0.2\",\"10.0.0.3\"]}}"));
    assert_true(
        bed_text_is(people_db(&p), "SELECT os FROM host WHERE name = 'web01'", "Debian 12"));
    people_close(&p);
}

static void test_removal_is_asked_for(void **state)
{
    (void)state;
    struct people p;
    struct caller node = caller_system();
    people_open(&p);
    people_make(&p);
    MUST(act_sheet(&p, &node, "host.import", HOSTS_CSV, NULL));
    MUST(act(&p, &node, "host.add", "name=hb", "unit=b", NULL));
    const char *one = "host,unit\nweb01,a1\n";
    assert_int_equal(act_sheet(&p, &node, "host.import", one, "remove=true", NULL), ERR_USAGE);
    MUST(act_sheet(&p, &node, "host.import", one, NULL));
    assert_int_equal(hosts(&p), 4);
    MUST(act_sheet(&p, &node, "host.import", one, "remove=true", "unit=a", NULL));
    assert_true(result_has(&p, "\"removed\":2"));
    assert_int_equal(hosts(&p), 2); /* that of b stays */
    people_close(&p);
}

static void test_all_or_nothing(void **state)
{
    (void)state;
    struct people p;
    struct caller node = caller_system();
    people_open(&p);
    people_make(&p);
    MUST(act(&p, &node, "host.add", "name=old", "unit=a1", "address=10.0.0.9", NULL));
    assert_int_equal(act_sheet(&p, &node, "host.import",
                               "host,ip,unit\ngood,10.0.0.1,a1\nbad,10.0.0.300,a1\n***,,a1\n"
                               "c,,nowhere\n",
                               NULL),
                     ERR_USAGE);
    assert_non_null(strstr(p.call.err.text, "3 cells are wrong"));
    assert_non_null(strstr(p.call.err.text, "line 3, column \"IP addresses\": \"10.0.0.300\""));
    assert_true(result_has(&p, "{\"line\":4,\"column\":\"Host\""));
    assert_true(result_has(&p, "{\"line\":5,\"column\":\"Unit\""));
    assert_int_equal(hosts(&p), 1);
    node.vietnamese = true;
    assert_int_equal(act_sheet(&p, &node, "host.import",
                               "host,ip,unit\na,10.0.0.1,a1\nb,10.0.0.9,a1\nA,,a1\n", NULL),
                     ERR_USAGE);
    assert_true(result_has(&p, "{\"line\":3,\"column\":\"Địa chỉ IP\",\"text\":\"10.0.0.9 là"));
    assert_true(result_has(&p, "{\"line\":4,\"column\":\"Tên máy\",\"text\":\"đã có ở dòng 2\"}"));
    assert_int_equal(hosts(&p), 1);
    assert_int_equal(bed_number(people_db(&p), "SELECT count(*) FROM host_address"), 1);
    people_close(&p);
}

static void test_systems_come_in(void **state)
{
    (void)state;
    static const char csv[] =
        "Tên hệ thống;Cấp độ;Dữ liệu cá nhân;Kết nối Internet;Chủ quản;Phương án ứng phó;Đơn vị\n"
        "Cổng dịch vụ công;Cấp độ 3;Có;x;UBND tỉnh;22/11/2026;a1\n"
        "Thư điện tử;2;Không;;;2026-01-05;\n";
    struct people p;
    struct caller node = caller_system();
    people_open(&p);
    people_make(&p);
    assert_int_equal(act_sheet(&p, &node, "system.import", csv, NULL),
                     ERR_USAGE); /* line 3: unit */
    assert_int_equal(bed_number(people_db(&p), "SELECT count(*) FROM system"), 0);
    MUST(act_sheet(&p, &node, "system.import", csv, "unit=b", NULL));
    assert_int_equal(bed_number(people_db(&p),
                                "SELECT count(*) FROM system WHERE name = 'cong-dich-vu-cong'"
                                " AND level = 3 AND personal_data AND internet_exposed"
                                " AND response_plan = '2026-11-22' AND owner = 'UBND tỉnh'"),
                     1);
    assert_int_equal(bed_number(people_db(&p),
                                "SELECT count(*) FROM system s JOIN unit u ON u.id = s.unit_id"
                                " WHERE s.name = 'thu-dien-tu' AND NOT personal_data"
                                " AND u.name = 'b' AND response_plan = '2026-01-05'"),
                     1);
    MUST(act_sheet(&p, &node, "system.import", csv, "unit=b", NULL)); /* known by title and unit */
    assert_true(result_has(&p, "\"added\":0,\"changed\":0,\"unchanged\":2"));
    MUST(act_sheet(&p, &node, "system.import", "code,title,level\nthu-dien-tu,Thư,IV\n", NULL));
    assert_true(result_has(&p, "\"fields\":{\"title\":[\"Thư điện tử\",\"Thư\"],\"level\":"
                               "[\"2\",\"4\"]}"));
    assert_int_equal(act_sheet(&p, &node, "system.import",
                               "title,level,response plan,personal data\nA,7,31/02/2026,maybe\n",
                               "unit=b", NULL),
                     ERR_USAGE);
    assert_non_null(strstr(p.call.err.text, "3 cells are wrong"));
    MUST(act_sheet(&p, &node, "system.import", "code,title\nthu-dien-tu,Thư\n", "unit=a",
                   "remove=true", NULL));
    assert_true(result_has(&p, "\"removed\":1"));
    people_close(&p);
}

static void test_many_hosts(void **state)
{
    (void)state;
    enum { HOSTS = 20000 };
    struct people p;
    struct caller node = caller_system();
    struct buf csv = {0};
    people_open(&p);
    people_make(&p);
    buf_string(&csv, "host,ip,unit,os\n");
    for (int i = 0; i < HOSTS; i++)
        buf_printf(&csv, "pc-%d,10.%d.%d.%d,a%d,Windows 11\n", i, i >> 16, i >> 8 & 255, i & 255,
                   i % 2 + 1);
    MUST(act_sheet(&p, &node, "host.import", buf_text(&csv), NULL));
    assert_int_equal(hosts(&p), HOSTS);
    assert_true(result_has(&p, "\"added\":20000") && result_has(&p, "\"more\":true"));
    MUST(act_sheet(&p, &node, "host.import", buf_text(&csv), NULL));
    assert_true(result_has(&p, "\"unchanged\":20000"));
    buf_free(&csv);
    people_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts_come_in_and_differences_are_told),
        cmocka_unit_test(test_removal_is_asked_for),
        cmocka_unit_test(test_all_or_nothing),
        cmocka_unit_test(test_systems_come_in),
        cmocka_unit_test(test_many_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
