#include "program/commands.h"

#include "state/commands_state.h"

enum { COMMANDS_MAX = 256 };

static const struct command *rows[COMMANDS_MAX + 1];
static const struct command *const own[] = {&command_node_backup, &command_search_run,
                                          &command_rules_enable, &command_rules_record,
                                          &command_rules_resume, &command_rules_rollback};

struct command_table commands = {.commands = rows};
struct listing_table listings;

static int by_name(const struct command *a, const struct command *b)
{
    return strcmp(a->name, b->name);
}

/* Into its place: both floors' rows are few, and this runs once. */
static void row_add(const struct command *row)
{
    uint32_t at = commands.count;
    check(commands.count < COMMANDS_MAX);
    while (at > 0 && by_name(rows[at - 1], row) > 0) {
        rows[at] = rows[at - 1];
        at--;
    }
    rows[at] = row;
    commands.count++;
}

__attribute__((constructor)) static void commands_assemble(void)
{
    for (uint32_t i = 0; i < state_command_count; i++)
        row_add(state_commands[i]);
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        row_add(own[i]);
    listings = (struct listing_table){.listings = state_listings, .count = state_listing_count};
}

void commands_check(void)
{
    for (uint32_t i = 0; i < commands.count; i++) {
        const struct command *c = rows[i];
        check(c->name && c->run && c->title_en && c->title_vi);
        check(c->param_count <= COMMAND_PARAMS_MAX);
        check(c->right || c->flags & (COMMAND_OPEN | COMMAND_INTERNAL));
        check(i == 0 || by_name(rows[i - 1], c) < 0);
        for (uint32_t k = 0; k < c->param_count; k++)
            check(c->params[k].name && c->params[k].help_en && c->params[k].help_vi);
    }
    for (uint32_t i = 0; i < listings.count; i++) {
        const struct listing *l = listings.listings[i];
        check(l->name && l->noun && l->title_en && l->title_vi && l->column_count > 0);
        check(i == 0 || strcmp(listings.listings[i - 1]->name, l->name) < 0);
    }
}
