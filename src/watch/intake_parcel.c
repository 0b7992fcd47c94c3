#include "watch/intake_parcel.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "watch/intake_inlet.h"

struct intake_parcel *intake_parcel_open(struct intake_inlet *inlet, size_t capacity)
{
    struct intake_parcel *p = mem_zeroed(1, sizeof(*p));
    p->inlet = inlet;
    p->capacity = capacity;
    p->data = mem_zeroed(1, capacity + INPUT_PADDING_BYTES);
    return p;
}

void intake_parcel_close(struct intake_parcel **parcel)
{
    struct intake_parcel *p = *parcel;
    if (!p)
        return;
    span_list_free(&p->spans);
    arena_free(&p->arena);
    mem_free(p->senders);
    mem_free(p->refusals);
    mem_free(p->data);
    mem_free(p);
    *parcel = NULL;
}

void intake_parcel_clear(struct intake_parcel *p)
{
    p->len = p->apart_bytes = 0;
    p->spans.count = 0;
    p->refusal_count = 0;
    p->dropped_kernel = p->dropped_all = 0;
    p->began_ns = 0;
    arena_reset(&p->arena);
    memset(p->seen, 0, sizeof(p->seen));
}

bool intake_parcel_is_empty(const struct intake_parcel *p)
{
    return p->spans.count == 0 && p->refusal_count == 0;
}

bool intake_parcel_is_full(const struct intake_parcel *p)
{
    return p->len + p->apart_bytes >= INTAKE_PARCEL_BYTES ||
           p->spans.count + p->refusal_count >= INTAKE_PARCEL_RECORDS;
}

struct slice intake_parcel_text(struct intake_parcel *p, struct slice text)
{
    char *at = p->data + p->len;
    check(text.len <= p->capacity - p->len);
    if (text.len)
        memcpy(at, text.data, text.len);
    p->len += text.len;
    return slice_make(at, text.len);
}

char *intake_parcel_apart(struct intake_parcel *p, size_t len)
{
    char *at = arena_bytes(&p->arena, len + INPUT_PADDING_BYTES);
    memset(at + len, 0, INPUT_PADDING_BYTES);
    p->apart_bytes += len;
    return at;
}

static void begin(struct intake_parcel *p)
{
    if (p->began_ns)
        return;
    p->began_ns = clock_monotonic_ns();
    p->received_ns = clock_now_ns();
}

void intake_parcel_senders(struct intake_parcel *p, size_t from, struct slice sender)
{
    if (p->spans.count > p->sender_capacity) {
        p->sender_capacity = 2 * p->spans.count;
        p->senders = mem_resize(p->senders, p->sender_capacity, sizeof(*p->senders));
    }
    for (size_t i = from; i < p->spans.count; i++)
        p->senders[i] = sender;
    if (p->inlet)
        tally_add(p->inlet->tally, p->spans.count - from);
    if (p->spans.count > from)
        begin(p);
}

void intake_parcel_add(struct intake_parcel *p, struct span span, struct slice sender)
{
    span_list_add(&p->spans, span);
    intake_parcel_senders(p, p->spans.count - 1, sender);
}

void intake_parcel_refuse(struct intake_parcel *p, struct intake_refusal refusal)
{
    if (p->refusal_count == p->refusal_capacity) {
        p->refusal_capacity = p->refusal_capacity ? 2 * p->refusal_capacity : 16;
        p->refusals = mem_resize(p->refusals, p->refusal_capacity, sizeof(*p->refusals));
    }
    refusal.text = arena_copy(&p->arena, slice_part(refusal.text, 0, HARVEST_REFUSED_BYTES_MAX));
    p->apart_bytes += refusal.text.len;
    p->refusals[p->refusal_count++] = refusal;
    if (p->inlet)
        tally_add(p->inlet->tally, 1);
    begin(p);
}

struct slice intake_parcel_sender(struct intake_parcel *p, const struct ip_address *address)
{
    char text[IP_TEXT_BYTES];
    size_t at = hash_bytes(address->bytes, sizeof(address->bytes), 0) % INTAKE_PARCEL_SENDERS;
    if (!p->seen[at].text.data || memcmp(&p->seen[at].address, address, sizeof(*address)) != 0) {
        p->seen[at].address = *address;
        p->seen[at].text = arena_copy(&p->arena, slice_make(text, ip_text(text, address)));
    }
    return p->seen[at].text;
}
