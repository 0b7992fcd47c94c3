/* Parcel: records of one listener on their way from the thread that reads its socket to one that
 * judges them: texts, cut, and who sent each.
 *
 * Limits: whoever fills it gives it away at INTAKE_PARCEL_BYTES or INTAKE_PARCEL_RECORDS; then it
 * has room for one read more. Threads: one at a time. Ownership: copies all but formats. */
#pragma once
#include "base/ip.h"
#include "formats/split.h"
#include "watch/intake_lane.h"

#define INTAKE_PARCEL_BYTES ((size_t)1 << 20)
enum { INTAKE_PARCEL_RECORDS = 16384, INTAKE_PARCEL_SENDERS = 256 };

struct intake_inlet;
struct intake_parcel {
    struct intake_inlet *inlet;
    char *data; /* texts; INPUT_PADDING_BYTES more can be read */
    size_t len, capacity;
    size_t apart_bytes; /* of texts in arena */
    struct span_list spans;
    struct slice *senders; /* by span */
    size_t sender_capacity;
    struct intake_refusal *refusals;
    uint32_t refusal_count, refusal_capacity;
    uint64_t dropped_kernel, dropped_all; /* by the socket since the parcel before; ever */
    int64_t received_ns;
    uint64_t began_ns; /* monotonic: when its first record came; 0: it is empty */
    struct arena arena;
    struct { /* texts of addresses that were seen, by their hash */
        struct ip_address address;
        struct slice text;
    } seen[INTAKE_PARCEL_SENDERS];
    struct intake_parcel *next;
};

struct intake_parcel *intake_parcel_open(struct intake_inlet *inlet, size_t capacity);
void intake_parcel_close(struct intake_parcel **parcel);
void intake_parcel_clear(struct intake_parcel *p);
bool intake_parcel_is_empty(const struct intake_parcel *p);
bool intake_parcel_is_full(const struct intake_parcel *p);
/* A copy of text in data; there must be room. */
struct slice intake_parcel_text(struct intake_parcel *p, struct slice text);
/* Room for a text that is to be made; INPUT_PADDING_BYTES behind it can be read. */
char *intake_parcel_apart(struct intake_parcel *p, size_t len);
void intake_parcel_add(struct intake_parcel *p, struct span span, struct slice sender);
/* Spans that were appended to p->spans since there were `from` are of this sender. */
void intake_parcel_senders(struct intake_parcel *p, size_t from, struct slice sender);
/* text is copied, reason must last. */
void intake_parcel_refuse(struct intake_parcel *p, struct intake_refusal refusal);
struct slice intake_parcel_sender(struct intake_parcel *p, const struct ip_address *address);
