/* Bodies: a JSON object in flat values. What is no such object is refused with its place.
 *
 * Limits: COMMAND_VALUES_MAX values; the server's on the length. Threads: any. Ownership: values
 * are in the arena or borrow from the body. */
#pragma once
#include "state/command.h"

struct body_command {
    struct slice name;
    struct command_value *values;
    uint32_t count;
    bool dry;
};
/* {"name":"unit.add","params":{"name":"a","parent":1,"unit":["x","y"]},"dry":false} */
MUST_CHECK int body_command(struct slice json, struct arena *arena, struct body_command *out,
                            struct err *err);
/* {"name":"a","limit":5,"partitions":["x"]}: every member a value, arrays several. */
MUST_CHECK int body_values(struct slice json, struct arena *arena, struct command_value **values,
                           uint32_t *count, struct err *err);
/* The value, or the empty slice. */
struct slice body_value(const struct command_value *values, uint32_t count, const char *name);
