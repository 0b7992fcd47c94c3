#include "detection/host.h"
#include "detection/indicator.h"
#include "detection/sight_inside.h"

enum { SHOWN_BYTES_MAX = 80, REFANG_PASSES_MAX = 4 };

/* Without blanks, quotes, angle brackets and list commas around it. */
static struct slice text_bare(struct slice text)
{
    static const char pairs[][2] = {{'"', '"'}, {'\'', '\''}, {'<', '>'}, {'`', '`'}};
    for (bool again = true; again;) {
        again = false;
        text = slice_trim(text);
        while (text.len > 1 && memchr(",;", text.data[text.len - 1], 2)) {
            text.len--;
            again = true;
        }
        for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
            if (text.len > 2 && text.data[0] == pairs[i][0] &&
                text.data[text.len - 1] == pairs[i][1]) {
                text = slice_part(text, 1, text.len - 2);
                again = true;
            }
        }
    }
    return text;
}

static bool starts_nocase(struct slice text, struct slice head)
{
    return text.len >= head.len && slice_equal_nocase(slice_part(text, 0, head.len), head);
}

/* Takes the marks out that people put in so that nobody clicks. */
static struct slice text_refang(struct slice text, struct arena *arena)
{
    static const struct {
        struct slice fanged;
        char plain[4];
    } marks[] = {{{"[.]", 3}, "."},   {{"(.)", 3}, "."},   {{"{.}", 3}, "."},
                 {{"[dot]", 5}, "."}, {{"(dot)", 5}, "."}, {{"{dot}", 5}, "."},
                 {{"[:]", 3}, ":"},   {{"(:)", 3}, ":"},   {{"[://]", 5}, "://"},
                 {{"[/]", 3}, "/"},   {{"[@]", 3}, "@"},   {{"(@)", 3}, "@"},
                 {{"[at]", 4}, "@"},  {{"(at)", 4}, "@"},  {{"{at}", 4}, "@"},
                 {{"[.", 2}, "."},    {{".]", 2}, "."},    {{"\\.", 2}, "."}};
    static const struct slice schemes[] = {{"hxxp", 4}, {"h**p", 4}, {"hxtp", 4}, {"htxp", 4}};
    char *out = arena_bytes(arena, text.len + 1);
    size_t len = 0, at = 0;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (starts_nocase(text, schemes[i])) {
            memcpy(out, "http", 4);
            len = at = 4;
        }
    }
    if (starts_nocase(text, SLICE("fxp:"))) {
        memcpy(out, "ftp", 3);
        len = at = 3;
    }
    while (at < text.len) {
        size_t i = 0, count = sizeof(marks) / sizeof(marks[0]);
        struct slice rest = slice_part(text, at, text.len);
        if (memchr("[({.\\", rest.data[0], 5))
            while (i < count && !starts_nocase(rest, marks[i].fanged))
                i++;
        else
            i = count;
        if (i == count) {
            out[len++] = text.data[at++];
            continue;
        }
        at += marks[i].fanged.len;
        for (const char *plain = marks[i].plain; *plain; plain++)
            out[len++] = *plain;
    }
    return slice_make(out, len);
}

/* Each reader below: true, and *out has type and value, or false: the text is no such thing. */

static bool read_hash(struct indicator *out, struct slice text, struct arena *arena)
{
    for (size_t i = 0; i < text.len; i++)
        if (!(sight_chars[(unsigned char)text.data[i]] & SIGHT_CHAR_HEX))
            return false;
    if (text.len != 32 && text.len != 40 && text.len != 64)
        return false;
    char *value = arena_bytes(arena, text.len);
    host_lower(value, text.data, text.len);
    out->type = text.len == 32 ? INDICATOR_MD5 : text.len == 40 ? INDICATOR_SHA1 : INDICATOR_SHA256;
    out->value = slice_make(value, text.len);
    return true;
}

static bool read_port(struct slice text, uint64_t *port)
{
    return text.len > 0 && text.len <= 5 && slice_to_u64(text, port) && *port > 0 &&
           *port <= UINT16_MAX;
}

