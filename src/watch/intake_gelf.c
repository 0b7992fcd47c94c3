#include "watch/intake_gelf.h"

#include "base/clock.h"
#include "base/hash.h"
#include "formats/unpack.h"

void intake_gelf_open(struct intake_gelf *g, size_t max_bytes)
{
    *g = (struct intake_gelf){.chunks = gelf_chunks_open(), .max_bytes = max_bytes};
}

void intake_gelf_close(struct intake_gelf *g)
{
    if (!g->chunks)
        return;
    gelf_chunks_close(&g->chunks);
    buf_free(&g->plain);
}

static void refuse(struct intake_parcel *p, enum ledger_count why, uint64_t line,
                   const char *reason)
{
    intake_parcel_refuse(
        p, (struct intake_refusal){.why = why, .line = line, .reason = slice_from(reason)});
}

/* What the chunks gave up since it was last told. */
static void counts_tell(struct intake_gelf *g, struct intake_parcel *p)
{
    struct gelf_counts now = gelf_chunks_counts(g->chunks);
    for (; g->told.incomplete < now.incomplete; g->told.incomplete++)
        refuse(p, LEDGER_REFUSED_SPLIT, ++g->count,
               "a GELF message came in chunks, and some of them never came");
    for (; g->told.bad < now.bad; g->told.bad++)
        refuse(p, LEDGER_REFUSED_SPLIT, ++g->count, "a GELF datagram is no chunk of its message");
    g->told = now;
}

void intake_gelf_tick(struct intake_gelf *g, struct intake_parcel *p)
{
    gelf_chunks_expire(g->chunks, (int64_t)clock_monotonic_ns());
    counts_tell(g, p);
}

static void message_add(struct intake_gelf *g, struct intake_parcel *p, struct slice message,
                        struct slice sender)
{
    struct err err;
    enum unpack_kind kind = unpack_of_magic(message);
    g->count++;
    buf_clear(&g->plain);
    if (kind != UNPACK_NONE) {
        int rc = unpack_run(kind, message, g->max_bytes, &g->plain, &err);
        if (rc != ERR_OK && rc != ERR_LIMIT) {
            refuse(p, LEDGER_REFUSED_PARSE, g->count, "a packed GELF message is damaged");
            return;
        }
        message = buf_as_slice(&g->plain);
        if (rc == ERR_LIMIT) {
            refuse(p, LEDGER_REFUSED_TOO_LONG, g->count,
                   "a GELF message is longer, unpacked, than the listener's message_bytes");
            return;
        }
    }
    if (message.len > g->max_bytes) {
        refuse(p, LEDGER_REFUSED_TOO_LONG, g->count,
               "a GELF message is longer than the listener's message_bytes");
        return;
    }
    char *text = intake_parcel_apart(p, message.len);
    if (message.len)
        memcpy(text, message.data, message.len);
    intake_parcel_add(p, (struct span){.text = slice_make(text, message.len), .line = g->count},
                      sender);
}

void intake_gelf_datagram(struct intake_gelf *g, struct intake_parcel *p, struct slice datagram,
                          const struct ip_address *from)
{
    struct slice message;
    uint64_t whose = hash_bytes(from->bytes, sizeof(from->bytes), 0);
    if (gelf_chunks_add(g->chunks, datagram, whose, (int64_t)clock_monotonic_ns(), &message))
        message_add(g, p, message, intake_parcel_sender(p, from));
    counts_tell(g, p);
}

void intake_gelf_feed(struct intake_gelf_cut *cut, struct slice block, bool last,
                      struct intake_parcel *p, size_t *used_bytes)
{
    *used_bytes = 0;
    while (*used_bytes < block.len) {
        struct slice rest = slice_part(block, *used_bytes, SIZE_MAX);
        size_t end = slice_find_char(rest, '\0');
        bool ends = end != SLICE_NONE;
        size_t len = ends ? end : rest.len;
        if (!ends && len <= cut->max_bytes && !last && !cut->passes_over)
            return;
        struct slice text = slice_trim(slice_part(rest, 0, len));
        if (!cut->passes_over && text.len)
            cut->count++;
        if (!cut->passes_over && len > cut->max_bytes)
            refuse(p, LEDGER_REFUSED_TOO_LONG, cut->count,
                   "a GELF message is longer than the listener's message_bytes");
        else if (!cut->passes_over && text.len)
            span_list_add(&p->spans, (struct span){.text = text,
                                                   .line = cut->count,
                                                   .part = ends ? SPAN_WHOLE : SPAN_UNFINISHED});
        cut->passes_over = !ends && !last && (cut->passes_over || len > cut->max_bytes);
        *used_bytes += len + (ends ? 1 : 0);
    }
}
