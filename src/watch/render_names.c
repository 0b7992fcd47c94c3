#include "base/ip.h"
#include "watch/render_inside.h"

#include <stdlib.h>

const struct render_name render_names[] = {
    {"AccountName", "user.name", "user.domain", NAME_USER},
    {"CallerIpAddress", "source.ip", NULL, NAME_IP},
    {"ClientAddress", "source.ip", NULL, NAME_IP},
    {"ClientIP", "source.ip", NULL, NAME_IP},
    {"CommandLine", "process.command_line", NULL, NAME_TEXT},
    {"Computer", "host.name", NULL, NAME_HOST},
    {"ComputerName", "host.name", NULL, NAME_HOST},
    {"CurrentDirectory", "process.working_directory", NULL, NAME_TEXT},
    {"DestAddress", "destination.ip", NULL, NAME_IP},
    {"DestPort", "destination.port", NULL, NAME_PORT},
    {"DestinationHostname", "destination.domain", NULL, NAME_TEXT},
    {"DestinationIp", "destination.ip", NULL, NAME_IP},
    {"DestinationPort", "destination.port", NULL, NAME_PORT},
    {"Details", "registry.data.strings", NULL, NAME_TEXT},
    {"EventID", "event.code", NULL, NAME_TEXT},
    {"Image", "process.executable", "process.name", NAME_PATH},
    {"ImageLoaded", "dll.path", "dll.name", NAME_PATH},
    {"IpAddress", "source.ip", NULL, NAME_IP},
    {"IpPort", "source.port", NULL, NAME_PORT},
    {"NewProcessId", "process.pid", NULL, NAME_NUMBER},
    {"NewProcessName", "process.executable", "process.name", NAME_PATH},
    {"ParentCommandLine", "process.parent.command_line", NULL, NAME_TEXT},
    {"ParentImage", "process.parent.executable", "process.parent.name", NAME_PATH},
    {"ParentProcessGuid", "process.parent.entity_id", NULL, NAME_TEXT},
    {"ParentProcessId", "process.parent.pid", NULL, NAME_NUMBER},
    {"ParentProcessName", "process.parent.executable", "process.parent.name", NAME_PATH},
    {"ProcessGuid", "process.entity_id", NULL, NAME_TEXT},
    {"ProcessId", "process.pid", NULL, NAME_NUMBER},
    {"Protocol", "network.transport", NULL, NAME_TRANSPORT},
    {"Provider_Name", "event.provider", NULL, NAME_TEXT},
    {"QueryName", "dns.question.name", NULL, NAME_TEXT},
    {"SourceAddress", "source.ip", NULL, NAME_IP},
    {"SourceHostname", "source.domain", NULL, NAME_TEXT},
    {"SourceIp", "source.ip", NULL, NAME_IP},
    {"SourcePort", "source.port", NULL, NAME_PORT},
    {"SubjectDomainName", "user.domain", NULL, NAME_TEXT},
    {"SubjectUserName", "user.name", "user.domain", NAME_USER},
    {"SubjectUserSid", "user.id", NULL, NAME_TEXT},
    {"TargetDomainName", "user.target.domain", NULL, NAME_TEXT},
    {"TargetFilename", "file.path", "file.name", NAME_PATH},
    {"TargetObject", "registry.path", NULL, NAME_TEXT},
    {"TargetUserName", "user.target.name", "user.target.domain", NAME_USER},
    {"TargetUserSid", "user.target.id", NULL, NAME_TEXT},
    {"User", "user.name", "user.domain", NAME_USER},
    {"UserAgent", "user_agent.original", NULL, NAME_TEXT},
    {"WorkstationName", "source.domain", NULL, NAME_TEXT},
    {"acct", "user.name", "user.domain", NAME_USER},
    {"action", "event.action", NULL, NAME_TEXT},
    {"appname", "process.name", NULL, NAME_TEXT},
    {"awsRegion", "cloud.region", NULL, NAME_TEXT},
    {"c-ip", "source.ip", NULL, NAME_IP},
    {"c-uri", "url.original", NULL, NAME_TEXT},
    {"c-useragent", "user_agent.original", NULL, NAME_TEXT},
    {"comm", "process.name", NULL, NAME_TEXT},
    {"cs-host", "url.domain", NULL, NAME_TEXT},
    {"cs-method", "http.request.method", NULL, NAME_TEXT},
    {"cs-referer", "http.request.referrer", NULL, NAME_TEXT},
    {"cs-uri-query", "url.query", NULL, NAME_TEXT},
    {"cs-uri-stem", "url.path", NULL, NAME_TEXT},
    {"cs-user-agent", "user_agent.original", NULL, NAME_TEXT},
    {"cs-username", "user.name", "user.domain", NAME_USER},
    {"dest_ip", "destination.ip", NULL, NAME_IP},
    {"dest_port", "destination.port", NULL, NAME_PORT},
    {"dst", "destination.ip", NULL, NAME_IP},
    {"dst_ip", "destination.ip", NULL, NAME_IP},
    {"dst_port", "destination.port", NULL, NAME_PORT},
    {"dstip", "destination.ip", NULL, NAME_IP},
    {"dstport", "destination.port", NULL, NAME_PORT},
    {"errorCode", "error.code", NULL, NAME_TEXT},
    {"eventName", "event.action", NULL, NAME_TEXT},
    {"eventSource", "event.provider", NULL, NAME_TEXT},
    {"exe", "process.executable", "process.name", NAME_PATH},
    {"facility", "log.syslog.facility.code", NULL, NAME_NUMBER},
    {"hostname", "host.name", NULL, NAME_HOST},
    {"id.orig_h", "source.ip", NULL, NAME_IP},
    {"id.orig_p", "source.port", NULL, NAME_PORT},
    {"id.resp_h", "destination.ip", NULL, NAME_IP},
    {"id.resp_p", "destination.port", NULL, NAME_PORT},
    {"message", "message", NULL, NAME_TEXT},
    {"outcome", "event.outcome", NULL, NAME_OUTCOME},
    {"procid", "process.pid", NULL, NAME_NUMBER},
    {"program", "process.name", NULL, NAME_TEXT},
    {"proto", "network.transport", NULL, NAME_TRANSPORT},
    {"protocol", "network.transport", NULL, NAME_TRANSPORT},
    {"query", "dns.question.name", NULL, NAME_TEXT},
    {"record_type", "dns.question.type", NULL, NAME_TEXT},
    {"sc-status", "http.response.status_code", NULL, NAME_NUMBER},
    {"severity", "log.syslog.severity.code", NULL, NAME_NUMBER},
    {"sourceIPAddress", "source.ip", NULL, NAME_IP},
    {"src", "source.ip", NULL, NAME_IP},
    {"src_ip", "source.ip", NULL, NAME_IP},
    {"src_port", "source.port", NULL, NAME_PORT},
    {"srcip", "source.ip", NULL, NAME_IP},
    {"srcport", "source.port", NULL, NAME_PORT},
    {"target_user", "user.target.name", "user.target.domain", NAME_USER},
    {"user", "user.name", "user.domain", NAME_USER},
    {"userAgent", "user_agent.original", NULL, NAME_TEXT},
    {"userIdentity.userName", "user.name", "user.domain", NAME_USER},
};
const size_t render_names_count = sizeof(render_names) / sizeof(render_names[0]);

