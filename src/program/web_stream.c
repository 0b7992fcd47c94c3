#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "program/web.h"

enum { STREAM_BLOCK_BYTES = 32 << 10, STREAM_EVENTS = 16 };
struct stream {
    struct web *web;
    struct web_request *request; /* which ends before its stream is freed */
    int fd;
    bool ended;    /* its last line was there */
    bool raw;      /* the sign before its last line stays */
    bool at_start; /* of a line */
};

static void stream_ready(uv_poll_t *poll, int status, int events)
{
    struct web *web = poll->data;
    struct epoll_event ready[STREAM_EVENTS];
    (void)status;
    (void)events;
    int count = epoll_wait(web->epoll, ready, STREAM_EVENTS, 0);
    (void)pthread_mutex_lock(&web->lock);
    for (int i = 0; i < count; i++) {
        struct web_request *r = web->requests[ready[i].data.u32];
        if (r && r->stream_fd >= 0)
            web_resume(r);
    }
    (void)pthread_mutex_unlock(&web->lock);
}

int web_stream_open(struct web *web, struct err *err)
{
    web->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (web->epoll < 0)
        return err_set_errno(err, errno, "epoll_create1");
    check(uv_poll_init(&web->context->loop, &web->poll, web->epoll) == 0);
    web->poll.data = web;
    check(uv_poll_start(&web->poll, UV_READABLE, stream_ready) == 0);
    return ERR_OK;
}

void web_stream_close(struct web *web)
{
    (void)uv_poll_stop(&web->poll);
    (void)close(web->epoll);
}

/* What was read, with the sign before the last line left out; that line is a member like others. */
static ssize_t stream_pass(struct stream *s, char *block, size_t len)
{
    size_t out = 0;
    for (size_t i = 0; i < len; i++) {
        if (s->at_start && block[i] == ASK_END[0]) {
            s->ended = true;
            if (!s->raw)
                continue;
        }
        s->at_start = block[i] == '\n';
        block[out++] = block[i];
    }
    return (ssize_t)out;
}

static bool stream_wait(struct stream *s)
{
    struct web_request *r = s->request;
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.u32 = r->slot};
    bool cut;
    (void)pthread_mutex_lock(&r->web->lock);
    cut = r->cut || r->web->closing || epoll_ctl(r->web->epoll, EPOLL_CTL_MOD, s->fd, &event) != 0;
    if (!cut) {
        r->ask_until_ns = clock_monotonic_ns() + WEB_STREAM_S * (uint64_t)CLOCK_SECOND_NS;
        r->suspended = true;
        MHD_suspend_connection(r->connection);
    }
    (void)pthread_mutex_unlock(&r->web->lock);
    return !cut;
}

static ssize_t stream_read(void *context, uint64_t position, char *block, size_t max)
{
    struct stream *s = context;
    (void)position;
    for (;;) {
        ssize_t got = read(s->fd, block, max);
        if (got > 0)
            got = stream_pass(s, block, (size_t)got);
        else if (got == 0)
            return s->ended ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
        else if (errno == EAGAIN)
            return stream_wait(s) ? 0 : MHD_CONTENT_READER_END_WITH_ERROR;
        else if (errno != EINTR)
            return MHD_CONTENT_READER_END_WITH_ERROR;
        if (got > 0)
            return got;
    }
}

static void stream_free(void *context)
{
    struct stream *s = context;
    struct web *web = s->web;
    (void)pthread_mutex_lock(&web->lock);
    web->stream_count--;
    (void)close(s->fd);
    (void)pthread_mutex_unlock(&web->lock);
    mem_free(s);
}

void web_stream_end(struct web_request *r)
{
    (void)pthread_mutex_lock(&r->web->lock);
    if (r->stream_fd >= 0)
        (void)epoll_ctl(r->web->epoll, EPOLL_CTL_DEL, r->stream_fd, NULL);
    r->stream_fd = -1;
    (void)pthread_mutex_unlock(&r->web->lock);
}

struct MHD_Response *web_stream_response(struct web_request *r)
{
    struct web *web = r->web;
    int fd = r->x.response.stream_fd;
    struct epoll_event event = {.data.u32 = r->slot};
    int flags = fcntl(fd, F_GETFL);
    bool may;
    r->x.response.stream_fd = -1;
    (void)pthread_mutex_lock(&web->lock);
    may = web->stream_count < WEB_STREAMS_MAX && flags >= 0 &&
          fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
          epoll_ctl(web->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
    web->stream_count += may;
    r->stream_fd = may ? fd : -1;
    (void)pthread_mutex_unlock(&web->lock);
    if (!may) {
        (void)close(fd);
        return NULL;
    }
    struct stream *s = mem_zeroed(1, sizeof *s);
    *s = (struct stream){
        .web = web, .request = r, .fd = fd, .raw = r->x.response.stream_raw, .at_start = true};
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, stream_read, s,
                                             stream_free);
}
