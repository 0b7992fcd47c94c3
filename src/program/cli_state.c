/* canh NOUN VERB: every command of the table, and the listing of its noun. */
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "program/cli_form.h"
#include "program/cli_state_inside.h"
#include "program/commands.h"
#include "program/interrupt.h"
#include "program/output.h"

enum { NAMES_MAX = 64 };

static bool is_shown(const struct command *command)
{
    return !(command->flags & COMMAND_INTERNAL);
}

static bool is_of(const struct command *command, const char *noun)
{
    size_t len = strlen(noun);
    return is_shown(command) && strncmp(command->name, noun, len) == 0 && command->name[len] == '.';
}

/* The verb as people type it: behind the dot; further parts of a name are words of it. */
static const char *verb_of(const struct command *command)
{
    return strchr(command->name, '.') + 1;
}

bool cli_state_has(const char *noun)
{
    for (uint32_t i = 0; i < commands.count; i++)
        if (is_of(commands.commands[i], noun))
            return true;
    return listing_of_noun(&listings, slice_from(noun)) != NULL;
}

static void noun_line(const char *noun, bool vietnamese, struct buf *out)
{
    const struct noun *known = noun_find(noun);
    const struct listing *listing = listing_of_noun(&listings, slice_from(noun));
    const char *title = NULL;
    if (listing)
        title = vietnamese ? listing->title_vi : listing->title_en;
    else if (known)
        title = vietnamese ? known->title_vi : known->title_en;
    for (uint32_t i = 0; i < commands.count && !title; i++)
        if (is_of(commands.commands[i], noun))
            title = vietnamese ? commands.commands[i]->title_vi : commands.commands[i]->title_en;
    buf_printf(out, "  %-10s %s\n", noun, title ? title : "");
}

void cli_state_nouns(bool vietnamese, struct buf *out)
{
    char noun[COMMAND_NAME_BYTES_MAX] = "";
    for (uint32_t i = 0; i < commands.count; i++) {
        const struct command *c = commands.commands[i];
        size_t len = strcspn(c->name, ".");
        if (!is_shown(c) || (strlen(noun) == len && strncmp(noun, c->name, len) == 0))
            continue;
        check(len < sizeof noun);
        memcpy(noun, c->name, len);
        noun[len] = 0;
        noun_line(noun, vietnamese, out);
    }
}

static void verb_free(struct verb *verb)
{
    for (uint32_t i = 0; i < COMMAND_PARAMS_MAX; i++) {
        cli_secret_wipe(&verb->secrets[i]);
        option_list_free(&verb->settings.values[i]);
    }
    option_list_free(&verb->operands);
    arena_free(&verb->arena);
    mem_free(verb);
}

static int result_show(const struct verb *verb, const struct client_result *result)
{
    struct output_options output = {0};
    struct buf out = {0};
    struct err err = {0};
    int rc = output_options_set(&output, verb->settings.common.output, STDOUT_FILENO, &err);
    if (rc)
        return cli_fail(CLI_USAGE, &err);
    if (output.kind == OUTPUT_NDJSON) {
        buf_slice(&out, result->json.len ? buf_as_slice(&result->json) : SLICE("{}"));
        buf_char(&out, '\n');
    } else {
        const char *title = verb->vietnamese ? verb->command->title_vi : verb->command->title_en;
        enum cli_outcome outcome = result->rc               ? CLI_REFUSED
                                   : verb->settings.dry_run ? CLI_WOULD
                                                            : CLI_DONE;
        cli_node_show(buf_as_slice(&result->json), outcome, title, verb->vietnamese,
                      result->audit_id, &out);
    }
    int code = cli_write(&out, NULL);
    cli_secret_wipe(&out);
    return code;
}

static int refused_show(const struct verb *verb, const struct client_result *result)
{
    bool sheet = false;
    for (uint32_t i = 0; i < verb->command->param_count; i++)
        sheet |= verb->command->params[i].kind == PARAM_SHEET;
    if (result->json.len) /* which rows are wrong */
        (void)result_show(verb, result);
    int code = cli_node_exit(result->rc, result->denied);
    if (sheet && code == CLI_USAGE)
        code = CLI_PROBLEMS;
    return cli_fail(code, &result->err);
}

static int verb_ask(struct verb *verb)
{
    struct client_result result = {0};
    struct client *client = NULL;
    struct err err = {0};
    const struct verb_settings *s = &verb->settings;
    int rc = cli_node_open(&client, &s->data, &s->server, &s->common, &err);
    if (rc == ERR_OK)
        rc = client_command(client, slice_from(verb->command->name), verb->values,
                            verb->value_count, s->dry_run, &result, &err);
    client_close(&client);
    int code;
    if (rc)
        code = cli_fail(cli_node_exit(rc, false), &err);
    else
        code = result.rc ? refused_show(verb, &result) : result_show(verb, &result);
    client_result_free(&result);
    return code;
}

