/* Options, usage and help of a verb, made of the command's parameters. */
#include <ctype.h>
#include <stddef.h>

#include "program/cli_state_inside.h"

#define AT(member) offsetof(struct verb_settings, member)
static const struct option common_options[] = {
    DATA_OPTIONS(verb_settings, data),
    SERVER_OPTIONS(verb_settings, server),
    CLI_OPTIONS(verb_settings, common, "auto|table|ndjson"),
};
static const struct option dry_option = {"dry-run",
                                         0,
                                         OPTION_FLAG,
                                         AT(dry_run),
                                         NULL,
                                         0,
                                         0,
                                         "say what would change, and change nothing",
                                         "chỉ cho biết sẽ thay đổi những gì, không thay đổi"};
static const struct option admin_option = {"admin",
                                           0,
                                           OPTION_FLAG,
                                           AT(admin),
                                           NULL,
                                           0,
                                           0,
                                           "short for --role administrator, for all units",
                                           "viết tắt của --role administrator, toàn bộ đơn vị"};

const char *verb_dashed(struct arena *arena, const char *name)
{
    size_t len = strlen(name);
    char *out = arena_bytes(arena, len + 1);
    for (size_t i = 0; i <= len; i++)
        out[i] = name[i] == '_' ? '-' : name[i];
    return out;
}

static const char *upper(struct arena *arena, const char *name)
{
    size_t len = strlen(name);
    char *out = arena_bytes(arena, len + 1);
    for (size_t i = 0; i <= len; i++)
        out[i] = name[i] == '_' ? '-' : (char)toupper((unsigned char)name[i]);
    return out;
}

static const char *value_name(struct arena *arena, const struct param *p)
{
    switch (p->kind) {
    case PARAM_NAME:
        return "NAME";
    case PARAM_NUMBER:
        return "N";
    case PARAM_BOOL:
        return "true|false";
    case PARAM_CHOICE:
        return p->choices;
    case PARAM_DATE:
        return "YYYY-MM-DD";
    case PARAM_DURATION:
        return "12h|90d";
    case PARAM_REF:
        return p->ref ? upper(arena, p->ref) : "NAME";
    case PARAM_SHEET:
        return "FILE.csv";
    case PARAM_TEXT:
    case PARAM_SECRET:
        break;
    }
    return "TEXT";
}

static void option_put(struct verb *verb, const struct option *option)
{
    check(verb->option_count < VERB_OPTIONS_MAX);
    verb->options[verb->option_count++] = *option;
}

static void secret_options(struct verb *verb, uint32_t index)
{
    const struct param *p = &verb->command->params[index];
    const char *name = verb_dashed(&verb->arena, p->name);
    struct option file = {
        .name = arena_printf(&verb->arena, "%s-file", name).data,
        .kind = OPTION_TEXT,
        .offset = AT(files) + index * sizeof(const char *),
        .value = "FILE",
        .help_en = arena_printf(&verb->arena,
                                "%s: the line of a file that only you "
                                "can read",
                                p->help_en)
                       .data,
        .help_vi =
            arena_printf(&verb->arena, "%s: lấy từ một tệp chỉ mình bạn đọc được", p->help_vi)
                .data};
    struct option input = {
        .name = arena_printf(&verb->arena, "%s-stdin", name).data,
        .kind = OPTION_FLAG,
        .offset = AT(inputs) + index * sizeof(bool),
        .help_en = arena_printf(&verb->arena, "%s: from standard input", p->help_en).data,
        .help_vi = arena_printf(&verb->arena, "%s: đọc từ stdin", p->help_vi).data};
    option_put(verb, &file);
    option_put(verb, &input);
}

static void param_option(struct verb *verb, uint32_t index)
{
    const struct param *p = &verb->command->params[index];
    const char *more_en = p->required ? " (required)" : "";
    const char *more_vi = p->required ? " (bắt buộc)" : "";
    const char *many_en = p->many ? " (may be given again)" : "";
    const char *many_vi = p->many ? " (dùng được nhiều lần)" : "";
    struct option o = {
        .name = verb_dashed(&verb->arena, p->name),
        .kind = OPTION_LIST,
        .offset = AT(values) + index * sizeof(struct option_list),
        .value = value_name(&verb->arena, p),
        .help_en = arena_printf(&verb->arena, "%s%s%s", p->help_en, more_en, many_en).data,
        .help_vi = arena_printf(&verb->arena, "%s%s%s", p->help_vi, more_vi, many_vi).data};
    option_put(verb, &o);
}

/* Nouns and operands in the order of the table, then what must be given, then the rest. */
static void usage_make(struct verb *verb)
{
    const struct command *command = verb->command;
    struct buf out = {0};
    struct slice rest = slice_from(command->name), noun = slice_cut(&rest, '.');
    buf_printf(&out, "canh %.*s %.*s", (int)noun.len, noun.data, (int)rest.len, rest.data);
    for (uint32_t i = 0; i < command->param_count; i++) {
        const struct param *p = &command->params[i];
        const char *dots = p->many ? "..." : "";
        if (p->kind == PARAM_SHEET)
            buf_string(&out, " FILE.csv");
        else if (p->operand && p->kind != PARAM_SECRET)
            buf_printf(&out, p->required ? " %s%s" : " [%s%s]", upper(&verb->arena, p->name), dots);
    }
    for (uint32_t i = 0; i < command->param_count; i++) {
        const struct param *p = &command->params[i];
        if (p->required && !p->operand && p->kind != PARAM_SHEET && p->kind != PARAM_SECRET)
            buf_printf(&out, " --%s %s", verb_dashed(&verb->arena, p->name),
                       value_name(&verb->arena, p));
    }
    buf_printf(&out, " [options]\n%s\n", verb->vietnamese ? command->title_vi : command->title_en);
    for (uint32_t i = 0; i < command->param_count; i++) {
        const struct param *p = &command->params[i];
        if (p->kind == PARAM_SHEET || (p->operand && p->kind != PARAM_SECRET))
            buf_printf(&out, "  %s  %s\n",
                       p->kind == PARAM_SHEET ? "FILE.csv" : upper(&verb->arena, p->name),
                       verb->vietnamese ? p->help_vi : p->help_en);
    }
    verb->usage = arena_copy(&verb->arena, buf_as_slice(&out)).data;
    buf_free(&out);
}

void verb_describe(struct verb *verb)
{
    const struct command *command = verb->command;
    for (uint32_t i = 0; i < command->param_count; i++) {
        const struct param *p = &command->params[i];
        if (p->kind == PARAM_SECRET)
            secret_options(verb, i);
        else if (!p->operand && p->kind != PARAM_SHEET)
            param_option(verb, i);
    }
    if (strcmp(command->name, "user.add") == 0)
        option_put(verb, &admin_option);
    if (command->flags & COMMAND_DRY)
        option_put(verb, &dry_option);
    for (size_t i = 0; i < sizeof common_options / sizeof common_options[0]; i++)
        option_put(verb, &common_options[i]);
    usage_make(verb);
}
