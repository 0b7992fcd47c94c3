/* The ways to unescape a JSON string: json_unescape takes the fastest that the processor has.
 * Private to formats/ and to the tests, which hold them against each other. Each keeps
 * json_unescape's promise, and copies as it is what no reader lets through. Threads: any. */
#pragma once
#include "formats/json.h"

size_t json_unescape_portable(char *out, struct slice in);

#if defined(__x86_64__)
bool json_unescape_avx512_usable(void);
/* Blocks of 64 bytes: masks say which bytes are escaped (see json_index.h), a table turns those
 * into what they stand for, and the backslashes are squeezed out. */
size_t json_unescape_avx512(char *out, struct slice in);
#endif

/* What \uXXXX (and its low half) at `at` stands for, as UTF-8; *used is how much of [at, end) that
 * was. */
size_t json_unicode_put(char *out, const char *at, const char *end, size_t *used);
/* What the escape of a backslash and c stands for, c being no u. */
char json_escape_char(char c);