static int name_compare(const void *key, const void *item)
{
    const struct slice *name = key;
    return slice_compare(*name, slice_from(((const struct render_name *)item)->name));
}

static bool number_read(struct slice text, uint64_t *out)
{
    if (!slice_starts(text, SLICE("0x")))
        return slice_to_u64(text, out);
    uint64_t value = 0;
    if (text.len == 2 || text.len > 17)
        return false;
    for (size_t i = 2; i < text.len; i++) {
        char c = (char)(text.data[i] | 32);
        if (c >= '0' && c <= '9')
            value = value << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    *out = value;
    return true;
}

static void put_ip(struct render_doc *doc, const char *path, struct slice value)
{
    struct ip_address address;
    char text[IP_TEXT_BYTES];
    if (!ip_parse(&address, value))
        return;
    struct slice normal = arena_copy(&doc->arena, slice_make(text, ip_text(text, &address)));
    render_doc_text(doc, path, normal);
    render_doc_list(doc, "related.ip", normal);
}

/* Elasticsearch's long is signed: what is past it is refused, with the whole document. */
static void put_number(struct render_doc *doc, const char *path, struct slice value, uint64_t max)
{
    uint64_t number;
    if (number_read(value, &number) && number <= max)
        render_doc_number(doc, path, number);
}

static size_t last_of(struct slice s, const char *chars)
{
    for (size_t i = s.len; i > 0; i--)
        if (strchr(chars, s.data[i - 1]) && s.data[i - 1])
            return i - 1;
    return SLICE_NONE;
}

static void put_path(struct render_doc *doc, const struct render_name *name, struct slice value)
{
    size_t at = last_of(value, "/\\");
    if (render_doc_find(doc, name->path))
        return;
    render_doc_text(doc, name->path, value);
    render_doc_text(doc, name->second,
                    at == SLICE_NONE ? value : slice_part(value, at + 1, value.len));
}

static void put_user(struct render_doc *doc, const struct render_name *name, struct slice value)
{
    size_t at = slice_find_char(value, '\\');
    struct slice user = at == SLICE_NONE ? value : slice_part(value, at + 1, value.len);
    if (!render_doc_find(doc, name->path)) {
        render_doc_text(doc, name->path, user);
        if (at != SLICE_NONE)
            render_doc_text(doc, name->second, slice_part(value, 0, at));
    }
    render_doc_list(doc, "related.user", user);
}

static void put_transport(struct render_doc *doc, const char *path, struct slice value)
{
    static const struct slice known[] = {SLICE("tcp"), SLICE("udp"), SLICE("icmp"),
                                         SLICE("ipv6-icmp"), SLICE("sctp")};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (slice_equal_nocase(value, known[i]))
            render_doc_text(doc, path, known[i]);
}

void render_name_put(struct render_doc *doc, struct slice name, struct slice value)
{
    const struct render_name *n =
        bsearch(&name, render_names, render_names_count, sizeof(render_names[0]), name_compare);
    if (!n)
        return;
    switch (n->kind) {
    case NAME_IP:
        put_ip(doc, n->path, value);
        break;
    case NAME_NUMBER:
        put_number(doc, n->path, value, INT64_MAX);
        break;
    case NAME_PORT:
        put_number(doc, n->path, value, UINT16_MAX);
        break;
    case NAME_PATH:
        put_path(doc, n, value);
        break;
    case NAME_USER:
        put_user(doc, n, value);
        break;
    case NAME_HOST:
        render_doc_text(doc, n->path, value);
        render_doc_list(doc, "related.hosts", value);
        break;
    case NAME_OUTCOME:
        if (slice_equal(value, SLICE("success")) || slice_equal(value, SLICE("failure")))
            render_doc_text(doc, n->path, value);
        break;
    case NAME_TRANSPORT:
        put_transport(doc, n->path, value);
        break;
    case NAME_TEXT:
        render_doc_text(doc, n->path, value);
        break;
    }
}

void render_category_put(struct render_doc *doc, struct slice categories)
{
    static const struct {
        struct slice sigma, category, type;
    } table[] = {
        {SLICE("process_creation"), SLICE("process"), SLICE("start")},
        {SLICE("process_termination"), SLICE("process"), SLICE("end")},
        {SLICE("process_access"), SLICE("process"), SLICE("access")},
        {SLICE("process_tampering"), SLICE("process"), SLICE("change")},
        {SLICE("create_remote_thread"), SLICE("process"), SLICE("change")},
        {SLICE("raw_access_thread"), SLICE("process"), SLICE("access")},
        {SLICE("ps_script"), SLICE("process"), SLICE("info")},
        {SLICE("ps_module"), SLICE("process"), SLICE("info")},
        {SLICE("ps_classic_start"), SLICE("process"), SLICE("info")},
        {SLICE("image_load"), SLICE("library"), SLICE("start")},
        {SLICE("driver_load"), SLICE("driver"), SLICE("start")},
        {SLICE("network_connection"), SLICE("network"), SLICE("connection")},
        {SLICE("firewall"), SLICE("network"), SLICE("connection")},
        {SLICE("dns_query"), SLICE("network"), SLICE("protocol")},
        {SLICE("dns"), SLICE("network"), SLICE("protocol")},
        {SLICE("file_event"), SLICE("file"), SLICE("creation")},
        {SLICE("file_access"), SLICE("file"), SLICE("access")},
        {SLICE("file_change"), SLICE("file"), SLICE("change")},
        {SLICE("file_delete"), SLICE("file"), SLICE("deletion")},
        {SLICE("file_rename"), SLICE("file"), SLICE("change")},
        {SLICE("create_stream_hash"), SLICE("file"), SLICE("creation")},
        {SLICE("pipe_created"), SLICE("file"), SLICE("creation")},
        {SLICE("registry_event"), SLICE("registry"), SLICE("change")},
        {SLICE("registry_set"), SLICE("registry"), SLICE("change")},
        {SLICE("registry_rename"), SLICE("registry"), SLICE("change")},
        {SLICE("registry_add"), SLICE("registry"), SLICE("creation")},
        {SLICE("registry_delete"), SLICE("registry"), SLICE("deletion")},
        {SLICE("authentication"), SLICE("authentication"), SLICE("start")},
        {SLICE("antivirus"), SLICE("malware"), SLICE("info")},
        {SLICE("database"), SLICE("database"), SLICE("access")},
        {SLICE("proxy"), SLICE("web"), SLICE("access")},
        {SLICE("webserver"), SLICE("web"), SLICE("access")},
    };
    for (int k = 0; categories.len && k < RENDER_LIST_MAX; k++) {
        struct slice one = slice_cut(&categories, '|');
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
            if (!slice_equal(one, table[i].sigma))
                continue;
            render_doc_list(doc, "event.category", table[i].category);
            render_doc_list(doc, "event.type", table[i].type);
        }
    }
}

