#define PCRE2_CODE_UNIT_WIDTH 8
#include "detection/regex.h"

#include <pcre2.h>

#include "base/mem.h"
#include "base/text.h"

/* About 20 ms of one core at most: far above what an honest rule needs on an honest value. */
enum {
    MATCH_STEPS_MAX = 1000000,
    MATCH_DEPTH_MAX = 100000,
    MATCH_HEAP_KIB_MAX = 32768,
    PARENTHESES_MAX = 200,
    JIT_STACK_START_BYTES = 32 << 10,
    JIT_STACK_MAX_BYTES = 1 << 20
};

/* Two forms: machine code of PCRE2 10.42 that tolerates bytes which are not UTF-8 misses matches
 * (\D on a letter of several bytes, PCRE2 issue 224), so only the interpreter sees those, and all
 * other text runs in the plain form. */
struct regex {
    pcre2_code *code;
    pcre2_code *tolerant;
    bool jit;
};

struct regex_scratch {
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack; /* NULL: none to be had, the interpreter runs */
};

static int compile_error(struct err *err, int code, size_t offset)
{
    char reason[200] = "";
    (void)pcre2_get_error_message(code, (PCRE2_UCHAR *)reason, sizeof(reason));
    return err_set(err, ERR_SYNTAX, "the regular expression is wrong at its byte %zu: %s",
                   offset + 1, reason);
}

static pcre2_code *compile(struct slice pattern, uint32_t options, struct err *err)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    check(context);
    (void)pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    (void)pcre2_set_parens_nest_limit(context, PARENTHESES_MAX);
    int reason = 0;
    size_t offset = 0;
    const char *text = pattern.len > 0 ? pattern.data : "";
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)text, pattern.len, options, &reason, &offset, context);
    pcre2_compile_context_free(context);
    if (!code)
        (void)compile_error(err, reason, offset);
    return code;
}

int regex_open(struct regex **out, struct slice pattern, unsigned flags, bool jit, struct err *err)
{
    *out = NULL;
    if (pattern.len > REGEX_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "the regular expression is longer than %d bytes",
                       REGEX_BYTES_MAX);
    uint32_t options = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C;
    options |= flags & REGEX_NOCASE ? PCRE2_CASELESS : 0;
    options |= flags & REGEX_MULTILINE ? PCRE2_MULTILINE : 0;
    options |= flags & REGEX_DOTALL ? PCRE2_DOTALL : 0;
    pcre2_code *code = compile(pattern, options, err);
    if (!code)
        return ERR_SYNTAX;
    pcre2_code *tolerant = compile(pattern, options | PCRE2_MATCH_INVALID_UTF, err);
    if (!tolerant) {
        pcre2_code_free(code);
        return ERR_SYNTAX;
    }
    struct regex *regex = mem_alloc(sizeof(*regex));
    *regex = (struct regex){.code = code, .tolerant = tolerant};
    if (jit)
        regex->jit = pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0;
    *out = regex;
    return ERR_OK;
}

void regex_close(struct regex **regex)
{
    if (!*regex)
        return;
    pcre2_code_free((*regex)->code);
    pcre2_code_free((*regex)->tolerant);
    mem_free(*regex);
    *regex = NULL;
}

struct regex_scratch *regex_scratch_open(void)
{
    struct regex_scratch *scratch = mem_alloc(sizeof(*scratch));
    *scratch = (struct regex_scratch){
        .data = pcre2_match_data_create(REGEX_GROUPS_MAX + 1, NULL),
        .context = pcre2_match_context_create(NULL),
        .stack = pcre2_jit_stack_create(JIT_STACK_START_BYTES, JIT_STACK_MAX_BYTES, NULL)};
    check(scratch->data && scratch->context);
    (void)pcre2_set_match_limit(scratch->context, MATCH_STEPS_MAX);
    (void)pcre2_set_depth_limit(scratch->context, MATCH_DEPTH_MAX);
    (void)pcre2_set_heap_limit(scratch->context, MATCH_HEAP_KIB_MAX);
    if (scratch->stack)
        pcre2_jit_stack_assign(scratch->context, NULL, scratch->stack);
    return scratch;
}

void regex_scratch_close(struct regex_scratch **scratch)
{
    if (!*scratch)
        return;
    pcre2_match_data_free((*scratch)->data);
    pcre2_match_context_free((*scratch)->context);
    pcre2_jit_stack_free((*scratch)->stack);
    mem_free(*scratch);
    *scratch = NULL;
}

int regex_match(const struct regex *regex, struct regex_scratch *scratch, struct slice subject)
{
    PCRE2_SPTR text = (PCRE2_SPTR)(subject.len > 0 ? subject.data : "");
    bool valid = text_utf8_valid(subject) == subject.len;
    bool jit = valid && regex->jit && scratch->stack;
    const pcre2_code *code = valid ? regex->code : regex->tolerant;
    uint32_t options = valid ? PCRE2_NO_UTF_CHECK : 0;
    int rc = pcre2_match(code, text, subject.len, 0, options | (jit ? 0 : PCRE2_NO_JIT),
                         scratch->data, scratch->context);
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
        rc = pcre2_match(code, text, subject.len, 0, options | PCRE2_NO_JIT, scratch->data,
                         scratch->context);
    if (rc >= 0)
        return REGEX_YES;
    return rc == PCRE2_ERROR_NOMATCH ? REGEX_NO : REGEX_LIMIT;
}

struct slice regex_group(const struct regex_scratch *scratch, struct slice subject, uint32_t n)
{
    if (n > REGEX_GROUPS_MAX)
        return (struct slice){0};
    const size_t *places = pcre2_get_ovector_pointer(scratch->data);
    size_t start = places[(size_t)n * 2], end = places[(size_t)n * 2 + 1];
    if (start == PCRE2_UNSET || end == PCRE2_UNSET || start > end || end > subject.len)
        return (struct slice){0};
    return slice_make(subject.len > 0 ? subject.data + start : "", end - start);
}

uint32_t regex_group_names(const struct regex *regex, struct slice names[REGEX_GROUPS_MAX],
                           uint32_t numbers[REGEX_GROUPS_MAX])
{
    uint32_t count = 0, entry_bytes = 0, kept = 0;
    PCRE2_SPTR table = NULL;
    (void)pcre2_pattern_info(regex->code, PCRE2_INFO_NAMECOUNT, &count);
    (void)pcre2_pattern_info(regex->code, PCRE2_INFO_NAMEENTRYSIZE, &entry_bytes);
    (void)pcre2_pattern_info(regex->code, PCRE2_INFO_NAMETABLE, &table);
    for (uint32_t i = 0; i < count; i++, table += entry_bytes) {
        uint32_t number = (uint32_t)table[0] << 8 | table[1];
        if (number > REGEX_GROUPS_MAX || kept == REGEX_GROUPS_MAX)
            continue;
        /* the table is in order of name */
        uint32_t at = kept++;
        for (; at > 0 && numbers[at - 1] > number; at--) {
            numbers[at] = numbers[at - 1];
            names[at] = names[at - 1];
        }
        numbers[at] = number;
        names[at] = slice_from((const char *)table + 2);
    }
    return kept;
}
