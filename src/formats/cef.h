/* CEF (ArcSight Common Event Format, revision 27) and LEEF (IBM QRadar, 1.0 and 2.0) lines, alone
 * or behind a syslog header, whose fields then come first.
 *
 * Fields: CEFVersion, DeviceVendor, DeviceProduct, DeviceVersion, SignatureID, Name, Severity, then
 * the extension's keys as written; cs1Label=Rule cs1=x also gives Rule = x (FIELD_DERIVED). LEEF:
 * LEEFVersion, DeviceVendor, DeviceProduct, DeviceVersion, EventID, then its attributes.
 * Limits: those of record.h; CEF_LABELS_MAX labels a record make extra fields.
 * Threads: any. Ownership: slices borrow from text or the record's arena. */
#pragma once
#include "formats/format.h"

enum { CEF_LABELS_MAX = 32 };

MUST_CHECK int cef_parse(struct record *r, struct slice text, const struct format_header *header,
                         struct err *err);
int cef_probe(struct slice head);

/* True when text begins with a CEF or LEEF header, without anything before it. */
bool cef_begins(struct slice text);
/* Adds the fields of text, for which cef_begins holds, to what is in r. */
MUST_CHECK int cef_add(struct record *r, struct slice text, struct err *err);
