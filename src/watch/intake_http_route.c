#include "watch/intake_http_route.h"

#include "watch/intake_http_inside.h"

static const char *const json_types[] = {"application/json",
                                         "application/x-ndjson",
                                         "application/ndjson",
                                         "application/vnd.elasticsearch+json",
                                         "application/vnd.elasticsearch+x-ndjson",
                                         "text/plain",
                                         "application/octet-stream",
                                         "application/x-www-form-urlencoded" /* curl's own */,
                                         NULL};
static const char *const otlp_types[] = {"application/x-protobuf", "application/json", NULL};
static const char *const journal_types[] = {"application/vnd.fdo.journal", NULL};

/* ---- Elasticsearch's fixed answers ---- */

#define VERSION                                                                                    \
    "{\"number\":\"8.17.0\",\"build_flavor\":\"default\",\"build_type\":\"tar\","                  \
    "\"build_hash\":\"0\",\"build_date\":\"2024-12-11T12:08:05Z\",\"build_snapshot\":false,"       \
    "\"lucene_version\":\"9.12.0\",\"minimum_wire_compatibility_version\":\"7.17.0\","             \
    "\"minimum_index_compatibility_version\":\"7.0.0\"}"
#define UID "Y2FuaC13YXRjaC1ub2Rl"
#define LICENSE                                                                                    \
    "{\"status\":\"active\",\"uid\":\"" UID "\",\"type\":\"basic\",\"mode\":\"basic\","            \
    "\"issue_date\":\"2024-01-01T00:00:00.000Z\",\"issue_date_in_millis\":1704067200000,"          \
    "\"max_nodes\":1000,\"issued_to\":\"canh\",\"issuer\":\"canh\",\"start_date_in_millis\":-1}"
#define SHARDS "{\"total\":1,\"successful\":1,\"skipped\":0,\"failed\":0}"

static const char root[] = "{\"name\":\"canh\",\"cluster_name\":\"canh\",\"cluster_uuid\":\"" UID
                           "\",\"version\":" VERSION ",\"tagline\":\"You Know, for Search\"}";
static const char license[] = "{\"license\":" LICENSE "}";
static const char xpack[] =
    "{\"build\":{\"hash\":\"0\",\"date\":\"2024-12-11T12:08:05Z\"},\"license\":" LICENSE
    ",\"features\":{\"ilm\":{\"available\":true,\"enabled\":true},"
    "\"security\":{\"available\":true,\"enabled\":true}},\"tagline\":\"You know, for X\"}";
static const char health[] =
    "{\"cluster_name\":\"canh\",\"status\":\"green\",\"timed_out\":false,\"number_of_nodes\":1,"
    "\"number_of_data_nodes\":1,\"active_primary_shards\":1,\"active_shards\":1,"
    "\"relocating_shards\":0,\"initializing_shards\":0,\"unassigned_shards\":0,"
    "\"delayed_unassigned_shards\":0,\"number_of_pending_tasks\":0,"
    "\"number_of_in_flight_fetch\":0,\"task_max_waiting_in_queue_millis\":0,"
    "\"active_shards_percent_as_number\":100.0}";
static const char nodes[] = "{\"_nodes\":{\"total\":1,\"successful\":1,\"failed\":0},"
                            "\"cluster_name\":\"canh\",\"nodes\":{}}";
static const char settings[] = "{\"persistent\":{},\"transient\":{}}";
static const char acknowledged[] = "{\"acknowledged\":true,\"shards_acknowledged\":true}";
static const char none[] = "{}";
static const char no_templates[] = "{\"index_templates\":[],\"component_templates\":[]}";
static const char no_streams[] = "{\"data_streams\":[]}";
static const char no_hits[] =
    "{\"took\":0,\"timed_out\":false,\"_shards\":" SHARDS
    ",\"hits\":{\"total\":{\"value\":0,\"relation\":\"eq\"},\"max_score\":null,\"hits\":[]}}";
static const char no_count[] = "{\"count\":0,\"_shards\":" SHARDS "}";
static const char shards[] = "{\"_shards\":" SHARDS "}";
static const char no_rows[] = "[]";
static const char authenticated[] =
    "{\"username\":\"canh\",\"roles\":[\"ingest\"],\"full_name\":null,\"email\":null,"
    "\"metadata\":{},\"enabled\":true,"
    "\"authentication_realm\":{\"name\":\"canh\",\"type\":\"native\"},"
    "\"lookup_realm\":{\"name\":\"canh\",\"type\":\"native\"},\"authentication_type\":\"token\"}";
