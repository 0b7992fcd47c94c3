/* A body that was posted: token, gzip, records, hauls. */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <zlib.h>

#include "base/mem.h"
#include "formats/split.h"
#include "watch/intake_http_inside.h"

enum { PIECE_BYTES = 1 << 20, TOKEN_BYTES_MAX = 256, FROM_BYTES = 64, GZIP_WINDOW = 15 + 16 };
#define SLOT_WAIT_NS ((uint64_t)15 * CLOCK_SECOND_NS)

static void from_text(struct http_request *r, char out[FROM_BYTES])
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    out[0] = '\0';
    if (!info || !info->client_addr)
        return;
    if (info->client_addr->sa_family == AF_INET)
        (void)inet_ntop(AF_INET, &((const struct sockaddr_in *)info->client_addr)->sin_addr, out,
                        FROM_BYTES);
    else if (info->client_addr->sa_family == AF_INET6)
        (void)inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)info->client_addr)->sin6_addr, out,
                        FROM_BYTES);
}

static void unavailable(struct http_request *r, int rc)
{
    http_fail(r, MHD_HTTP_SERVICE_UNAVAILABLE,
              rc == ERR_FULL          ? HTTP_TEXT_DISK
              : rc == ERR_UNSUPPORTED ? HTTP_TEXT_RULES
              : rc == ERR_CANCELED    ? HTTP_TEXT_ENDING
                                      : HTTP_TEXT_STORE);
}

static bool token_holds(struct http_request *r)
{
    char from[FROM_BYTES];
    struct err err = {0};
    if (!r->listener->config->token)
        return true;
    struct slice header = slice_from(
        MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION));
    struct slice token = slice_trim(slice_part(header, sizeof("Bearer ") - 1, SIZE_MAX));
    from_text(r, from);
    if (token.len == 0 || token.len > TOKEN_BYTES_MAX) {
        http_fail(r, MHD_HTTP_UNAUTHORIZED, HTTP_TEXT_TOKEN);
        return false;
    }
    int rc =
        intake_shared_may(r->listener->http->shared, token, slice_from(from), RIGHT_INGEST, &err);
    if (rc == ERR_OK)
        return true;
    if (rc == ERR_LIMIT)
        http_fail(r, MHD_HTTP_TOO_MANY_REQUESTS, HTTP_TEXT_TOKENS);
    else if (rc == ERR_USAGE)
        http_fail(r, MHD_HTTP_FORBIDDEN, HTTP_TEXT_TOKEN_RIGHT);
    else if (rc == ERR_BUSY || rc == ERR_CLOSED || rc == ERR_CANCELED || rc == ERR_FULL)
        unavailable(r, rc);
    else
        http_fail(r, MHD_HTTP_UNAUTHORIZED, HTTP_TEXT_TOKEN_UNKNOWN);
    return false;
}

/* Unpacks in steps, so that what would become too much is never made. */
static bool unpack(struct http_request *r, struct buf *out, size_t max)
{
    z_stream z = {.next_in = (Bytef *)r->body.data, .avail_in = (uInt)r->body.len};
    int rc = Z_OK;
    if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
        return false;
    while (rc == Z_OK && out->len <= max) {
        buf_reserve(out, PIECE_BYTES);
        z.next_out = (Bytef *)out->data + out->len;
        z.avail_out = PIECE_BYTES;
        rc = inflate(&z, Z_NO_FLUSH);
        out->len += PIECE_BYTES - z.avail_out;
        if (rc == Z_STREAM_END && z.avail_in > 0) /* a further member */
            rc = inflateReset(&z);
    }
    (void)inflateEnd(&z);
    if (out->len > max)
        http_fail(r, MHD_HTTP_CONTENT_TOO_LARGE, HTTP_TEXT_LENGTH_UNPACKED);
    else if (rc != Z_STREAM_END)
        http_fail(r, MHD_HTTP_BAD_REQUEST, HTTP_TEXT_GZIP);
    return r->status == 0;
}

static bool body_unpack(struct http_request *r)
{
    struct buf plain = {0};
    if (!r->is_gzip)
        return true;
    bool holds = unpack(r, &plain, r->listener->config->body_bytes);
    buf_free(&r->body);
    r->body = plain;
    return holds;
}

/* The next records: at least a piece's worth of bytes. False: that was all. */
static bool piece_split(struct split *split, struct slice *rest, struct input_block *block)
{
    size_t want = PIECE_BYTES, used = 0;
    if (rest->len == 0)
        return false;
    for (;; want *= 2) {
        bool last = want >= rest->len;
        split_feed(split, slice_part(*rest, 0, want), last, &block->arena, &block->spans, &used);
        if (used || last) {
            *rest = last ? slice_part(*rest, rest->len, 0) : slice_part(*rest, used, SIZE_MAX);
            return true;
        }
    }
}

void http_body_judge(struct http_request *r, struct intake_lane *judge)
{
    struct err err = {0};
    int rc = ERR_OK;
    if (!token_holds(r) || !body_unpack(r))
        return;
    struct split *split = split_open(r->listener->file.format);
    struct intake_block block = {.source = r->listener->source,
                                 .file = &r->listener->file,
                                 .split = split,
                                 .received_ns = clock_now_ns(),
                                 .wait_ns = SLOT_WAIT_NS};
    size_t len = r->body.len;
    buf_reserve(&r->body, INPUT_PADDING_BYTES);
    memset(r->body.data + len, 0, INPUT_PADDING_BYTES);
    struct slice rest = slice_make(r->body.data, len);
    while (rc == ERR_OK && piece_split(split, &rest, intake_lane_block(judge)))
        rc = intake_lane_run(judge, &block, &err);
    split_close(&split);
    r->stored = block.stored;
    r->refused = block.refused;
    if (rc)
        unavailable(r, rc);
    else
        r->status = MHD_HTTP_OK;
}
