/* What a segment says of its values without reading them: bloom and sights. */
#include "base/mem.h"
#include "store/segment_inside.h"
#include "store/values.h"

/* Up to here integers and doubles are one to one. */
#define EXACT_INTEGER_MAX 9007199254740992.0

uint32_t segment_bloom_chunks(const struct segment *s)
{
    return (s->bloom_block_count + SEGMENT_BLOOM_BLOCKS - 1) / SEGMENT_BLOOM_BLOCKS;
}

struct segment_ref segment_bloom_ref(const struct segment *s, uint32_t number)
{
    const uint32_t full = SEGMENT_BLOOM_BLOCKS * BLOOM_BLOCK_BYTES + CHUNK_HEAD_BYTES;
    uint32_t left = s->bloom_block_count - number * SEGMENT_BLOOM_BLOCKS;
    left = left < SEGMENT_BLOOM_BLOCKS ? left : SEGMENT_BLOOM_BLOCKS;
    return (struct segment_ref){.offset = s->bloom_offset + (uint64_t)number * full,
                                .bytes = left * BLOOM_BLOCK_BYTES + CHUNK_HEAD_BYTES};
}

/* The bytes of a bloom chunk, kept for later questions; NULL: damaged. */
static const char *bloom_chunk(struct segment *s, uint32_t number)
{
    if (!s->bloom_chunks)
        s->bloom_chunks = mem_zeroed(segment_bloom_chunks(s), sizeof *s->bloom_chunks);
    if (s->bloom_chunks[number])
        return s->bloom_chunks[number];
    struct segment_ref ref = segment_bloom_ref(s, number);
    size_t wanted = ref.bytes - CHUNK_HEAD_BYTES;
    if (segment_read_chunk(s, &ref, CHUNK_BLOOM, wanted, &s->raw, NULL) || s->raw.len != wanted)
        return NULL;
    s->bloom_chunks[number] = mem_copy_text(s->raw.data, s->raw.len);
    return s->bloom_chunks[number];
}

static bool bloom_may_have(struct segment *s, uint64_t key)
{
    uint32_t block = bloom_block(key, s->bloom_block_count);
    const char *chunk = bloom_chunk(s, block / SEGMENT_BLOOM_BLOCKS);
    if (!chunk)
        return true;
    return bloom_block_has(chunk + (size_t)(block % SEGMENT_BLOOM_BLOCKS) * BLOOM_BLOCK_BYTES, key);
}

bool segment_may_have(struct segment *s, struct slice name, struct slice folded)
{
    if (folded.len > BLOOM_VALUE_BYTES_MAX)
        return true;
    return bloom_may_have(s, bloom_key(name, folded, &s->key));
}

bool segment_may_have_number(struct segment *s, struct slice name, double number)
{
    if (number >= -EXACT_INTEGER_MAX && number <= EXACT_INTEGER_MAX &&
        (double)(int64_t)number == number) {
        char text[VALUES_INTEGER_BYTES];
        struct slice plain = slice_make(text, values_integer_text(text, (int64_t)number));
        if (bloom_may_have(s, bloom_key(name, plain, &s->key)))
            return true;
    }
    return bloom_may_have(s, bloom_key_number(name, number, &s->key));
}

int segment_read_sights(struct segment *s, unsigned kind, struct segment_sights *out,
                        struct err *err)
{
    check(kind < SIGHT_KINDS);
    out->count = 0;
    out->hashes = NULL;
    out->addresses = NULL;
    if (!s->sights_whole[kind])
        return err_set(err, ERR_UNSUPPORTED,
                       "%s: the list of indicators of kind %u was left out; look at the values.",
                       s->path, kind);
    const struct segment_ref *ref = &s->sight_refs[kind];
    size_t item = kind == SIGHT_IP ? sizeof *out->addresses : sizeof *out->hashes;
    size_t bytes = ref->entries * item;
    if (ref->entries == 0)
        return ERR_OK;
    int rc = segment_read_chunk(s, ref, CHUNK_SIGHTS, bytes, &s->raw, err);
    if (rc)
        return rc;
    buf_clear(&out->bytes);
    buf_reserve(&out->bytes, bytes);
    out->bytes.len = bytes;
    if (!values_planes_unpack(buf_as_slice(&s->raw), out->bytes.data, ref->entries, (uint32_t)item))
        return segment_damaged(s, err, "its indicators of kind %u do not fit the footer", kind);
    for (size_t i = 1; i < ref->entries; i++) {
        const char *a = out->bytes.data + (i - 1) * item, *b = a + item;
        uint64_t x = 0, y = 0;
        if (kind != SIGHT_IP) {
            memcpy(&x, a, sizeof x);
            memcpy(&y, b, sizeof y);
        }
        if (kind == SIGHT_IP ? memcmp(a, b, item) >= 0 : x >= y)
            return segment_damaged(s, err, "its indicators of kind %u are not in order", kind);
    }
    out->count = ref->entries;
    if (kind == SIGHT_IP)
        out->addresses = (struct ip_address *)(void *)out->bytes.data;
    else
        out->hashes = (uint64_t *)(void *)out->bytes.data;
    return ERR_OK;
}

void segment_sights_free(struct segment_sights *sights)
{
    buf_free(&sights->bytes);
    *sights = (struct segment_sights){0};
}
