/* EVTX: Windows event log files, by libevtx; each record comes as one XML text (winevent.h reads
 * it).
 *
 * Limits: EVTX_BYTES_MAX a file that does not lie on disk by itself (archive member, pipe);
 * EVTX_XML_BYTES_MAX a record. Threads: one a file; different files may be read at the same time.
 * This is the one reader of the formats floor that reads a file itself: libevtx wants to seek. */
#pragma once
#include "base/str.h"

#define EVTX_BYTES_MAX     ((uint64_t)1 << 30)
#define EVTX_XML_BYTES_MAX ((size_t)16 << 20)

struct evtx;
bool evtx_signature(struct slice head); /* the first bytes are those of an EVTX file */
/* fd: can be sought in; borrowed until evtx_close. */
MUST_CHECK int evtx_open(struct evtx **out, int fd, struct err *err);
/* The next record: its XML appended to xml, *record_number its EventRecordID as the file has it (0
 * when unknown). ERR_END after the last, ERR_SYNTAX or ERR_LIMIT for one record that cannot be
 * read: go on. Records that libevtx recovered from unused space come last. */
MUST_CHECK int evtx_next(struct evtx *e, struct buf *xml, uint64_t *record_number, struct err *err);
/* The file has damaged parts: what is in them was not given. */
bool evtx_damaged(const struct evtx *e);
void evtx_close(struct evtx **e);
