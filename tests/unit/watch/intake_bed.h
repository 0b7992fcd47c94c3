/* A listener of messages with the test as whoever judges: parcels are taken from its queue.
 * Include behind cmocka.h. Threads: the listener's reading one beside the test's. */
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/listen.h"
#include "base/mem.h"
#include "watch/intake_inlet.h"
#include "watch/peer.h"

struct intake_bed {
    struct config *config;
    struct live live;
    struct live_source source;
    struct intake_shared *shared;
    struct intake_queue queue;
    struct listener_socket listener;
    struct metric metrics[INLET_METRICS];
    struct sockaddr_in at;
    struct buf got; /* "sender text|", with the part's number behind the text when it is one */
    uint64_t records, dropped;
    struct err err;
    uv_loop_t loop;
    struct peer *peers[2];
    int memory;
};

static inline void bed_message(void *context, struct peer *peer, struct wire_message *message)
{
    (void)context;
    (void)peer;
    (void)message;
}
static inline void bed_closed(void *context, struct peer *peer, const struct err *err)
{
    (void)context;
    (void)peer;
    (void)err;
}

/* From here on there is an engine, and it has told of its cursors. */
static inline void bed_resume(struct intake_bed *bed)
{
    struct wire_message resume = {.type = MESSAGE_RESUME};
    intake_shared_begin(bed->shared, bed->peers[0]);
    assert_int_equal(intake_shared_message(bed->shared, &resume, &bed->err), ERR_OK);
}

static inline struct intake_bed *bed_open(const char *kind, const char *more)
{
    static const struct peer_calls calls = {bed_message, bed_closed};
    struct intake_bed *bed = mem_zeroed(1, sizeof(*bed));
    struct buf yaml = {0};
    socklen_t size = sizeof(bed->at);
    int ends[2];
    buf_printf(&yaml,
               "sources:\n  - {name: net}\nlisteners:\n"
               "  - {name: in, kind: %s, listen: \"127.0.0.1:0\", source: net%s}\n",
               kind, more);
    if (config_open_text(&bed->config, buf_as_slice(&yaml), &bed->err) != ERR_OK)
        fail_msg("%s", bed->err.text);
    buf_free(&yaml);
    bed->source.row.name = SLICE("net");
    bed->live = (struct live){.config = bed->config, .sources = &bed->source, .source_count = 1};
    bed->memory = memfd_create("hauls", MFD_CLOEXEC);
    assert_int_equal(ftruncate(bed->memory, 4096), 0);
    assert_int_equal(intake_shared_open(&bed->shared, bed->memory, 1, 4096, NULL), ERR_OK);
    assert_int_equal(uv_loop_init(&bed->loop), 0);
    assert_int_equal(wire_pair(ends, NULL), ERR_OK);
    for (int i = 0; i < 2; i++)
        bed->peers[i] = peer_open(&bed->loop, ends[i], &calls, bed);
    intake_queue_open(&bed->queue, &bed->live, bed->shared);
    bed->listener.name = mem_copy_text("in", 2);
    assert_int_equal((strstr(kind, "udp") ? listen_open_datagram : listen_open)(
                         SLICE("127.0.0.1:0"), &bed->listener.fd, &bed->err),
                     ERR_OK);
    assert_int_equal(getsockname(bed->listener.fd, (struct sockaddr *)&bed->at, &size), 0);
    return bed;
}

/* Behind the listener's join and before its close. */
static inline void bed_end(struct intake_bed *bed)
{
    intake_shared_end(bed->shared);
    intake_queue_end(&bed->queue);
}

static inline void bed_close(struct intake_bed *bed)
{
    for (int i = 0; i < 2; i++)
        peer_close(&bed->peers[i]);
    (void)uv_run(&bed->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&bed->loop), 0);
    intake_shared_close(&bed->shared);
    (void)close(bed->memory);
    (void)close(bed->listener.fd);
    mem_free(bed->listener.name);
    config_close(&bed->config);
    buf_free(&bed->got);
    mem_free(bed);
}

/* The next parcel, as judged. */
static inline void bed_take(struct intake_bed *bed)
{
    struct intake_parcel *p = intake_queue_next(&bed->queue);
    assert_non_null(p);
    for (size_t i = 0; i < p->spans.count; i++) {
        buf_printf(&bed->got, "%.*s %.*s", (int)p->senders[i].len, p->senders[i].data,
                   (int)p->spans.spans[i].text.len, p->spans.spans[i].text.data);
        if (p->spans.spans[i].part)
            buf_printf(&bed->got, "#%u", (unsigned)p->spans.spans[i].part);
        buf_char(&bed->got, '|');
    }
    for (uint32_t i = 0; i < p->refusal_count; i++)
        buf_printf(&bed->got, "refused: %.*s|", (int)p->refusals[i].reason.len,
                   p->refusals[i].reason.data);
    bed->records += p->spans.count + p->refusal_count;
    bed->dropped += p->dropped_kernel;
    intake_queue_done(p);
}

static inline const char *bed_records(struct intake_bed *bed, uint64_t count)
{
    buf_clear(&bed->got);
    for (bed->records = 0; bed->records < count;)
        bed_take(bed);
    return buf_text(&bed->got);
}

static inline int bed_connect(const struct intake_bed *bed, int type, const char *from)
{
    struct sockaddr_in own = {.sin_family = AF_INET};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(inet_pton(AF_INET, from, &own.sin_addr), 1);
    assert_int_equal(bind(fd, (const struct sockaddr *)&own, sizeof(own)), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&bed->at, sizeof(bed->at)), 0);
    return fd;
}

static inline void bed_put(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}
