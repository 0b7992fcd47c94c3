#include "program/interrupt.h"

#include <signal.h>
#include <stddef.h>

static bool came;

static void interrupt(int signal_number)
{
    (void)signal_number;
    __atomic_store_n(&came, true, __ATOMIC_RELAXED);
}

void interrupt_watch(void)
{
    struct sigaction action = {.sa_handler = interrupt, .sa_flags = (int)SA_RESETHAND};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

bool interrupt_came(void)
{
    return __atomic_load_n(&came, __ATOMIC_RELAXED);
}

const bool *interrupt_flag(void)
{
    return &came;
}