static const char privileges[] = "{\"username\":\"canh\",\"has_all_requested\":true,"
                                 "\"cluster\":{},\"index\":{},\"application\":{}}";

#define LOOK  (HTTP_GET | HTTP_HEAD)
#define WRITE (HTTP_PUT | HTTP_POST)
/* Answered as if it were done: there is nothing to be done here. */
#define FIXED(methods, path, status, answer)                                                       \
    {                                                                                              \
        methods, path, HTTP_ELASTIC, HTTP_BODY_NONE, NULL, NULL, status, answer                    \
    }
#define BULK(path)                                                                                 \
    {                                                                                              \
        WRITE, path, HTTP_ELASTIC, HTTP_BODY_WHOLE, json_types, http_bulk_run, 0, NULL             \
    }
#define DOCUMENT(methods, path, run)                                                               \
    {                                                                                              \
        methods, path, HTTP_ELASTIC, HTTP_BODY_WHOLE, json_types, run, 0, NULL                     \
    }

const struct http_endpoint http_endpoints[] = {
    {HTTP_POST, "/api/v1/ingest", HTTP_PLAIN, HTTP_BODY_WHOLE, json_types, http_ingest_run, 0,
     NULL},
    {HTTP_POST, "/api/v1/alertmanager", HTTP_PLAIN, HTTP_BODY_WHOLE, json_types,
     http_alertmanager_run, 0, NULL},
    {HTTP_POST, "/v1/logs", HTTP_OTLP, HTTP_BODY_WHOLE, otlp_types, http_otlp_run, 0, NULL},
    {HTTP_POST, "/gelf", HTTP_PLAIN, HTTP_BODY_WHOLE, json_types, http_gelf_run, 0, NULL},
    {HTTP_POST, "/upload", HTTP_PLAIN, HTTP_BODY_PIECES, journal_types, http_journal_run, 0, NULL},
    BULK("/_bulk"),
    BULK("/{index}/_bulk"),
    BULK("/{index}/{index}/_bulk"),
    BULK("/{index}/_doc/_bulk"),
    BULK("/_data_stream/{}/_bulk"),
    DOCUMENT(HTTP_POST, "/{index}/_doc", http_document_index),
    DOCUMENT(WRITE, "/{index}/_doc/{}", http_document_index),
    DOCUMENT(WRITE, "/{index}/_create/{}", http_document_create),
    FIXED(LOOK, "/", 200, root),
    FIXED(LOOK, "/_license", 200, license),
    FIXED(LOOK, "/_xpack/license", 200, license),
    FIXED(LOOK, "/_xpack", 200, xpack),
    FIXED(LOOK, "/_cluster/health/*", 200, health),
    FIXED(LOOK, "/_cluster/settings", 200, settings),
    FIXED(LOOK, "/_nodes/*", 200, nodes),
    FIXED(LOOK, "/_template/*", 200, none),
    FIXED(WRITE, "/_template/*", 200, acknowledged),
    FIXED(LOOK, "/_index_template/*", 200, no_templates),
    FIXED(WRITE, "/_index_template/*", 200, acknowledged),
    FIXED(LOOK, "/_component_template/*", 200, no_templates),
    FIXED(WRITE, "/_component_template/*", 200, acknowledged),
    FIXED(LOOK, "/_ilm/policy/*", 404, none),
    FIXED(WRITE, "/_ilm/policy/*", 200, acknowledged),
    FIXED(LOOK, "/_ingest/*", 404, none),
    FIXED(WRITE, "/_ingest/pipeline/{}", 200, acknowledged),
    FIXED(LOOK, "/_data_stream/*", 200, no_streams),
    FIXED(WRITE, "/_data_stream/*", 200, acknowledged),
    FIXED(LOOK, "/_alias/*", 200, none),
    FIXED(LOOK, "/_aliases", 200, none),
    FIXED(WRITE, "/_aliases", 200, acknowledged),
    FIXED(LOOK, "/{index}/_alias/*", 200, none),
    FIXED(WRITE, "/{index}/_alias/{}", 200, acknowledged),
    {LOOK, "/_cat/health", HTTP_ELASTIC, HTTP_BODY_NONE, NULL, http_cat_health, 0, NULL},
    FIXED(LOOK, "/_cat/*", 200, no_rows),
    FIXED(LOOK | HTTP_POST, "/_search", 200, no_hits),
    FIXED(LOOK | HTTP_POST, "/{index}/_search", 200, no_hits),
    FIXED(LOOK | HTTP_POST, "/_count", 200, no_count),
    FIXED(LOOK | HTTP_POST, "/{index}/_count", 200, no_count),
    FIXED(LOOK | HTTP_POST, "/_refresh", 200, shards),
    FIXED(LOOK | HTTP_POST, "/{index}/_refresh", 200, shards),
    FIXED(LOOK, "/{index}/_mapping/*", 200, none),
    FIXED(WRITE, "/{index}/_mapping/*", 200, acknowledged),
    FIXED(LOOK, "/{index}/_settings/*", 200, none),
    FIXED(WRITE, "/{index}/_settings/*", 200, acknowledged),
    FIXED(LOOK, "/_security/_authenticate", 200, authenticated),
    FIXED(LOOK | HTTP_POST, "/_security/user/_has_privileges", 200, privileges),
    FIXED(HTTP_HEAD, "/{index}", 200, none),
    FIXED(HTTP_PUT, "/{index}", 200, acknowledged),
    {0, NULL, HTTP_PLAIN, HTTP_BODY_NONE, NULL, NULL, 0, NULL},
};

