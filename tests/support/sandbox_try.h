/* Tries inside a sandbox: each is made by a child that entered it first. Two folders with a file
 * each, of which sandboxes allow the first. Threads: one. */
#pragma once
#include "base/sandbox.h"

enum { SANDBOX_TRY_UNWANTED = 100 /* the child's exit: it went otherwise than it had to */ };

struct sandbox_try {
    char inside[32], outside[32];                     /* folders */
    struct buf inside_file, outside_file, inside_new; /* paths; the last is not there at first */
};
extern struct sandbox_try sandbox_try;

/* cmocka's group setup and teardown. */
int sandbox_try_make(void **state);
int sandbox_try_remove(void **state);

typedef int sandbox_try_body(void); /* in the child: its exit: 0, an errno, or ..._UNWANTED */
/* Status, as waitpid's. All layers that are offered must hold. */
int sandbox_try_run(unsigned may, bool landlock, sandbox_try_body *body);
static inline int sandbox_try_result(int rc, int errno_value)
{
    return rc < 0 ? errno_value : 0;
}