static bool read_address(struct indicator *out, struct slice text, struct arena *arena)
{
    struct ip_network network;
    char address[IP_TEXT_BYTES];
    uint64_t port = 0;
    bool whole = ip_network_parse(&network, text);
    size_t colon = text.len;
    while (colon > 0 && text.data[colon - 1] != ':')
        colon--;
    if (!whole) {
        network.prefix_bits = 128;
        struct slice host = slice_part(text, 0, colon ? colon - 1 : 0);
        bool bracket = host.len > 0 && host.data[0] == '[';
        if (colon == 0 || !read_port(slice_part(text, colon, text.len), &port) ||
            !ip_parse(&network.base, host) ||
            (!bracket && slice_find_char(host, ':') != SLICE_NONE))
            return false;
    }
    size_t len = ip_text(address, &network.base);
    if (len == 2 && network.prefix_bits == 128)
        return false; /* `::` is no sight */
    bool v4 = ip_is_v4(&network.base);
    if (port > 0) {
        out->type = INDICATOR_IP_PORT;
        out->value = arena_printf(arena, v4 ? "%s:%u" : "[%s]:%u", address, (unsigned)port);
    } else if (network.prefix_bits < 128) {
        bool mapped = v4 && network.prefix_bits >= 96;
        out->type = INDICATOR_CIDR;
        out->value =
            arena_printf(arena, "%s/%u", address, network.prefix_bits - (mapped ? 96u : 0u));
    } else {
        out->type = INDICATOR_IP;
        out->value = arena_copy(arena, slice_make(address, len));
    }
    return true;
}

/* A domain name that is not rather the name of a file; its length in out, or 0. */
static size_t domain_normalise(char out[HOST_BYTES_MAX + 1], struct slice text)
{
    size_t len = host_normalise(out, text), label = len;
    if (!host_is_domain(slice_make(out, len)))
        return 0;
    while (out[label - 1] != '.')
        label--;
    return host_is_file_ending(slice_make(out + label, len - label)) ? 0 : len;
}

static bool read_domain(struct indicator *out, struct slice text, struct arena *arena)
{
    char name[HOST_BYTES_MAX + 1];
    size_t colon = slice_find_char(text, ':');
    uint64_t port;
    if (slice_starts(text, SLICE("*.")))
        text = slice_part(text, 2, text.len);
    else if (slice_starts(text, SLICE(".")))
        text = slice_part(text, 1, text.len);
    if (colon != SLICE_NONE) {
        struct slice rest = text;
        struct slice host = slice_cut(&rest, ':');
        if (!read_port(rest, &port))
            return false;
        text = host;
    }
    size_t len = domain_normalise(name, text);
    out->type = INDICATOR_DOMAIN;
    out->value = arena_copy(arena, slice_make(name, len));
    return len > 0;
}

static bool read_email(struct indicator *out, struct slice text, struct arena *arena)
{
    char name[HOST_BYTES_MAX + 1];
    if (starts_nocase(text, SLICE("mailto:")))
        text = slice_part(text, 7, text.len);
    struct slice host = text;
    struct slice local = slice_cut(&host, '@');
    if (local.len == 0 || local.len > 64 || memchr(".-%&", local.data[0], 4))
        return false;
    for (size_t i = 0; i < local.len; i++)
        if (!(sight_chars[(unsigned char)local.data[i]] & SIGHT_CHAR_LOCAL))
            return false;
    size_t len = domain_normalise(name, host);
    char *value = arena_bytes(arena, local.len + 1 + len);
    host_lower(value, local.data, local.len);
    value[local.len] = '@';
    memcpy(value + local.len + 1, name, len);
    out->type = INDICATOR_EMAIL;
    out->value = slice_make(value, local.len + 1 + len);
    return len > 0;
}

static bool read_path(struct indicator *out, struct slice text, struct arena *arena)
{
    char path[INDICATOR_VALUE_BYTES_MAX];
    if (!slice_starts(text, SLICE("/")) || slice_starts(text, SLICE("//")))
        return false;
    size_t len = url_path_normalise(path, sizeof(path), text);
    out->type = INDICATOR_URL_PATH;
    out->value = arena_copy(arena, slice_make(path, len));
    return len >= INDICATOR_PATH_BYTES_MIN && len + 3 < sizeof(path);
}

static bool read_url(struct indicator *out, struct slice text, bool prefix, struct arena *arena)
{
    char room[URL_ROOM_BYTES];
    struct url url;
    text.len = slice_part(text, 0, slice_find_char(text, '#')).len;
    if (slice_ends(text, SLICE("/*"))) {
        text.len--;
        prefix = true;
    }
    if (!url_read(&url, text, true, room) || url.text.len + 3 > URL_BYTES_MAX)
        return false;
    if (url.scheme.len == 0) {
        char name[HOST_BYTES_MAX + 1];
        bool v6 = url.has_address && !ip_is_v4(&url.address); /* no sight without a scheme */
        if (!url.has_path || url_is_network(&url) || v6 ||
            (!url.has_address && domain_normalise(name, url.host) == 0))
            return false;
        prefix = true;
    }
    out->type = prefix || !url.has_path ? INDICATOR_URL_PREFIX : INDICATOR_URL;
    out->value = arena_copy(arena, url.text);
    return true;
}

