/* Searches: words as the command line has them, to the engine, which has a query role answer. */
#include "api/body.h"
#include "api/problem.h"
#include "api/route.h"

enum search_member_kind { SEARCH_TEXT, SEARCH_FLAG, SEARCH_OPERAND, SEARCH_WORD };
enum search_of {
    SEARCH_OF_SEARCH = 1,
    SEARCH_OF_EXPORT = 2,
    SEARCH_OF_HUNT = 4,
    SEARCH_OF_ALL = 7
};
static const struct search_member {
    const char *name, *word;
    enum search_member_kind kind;
    unsigned of;
} search_members[] = {
    {"words", "", SEARCH_WORD, SEARCH_OF_ALL}, /* the whole command line, by a program of ours */
    {"query", "", SEARCH_OPERAND, SEARCH_OF_SEARCH | SEARCH_OF_EXPORT},
    {"from", "--from", SEARCH_TEXT, SEARCH_OF_ALL},
    {"to", "--to", SEARCH_TEXT, SEARCH_OF_ALL},
    {"partition", "--partition", SEARCH_TEXT, SEARCH_OF_ALL},
    {"timezone", "--timezone", SEARCH_TEXT, SEARCH_OF_ALL},
    {"limit", "--limit", SEARCH_TEXT, SEARCH_OF_SEARCH},
    {"oldest", "--oldest", SEARCH_FLAG, SEARCH_OF_SEARCH},
    {"hunting", "--hunting", SEARCH_TEXT, SEARCH_OF_HUNT},
};
enum { SEARCH_MEMBERS = sizeof search_members / sizeof *search_members };

static const struct search_member *search_member(struct slice name, unsigned of)
{
    for (uint32_t i = 0; i < SEARCH_MEMBERS; i++)
        if (search_members[i].of & of && slice_equal(name, slice_from(search_members[i].name)))
            return &search_members[i];
    return NULL;
}

static void search_answered(struct exchange *x, const struct api_answer *answer)
{
    if (answer->away || answer->rc || answer->denied || answer->fd < 0) {
        problem_of_answer(x, answer);
        return;
    }
    x->response.status = 200;
    x->response.type = RESPONSE_LINES;
    x->response.stream_fd = answer->fd;
    x->step = EXCHANGE_DONE;
}

static bool search_words(struct exchange *x, unsigned of, const struct command_value *values,
                         uint32_t count, struct slice words[API_WORDS_MAX], uint32_t *word_count)
{
    struct slice operand = {0};
    bool whole = false;
    uint32_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct search_member *m = search_member(values[i].name, of);
        if (!m) {
            problem_answer(x, PROBLEM_BAD_REQUEST,
                           x->vietnamese ? SLICE("Thành phần này không có ở đây")
                                         : SLICE("There is no such member here"),
                           values[i].name);
            return false;
        }
        if (at + 4 > API_WORDS_MAX || memchr(values[i].text.data, 0, values[i].text.len)) {
            problem_say(x, PROBLEM_BAD_REQUEST, "There are too many members",
                        "Có quá nhiều thành phần");
            return false;
        }
        if (m->kind == SEARCH_OPERAND)
            operand = values[i].text;
        else if (m->kind == SEARCH_TEXT || slice_equal(values[i].text, SLICE("true")))
            words[at++] = slice_from(m->word);
        whole |= m->kind == SEARCH_WORD;
        if (m->kind == SEARCH_TEXT || m->kind == SEARCH_WORD)
            words[at++] = values[i].text;
    }
    if (operand.len > 0) {
        words[at++] = SLICE("--");
        words[at++] = operand;
    } else if (of != SEARCH_OF_HUNT && !whole) {
        problem_answer(x, PROBLEM_BAD_REQUEST,
                       x->vietnamese ? SLICE("Thiếu câu truy vấn; * là mọi sự kiện")
                                     : SLICE("There is no query; * means every event"),
                       SLICE("query"));
        return false;
    }
    x->response.stream_raw = whole;
    *word_count = at;
    return true;
}

static void search_begin(struct exchange *x, const char *kind, unsigned of)
{
    const struct api_engine *engine = &api_options(x->api)->engine;
    struct slice words[API_WORDS_MAX];
    struct command_value *values;
    uint32_t count, word_count;
    struct err err;
    if (body_values(x->request.body, &x->arena, &values, &count, &err)) {
        problem_answer(x, PROBLEM_BAD_REQUEST, slice_from(err.text), (struct slice){0});
        return;
    }
    if (!search_words(x, of, values, count, words, &word_count))
        return;
    x->step = EXCHANGE_ASKING;
    engine->ask(engine->context, x, kind, words, word_count, search_answered);
}

void search_events(struct exchange *x)
{
    search_begin(x, "search", SEARCH_OF_SEARCH);
}

void search_export(struct exchange *x)
{
    search_begin(x, "export", SEARCH_OF_EXPORT);
}

void search_hunt(struct exchange *x)
{
    search_begin(x, "hunt", SEARCH_OF_HUNT);
}
