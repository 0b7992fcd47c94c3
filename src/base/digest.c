#include "base/digest.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "base/mem.h"

struct digester {
    gnutls_hash_hd_t state;
};

struct digester *digester_open(void)
{
    struct digester *d = mem_zeroed(1, sizeof(*d));
    check(gnutls_hash_init(&d->state, GNUTLS_DIG_SHA256) == 0);
    return d;
}

void digester_close(struct digester **d)
{
    if (!*d)
        return;
    gnutls_hash_deinit((*d)->state, NULL);
    mem_free(*d);
    *d = NULL;
}

void digester_add(struct digester *d, const void *data, size_t len)
{
    if (len > 0)
        check(gnutls_hash(d->state, data, len) == 0);
}

struct digest digester_end(struct digester *d)
{
    struct digest digest;
    gnutls_hash_output(d->state, digest.bytes);
    return digest;
}

struct digest digest_of(struct digester *d, struct slice data)
{
    digester_add(d, data.data, data.len);
    return digester_end(d);
}
