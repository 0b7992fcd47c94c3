/* Language: which of the two that Canh speaks an HTTP client wants. Threads: any. */
#pragma once
#include "base/str.h"

/* Of an Accept-Language header: 1: Vietnamese, 0: English, -1: neither is asked for. */
int language_wanted(struct slice accept_language);
