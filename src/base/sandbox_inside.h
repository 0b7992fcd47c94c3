/* Inside of sandbox*.c. */
#pragma once
#include "base/sandbox.h"

/* seccomp: from here on. ERR_IO. */
MUST_CHECK int sandbox_calls_enter(unsigned may, struct err *err);
bool sandbox_calls_offered(void);
/* The names of calls that the filter is made of, by rows of words parted by blanks, NULL behind the
 * last: the test looks whether libseccomp knows them. */
const char *sandbox_calls_names(size_t row);

/* Landlock: from here on. */
MUST_CHECK int sandbox_landlock_enter(const struct sandbox *sandbox, int version, struct err *err);
int sandbox_landlock_version(void); /* 0: none */
