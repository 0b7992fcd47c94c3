#include "watch/listener.h"

const struct listener_kind listener_kinds[] = {
    {"http", LISTENER_STREAM, LISTENER_HTTP, true, true,
     "HTTP: Elasticsearch bulk, OTLP, GELF, journal upload, NDJSON",
     "HTTP: Elasticsearch bulk, OTLP, GELF, journal upload, NDJSON"},
    {"syslog-udp", LISTENER_DATAGRAM, LISTENER_SYSLOG, false, false, "syslog datagrams",
     "syslog UDP"},
    {"syslog-tcp", LISTENER_STREAM, LISTENER_SYSLOG, false, true,
     "syslog streams (RFC 6587; with TLS RFC 5425)", "syslog TCP (RFC 6587; có TLS: RFC 5425)"},
    {"gelf-udp", LISTENER_DATAGRAM, LISTENER_GELF, false, false, "GELF datagrams", "GELF UDP"},
    {"gelf-tcp", LISTENER_STREAM, LISTENER_GELF, false, true, "GELF streams", "GELF TCP"},
};
const size_t listener_kind_count = sizeof(listener_kinds) / sizeof(listener_kinds[0]);

const struct listener_kind *listener_kind_find(struct slice name)
{
    for (size_t i = 0; i < listener_kind_count; i++)
        if (slice_equal(slice_from(listener_kinds[i].name), name))
            return &listener_kinds[i];
    return NULL;
}
