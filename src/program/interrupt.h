/* Interrupt: Ctrl-C and SIGTERM as a flag that a long command looks at. The second signal ends the
 * process at once. Threads: any may read the flag. */
#pragma once
#include <stdbool.h>

void interrupt_watch(void); /* also: a closed pipe is an error of writing, not a signal */
bool interrupt_came(void);
const bool *interrupt_flag(void);
