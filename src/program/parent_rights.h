/* Parent rights: what the process of `canh serve` gives up once its ports are open. Threads: before
 * there is any other. */
#pragma once
#include "base/sandbox.h"

/* As root: all capabilities but those that starting and ending roles wants; then the sandbox of who
 * starts others. *layers as sandbox_enter. */
MUST_CHECK int parent_rights_drop(unsigned *layers, struct err *err);
