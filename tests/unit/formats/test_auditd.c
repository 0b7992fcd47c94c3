#include "formats/auditd.h"

#include "base/text.h"
#include "unit/formats/fields.h"

/* Red Hat Enterprise Linux Security Guide, "Understanding Audit Log Files" (the record of
 * `cat /etc/ssh/sshd_config`), some pairs left out */
static void test_joined(void **state)
{
    (void)state;
    fields_expect(
        auditd_parse,
        "type=SYSCALL msg=audit(1364481363.243:24287): arch=c000003e syscall=2 success=no exit=-13 "
        "a0=7fffd19c5592 a1=0 comm=\"cat\" exe=\"/bin/cat\" key=\"sshd_config\"\n"
        "type=CWD msg=audit(1364481363.243:24287):  cwd=\"/home/shadowman\"\n"
        "type=PATH msg=audit(1364481363.243:24287): item=0 name=\"/etc/ssh/sshd_config\" "
        "nametype=NORMAL\n"
        "type=PATH msg=audit(1364481363.243:24287): item=1 name=2F746D702F612062 nametype=CREATE\n"
        "type=PROCTITLE msg=audit(1364481363.243:24287) : "
        "proctitle=636174002F6574632F7373682F737368645F636F6E66696700\n",
        "type=SYSCALL\ntimestamp=1364481363.243\nserial=24287\narch=c000003e\nsyscall=2\n"
        "success=no\nexit=-13\na0=7fffd19c5592\na1=0\ncomm=cat\nexe=/bin/cat\nkey=sshd_config\n"
        "type=CWD\ncwd=/home/shadowman\ntype=PATH\nitem=0\nname=/etc/ssh/sshd_config\n"
        "nametype=NORMAL\nitem=1\nname=/tmp/a b\nnametype=CREATE\ntype=PROCTITLE\n"
        "proctitle=cat /etc/ssh/sshd_config\n");
}

static void test_hex(void **state)
{
    (void)state;
    fields_expect(auditd_parse,
                  "type=EXECVE msg=audit(1700000000.123:456): argc=3 a0=\"sh\" a1=\"2D63\" "
                  "a2=6563686F20226869220A",
                  "type=EXECVE\ntimestamp=1700000000.123\nserial=456\nargc=3\na0=sh\na1=2D63\n"
                  "a2=echo \"hi\"\n\n");
    /* a system call's arguments are numbers; odd and small digits are no hex of the kernel */
    fields_expect(auditd_parse,
                  "type=SYSCALL msg=audit(1700000000.123:456): a0=10 comm=ABC exe=abcd name=(null)",
                  "type=SYSCALL\ntimestamp=1700000000.123\nserial=456\na0=10\ncomm=ABC\nexe=abcd\n"
                  "name=(null)\n");
    fields_expect(auditd_parse, "type=SYSCALL msg=audit(1.2:3): key=6B31016B32",
                  "type=SYSCALL\ntimestamp=1.2\nserial=3\nkey=k1\nkey=k2\n");
    assert_true(auditd_hex_key(SLICE("a10"), SLICE("EXECVE")));
    assert_true(auditd_hex_key(SLICE("a1[2]"), SLICE("1309")));
    assert_false(auditd_hex_key(SLICE("a1_len"), SLICE("EXECVE")));
    assert_false(auditd_hex_key(SLICE("a1"), SLICE("SYSCALL")));
    assert_false(auditd_hex_key(SLICE("saddr"), SLICE("SOCKADDR")));
}

/* Every byte string comes back from its hex. */
static void test_hex_twin(void **state)
{
    (void)state;
    struct buf line = {0}, hex = {0};
    char bytes[256];
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    text_hex(&hex, slice_make(bytes, sizeof bytes));
    buf_string(&line, "type=PATH msg=audit(1.2:3): name=");
    for (size_t i = 0; i < hex.len; i++)
        buf_char(&line, (char)(hex.data[i] >= 'a' ? hex.data[i] - 32 : hex.data[i]));
    struct record r = {0};
    assert_int_equal(auditd_parse(&r, buf_as_slice(&line), NULL, NULL), ERR_OK);
    struct field *name = record_find(&r, SLICE("name"));
    assert_non_null(name);
    assert_true(slice_equal(name->value, slice_make(bytes, sizeof bytes)));
    record_free(&r);
    buf_free(&line);
    buf_free(&hex);
}

