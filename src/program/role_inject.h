/* Role injection: in test builds (CANH_INJECT) a role tries, once its sandbox is on, what it may
 * not do, and logs how that went, or breaks the rules of its wire to the engine. Otherwise
 * nothing. */
#pragma once
#include "program/role.h"

#ifdef CANH_INJECT
void role_inject(struct role_context *c);
void role_inject_wire(struct role_context *c); /* role_inject_wire.c: called by the other */
#else
static inline void role_inject(struct role_context *c)
{
    (void)c;
}
#endif