/* A tactic's words may be parted by '-' or '_'. */
static bool words_equal(struct slice a, struct slice b)
{
    for (size_t i = 0; i < a.len && a.len == b.len; i++)
        if ((a.data[i] == '_' ? '-' : a.data[i]) != b.data[i])
            return false;
    return a.len == b.len;
}

static void put_tactic(struct render_doc *doc, struct slice word)
{
    static const struct {
        struct slice word, id, name;
    } tactics[] = {
        {SLICE("reconnaissance"), SLICE("TA0043"), SLICE("Reconnaissance")},
        {SLICE("resource-development"), SLICE("TA0042"), SLICE("Resource Development")},
        {SLICE("initial-access"), SLICE("TA0001"), SLICE("Initial Access")},
        {SLICE("execution"), SLICE("TA0002"), SLICE("Execution")},
        {SLICE("persistence"), SLICE("TA0003"), SLICE("Persistence")},
        {SLICE("privilege-escalation"), SLICE("TA0004"), SLICE("Privilege Escalation")},
        {SLICE("defense-evasion"), SLICE("TA0005"), SLICE("Defense Evasion")},
        {SLICE("credential-access"), SLICE("TA0006"), SLICE("Credential Access")},
        {SLICE("discovery"), SLICE("TA0007"), SLICE("Discovery")},
        {SLICE("lateral-movement"), SLICE("TA0008"), SLICE("Lateral Movement")},
        {SLICE("collection"), SLICE("TA0009"), SLICE("Collection")},
        {SLICE("command-and-control"), SLICE("TA0011"), SLICE("Command and Control")},
        {SLICE("exfiltration"), SLICE("TA0010"), SLICE("Exfiltration")},
        {SLICE("impact"), SLICE("TA0040"), SLICE("Impact")},
    };
    for (size_t i = 0; i < sizeof(tactics) / sizeof(tactics[0]); i++) {
        if (!words_equal(word, tactics[i].word))
            continue;
        render_doc_text(doc, "threat.framework", SLICE("MITRE ATT&CK"));
        render_doc_list(doc, "threat.tactic.id", tactics[i].id);
        render_doc_list(doc, "threat.tactic.name", tactics[i].name);
    }
}

