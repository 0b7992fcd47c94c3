/* Problems: refusals as application/problem+json (RFC 9457), in Vietnamese and English.
 *
 * One table (problem.c): type urn:canh:problem:<word>, title, status. Threads: any. */
#pragma once
#include "api/api.h"

enum problem {
    PROBLEM_BAD_REQUEST,
    PROBLEM_NOT_SIGNED_IN,
    PROBLEM_SIGN_IN_FAILED,
    PROBLEM_FORBIDDEN,
    PROBLEM_CROSS_SITE,
    PROBLEM_NOT_FOUND,
    PROBLEM_METHOD,
    PROBLEM_TOO_LARGE,
    PROBLEM_TOO_LONG,
    PROBLEM_MEDIA_TYPE,
    PROBLEM_HOST,
    PROBLEM_REFUSED,
    PROBLEM_CONFLICT,
    PROBLEM_FAILED,
    PROBLEM_UNAVAILABLE,
    PROBLEM_FULL,
    PROBLEM_COUNT
};
struct problem_row {
    unsigned status;
    const char *word, *title_en, *title_vi;
};
extern const struct problem_row problem_table[PROBLEM_COUNT];

/* Makes it the exchange's response, which is done. detail: a sentence that says what to do.
 * parameter: of a command; empty: none. */
void problem_answer(struct exchange *x, enum problem problem, struct slice detail,
                    struct slice parameter);
/* The same with what the command found, as JSON (a sheet's wrong rows). */
void problem_answer_result(struct exchange *x, enum problem problem, struct slice detail,
                           struct slice parameter, struct slice result);
/* The same with a detail of our own, in the caller's language; both take the same arguments. */
void problem_say(struct exchange *x, enum problem problem, const char *english,
                 const char *vietnamese, ...) PRINTF_LIKE(3, 5) PRINTF_LIKE(4, 5);
/* An answer of the engine that is no success: away, denied, or by its code. */
void problem_of_answer(struct exchange *x, const struct api_answer *answer);
enum problem problem_of_code(int code);
