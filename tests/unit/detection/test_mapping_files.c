/* The shipped mapping files: they read, and the Windows one says of log sources what thor.yml of
 * the shared rules says in another form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/io.h"
#include "base/mem.h"
#include "formats/archive.h"
#include "formats/yaml.h"
#include "unit/detection/mapping_bench.h"

enum { THOR_BYTES_MAX = 1 << 20 };

static char *shared_path(const char *name)
{
    const char *folder = getenv("CANH_SHARED");
    struct buf path = {0};
    buf_printf(&path, "%s/%s", folder ? folder : CANH_SOURCE "/../shared", name);
    char *copy = mem_copy_text(buf_text(&path), path.len);
    buf_free(&path);
    return copy;
}

struct packed {
    struct buf bytes;
    size_t at;
};

static int64_t packed_read(void *context, char *to, size_t room, struct err *err)
{
    (void)err;
    struct packed *p = context;
    size_t len = p->bytes.len - p->at < room ? p->bytes.len - p->at : room;
    if (len)
        memcpy(to, p->bytes.data + p->at, len);
    p->at += len;
    return (int64_t)len;
}

/* thor.yml out of the shared archive of rules; false when there is none. */
static bool read_thor(struct buf *out)
{
    struct err err = {0};
    struct packed packed = {0};
    char *path = shared_path("sigma/sigmahq-rules-8eaafff1.tar.zst");
    int rc = io_read_file(&packed.bytes, path, 64 << 20, &err);
    mem_free(path);
    if (rc)
        return false;
    struct archive_source source = {.context = &packed, .read = packed_read};
    struct archive_stream *archive = NULL;
    assert_int_equal(archive_open(&archive, &source, &err), ERR_OK);
    struct slice name;
    bool found = false;
    while (!found && archive_next(archive, &name, &err) == ERR_OK)
        found = slice_ends(name, SLICE("/thor.yml"));
    assert_true(found);
    buf_reserve(out, THOR_BYTES_MAX);
    int64_t got;
    while ((got = archive_read(archive, out->data + out->len, THOR_BYTES_MAX - out->len, &err)) > 0)
        out->len += (size_t)got;
    assert_int_equal(got, 0);
    archive_close(&archive);
    buf_free(&packed.bytes);
    return true;
}

static struct slice text_at(const struct yaml_node *map, const char *key)
{
    const struct yaml_node *node = yaml_get(map, key);
    return node ? yaml_text(node) : SLICE("");
}

/* A channel that thor.yml names for this service, or the empty slice. */
static struct slice channel_of(const struct yaml_node *sources, struct slice service)
{
    for (const struct yaml_node *entry = sources->child; entry; entry = entry->next) {
        const struct yaml_node *channels = yaml_get(entry, "sources");
        if (!channels || !slice_equal(text_at(entry, "service"), service))
            continue;
        struct slice text = yaml_text(channels->child);
        if (slice_starts(text, SLICE("WinEventLog:")))
            return slice_part(text, 12, text.len);
    }
    return SLICE("");
}

static bool node_has(const struct yaml_node *node, struct slice text)
{
    if (node->kind != YAML_LIST)
        return slice_equal(yaml_text(node), text);
    for (const struct yaml_node *item = node->child; item; item = item->next)
        if (slice_equal(yaml_text(item), text))
            return true;
    return false;
}

/* Whether thor.yml says that such an event is of the category. */
static bool thor_says(const struct yaml_node *sources, struct slice category, struct slice service,
                      struct slice event_id, struct slice event_type)
{
    for (const struct yaml_node *entry = sources->child; entry; entry = entry->next) {
        const struct yaml_node *conditions = yaml_get(entry, "conditions");
        const struct yaml_node *rewrite = yaml_get(entry, "rewrite");
        if (!conditions || !rewrite || !slice_equal(text_at(entry, "category"), category) ||
            !slice_equal(text_at(rewrite, "service"), service))
            continue;
        const struct yaml_node *type = yaml_get(conditions, "EventType");
        if (node_has(yaml_get(conditions, "EventID"), event_id) &&
            (!type || node_has(type, event_type)))
            return true;
    }
    return false;
}

static void make_event(struct bench *b, struct slice channel, struct slice event_id,
                       struct slice event_type)
{
    buf_clear(&b->json);
    buf_printf(&b->json, "{\"Channel\":\"%.*s\",\"EventID\":%.*s", (int)channel.len, channel.data,
               (int)event_id.len, event_id.data);
    if (event_type.len)
        buf_printf(&b->json, ",\"EventType\":\"%.*s\"", (int)event_type.len, event_type.data);
    buf_string(&b->json, "}");
    (void)bench_read(b, buf_text(&b->json));
}

