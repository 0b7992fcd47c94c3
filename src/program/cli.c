#include "program/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"
#include "program/cli_form.h"

enum { CLI_COMMANDS_MAX = 64 };

bool cli_vietnamese(const struct cli_common *common)
{
    if (common->lang)
        return strcmp(common->lang, "vi") == 0;
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return strncmp(value, "vi", 2) == 0;
    }
    return false;
}

int cli_parse(const struct option *options, size_t count, int argc, char **argv, void *settings,
              const struct cli_common *common, struct option_list *operands, const char *usage)
{
    struct err err;
    if (option_parse(options, count, argc - 1, argv + 1, settings, operands, &err) != ERR_OK)
        return cli_fail(CLI_USAGE, &err);
    if (!common->help)
        return -1;
    struct buf out = {0};
    if (cli_form_now() != CLI_FORM_TEXT) {
        cli_form_command(options, count, usage, cli_vietnamese(common), &out);
    } else {
        buf_string(&out, usage);
        buf_char(&out, '\n');
        option_help(options, count, cli_vietnamese(common), &out);
    }
    int code = cli_write(&out, NULL);
    buf_free(&out);
    return code;
}

static void commands_help(const struct cli_command *commands, const char *prefix, struct buf *out)
{
    struct cli_common by_environment = {0};
    bool vietnamese = cli_vietnamese(&by_environment);
    size_t widest = 0;
    for (const struct cli_command *c = commands; c->name; c++)
        widest = strlen(c->name) > widest ? strlen(c->name) : widest;
    buf_printf(out,
               vietnamese ? "%s LỆNH ...; %s LỆNH --help cho biết thêm\n\n"
                          : "%s COMMAND ...; %s COMMAND --help says more\n\n",
               prefix, prefix);
    for (const struct cli_command *c = commands; c->name; c++)
        buf_printf(out, "  %-*s  %s\n", (int)widest, c->name, vietnamese ? c->help_vi : c->help_en);
}

static int command_unknown(const struct cli_command *commands, const char *prefix, const char *name)
{
    const char *names[CLI_COMMANDS_MAX + 1] = {0};
    struct err err;
    for (size_t i = 0; commands[i].name && i < CLI_COMMANDS_MAX; i++)
        names[i] = commands[i].name;
    const char *near = text_nearest(slice_from(name), names);
    if (near)
        (void)err_set(&err, ERR_USAGE, "there is no command \"%.40s\": did you mean %s %s?", name,
                      prefix, near);
    else
        (void)err_set(&err, ERR_USAGE, "there is no command \"%.40s\": %s --help shows them", name,
                      prefix);
    return cli_fail(CLI_USAGE, &err);
}

/* Each command's help in the form that is set. */
static int helps_run(const struct cli_command *commands)
{
    int code = CLI_OK;
    for (const struct cli_command *c = commands; c->name && code == CLI_OK; c++) {
        char name[] = "", help[] = "--help", *words[] = {name, help, NULL};
        code = c->run(2, words);
    }
    return code;
}

int cli_dispatch(const struct cli_command *commands, const char *prefix, int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    if (cli_form_now() != CLI_FORM_TEXT)
        return helps_run(commands);
    for (const struct cli_command *c = commands; name && c->name; c++)
        if (strcmp(name, c->name) == 0)
            return c->run(argc - 1, argv + 1);
    bool asked = name && (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 ||
                          strcmp(name, "help") == 0);
    if (name && !asked)
        return command_unknown(commands, prefix, name);
    struct buf out = {0};
    int code = CLI_USAGE;
    commands_help(commands, prefix, &out);
    if (asked)
        code = cli_write(&out, NULL);
    else
        fputs(buf_text(&out), stderr);
    buf_free(&out);
    return code;
}

int cli_write(struct buf *out, bool *closed)
{
    struct err err;
    int rc = io_write_all(STDOUT_FILENO, out->data, out->len, &err);
    buf_clear(out);
    if (rc == ERR_CLOSED && closed)
        *closed = true;
    if (rc == ERR_OK || rc == ERR_CLOSED)
        return CLI_OK;
    (void)err_prefix(&err, "standard output");
    return cli_fail(CLI_FAILURE, &err);
}

static struct err *caught;

void cli_catch(struct err *err)
{
    caught = err;
}

bool cli_is_catching(void)
{
    return caught != NULL;
}

int cli_fail(int code, const struct err *err)
{
    if (caught) {
        *caught = *err;
        return code;
    }
    fprintf(stderr, "canh: %s\n", err->text);
    return code;
}
