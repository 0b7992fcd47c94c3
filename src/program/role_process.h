/* Role process: what every role measures of its own process, packed with what it counts itself. */
#pragma once
#include "program/role.h"

/* metric_pack of the context's metrics and of the process, appended. */
void role_process_pack(const struct role_context *c, struct buf *out);