static int verb_run(const struct command *command, int argc, char **argv)
{
    struct verb *verb = mem_zeroed(1, sizeof *verb);
    struct cli_common by_environment = {0};
    struct err err = {0};
    verb->command = command;
    verb->vietnamese = cli_vietnamese(&by_environment);
    for (int i = 1; i < argc; i++) /* --help is in the language that is asked for beside it */
        if (strncmp(argv[i], "--lang", 6) == 0 && (argv[i][6] == '=' || i + 1 < argc))
            verb->vietnamese = strcmp(argv[i][6] == '=' ? argv[i] + 7 : argv[i + 1], "vi") == 0;
    verb_describe(verb);
    int code = cli_parse(verb->options, verb->option_count, argc, argv, &verb->settings,
                         &verb->settings.common, &verb->operands, verb->usage);
    if (code < 0 && verb_values(verb, &err) != ERR_OK) {
        bool operating = err.code == ERR_IO || err.code == ERR_NOT_FOUND;
        code = cli_fail(operating ? CLI_FAILURE : err.line ? CLI_PROBLEMS : CLI_USAGE, &err);
    }
    if (code < 0)
        code = verb_ask(verb);
    verb_free(verb);
    return code;
}

static void noun_help(const char *noun, bool vietnamese, struct buf *out)
{
    const struct listing *listing = listing_of_noun(&listings, slice_from(noun));
    buf_printf(out,
               vietnamese ? "canh %s LỆNH ...; canh %s LỆNH --help cho biết thêm\n\n"
                          : "canh %s COMMAND ...; canh %s COMMAND --help says more\n\n",
               noun, noun);
    if (listing)
        buf_printf(out, "  %-16s  %s\n", "list",
                   vietnamese ? listing->title_vi : listing->title_en);
    for (uint32_t i = 0; i < commands.count; i++) {
        const struct command *c = commands.commands[i];
        if (is_of(c, noun))
            buf_printf(out, "  %-16s  %s\n", verb_of(c), vietnamese ? c->title_vi : c->title_en);
    }
}

static int verb_unknown(const char *noun, const char *verb)
{
    const char *names[NAMES_MAX + 2] = {"list"};
    struct err err;
    size_t count = 1;
    for (uint32_t i = 0; i < commands.count && count < NAMES_MAX; i++)
        if (is_of(commands.commands[i], noun))
            names[count++] = verb_of(commands.commands[i]);
    const char *near = text_nearest(slice_from(verb), names);
    if (near)
        (void)err_set(&err, ERR_USAGE, "there is no command \"%.40s\": did you mean canh %s %s?",
                      verb, noun, near);
    else
        (void)err_set(&err, ERR_USAGE,
                      "there is no command \"%.40s\": canh %s --help shows those there are", verb,
                      noun);
    return cli_fail(CLI_USAGE, &err);
}

static int noun_say(const char *noun, bool asked)
{
    struct cli_common by_environment = {0};
    struct buf out = {0};
    int code = CLI_USAGE;
    noun_help(noun, cli_vietnamese(&by_environment), &out);
    if (asked)
        code = cli_write(&out, NULL);
    else
        (void)fputs(buf_text(&out), stderr);
    buf_free(&out);
    return code;
}

/* The help of all verbs of the noun in the form that is set. */
static int helps_run(const char *noun, const struct listing *listing)
{
    char name[] = "", help[] = "--help", *words[] = {name, help, NULL};
    int code = listing ? cli_list(listing, 2, words) : CLI_OK;
    for (uint32_t i = 0; i < commands.count && code == CLI_OK; i++)
        if (is_of(commands.commands[i], noun))
            code = verb_run(commands.commands[i], 2, words);
    return code;
}

int cli_state_helps(void)
{
    const struct command *before = NULL;
    int code = CLI_OK;
    for (uint32_t i = 0; i < commands.count && code == CLI_OK; i++) {
        const struct command *c = commands.commands[i];
        char noun[COMMAND_NAME_BYTES_MAX + 1] = "";
        memcpy(noun, c->name, strcspn(c->name, "."));
        if (!is_shown(c) || (before && is_of(before, noun)))
            continue;
        before = c;
        code = helps_run(noun, listing_of_noun(&listings, slice_from(noun)));
    }
    return code;
}

int cli_state(int argc, char **argv)
{
    const char *noun = argv[0], *name = argc > 1 ? argv[1] : NULL;
    const struct listing *listing = listing_of_noun(&listings, slice_from(noun));
    bool asked = name && (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 ||
                          strcmp(name, "help") == 0);
    interrupt_watch();
    if (cli_form_now() != CLI_FORM_TEXT) /* `audit list` asks for this one only */
        return listing ? cli_list(listing, argc - 1, argv + 1) : CLI_OK;
    if (!name || asked)
        return noun_say(noun, asked);
    if (strcmp(name, "list") == 0 && listing)
        return cli_list(listing, argc - 1, argv + 1);
    for (uint32_t i = 0; i < commands.count; i++)
        if (is_of(commands.commands[i], noun) && strcmp(verb_of(commands.commands[i]), name) == 0)
            return verb_run(commands.commands[i], argc - 1, argv + 1);
    return verb_unknown(noun, name);
}
