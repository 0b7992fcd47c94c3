/* Where the courier may send to: https anywhere that canh.yaml names, http on loopback only.
 * Threads: any. */
#pragma once
#include "base/str.h"

/* ERR_USAGE with what is to be written instead. */
MUST_CHECK int courier_url_check(struct slice url, struct err *err);