static bool read_file(struct indicator *out, struct slice text, struct arena *arena)
{
    char name[SIGHT_FILE_ROOM_BYTES];
    size_t begin = text.len;
    bool plain = true;
    for (; begin > 0 && text.data[begin - 1] != '/' && text.data[begin - 1] != '\\'; begin--) {
        if (memchr("\"<>|:*?", text.data[begin - 1], 7))
            return false;
        plain = plain && sight_chars[(unsigned char)text.data[begin - 1]] & SIGHT_CHAR_FILE;
    }
    text = text_bare(slice_part(text, begin, text.len));
    size_t len = sight_file_name(name, text);
    out->type = INDICATOR_FILE_NAME;
    out->value = arena_copy(arena, slice_make(name, len));
    return len >= 2 && (plain || sight_file_has_ending(text));
}

static bool read_guessed(struct indicator *out, struct slice text, struct arena *arena)
{
    return read_hash(out, text, arena) || read_address(out, text, arena) ||
           read_url(out, text, false, arena) || read_path(out, text, arena) ||
           read_email(out, text, arena) || read_domain(out, text, arena) ||
           (sight_file_has_ending(text) && read_file(out, text, arena));
}

static bool read_typed(struct indicator *out, struct slice text, enum indicator_type type,
                       struct arena *arena)
{
    switch (type) {
    case INDICATOR_IP:
    case INDICATOR_CIDR:
    case INDICATOR_IP_PORT:
        return read_address(out, text, arena);
    case INDICATOR_DOMAIN:
        return read_address(out, text, arena) || read_domain(out, text, arena);
    case INDICATOR_URL:
    case INDICATOR_URL_PREFIX:
    case INDICATOR_URL_PATH:
        return read_address(out, text, arena) ||
               read_url(out, text, type == INDICATOR_URL_PREFIX, arena) ||
               read_path(out, text, arena) || read_domain(out, text, arena);
    case INDICATOR_MD5:
    case INDICATOR_SHA1:
    case INDICATOR_SHA256:
        return read_hash(out, text, arena);
    case INDICATOR_EMAIL:
        return read_email(out, text, arena);
    case INDICATOR_FILE_NAME:
        return read_file(out, text, arena);
    default:
        return read_guessed(out, text, arena);
    }
}

static const char *type_article(enum indicator_type type)
{
    static const char *const names[INDICATOR_TYPES] = {"an IP address",
                                                       "an IP network",
                                                       "an IP address with port",
                                                       "a domain name",
                                                       "a URL",
                                                       "a URL or the begin of one",
                                                       "a hash of 32, 40 or 64 hexadecimal digits",
                                                       "a hash of 32, 40 or 64 hexadecimal digits",
                                                       "a hash of 32, 40 or 64 hexadecimal digits",
                                                       "an e-mail address",
                                                       "a file name",
                                                       "a path of a URL of four bytes or more"};
    return type < INDICATOR_TYPES ? names[type]
                                  : "an address, domain, URL, hash, e-mail address or file name "
                                    "that can be told by its "
                                    "shape: correct it, or say its type";
}

int indicator_parse(struct indicator *out, struct slice text, enum indicator_type type,
                    struct arena *arena, struct err *err)
{
    text = text_bare(text);
    if (text.len == 0)
        return err_set(err, ERR_SYNTAX, "the value is empty");
    if (text.len > INDICATOR_VALUE_BYTES_MAX)
        return err_set(err, ERR_SYNTAX, "the value is longer than %d bytes",
                       INDICATOR_VALUE_BYTES_MAX);
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f)
            return err_set(err, ERR_SYNTAX, "the value holds control characters");
    bool local = type == INDICATOR_FILE_NAME || text.data[0] == '/' || text.data[0] == '\\' ||
                 (text.len > 2 && text.data[1] == ':' && text.data[2] == '\\');
    size_t len = SIZE_MAX;
    for (int pass = 0; pass < REFANG_PASSES_MAX && !local && len != text.len; pass++) {
        len = text.len;
        text = text_refang(text, arena);
    }
    if (!local && len != text.len)
        return err_set(err, ERR_SYNTAX, "the value is defanged more than %d times over",
                       REFANG_PASSES_MAX - 1);
    if (read_typed(out, text, type, arena))
        return ERR_OK;
    int shown = (int)(text.len < SHOWN_BYTES_MAX ? text.len : SHOWN_BYTES_MAX);
    return err_set(err, ERR_SYNTAX, "\"%.*s\" is not %s", shown, text.data, type_article(type));
}
