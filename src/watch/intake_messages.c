#include "watch/intake_messages.h"

#include "base/mem.h"
#include "watch/intake_datagram.h"
#include "watch/intake_stream.h"

struct intake_messages {
    struct intake_queue queue;
    struct intake_datagram *datagrams[CONFIG_LISTENERS_MAX];
    struct intake_stream *streams[CONFIG_LISTENERS_MAX];
    uint32_t datagram_count, stream_count;
};

/* Kinds in this order. */
static const char *const kinds[INTAKE_MESSAGE_KINDS] = {"syslog-udp", "syslog-tcp", "gelf-udp",
                                                        "gelf-tcp"};

#define ROW(metric_name, metric_kind, metric_labels, text)                                         \
    {                                                                                              \
        .name = "canh_listener_" metric_name, .kind = METRIC_##metric_kind,                        \
        .labels = metric_labels, .help = text                                                      \
    }
/* In the order of enum intake_inlet_metric. */
#define ROWS(label)                                                                                \
    ROW("bytes_total", COUNTER, "kind=\"" label "\"", "bytes of messages that were read"),         \
        ROW("connections", GAUGE, "kind=\"" label "\"", "connections that are open"),              \
        ROW("dropped_total", COUNTER, "kind=\"" label "\"", "datagrams that the kernel dropped"),  \
        ROW("held_seconds_total", COUNTER, "kind=\"" label "\"",                                   \
            "time without reading, since the store did not keep up"),                              \
        ROW("refused_total", COUNTER, "kind=\"" label "\",reason=\"address\"", REFUSED_TEXT),      \
        ROW("refused_total", COUNTER, "kind=\"" label "\",reason=\"limit\"", REFUSED_TEXT),        \
        ROW("refused_total", COUNTER, "kind=\"" label "\",reason=\"tls\"", REFUSED_TEXT)
#define REFUSED_TEXT "connections and datagrams that were refused"

const struct metric intake_message_metrics[INTAKE_MESSAGE_METRICS] = {
    ROWS("syslog-udp"), ROWS("syslog-tcp"), ROWS("gelf-udp"), ROWS("gelf-tcp")};

/* NULL: a listener of something else. */
static const struct listener_kind *kind_of(const struct config *config, const char *name)
{
    const struct config_listener *l = config->listeners.items;
    for (uint32_t i = 0; i < config->listeners.count; i++)
        if (slice_equal(l[i].row.name, slice_from(name)))
            return listener_kind_find(l[i].kind);
    return NULL;
}

static int listener_open(struct intake_messages *m, const struct listener_socket *socket,
                         struct metric *metrics, struct err *err)
{
    const struct listener_kind *kind = kind_of(m->queue.live->config, socket->name);
    uint32_t at = 0;
    if (!kind || kind->service == LISTENER_HTTP)
        return ERR_OK;
    while (at < INTAKE_MESSAGE_KINDS && strcmp(kinds[at], kind->name) != 0)
        at++;
    check(at < INTAKE_MESSAGE_KINDS && m->stream_count + m->datagram_count < CONFIG_LISTENERS_MAX);
    metrics += at * INLET_METRICS;
    return kind->transport == LISTENER_DATAGRAM
               ? intake_datagram_open(&m->datagrams[m->datagram_count++], &m->queue, socket,
                                      metrics, err)
               : intake_stream_open(&m->streams[m->stream_count++], &m->queue, socket, metrics,
                                    err);
}

int intake_messages_open(struct intake_messages **out, const struct listener_socket *sockets,
                         uint32_t count, const struct live *live, struct intake_shared *shared,
                         struct metric *metrics, struct err *err)
{
    struct intake_messages *m = mem_zeroed(1, sizeof(*m));
    int rc = ERR_OK;
    *out = m;
    intake_queue_open(&m->queue, live, shared);
    for (uint32_t i = 0; i < count && rc == ERR_OK; i++)
        rc = listener_open(m, &sockets[i], metrics, err);
    if (rc == ERR_OK && m->datagram_count + m->stream_count)
        intake_queue_start(&m->queue);
    return rc;
}

void intake_messages_drain(struct intake_messages *m)
{
    for (uint32_t i = 0; i < m->datagram_count; i++)
        intake_datagram_drain(m->datagrams[i]);
    for (uint32_t i = 0; i < m->stream_count; i++)
        intake_stream_drain(m->streams[i]);
}

bool intake_messages_idle(struct intake_messages *m)
{
    bool idle = true;
    for (uint32_t i = 0; i < m->datagram_count; i++)
        idle = idle && intake_datagram_has_ended(m->datagrams[i]);
    for (uint32_t i = 0; i < m->stream_count; i++)
        idle = idle && intake_stream_has_ended(m->streams[i]);
    return idle && intake_queue_is_idle(&m->queue);
}

void intake_messages_close(struct intake_messages **out)
{
    struct intake_messages *m = *out;
    if (!m)
        return;
    intake_queue_end(&m->queue);
    for (uint32_t i = 0; i < m->datagram_count; i++)
        intake_datagram_join(m->datagrams[i]);
    for (uint32_t i = 0; i < m->stream_count; i++)
        intake_stream_join(m->streams[i]);
    intake_queue_close(&m->queue);
    for (uint32_t i = 0; i < m->datagram_count; i++)
        intake_datagram_close(&m->datagrams[i]);
    for (uint32_t i = 0; i < m->stream_count; i++)
        intake_stream_close(&m->streams[i]);
    mem_free(m);
    *out = NULL;
}
