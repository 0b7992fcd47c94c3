/* Signed bundles: a bundle of rules as one file that another node takes on trust of a key.
 *
 * Form: 8 bytes "CANHSIGN", 64 bytes Ed25519 signature of what follows, a bundle (bundle.h).
 * Threads: pure. */
#pragma once
#include "base/sign.h"

bool rules_signed_is(struct slice bytes);
void rules_signed_put(const struct sign_key *key, struct slice bundle, struct buf *out);
/* The bundle in it. key: NULL: none is set. ERR_USAGE with what to do: no key, another key, or it
 * was changed. */
MUST_CHECK int rules_signed_check(struct slice bytes, const uint8_t *key, struct slice *bundle,
                                  struct err *err);
