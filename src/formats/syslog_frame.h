/* Syslog over a stream (TCP, TLS): cuts the bytes of one connection into messages.
 *
 * Both framings of RFC 6587, decided anew for each message:
 * - Octet counting, `MSG-LEN SP MSG`, when it begins with a number from 1 to
 *   SYSLOG_FRAME_COUNTED_MAX, a blank and the < of the message's PRI. It may hold line ends.
 * - Else a line: up to LF, CR LF or NUL. Also a line that only begins with digits.
 * Empty messages, and the line ends that some senders put behind counted messages, are no records.
 *
 * A message over `max_bytes` is not cut short: it is given out in parts, each a span of its own
 * (span.part, never in the middle of a UTF-8 character), and counts once in `oversized`. A counted
 * message that the connection's end cuts off is given out as far as it came (SPAN_UNFINISHED); a
 * line needs no line end there.
 *
 * After nonsense (a wrong MSG-LEN): what follows is a line, so reading goes on in step at the next
 * LF or NUL, or at the next message when the sender uses line ends. Nothing between is lost: it is
 * given out as messages, which the parser takes for plain text.
 *
 * Limits: no memory of its own. Threads: one connection's reader belongs to one. Ownership: spans
 * borrow from the block. */
#pragma once
#include "formats/split.h"

#define SYSLOG_FRAME_BYTES_MAX   ((size_t)64 << 10) /* the usual max_bytes */
#define SYSLOG_FRAME_COUNTED_MAX ((uint64_t)16 << 20)
/* A block of max_bytes and so many more is always moved on by. */
enum { SYSLOG_FRAME_HEAD_BYTES = 16 };

struct syslog_frame {
    size_t max_bytes;    /* of a span; 16 or more */
    size_t counted_left; /* of a counted message that comes in parts */
    bool in_line;        /* of a line that comes in parts */
    uint64_t count;      /* spans given out: what was received */
    uint64_t messages;   /* the same without later parts; span.line is its number */
    uint64_t oversized, unfinished;
};

static inline struct syslog_frame syslog_frame_start(size_t max_bytes)
{
    return (struct syslog_frame){.max_bytes = max_bytes};
}

/* Like split_feed: block goes on where used_bytes of the block before ended; whole messages are
 * appended to out. last: the connection has ended. */
void syslog_frame_feed(struct syslog_frame *f, struct slice block, bool last, struct span_list *out,
                       size_t *used_bytes);
