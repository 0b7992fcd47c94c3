#include "base/mem.h"

#include <stdio.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static void mem_out(size_t size_bytes) __attribute__((noreturn));
static void mem_out(size_t size_bytes)
{
    (void)fprintf(stderr, "canh: out of memory (%zu bytes asked)\n", size_bytes);
    abort();
}

void *mem_alloc(size_t size_bytes)
{
    void *block = malloc(size_bytes ? size_bytes : 1);
    if (!block)
        mem_out(size_bytes);
    return block;
}

void *mem_zeroed(size_t count, size_t size_bytes)
{
    void *block = calloc(count ? count : 1, size_bytes ? size_bytes : 1);
    if (!block)
        mem_out(count * size_bytes);
    return block;
}

void *mem_resize(void *old, size_t count, size_t size_bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, size_bytes, &total))
        mem_out(count);
    void *block = realloc(old, total ? total : 1);
    if (!block)
        mem_out(total);
    return block;
}

char *mem_copy_text(const char *data, size_t length)
{
    char *copy = mem_alloc(length + 1);
    if (length)
        memcpy(copy, data, length);
    copy[length] = '\0';
    return copy;
}

void mem_free(void *block)
{
    free(block);
}

void mem_share_heaps(void)
{
    (void)mallopt(M_ARENA_MAX, 2);
}

void mem_give_back(void)
{
    (void)malloc_trim(0);
}