/* A letter, then digits: t1059, t1059.001. */
static bool is_number_of(struct slice word, char letter)
{
    if (word.len < 2 || (word.data[0] | 32) != letter)
        return false;
    for (size_t i = 1; i < word.len; i++)
        if ((word.data[i] < '0' || word.data[i] > '9') && word.data[i] != '.')
            return false;
    return true;
}

static struct slice upper(struct render_doc *doc, struct slice word)
{
    char *text = arena_bytes(&doc->arena, word.len);
    for (size_t i = 0; i < word.len; i++)
        text[i] =
            word.data[i] >= 'a' && word.data[i] <= 'z' ? (char)(word.data[i] - 32) : word.data[i];
    return slice_make(text, word.len);
}

void render_tag_put(struct render_doc *doc, struct slice tag)
{
    struct slice word = tag, head = slice_cut(&word, '.');
    render_doc_list(doc, "tags", tag);
    if (slice_equal(head, SLICE("cve")) && word.len) {
        struct slice rest = word, year = slice_cut(&rest, word.len > 4 ? word.data[4] : '-');
        struct slice id = arena_printf(&doc->arena, "CVE-%.*s-%.*s", (int)year.len, year.data,
                                       (int)rest.len, rest.data);
        if (year.len == 4 && rest.len)
            render_doc_list(doc, "vulnerability.id", id);
    }
    if (!slice_equal(head, SLICE("attack")))
        return;
    put_tactic(doc, word);
    if (is_number_of(word, 'g'))
        render_doc_list(doc, "threat.group.id", upper(doc, word));
    if (is_number_of(word, 's'))
        render_doc_list(doc, "threat.software.id", upper(doc, word));
    if (!is_number_of(word, 't'))
        return;
    render_doc_text(doc, "threat.framework", SLICE("MITRE ATT&CK"));
    struct slice id = upper(doc, word), rest = id;
    render_doc_list(doc, "threat.technique.id", slice_cut(&rest, '.'));
    if (rest.len)
        render_doc_list(doc, "threat.technique.subtechnique.id", id);
}

bool render_is_core(const char *path)
{
    static const char *const core[] = {
        "@timestamp", "ecs.version", "event.id",     "event.kind",       "event.severity",
        "rule.id",    "rule.name",   "host.name",    "source.ip",        "destination.ip",
        "user.name",  "canh.cut",    "labels.drill", "labels.historical"};
    for (size_t i = 0; i < sizeof(core) / sizeof(core[0]); i++)
        if (strcmp(path, core[i]) == 0)
            return true;
    return false;
}