/* The event has exactly the categories that thor.yml gives it. */
static void compare_categories(struct bench *b, const struct yaml_node *sources,
                               struct slice service, struct slice event_id, struct slice event_type)
{
    make_event(b, channel_of(sources, service), event_id, event_type);
    struct event_source source;
    mapping_source(b->set, &b->event, &source);
    assert_true(slice_equal(source.service, service));
    assert_true(source.categories_known);
    uint32_t expected = 0;
    for (const struct yaml_node *entry = sources->child; entry; entry = entry->next) {
        struct slice category = text_at(entry, "category");
        if (!yaml_get(entry, "conditions"))
            continue;
        bool says = thor_says(sources, category, service, event_id, event_type), has = false;
        for (uint32_t i = 0; i < source.category_count; i++)
            has |= slice_equal(source.categories[i], category);
        if (says != has)
            print_error("%.*s %.*s %.*s: %.*s\n", (int)service.len, service.data, (int)event_id.len,
                        event_id.data, (int)event_type.len, event_type.data, (int)category.len,
                        category.data);
        assert_int_equal(says, has);
    }
    for (uint32_t i = 0; i < source.category_count; i++)
        expected += thor_says(sources, source.categories[i], service, event_id, event_type);
    assert_int_equal(source.category_count, expected);
}

static void compare_channels(struct bench *b, const struct yaml_node *entry, uint32_t *compared)
{
    const struct yaml_node *channels = yaml_get(entry, "sources");
    for (const struct yaml_node *item = channels ? channels->child : NULL; item;
         item = item->next) {
        struct slice text = yaml_text(item);
        if (!slice_starts(text, SLICE("WinEventLog:")))
            continue;
        struct event_source source;
        make_event(b, slice_part(text, 12, text.len), SLICE("99999"), SLICE(""));
        mapping_source(b->set, &b->event, &source);
        assert_text(source.product, "windows");
        if (!slice_equal(source.service, text_at(entry, "service")))
            print_error("%.*s\n", (int)text.len, text.data);
        assert_true(slice_equal(source.service, text_at(entry, "service")));
        assert_int_equal(source.category_count, 0);
        ++*compared;
    }
}

static void compare_conditions(struct bench *b, const struct yaml_node *sources,
                               const struct yaml_node *entry, uint32_t *compared)
{
    const struct yaml_node *conditions = yaml_get(entry, "conditions");
    const struct yaml_node *rewrite = yaml_get(entry, "rewrite");
    if (!conditions || !rewrite)
        return;
    struct slice service = text_at(rewrite, "service");
    const struct yaml_node *ids = yaml_get(conditions, "EventID");
    const struct yaml_node *id = ids->kind == YAML_LIST ? ids->child : ids;
    for (; id; id = ids->kind == YAML_LIST ? id->next : NULL) {
        compare_categories(b, sources, service, yaml_text(id), text_at(conditions, "EventType"));
        compare_categories(b, sources, service, yaml_text(id), SLICE(""));
        ++*compared;
    }
}

static void compare_names(struct bench *b, const struct yaml_node *entry, uint32_t *compared)
{
    const struct yaml_node *names = yaml_get(entry, "fieldmappings");
    const struct mapping *m = mapping_set_get(b->set, 1);
    for (const struct yaml_node *item = names ? names->child : NULL; item; item = item->next) {
        bool found = false;
        for (uint32_t a = 0; a < m->alias_count; a++)
            for (uint32_t o = 0; o < m->aliases[a].originals.count; o++)
                found |= slice_equal(m->aliases[a].name, item->key) &&
                         slice_equal(m->aliases[a].originals.items[o], yaml_text(item));
        assert_true(found);
        ++*compared;
    }
}

