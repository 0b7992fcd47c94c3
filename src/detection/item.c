#include "detection/item.h"

#include "base/mem.h"
#include "detection/sigma_inside.h"

struct item_reader {
    struct sigma_reader reader;
    struct arena scratch;
    struct problem_list problems;
    struct sigma_options options;
};

struct item_reader *item_reader_open(struct arena *arena)
{
    struct item_reader *item = mem_zeroed(1, sizeof(*item));
    item->reader = (struct sigma_reader){.arena = arena,
                                         .scratch = &item->scratch,
                                         .problems = &item->problems,
                                         .options = &item->options,
                                         .version = 2,
                                         .search = true};
    return item;
}

void item_reader_close(struct item_reader **reader)
{
    struct item_reader *item = *reader;
    if (!item)
        return;
    mem_free(item->reader.stack.items);
    buf_free(&item->reader.text);
    problem_list_free(&item->problems);
    arena_free(&item->scratch);
    mem_free(item);
    *reader = NULL;
}

static struct expr *read_values(struct sigma_reader *r, const struct modifiers *m,
                                const struct item_value *values, uint32_t count)
{
    uint32_t base = r->stack.count;
    for (uint32_t i = 0; i < count; i++) {
        struct yaml_node node = {.kind =
                                     values[i].quoted ? YAML_TEXT : yaml_plain_kind(values[i].text),
                                 .line = 1,
                                 .column = values[i].column,
                                 .text = values[i].text};
        if (node.kind == YAML_NULL && count > 1) {
            sigma_error(r, "bad-null", 1, values[i].column,
                        "null cannot be in a list: join it with OR, or quote it as a word");
            return NULL;
        }
        if (!modifier_value(r, m, &node))
            return NULL;
    }
    struct expr *e = sigma_pop_group(r, base, m->all ? EXPR_AND : EXPR_OR, 1);
    return e && m->neq ? sigma_expr_not(r, e, 1) : e;
}

/* The newest error; warnings are for those who write rules. */
static int item_refused(struct item_reader *item, uint32_t key_column, struct err *err)
{
    for (uint32_t i = 0; i < item->problems.count; i++) {
        const struct problem *p = &item->problems.items[i];
        if (p->level == PROBLEM_ERROR)
            return err_set_at(err, ERR_SYNTAX, 1, p->column ? p->column : key_column, "%.*s",
                              (int)p->text.len, p->text.data);
    }
    return err_set_at(err, ERR_SYNTAX, 1, key_column, "a value is missing");
}

int item_read(struct item_reader *item, struct slice key, uint32_t key_column,
              const struct item_value *values, uint32_t count, struct expr **out, struct err *err)
{
    struct sigma_reader *r = &item->reader;
    struct modifiers m;
    r->stack.count = 0;
    problem_list_free(&item->problems);
    *out = NULL;
    if (modifier_read(r, &m, key, 1, key_column))
        *out = read_values(r, &m, values, count);
    int rc = *out ? ERR_OK : item_refused(item, key_column, err);
    problem_list_free(&item->problems);
    arena_reset(&item->scratch);
    return rc;
}
