/* SHA-256 (FIPS 180-4), by GnuTLS. Threads: a digest belongs to one. */
#pragma once
#include "base/str.h"

enum { DIGEST_BYTES = 32 };

struct digest { /* a value: compare with memcmp */
    uint8_t bytes[DIGEST_BYTES];
};

struct digester; /* one state, used again and again */
struct digester *digester_open(void);
void digester_close(struct digester **d);
void digester_add(struct digester *d, const void *data, size_t len);
/* The digest of all that was added; the state is then empty again. */
struct digest digester_end(struct digester *d);
/* One text at once, with a digester of the caller's. */
struct digest digest_of(struct digester *d, struct slice data);
