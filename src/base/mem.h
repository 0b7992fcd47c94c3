/* Heap memory. Every structure that can grow with its input has a named limit beside its owner, so
 * running out of memory means that the machine is too small for the settings: the process says so
 * and aborts (its parent restarts it), and no caller needs a path that no test can reach. Threads:
 * any. Ownership: the caller owns what it gets and gives it to mem_free. */
#pragma once
#include <stddef.h>

/* Never NULL, also for 0 bytes. Aborts with a message when the system has none, or when
 * count * size overflows. */
void *mem_alloc(size_t size_bytes) __attribute__((malloc, returns_nonnull));
void *mem_zeroed(size_t count, size_t size_bytes) __attribute__((malloc, returns_nonnull));
/* Takes old (NULL: like mem_alloc), gives a block of count * size bytes with the old contents. */
void *mem_resize(void *old, size_t count, size_t size_bytes) __attribute__((returns_nonnull));
/* Copies length bytes and a closing NUL. */
char *mem_copy_text(const char *data, size_t length) __attribute__((malloc, returns_nonnull));
void mem_free(void *block); /* NULL is fine */
/* For a process that lives long, before its threads: they share two heaps, so that what one frees
 * is used again by others. */
void mem_share_heaps(void);
/* After much was freed at once: free pages go back to the system. */
void mem_give_back(void);
