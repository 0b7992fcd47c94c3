/* Elasticsearch's _bulk on loopback, as far as tests need it:
 *
 *   canh_bulk_sink PORT_FILE LOG_FILE MODE_FILE
 *
 * Writes its port into PORT_FILE. For each request it looks into MODE_FILE, whose words say how it
 * is to behave (none, or no such file: all is well):
 *   503, 401, 429   the request is answered so
 *   cut             documents are kept, the connection ends without an answer
 *   size N          requests of more than N bytes are answered 413
 *   again N         each Nth document is answered 429
 *   refuse TEXT     documents with this text are answered 400
 * Of each document that is kept LOG_FILE gets a line: action, index, id, document; requests that it
 * cannot read get "bad ...". Ends with its standard input, and after SINK_SECONDS_MAX. */
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SINK_SECONDS_MAX = 900, ROOM_BYTES = 8 << 20, ANSWER_BYTES = 4 << 20 };

struct sink {
    int log_fd;
    const char *mode_path;
    unsigned long documents;
};

struct body {
    size_t len;
    char data[ROOM_BYTES + 1];
};

struct mode {
    unsigned status;
    unsigned long size, again;
    int cut;
    char refuse[64];
};

static void mode_read(const char *path, struct mode *m)
{
    char text[256] = "";
    memset(m, 0, sizeof(*m));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    char *rest = text, *word, *value;
    while ((word = strsep(&rest, " \n"))) {
        if (strcmp(word, "cut") == 0)
            m->cut = 1;
        else if (word[0] >= '1' && word[0] <= '9')
            m->status = (unsigned)strtoul(word, NULL, 10);
        else if (word[0] && (value = strsep(&rest, " \n"))) {
            if (strcmp(word, "size") == 0)
                m->size = strtoul(value, NULL, 10);
            else if (strcmp(word, "again") == 0)
                m->again = strtoul(value, NULL, 10);
            else
                snprintf(m->refuse, sizeof(m->refuse), "%s", value);
        }
    }
}

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, const char *text)
{
    struct MHD_Response *r =
        MHD_create_response_from_buffer(strlen(text), (void *)(size_t)text, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return result;
}

/* The text behind "NAME":" up to the next quotation mark. */
static int member(const char *line, const char *name, char *out, size_t room)
{
    char mark[32];
    snprintf(mark, sizeof(mark), "\"%s\":\"", name);
    const char *at = strstr(line, mark);
    if (!at)
        return 0;
    at += strlen(mark);
    size_t len = strcspn(at, "\"");
    snprintf(out, room, "%.*s", (int)len, at);
    return 1;
}

/* One action line and its document. Returns its status; 0: not one. */
static unsigned document_take(struct sink *s, const struct mode *m, const char *action,
                              const char *document)
{
    char index[256], id[64];
    const char *kind = strncmp(action, "{\"index\":{", 10) == 0    ? "index"
                       : strncmp(action, "{\"create\":{", 11) == 0 ? "create"
                                                                   : NULL;
    if (!kind || !member(action, "_index", index, sizeof(index)) ||
        !member(action, "_id", id, sizeof(id)) || document[0] != '{')
        return 0;
    s->documents++;
    if (m->refuse[0] && strstr(document, m->refuse))
        return 400;
    if (m->again && s->documents % m->again == 0)
        return 429;
    dprintf(s->log_fd, "%s %s %s %s\n", kind, index, id, document);
    return 201;
}

static enum MHD_Result bulk(struct sink *s, const struct mode *m, struct MHD_Connection *c,
                            struct body *body)
{
    static char out[ANSWER_BYTES];
    char *rest = body->data, *action, *document;
    size_t len = 0;
    int errors = 0;
    len += (size_t)snprintf(out, sizeof(out), "{\"took\":1,\"items\":[");
    while ((action = strsep(&rest, "\n")) && action[0]) {
        document = strsep(&rest, "\n");
        unsigned status = document ? document_take(s, m, action, document) : 0;
        if (status == 0) {
            dprintf(s->log_fd, "bad %s\n", action);
            return answer(c, 400, "{\"error\":{\"type\":\"bad\",\"reason\":\"no bulk\"}}");
        }
        errors |= status >= 300;
        len += (size_t)snprintf(out + len, sizeof(out) - len, "%s{\"index\":{\"status\":%u%s}}",
                                out[len - 1] == '[' ? "" : ",", status,
                                status < 300 ? ""
                                : status == 400
                                    ? ",\"error\":{\"type\":\"mapper_parsing_exception\","
                                      "\"reason\":\"failed to parse field\"}"
                                    : ",\"error\":{\"type\":\"es_rejected_execution_exception\","
                                      "\"reason\":\"queue full\"}");
    }
    snprintf(out + len, sizeof(out) - len, "],\"errors\":%s}", errors ? "true" : "false");
    return m->cut ? MHD_NO : answer(c, 200, out);
}

static enum MHD_Result request(void *context, struct MHD_Connection *c, const char *url,
                               const char *method, const char *version, const char *data,
                               size_t *len, void **own)
{
    struct sink *s = context;
    struct body *body = *own;
    struct mode m;
    (void)version;
    if (!body) {
        *own = calloc(1, sizeof(*body));
        return *own ? MHD_YES : MHD_NO;
    }
    if (*len) {
        size_t room = ROOM_BYTES - body->len, take = *len < room ? *len : room;
        memcpy(body->data + body->len, data, take);
        body->len += take;
        *len = 0;
        return MHD_YES;
    }
    body->data[body->len] = '\0';
    mode_read(s->mode_path, &m);
    const char *secret = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Authorization");
    if (strcmp(method, "POST") != 0 || strcmp(url, "/_bulk") != 0) {
        dprintf(s->log_fd, "bad %s %s\n", method, url);
        return answer(c, 404, "{}");
    }
    if (secret)
        dprintf(s->log_fd, "secret %s\n", secret);
    if (m.status)
        return answer(c, m.status, "{\"error\":{\"type\":\"as_told\",\"reason\":\"mode\"}}");
    if (m.size && body->len > m.size)
        return answer(c, 413, "too large");
    return bulk(s, &m, c, body);
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
    struct sink sink = {.mode_path = argc > 3 ? argv[3] : ""};
    if (argc < 4)
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
