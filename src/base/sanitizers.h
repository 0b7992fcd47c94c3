/* Whether this build carries sanitizers. They map terabytes, trace themselves and write files: what
 * limits and sandboxes would kill in them is left out where this says so. */
#pragma once

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZERS = 1 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
enum { SANITIZERS = 1 };
#else
enum { SANITIZERS = 0 };
#endif
#else
enum { SANITIZERS = 0 };
#endif
