#include "formats/gelf_chunks.h"

#include "base/bytes.h"
#include "base/mem.h"

enum { HEAD_BYTES = 12, ID_AT = 2, NUMBER_AT = 10, COUNT_AT = 11 };

struct chunk {
    char *data; /* NULL: did not come yet */
    size_t len;
};

struct message {
    uint64_t sender, id;
    int64_t since_ns;
    size_t bytes;
    unsigned count, have;
    struct chunk *chunks; /* count of them */
};

struct gelf_chunks {
    struct message open[GELF_OPEN_MAX]; /* oldest first */
    size_t open_count, bytes;
    struct buf whole;
    struct gelf_counts counts;
};

struct gelf_chunks *gelf_chunks_open(void)
{
    return mem_zeroed(1, sizeof(struct gelf_chunks));
}

static void message_remove(struct gelf_chunks *c, size_t at)
{
    struct message *m = &c->open[at];
    for (unsigned i = 0; i < m->count; i++)
        mem_free(m->chunks[i].data);
    mem_free(m->chunks);
    c->bytes -= m->bytes;
    c->open_count--;
    memmove(m, m + 1, (c->open_count - at) * sizeof(*m));
}

void gelf_chunks_expire(struct gelf_chunks *c, int64_t now_ns)
{
    while (c->open_count > 0 && now_ns - c->open[0].since_ns > GELF_AGE_NS) {
        message_remove(c, 0);
        c->counts.incomplete++;
    }
}

static size_t message_find(const struct gelf_chunks *c, uint64_t sender, uint64_t id)
{
    size_t at = 0;
    while (at < c->open_count && (c->open[at].sender != sender || c->open[at].id != id))
        at++;
    return at;
}

static size_t message_add(struct gelf_chunks *c, struct message m)
{
    if (c->open_count == GELF_OPEN_MAX) {
        message_remove(c, 0);
        c->counts.incomplete++;
    }
    m.chunks = mem_zeroed(m.count, sizeof(*m.chunks));
    c->open[c->open_count] = m;
    return c->open_count++;
}

static void message_join(struct gelf_chunks *c, size_t at, struct slice *message)
{
    const struct message *m = &c->open[at];
    buf_clear(&c->whole);
    for (unsigned i = 0; i < m->count; i++)
        buf_append(&c->whole, m->chunks[i].data, m->chunks[i].len);
    message_remove(c, at);
    *message = buf_as_slice(&c->whole);
}

static bool chunk_bad(struct gelf_chunks *c)
{
    c->counts.bad++;
    return false;
}

bool gelf_chunks_add(struct gelf_chunks *c, struct slice datagram, uint64_t sender, int64_t now_ns,
                     struct slice *message)
{
    gelf_chunks_expire(c, now_ns);
    *message = datagram;
    if (!slice_starts(datagram, SLICE("\x1e\x0f")))
        return datagram.len > 0 || chunk_bad(c);
    if (datagram.len <= HEAD_BYTES)
        return chunk_bad(c);
    unsigned number = (unsigned char)datagram.data[NUMBER_AT];
    unsigned count = (unsigned char)datagram.data[COUNT_AT];
    struct slice part = slice_part(datagram, HEAD_BYTES, datagram.len);
    if (count == 0 || count > GELF_CHUNKS_MAX || number >= count)
        return chunk_bad(c);
    uint64_t id = bytes_u64(datagram.data + ID_AT);
    size_t at = message_find(c, sender, id);
    if (at == c->open_count)
        at = message_add(
            c, (struct message){.sender = sender, .id = id, .since_ns = now_ns, .count = count});
    struct message *m = &c->open[at];
    if (m->count != count || m->bytes + part.len > GELF_MESSAGE_BYTES_MAX)
        return chunk_bad(c);
    if (m->chunks[number].data) {
        c->counts.repeated++;
        return false;
    }
    m->chunks[number] = (struct chunk){mem_copy_text(part.data, part.len), part.len};
    m->bytes += part.len;
    c->bytes += part.len;
    if (++m->have == m->count) {
        message_join(c, at, message);
        return true;
    }
    while (c->bytes > GELF_OPEN_BYTES_MAX) {
        message_remove(c, 0);
        c->counts.incomplete++;
    }
    return false;
}

size_t gelf_chunks_waiting(const struct gelf_chunks *c)
{
    return c->open_count;
}

struct gelf_counts gelf_chunks_counts(const struct gelf_chunks *c)
{
    return c->counts;
}

void gelf_chunks_close(struct gelf_chunks **c)
{
    if (!*c)
        return;
    while ((*c)->open_count > 0)
        message_remove(*c, (*c)->open_count - 1);
    buf_free(&(*c)->whole);
    mem_free(*c);
    *c = NULL;
}
