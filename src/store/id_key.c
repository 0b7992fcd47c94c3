#include "store/id_key.h"

#include <sodium.h>

#include "base/text.h"

_Static_assert(ID_KEY_BYTES == crypto_shorthash_siphashx24_KEYBYTES, "libsodium's key");
_Static_assert(CARRY_ID_BYTES == crypto_shorthash_siphashx24_BYTES, "libsodium's hash");

int id_key_read(const struct carry *carry, struct id_key *out, struct err *err)
{
    struct slice value = carry_cursor(carry, ID_KEY_CURSOR);
    if (value.len == 0)
        return err_set(err, ERR_NOT_FOUND, "The store has no key for ids yet.");
    if (value.len != ID_KEY_BYTES)
        return err_set(err, ERR_DAMAGED, "The store's key for ids has %zu bytes instead of %d.",
                       value.len, ID_KEY_BYTES);
    memcpy(out->bytes, value.data, ID_KEY_BYTES);
    return ERR_OK;
}

void id_key_make(struct id_key *out, struct buf *items)
{
    check(sodium_init() >= 0);
    randombytes_buf(out->bytes, sizeof out->bytes);
    carry_put_cursor(items, ID_KEY_CURSOR, slice_make((const char *)out->bytes, ID_KEY_BYTES));
}

struct carry_id id_key_hash(const struct id_key *key, struct slice sender, struct slice id,
                            struct buf *scratch)
{
    struct carry_id hash;
    buf_clear(scratch);
    buf_reserve(scratch, sender.len + 1 + id.len);
    if (sender.len)
        buf_slice(scratch, sender);
    buf_char(scratch, '\0');
    if (id.len)
        buf_slice(scratch, id);
    (void)crypto_shorthash_siphashx24(hash.bytes, (const unsigned char *)scratch->data,
                                      scratch->len, key->bytes);
    return hash;
}
