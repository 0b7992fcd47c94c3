/* Role injection: in test builds (CANH_INJECT) a role tries, once its sandbox is on, what it may
 * not do, and logs how that went. Otherwise nothing. */
#pragma once
#include "program/role.h"

#ifdef CANH_INJECT
void role_inject(struct role_context *c);
#else
static inline void role_inject(struct role_context *c)
{
    (void)c;
}
#endif
