/* Windows events: their XML and their JSON shapes under the names that Sigma uses.
 *
 * Members of System come to the top (EventID, Channel, Computer, Level, EventRecordID ...),
 * attributes as Element_Attribute (Provider_Name, Execution_ProcessID, Security_UserID); the time
 * of TimeCreated has both names `TimeCreated` and `SystemTime`. Members of EventData, and of the
 * one element inside UserData, come to the top under their own names as received; what has no name
 * is `Data`. The message of RenderingInfo is `Message`, the rest of it keeps its place
 * (`RenderingInfo.Level`). Limits: WINEVENT_DEPTH_MAX elements deep, and those of record.h.
 * Threads: any. */
#pragma once
#include "formats/record.h"

enum { WINEVENT_DEPTH_MAX = 32 };

/* Gives the fields of {"Event":{"System":..,"EventData":..}} (already flattened by
 * json_parse_record) their names; a record of any other shape is left as it is, at the price of one
 * look at its first field. ERR_LIMIT when the record grows past its limits. */
MUST_CHECK int winevent_json_flatten(struct record *r, struct err *err);
/* The same of the fields from `first` on: those before it (a syslog header's) stay as they are. */
MUST_CHECK int winevent_json_flatten_from(struct record *r, uint32_t first, struct err *err);

/* One <Event> element, its fields behind what is in r. Control characters and bytes that XML does
 * not allow become U+FFFD. ERR_SYNTAX: no well-formed XML, not an event, or it has a document type
 * (refused: no entities are read). */
struct format_header;
MUST_CHECK int winevent_xml_parse(struct record *r, struct slice text,
                                  const struct format_header *header, struct err *err);
/* The same for the XML that evtx.h gives: hexadecimal values lose their leading zeros, as Windows
 * itself writes them (0x3e7), and carriage returns stay. */
MUST_CHECK int winevent_evtx_parse(struct record *r, struct slice text,
                                   const struct format_header *header, struct err *err);
int winevent_xml_probe(struct slice head);