/* ---- finding a row ---- */

enum http_method http_method(struct slice name)
{
    static const struct {
        const char *name;
        enum http_method method;
    } names[] = {{"GET", HTTP_GET},
                 {"HEAD", HTTP_HEAD},
                 {"POST", HTTP_POST},
                 {"PUT", HTTP_PUT},
                 {"DELETE", HTTP_DELETE}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (slice_equal(name, slice_from(names[i].name)))
            return names[i].method;
    return HTTP_OTHER;
}

/* The next part of an address; false: there is none. */
static bool part_next(struct slice *rest, struct slice *part)
{
    do {
        if (rest->len == 0)
            return false;
        *part = slice_cut(rest, '/');
    } while (part->len == 0);
    return true;
}

/* Without what stands before Elasticsearch's own addresses. "/es_bulk" is "/es" and "_bulk" put
 * together by a client that forgot the slash. */
static struct slice below_es(struct slice path)
{
    struct slice rest = path, first = {0};
    if (!part_next(&rest, &first))
        return path;
    if (slice_equal(first, SLICE("es")))
        return rest;
    if (slice_starts(first, SLICE("es_")))
        return slice_make(first.data + 2, (size_t)(path.data + path.len - first.data) - 2);
    return path;
}

static bool part_holds(struct slice want, struct slice part)
{
    if (slice_equal(want, SLICE("{index}")))
        return part.data[0] != '_';
    return slice_equal(want, SLICE("{}")) || slice_equal(want, part);
}

static bool row_holds(const char *pattern, const struct slice *parts, uint32_t count,
                      struct slice params[HTTP_PARAMS_MAX])
{
    struct slice rest = slice_from(pattern), want;
    uint32_t i = 0, taken = 0;
    while (part_next(&rest, &want)) {
        if (slice_equal(want, SLICE("*")))
            return true;
        if (i == count || !part_holds(want, parts[i]))
            return false;
        if (want.data[0] == '{' && taken < HTTP_PARAMS_MAX)
            params[taken++] = parts[i];
        i++;
    }
    return i == count;
}

void http_route_find(enum http_method method, struct slice path, struct http_found *found)
{
    struct slice parts[HTTP_SEGMENTS_MAX], rest = below_es(path), part;
    uint32_t count = 0;
    bool has_words = false; /* a row holds that has no part for any word */
    *found = (struct http_found){0};
    while (part_next(&rest, &part)) {
        found->elastic = found->elastic || part.data[0] == '_';
        if (count == HTTP_SEGMENTS_MAX)
            return;
        parts[count++] = part;
    }
    for (const struct http_endpoint *e = http_endpoints; e->path; e++) {
        struct slice params[HTTP_PARAMS_MAX] = {{0}};
        bool is_wide = strpbrk(e->path, "{*") != NULL;
        if ((has_words && is_wide) || !row_holds(e->path, parts, count, params))
            continue;
        has_words = has_words || !is_wide;
        found->allowed |= e->methods;
        found->elastic = e->style == HTTP_ELASTIC;
        if (!(e->methods & method))
            continue;
        found->endpoint = e;
        memcpy(found->params, params, sizeof(params));
        return;
    }
    /* HEAD and PUT of any index: no reason to say that an unknown address is there */
    if (count == 1 && !has_words && parts[0].data[0] != '_') {
        found->allowed = 0;
        found->elastic = false;
    }
}
