/* From quote offsets (json_index.h) to a record: private to formats/ and its tests. Threads: any.
 */
#pragma once
#include "formats/json_index.h"
#include "formats/record.h"

/* One JSON object into fields, as json_parse_record. False: not an object, or wrong, or over a
 * limit; then r holds the fields that it held before, and json_record_portable tells what it is. */
bool json_walk(struct record *r, struct slice text, json_index_fill *fill);
