#include "base/arena.h"

#include <stdio.h>

#include "base/mem.h"

enum { ARENA_CHUNK_BYTES = 64 << 10 };

struct arena_chunk {
    struct arena_chunk *older;
    size_t size_bytes; /* of the memory after this head */
    _Alignas(64) char memory[];
};

void *arena_grow(struct arena *a, size_t size_bytes, size_t align)
{
    size_t wanted = size_bytes + align;
    size_t twice = a->chunks ? a->chunks->size_bytes * 2 : ARENA_CHUNK_BYTES;
    if (twice > (size_t)16 << 20)
        twice = (size_t)16 << 20;
    if (wanted < twice)
        wanted = twice;
    struct arena_chunk *chunk = mem_alloc(sizeof(*chunk) + wanted);
    chunk->older = a->chunks;
    chunk->size_bytes = wanted;
    a->chunks = chunk;
    a->total_bytes += wanted;
    a->next = chunk->memory;
    a->end = chunk->memory + wanted;
    uintptr_t at = ((uintptr_t)a->next + align - 1) & ~(uintptr_t)(align - 1);
    a->next = (char *)at + size_bytes;
    return (char *)at;
}

void *arena_zeroed(struct arena *a, size_t count, size_t size_bytes)
{
    size_t total;
    check(!__builtin_mul_overflow(count, size_bytes, &total));
    void *block = arena_alloc_aligned(a, total, 16);
    memset(block, 0, total);
    return block;
}

struct slice arena_copy(struct arena *a, struct slice s)
{
    char *copy = arena_bytes(a, s.len + 1);
    if (s.len)
        memcpy(copy, s.data, s.len);
    copy[s.len] = '\0';
    return slice_make(copy, s.len);
}

struct slice arena_printf(struct arena *a, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int needed = vsnprintf(NULL, 0, format, args);
    va_end(args);
    check(needed >= 0);
    char *text = arena_bytes(a, (size_t)needed + 1);
    (void)vsnprintf(text, (size_t)needed + 1, format, again);
    va_end(again);
    return slice_make(text, (size_t)needed);
}

void arena_reset(struct arena *a)
{
    if (!a->chunks)
        return;
    struct arena_chunk *keep = a->chunks;
    for (struct arena_chunk *c = a->chunks->older; c; c = c->older)
        if (c->size_bytes > keep->size_bytes)
            keep = c;
    for (struct arena_chunk *c = a->chunks, *older; c; c = older) {
        older = c->older;
        if (c != keep)
            mem_free(c);
    }
    keep->older = NULL;
    a->chunks = keep;
    a->total_bytes = keep->size_bytes;
    a->next = keep->memory;
    a->end = keep->memory + keep->size_bytes;
}

void arena_free(struct arena *a)
{
    for (struct arena_chunk *c = a->chunks, *older; c; c = older) {
        older = c->older;
        mem_free(c);
    }
    *a = (struct arena){0};
}

void arena_wipe(struct arena *a)
{
    for (struct arena_chunk *c = a->chunks; c; c = c->older)
        explicit_bzero(c->memory, c->size_bytes);
    arena_free(a);
}