static void test_pieces(void **state)
{
    (void)state;
    fields_expect(auditd_parse,
                  "type=EXECVE msg=audit(1.2:3): argc=3 a0=\"x\" a1_len=4 a1[0]=6161 a1[1]=\"bb\" "
                  "a2_len=2 a2[0]=\"c\"",
                  "type=EXECVE\ntimestamp=1.2\nserial=3\nargc=3\na0=x\na1_len=4\na1[0]=aa\n"
                  "a1[1]=bb\na2_len=2\na2[0]=c\n^a1=aabb\n^a2=c\n");
}

/* User-space records, enriched logs (log_format = ENRICHED, auditd.conf(5)), AVC text, node= */
static void test_forms(void **state)
{
    (void)state;
    fields_expect(auditd_parse,
                  "node=web1 type=USER_CMD msg=audit(1700000001.000:460): pid=22 uid=1000 "
                  "msg='cwd=\"/home/o'b\" cmd=6C73202D6C61 exe=\"/usr/bin/sudo\" terminal=pts/0 "
                  "res=success'\x1dUID=\"bob\" AUID=\"o'b\"",
                  "type=USER_CMD\nnode=web1\ntimestamp=1700000001.000\nserial=460\npid=22\n"
                  "uid=1000\ncwd=/home/o'b\ncmd=ls -la\nexe=/usr/bin/sudo\nterminal=pts/0\n"
                  "res=success\nUID=bob\nAUID=o'b\n");
    fields_expect(auditd_parse,
                  "type=SOCKADDR msg=audit(1700000001.000:461): saddr=02000016C0A80001\x1dSADDR={ "
                  "saddr_fam=inet laddr=192.168.0.1 lport=22 }",
                  "type=SOCKADDR\ntimestamp=1700000001.000\nserial=461\nsaddr=02000016C0A80001\n"
                  "SADDR= saddr_fam=inet laddr=192.168.0.1 lport=22 \nsaddr_fam=inet\n"
                  "laddr=192.168.0.1\nlport=22\n");
    /* Red Hat, "SELinux User's and Administrator's Guide", raw audit messages */
    fields_expect(auditd_parse,
                  "type=AVC msg=audit(1226874073.147:96): avc:  denied  { getattr } for  pid=2465 "
                  "comm=\"httpd\" path=\"/var/www/html/file1\" dev=dm-0",
                  "type=AVC\ntimestamp=1226874073.147\nserial=96\n"
                  "message=avc:  denied  { getattr } for\npid=2465\ncomm=httpd\n"
                  "path=/var/www/html/file1\ndev=dm-0\n");
    fields_expect(auditd_parse, "audit: type=1400 audit(1.2:3): apparmor=\"DENIED\"",
                  "type=1400\ntimestamp=1.2\nserial=3\napparmor=DENIED\n");
    fields_expect(auditd_parse,
                  "type=EOE msg=audit(1.2:3): ", "type=EOE\ntimestamp=1.2\nserial=3\n");
    /* cut off within quotes */
    fields_expect(auditd_parse, "type=X msg=audit(1.2:3): a=\"b c",
                  "type=X\ntimestamp=1.2\nserial=3\na=b c\n");
}

static void test_refused(void **state)
{
    (void)state;
    const char *reason = "the line does not begin with type=T msg=audit(seconds:serial):";
    fields_refuse(auditd_parse, NULL, "hello", reason);
    fields_refuse(auditd_parse, NULL, "type=X msg=audit(1:3): a=b", reason);
    fields_refuse(auditd_parse, NULL, "type=X msg=audit(1.2:): a=b", reason);
    fields_refuse(auditd_parse, NULL, "type=X msg=audit(1.2:3)", reason);
    fields_refuse(auditd_parse, NULL, "type= msg=audit(1.2:3):", reason);
    fields_refuse(auditd_parse, NULL, "\n", "the audit event is empty");
    struct record r = {0};
    struct err err;
    assert_int_equal(auditd_parse(&r, SLICE("type=X msg=audit(1.2:3): a=b\nx\n"), NULL, &err),
                     ERR_SYNTAX);
    assert_int_equal(err.line, 2);
    record_free(&r);
}

static void test_probe(void **state)
{
    (void)state;
    assert_int_equal(auditd_probe(SLICE("type=X msg=audit(1.2:3): a=b\ntype=Y ms")), 97);
    assert_int_equal(auditd_probe(SLICE("type=X a=b c=d\n")), 0);
    assert_true(auditd_begins(SLICE("node=a type=X msg=audit(1.2:3):")));
    assert_false(auditd_begins(SLICE("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_joined),   cmocka_unit_test(test_hex),
        cmocka_unit_test(test_hex_twin), cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_forms),    cmocka_unit_test(test_refused),
        cmocka_unit_test(test_probe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
