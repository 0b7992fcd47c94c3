#include "base/ip.h"

#include <stdio.h>

static const uint8_t mapped_head[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool v4_parse(uint8_t out[4], struct slice text)
{
    size_t at = 0;
    for (int part = 0; part < 4; part++) {
        if (part > 0 && (at == text.len || text.data[at++] != '.'))
            return false;
        size_t start = at;
        unsigned value = 0;
        for (; at < text.len && at - start < 3 && text.data[at] >= '0' && text.data[at] <= '9';
             at++)
            value = value * 10 + (unsigned)(text.data[at] - '0');
        bool octal = at - start > 1 && text.data[start] == '0';
        if (at == start || octal || value > 255)
            return false;
        out[part] = (uint8_t)value;
    }
    return at == text.len;
}

static int hex_value(char c)
{
    unsigned char lower = (unsigned char)c | 0x20;
    if (c >= '0' && c <= '9')
        return c - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* One group of up to four hexadecimal digits; how many digits. */
static size_t group_read(struct slice text, unsigned *value)
{
    size_t digits = 0;
    *value = 0;
    while (digits < text.len && digits < 5 && hex_value(text.data[digits]) >= 0)
        *value = *value << 4 | (unsigned)hex_value(text.data[digits++]);
    return digits;
}

static bool v6_parse(uint8_t out[16], struct slice text)
{
    uint8_t bytes[16] = {0};
    size_t used = 0, gap = SIZE_MAX;
    if (slice_starts(text, SLICE("::"))) {
        gap = 0;
        text = slice_part(text, 2, text.len);
    }
    while (text.len > 0) {
        unsigned value;
        size_t digits = group_read(text, &value);
        if (digits < text.len && text.data[digits] == '.') {
            if (used > 12 || !v4_parse(bytes + used, text))
                return false;
            used += 4;
            break;
        }
        if (digits == 0 || digits > 4 || used > 14)
            return false;
        bytes[used++] = (uint8_t)(value >> 8);
        bytes[used++] = (uint8_t)(value & 0xff);
        text = slice_part(text, digits, text.len);
        if (text.len == 0)
            break;
        if (slice_starts(text, SLICE("::"))) {
            if (gap != SIZE_MAX)
                return false;
            gap = used;
            text = slice_part(text, 2, text.len);
        } else {
            text = slice_part(text, 1, text.len);
            if (text.len == 0)
                return false;
        }
    }
    if (gap == SIZE_MAX && used != 16)
        return false;
    if (gap != SIZE_MAX && used > 14)
        return false; /* :: stands for at least one group */
    if (gap == SIZE_MAX)
        gap = used;
    memset(out, 0, 16);
    memcpy(out, bytes, gap);
    memcpy(out + 16 - (used - gap), bytes + gap, used - gap);
    return true;
}

bool ip_parse(struct ip_address *out, struct slice text)
{
    bool bracket = text.len >= 2 && text.data[0] == '[' && text.data[text.len - 1] == ']';
    if (bracket)
        text = slice_part(text, 1, text.len - 2);
    if (slice_find_char(text, ':') == SLICE_NONE) {
        uint8_t v4[4];
        if (bracket || !v4_parse(v4, text))
            return false;
        memcpy(out->bytes, mapped_head, 12);
        memcpy(out->bytes + 12, v4, 4);
        return true;
    }
    size_t zone = slice_find_char(text, '%');
    if (zone != SLICE_NONE) {
        if (zone + 1 == text.len)
            return false;
        text.len = zone;
    }
    return v6_parse(out->bytes, text);
}

static void network_mask(struct ip_network *network)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned kept = network->prefix_bits > i * 8 ? network->prefix_bits - i * 8u : 0;
        if (kept < 8)
            network->base.bytes[i] &= (uint8_t)(0xff00u >> kept);
    }
}

bool ip_network_parse(struct ip_network *out, struct slice text)
{
    size_t slash = slice_find_char(text, '/');
    uint64_t prefix = 128;
    if (!ip_parse(&out->base, slice_part(text, 0, slash)))
        return false;
    if (slash != SLICE_NONE) {
        struct slice digits = slice_part(text, slash + 1, text.len);
        bool v4 = slice_find_char(slice_part(text, 0, slash), ':') == SLICE_NONE;
        if (digits.len > 3 || (digits.len > 1 && digits.data[0] == '0') ||
            !slice_to_u64(digits, &prefix) || prefix > (v4 ? 32 : 128))
            return false;
        prefix += v4 ? 96 : 0;
    }
    out->prefix_bits = (uint8_t)prefix;
    network_mask(out);
    return true;
}

bool ip_network_has(const struct ip_network *network, const struct ip_address *address)
{
    unsigned whole = network->prefix_bits / 8u, rest = network->prefix_bits % 8u;
    if (memcmp(network->base.bytes, address->bytes, whole) != 0)
        return false;
    uint8_t mask = (uint8_t)(0xff00u >> rest);
    return rest == 0 || ((network->base.bytes[whole] ^ address->bytes[whole]) & mask) == 0;
}

bool ip_is_v4(const struct ip_address *a)
{
    return memcmp(a->bytes, mapped_head, 12) == 0;
}

/* The longest run of two or more zero groups (the first of equals) becomes "::". */
static int zero_run(const unsigned groups[8], int *length)
{
    int best = -1;
    *length = 1;
    for (int i = 0; i < 8; i++) {
        int end = i;
        while (end < 8 && groups[end] == 0)
            end++;
        if (end - i > *length) {
            best = i;
            *length = end - i;
        }
        if (end > i)
            i = end;
    }
    return best;
}

/* By hand: it is written for each record that is attributed by who sent it. */
static size_t v4_text(char out[IP_TEXT_BYTES], const uint8_t bytes[4])
{
    char *at = out;
    for (int i = 0; i < 4; i++) {
        unsigned value = bytes[i];
        if (i > 0)
            *at++ = '.';
        if (value >= 100)
            *at++ = (char)('0' + value / 100);
        if (value >= 10)
            *at++ = (char)('0' + value / 10 % 10);
        *at++ = (char)('0' + value % 10);
    }
    *at = '\0';
    return (size_t)(at - out);
}

size_t ip_text(char out[IP_TEXT_BYTES], const struct ip_address *a)
{
    const uint8_t *b = a->bytes;
    if (ip_is_v4(a))
        return v4_text(out, b + 12);
    unsigned groups[8];
    for (int i = 0; i < 8; i++)
        groups[i] = (unsigned)b[i * 2] << 8 | b[i * 2 + 1];
    int run_length, run = zero_run(groups, &run_length);
    size_t used = 0;
    for (int i = 0; i < 8; i++) {
        if (i == run) {
            out[used++] = ':';
            out[used++] = ':';
            i += run_length - 1;
            continue;
        }
        bool colon = i > 0 && i != run + run_length;
        used +=
            (size_t)snprintf(out + used, IP_TEXT_BYTES - used, "%s%x", colon ? ":" : "", groups[i]);
    }
    out[used] = '\0';
    return used;
}
