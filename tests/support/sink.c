/* A receiver of webhooks on loopback, for tests:
 *
 *   canh_sink PORT_FILE LOG_FILE [FAILURES]
 *
 * Writes its port into PORT_FILE, answers the first FAILURES requests with 503, and before it
 * answers any other appends to LOG_FILE a line: key, signature or "-", body. Ends with its standard
 * input, and by itself after SINK_SECONDS_MAX. */
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SINK_SECONDS_MAX = 600, BODY_BYTES_MAX = 64 << 10 };

struct sink {
    int log_fd;
    unsigned long failures;
};

struct body {
    size_t len;
    char data[BODY_BYTES_MAX];
};

static const char *header(struct MHD_Connection *c, const char *name)
{
    const char *value = MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
    return value ? value : "-";
}

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return result;
}

static enum MHD_Result request(void *context, struct MHD_Connection *c, const char *url,
                               const char *method, const char *version, const char *data,
                               size_t *len, void **own)
{
    struct sink *s = context;
    struct body *body = *own;
    (void)url;
    (void)method;
    (void)version;
    if (!body) {
        *own = calloc(1, sizeof(*body));
        return *own ? MHD_YES : MHD_NO;
    }
    if (*len) {
        size_t room = sizeof body->data - body->len;
        size_t take = *len < room ? *len : room;
        memcpy(body->data + body->len, data, take);
        body->len += take;
        *len = 0;
        return MHD_YES;
    }
    if (s->failures) {
        s->failures--;
        return answer(c, MHD_HTTP_SERVICE_UNAVAILABLE);
    }
    dprintf(s->log_fd, "%s %s %.*s\n", header(c, "Idempotency-Key"), header(c, "Canh-Signature"),
            (int)body->len, body->data);
    return answer(c, MHD_HTTP_NO_CONTENT);
}

static void request_end(void *context, struct MHD_Connection *c, void **own,
                        enum MHD_RequestTerminationCode code)
{
    (void)context;
    (void)c;
    (void)code;
    free(*own);
    *own = NULL;
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sink sink = {.failures = argc > 3 ? strtoul(argv[3], NULL, 10) : 0};
    if (argc < 3)
        return 2;
    sink.log_fd = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, request, &sink,
                         MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
                         MHD_OPTION_NOTIFY_COMPLETED, request_end, NULL, MHD_OPTION_END);
    if (sink.log_fd < 0 || !daemon)
        return 3;
    FILE *port = fopen(argv[1], "w");
    if (!port)
        return 3;
    fprintf(port, "%u\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fclose(port);
    struct pollfd end = {.fd = STDIN_FILENO, .events = POLLIN};
    char byte;
    while (poll(&end, 1, SINK_SECONDS_MAX * 1000) > 0 && read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    MHD_stop_daemon(daemon);
    return 0;
}
