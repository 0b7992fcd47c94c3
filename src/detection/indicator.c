#include "detection/host.h"
#include "detection/indicator_bytes.h"
#include "detection/url.h"

const char *const indicator_type_names[INDICATOR_TYPES] = {
    "ip",  "cidr", "ip:port", "domain", "url",       "url-prefix",
    "md5", "sha1", "sha256",  "email",  "file-name", "url-path"};

const char *const indicator_tlp_names[] = {"",          "TLP:CLEAR",        "TLP:GREEN",
                                           "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED"};

const uint8_t indicator_sight_kinds[INDICATOR_TYPES] = {[INDICATOR_IP] = SIGHT_IP,
                                                        [INDICATOR_CIDR] = SIGHT_IP,
                                                        [INDICATOR_IP_PORT] = SIGHT_IP,
                                                        [INDICATOR_DOMAIN] = SIGHT_HOST,
                                                        [INDICATOR_URL] = SIGHT_URL,
                                                        [INDICATOR_URL_PREFIX] = SIGHT_URL,
                                                        [INDICATOR_MD5] = SIGHT_MD5,
                                                        [INDICATOR_SHA1] = SIGHT_SHA1,
                                                        [INDICATOR_SHA256] = SIGHT_SHA256,
                                                        [INDICATOR_EMAIL] = SIGHT_EMAIL,
                                                        [INDICATOR_FILE_NAME] = SIGHT_FILE_NAME,
                                                        [INDICATOR_URL_PATH] = SIGHT_URL_PATH};

/* The hash of the host or address of a URL without a scheme, or with one. */
static bool host_hash(struct slice value, uint64_t *hash, uint16_t *port)
{
    char room[URL_ROOM_BYTES];
    struct url url;
    if (!url_read(&url, value, false, room) || (!url.has_address && !host_is_domain(url.host)))
        return false;
    *hash = sight_hash(url.has_address ? SIGHT_IP : SIGHT_HOST, url.host);
    *port = url.port;
    return true;
}

bool indicator_sight_hash(const struct indicator *i, uint64_t *hash)
{
    uint16_t port;
    if (i->type == INDICATOR_CIDR)
        return false;
    if (i->type == INDICATOR_URL_PREFIX || i->type == INDICATOR_IP_PORT)
        return host_hash(i->value, hash, &port);
    *hash = sight_hash((enum sight_kind)indicator_sight_kinds[i->type], i->value);
    return true;
}

uint64_t indicator_key(enum indicator_type type, struct slice value)
{
    uint64_t hash;
    uint16_t port;
    if (type == INDICATOR_IP_PORT && host_hash(value, &hash, &port))
        return indicator_port_key(hash, port);
    return sight_hash((enum sight_kind)indicator_sight_kinds[type], value);
}