static void windows_is_answered_as_in_thor(void **state)
{
    (void)state;
    struct err err = {0};
    struct buf thor = {0}, text = {0};
    if (!read_thor(&thor)) {
        print_message("skipped: shared data not found\n");
        skip();
    }
    assert_int_equal(io_read_file(&text, CANH_SOURCE "/mappings/windows.yaml", 1 << 20, &err),
                     ERR_OK);
    struct bench b;
    bench_open(&b, buf_text(&text));
    struct arena arena = {0};
    struct yaml_documents documents;
    assert_int_equal(yaml_parse(&documents, buf_as_slice(&thor), &arena, &err), ERR_OK);
    const struct yaml_node *sources = yaml_get(documents.roots[0], "logsources");
    uint32_t channels = 0, conditions = 0, names = 0;
    for (const struct yaml_node *entry = sources->child; entry; entry = entry->next) {
        compare_channels(&b, entry, &channels);
        compare_conditions(&b, sources, entry, &conditions);
        compare_names(&b, entry, &names);
    }
    assert_true(channels > 50);
    assert_true(conditions > 45);
    assert_int_equal(names, 4);
    arena_free(&arena);
    bench_close(&b);
    buf_free(&text);
    buf_free(&thor);
}

struct walk {
    struct mapping_set *set;
    uint32_t files;
};

static int add_file(void *context, const char *path)
{
    struct walk *walk = context;
    struct buf text = {0};
    struct err err = {0};
    assert_int_equal(io_read_file(&text, path, 1 << 20, &err), ERR_OK);
    int rc = mapping_set_add(walk->set, slice_from(path), buf_as_slice(&text), &err);
    if (rc)
        print_error("%s:%u: %s\n", path, (unsigned)err.line, err.text);
    assert_int_equal(rc, ERR_OK);
    walk->files++;
    buf_free(&text);
    return ERR_OK;
}

static void shipped_mappings_read_together(void **state)
{
    (void)state;
    struct err err = {0};
    struct bench b;
    memset(&b, 0, sizeof b);
    b.set = mapping_set_open();
    struct walk walk = {.set = b.set};
    assert_int_equal(io_walk(CANH_SOURCE "/mappings", add_file, NULL, &walk, &err), ERR_OK);
    assert_true(walk.files >= 20);
    bench_bind(&b);
    assert_selected(&b, "{\"Channel\":\"Linux-Sysmon/Operational\",\"EventID\":1}", "sysmon-linux");
    assert_selected(&b, "{\"appname\":\"sshd\",\"message\":\"x\"}", "sshd");
    assert_selected(&b, "{\"a\":1}", "-");
    bench_close(&b);
}

