#include "watch/rules_signed.h"

#define MAGIC SLICE("CANHSIGN")

bool rules_signed_is(struct slice bytes)
{
    return slice_starts(bytes, MAGIC);
}

void rules_signed_put(const struct sign_key *key, struct slice bundle, struct buf *out)
{
    uint8_t signature[SIGN_BYTES];
    sign_text(key, bundle, signature);
    buf_slice(out, MAGIC);
    buf_append(out, signature, sizeof(signature));
    buf_slice(out, bundle);
}

int rules_signed_check(struct slice bytes, const uint8_t *key, struct slice *bundle,
                       struct err *err)
{
    if (!rules_signed_is(bytes) || bytes.len < MAGIC.len + SIGN_BYTES)
        return err_set(err, ERR_USAGE,
                       "it is not a signed bundle of rules: `canh rules pack` makes one");
    if (!key)
        return err_set(err, ERR_USAGE,
                       "signed bundles are checked by a key: name its file in "
                       "rules.update_key_file of canh.yaml");
    *bundle = slice_part(bytes, MAGIC.len + SIGN_BYTES, SIZE_MAX);
    if (!sign_check(key, *bundle, (const uint8_t *)bytes.data + MAGIC.len))
        return err_set(err, ERR_USAGE,
                       "its signature does not hold by the key of rules.update_key_file: get it "
                       "again from who made it, or set the key of who made it");
    return ERR_OK;
}