/* Texts of the syslog forms go by the manuals named in the mapping files. */
static const struct found_case {
    const char *json, *expected; /* "": no finding */
} found_cases[] = {
    {"{\"flow_id\":1,\"event_type\":\"alert\",\"alert\":{\"signature_id\":2024833,"
     "\"signature\":\"ET POLICY x\",\"severity\":1}}",
     "Suricata|ET POLICY x|2024833|high"},
    {"{\"flow_id\":1,\"event_type\":\"alert\",\"alert\":{\"signature\":\"y\",\"severity\":4}}",
     "Suricata|y||informational"},
    {"{\"flow_id\":1,\"event_type\":\"alert\"}", "Suricata|Suricata||medium"},
    {"{\"flow_id\":1,\"event_type\":\"dns\",\"alert\":{\"signature\":\"y\"}}", ""},
    {"{\"sd.event@23668.et\":\"GNRL_EV_VIRUS_FOUND\",\"sd.event@23668.hdn\":\"PC1\","
     "\"sd.event@23668.p5\":\"EICAR-Test-File\",\"sd.event@23668.etdn\":\"Found\"}",
     "Kaspersky|EICAR-Test-File|GNRL_EV_VIRUS_FOUND|high"},
    {"{\"sd.event@23668.et\":\"GNRL_EV_APPLICATION_LAUNCH_DENIED\","
     "\"sd.event@23668.hdn\":\"PC1\"}",
     ""},
    {"{\"log_id\":\"1\",\"log_component\":\"HTTP\",\"log_type\":\"Anti-Virus\","
     "\"log_subtype\":\"Virus\",\"virus\":\"EICAR-AV-Test\"}",
     "Sophos Firewall|EICAR-AV-Test||high"},
    {"{\"log_id\":\"1\",\"log_component\":\"HTTP\",\"log_type\":\"Anti-Virus\","
     "\"log_subtype\":\"Clean\",\"virus\":\"\"}",
     ""},
    {"{\"log_id\":\"1\",\"log_component\":\"Signatures\",\"log_type\":\"IDP\","
     "\"log_subtype\":\"Drop\",\"signature_id\":\"77\",\"signature_msg\":\"scan\"}",
     "Sophos Firewall|scan|77|medium"},
    {"{\"logid\":\"1\",\"devid\":\"F\",\"type\":\"utm\",\"subtype\":\"ips\",\"severity\":"
     "\"critical\",\"attack\":\"A.B\",\"attackid\":\"5\"}",
     "FortiGate|A.B|5|critical"},
    {"{\"logid\":\"1\",\"devid\":\"F\",\"type\":\"utm\",\"subtype\":\"virus\",\"crlevel\":"
     "\"high\",\"virus\":\"EICAR_TEST_FILE\"}",
     "FortiGate|EICAR_TEST_FILE||high"},
    {"{\"logid\":\"1\",\"devid\":\"F\",\"type\":\"utm\",\"subtype\":\"virus\","
     "\"eventtype\":\"oversize\"}",
     ""},
    {"{\"message\":\"1,2026/11/22 10:00:00,0128,THREAT,virus,2049,2026/11/22 "
     "10:00:00,10.0.0.1,"
     "10.0.0.2,,,r,,,web-browsing,vsys1,a,b,e1,e2,l,,7,1,55113,80,0,0,0x0,tcp,deny,"
     "eicar.com,Eicar Test File(100000),any,medium,c2s\"}",
     "PAN-OS|Eicar Test File|100000|medium"},
    {"{\"Channel\":\"Microsoft-Windows-Windows Defender/Operational\",\"EventID\":1116,"
     "\"Threat Name\":\"Virus:DOS/EICAR_Test_File\",\"Threat ID\":\"2147519003\","
     "\"Severity ID\":\"5\"}",
     "Microsoft Defender|Virus:DOS/EICAR_Test_File|2147519003|critical"},
    {"{\"winlog\":{\"channel\":\"Microsoft-Windows-Windows Defender/Operational\","
     "\"event_id\":1116,\"event_data\":{\"Threat Name\":\"x\",\"Severity ID\":\"1\"}}}",
     "Microsoft Defender|x||low"},
    {"{\"RecordType\":40,\"Workload\":\"SecurityComplianceCenter\",\"CreationTime\":\"t\","
     "\"Operation\":\"AlertTriggered\",\"Name\":\"Mass download\",\"AlertId\":\"a-1\","
     "\"Severity\":\"High\"}",
     "Microsoft 365|Mass download|a-1|high"},
    {"{\"_path\":\"notice\",\"ts\":1,\"uid\":\"C\",\"id.orig_h\":\"10.0.0.1\",\"note\":"
     "\"Scan::Port_Scan\",\"msg\":\"10.0.0.1 scanned\"}",
     "Zeek|10.0.0.1 scanned|Scan::Port_Scan|low"},
    {"{\"rule\":{\"level\":12,\"id\":\"5712\",\"description\":\"sshd: brute force\"},"
     "\"manager\":{\"name\":\"m\"}}",
     "Wazuh|sshd: brute force|5712|high"},
    {"{\"rule\":{\"level\":3,\"id\":\"5501\",\"description\":\"session opened\"},"
     "\"manager\":{\"name\":\"m\"}}",
     ""},
    {"{\"fingerprint\":\"f\",\"startsAt\":\"t\",\"status\":\"firing\",\"labels\":{"
     "\"alertname\":"
     "\"DiskFull\",\"severity\":\"page\"}}",
     "Alertmanager|DiskFull|DiskFull|high"},
};

static void other_detectors_findings_have_names_and_levels(void **state)
{
    (void)state;
    struct err err = {0};
    struct bench b;
    memset(&b, 0, sizeof b);
    b.set = mapping_set_open();
    struct walk walk = {.set = b.set};
    assert_int_equal(io_walk(CANH_SOURCE "/mappings", add_file, NULL, &walk, &err), ERR_OK);
    bench_bind(&b);
    for (size_t i = 0; i < sizeof found_cases / sizeof *found_cases; i++) {
        struct mapping_found found;
        struct buf text = {0};
        (void)bench_read(&b, found_cases[i].json);
        if (mapping_found(&b.event, &found))
            buf_printf(&text, "%.*s|%.*s|%.*s|%s", (int)found.detector.len, found.detector.data,
                       (int)found.title.len, found.title.data, (int)found.id.len, found.id.data,
                       rule_level_names[found.level]);
        assert_string_equal(buf_text(&text), found_cases[i].expected);
        buf_free(&text);
    }
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_is_answered_as_in_thor),
        cmocka_unit_test(shipped_mappings_read_together),
        cmocka_unit_test(other_detectors_findings_have_names_and_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
