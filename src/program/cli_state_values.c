/* What was typed for a verb, as the command table wants it: named texts. */
#include <stdio.h>

#include "base/io.h"
#include "base/text.h"
#include "program/cli_state_inside.h"
#include "state/sheet.h"

/* Secrets never are: others see the command line. */
static bool is_operand(const struct param *p)
{
    return p->kind != PARAM_SECRET && (p->operand || p->kind == PARAM_SHEET);
}

static int value_add(struct verb *verb, const char *name, struct slice text, struct err *err)
{
    if (verb->value_count == COMMAND_VALUES_MAX)
        return err_set(err, ERR_LIMIT, "a command takes at most %d values", COMMAND_VALUES_MAX);
    verb->values[verb->value_count++] = (struct command_value){slice_from(name), text};
    return ERR_OK;
}

static void utf8_make(struct slice csv, struct buf *out)
{
    bool little = slice_starts(csv, SLICE("\xff\xfe")), big = slice_starts(csv, SLICE("\xfe\xff"));
    if (little || big)
        text_from_utf16(out, slice_part(csv, 2, SIZE_MAX), big);
    else
        buf_slice(out, csv);
}

static int sheet_read(struct verb *verb, uint32_t index, const char *path, struct err *err)
{
    struct buf csv = {0};
    uint32_t count = 0;
    const struct sheet_column *columns = sheet_columns(verb->command->name, &count);
    if (!columns)
        return err_set(err, ERR_UNSUPPORTED, "%s takes no table", verb->command->name);
    int rc = io_read_file(&csv, path, COMMAND_SHEET_BYTES_MAX, err);
    if (rc == ERR_OK) {
        rc = sheet_read_csv(buf_as_slice(&csv), columns, count, verb->vietnamese,
                            &verb->secrets[index], err);
        if (rc)
            (void)err_prefix(err, "%s", path);
    }
    if (rc == ERR_OK && verb->settings.server.server) { /* it cuts the cells itself */
        buf_clear(&verb->secrets[index]);
        utf8_make(buf_as_slice(&csv), &verb->secrets[index]);
    }
    buf_free(&csv);
    if (rc == ERR_OK)
        rc = value_add(verb, verb->command->params[index].name, buf_as_slice(&verb->secrets[index]),
                       err);
    return rc;
}

static int operands_take(struct verb *verb, struct err *err)
{
    size_t at = 0;
    for (uint32_t i = 0; i < verb->command->param_count; i++) {
        const struct param *p = &verb->command->params[i];
        int rc = ERR_OK;
        if (!is_operand(p))
            continue;
        if (at == verb->operands.count) {
            if (p->required || p->kind == PARAM_SHEET)
                return err_set(err, ERR_USAGE,
                               verb->vietnamese
                                   ? "thiếu %s (%s); `--help` cho biết cách dùng"
                                   : "%s is missing: %s; `--help` shows how it is used",
                               p->name, verb->vietnamese ? p->help_vi : p->help_en);
            continue;
        }
        do {
            const char *text = verb->operands.items[at++];
            rc = p->kind == PARAM_SHEET ? sheet_read(verb, i, text, err)
                                        : value_add(verb, p->name, slice_from(text), err);
        } while (rc == ERR_OK && p->many && at < verb->operands.count);
        if (rc)
            return rc;
    }
    if (at < verb->operands.count)
        return err_set(err, ERR_USAGE,
                       verb->vietnamese ? "thừa \"%.60s\"; `--help` cho biết cách dùng"
                                        : "\"%.60s\" is too much; `--help` shows how it is used",
                       verb->operands.items[at]);
    return ERR_OK;
}

/* It is set here, not asked for: to be typed twice. */
static bool is_new_secret(const struct command *c, const struct param *p)
{
    static const char *const setters[] = {"invite.accept", "user.add", "user.password"};
    bool sets = false;
    for (size_t i = 0; i < sizeof setters / sizeof setters[0]; i++)
        sets |= strcmp(c->name, setters[i]) == 0;
    return sets && strcmp(p->name, "password") == 0;
}

static int secret_take(struct verb *verb, uint32_t index, struct err *err)
{
    const struct param *p = &verb->command->params[index];
    const struct verb_settings *s = &verb->settings;
    struct buf *secret = &verb->secrets[index];
    bool is_new = is_new_secret(verb->command, p);
    int rc;
    if (s->files[index] && s->inputs[index])
        return err_set(err, ERR_USAGE, "give %s once: by file or by standard input", p->name);
    if (s->files[index]) {
        rc = cli_secret_file(s->files[index], secret, err);
    } else if (s->inputs[index]) {
        rc = cli_secret_stdin(secret, err);
    } else if (p->required || (verb->settings.admin && is_new)) { /* an administrator signs in */
        const char *help = verb->vietnamese ? p->help_vi : p->help_en;
        struct slice prompt = arena_printf(&verb->arena, "%s: ", help);
        rc = cli_secret_ask(prompt.data, is_new, verb->vietnamese, secret, err);
    } else {
        return ERR_OK;
    }
    return rc ? rc : value_add(verb, p->name, buf_as_slice(secret), err);
}

static int options_take(struct verb *verb, uint32_t index, struct err *err)
{
    const struct param *p = &verb->command->params[index];
    const struct option_list *list = &verb->settings.values[index];
    int rc = ERR_OK;
    if (list->count > 1 && !p->many)
        return err_set(err, ERR_USAGE,
                       verb->vietnamese ? "--%s chỉ dùng một lần" : "--%s can be given once",
                       verb_dashed(&verb->arena, p->name));
    if (list->count == 0 && p->required)
        return err_set(err, ERR_USAGE, verb->vietnamese ? "thiếu --%s: %s" : "--%s is missing: %s",
                       verb_dashed(&verb->arena, p->name),
                       verb->vietnamese ? p->help_vi : p->help_en);
    for (size_t i = 0; i < list->count && rc == ERR_OK; i++)
        rc = value_add(verb, p->name, slice_from(list->items[i]), err);
    return rc;
}

/* --admin stands for the role, and for the full name where none is given. */
static int admin_take(struct verb *verb, uint32_t index, bool *taken, struct err *err)
{
    const struct param *p = &verb->command->params[index];
    bool given = verb->settings.values[index].count > 0;
    *taken = true;
    if (strcmp(p->name, "role") == 0)
        return given ? err_set(err, ERR_USAGE, "--admin and --role exclude each other")
                     : value_add(verb, p->name, SLICE("administrator"), err);
    if (strcmp(p->name, "unit") == 0 && given)
        return err_set(err, ERR_USAGE,
                       "--admin is for all units: use --role administrator with --unit");
    if (strcmp(p->name, "title") == 0 && !given && verb->operands.count)
        return value_add(verb, p->name, slice_from(verb->operands.items[0]), err);
    *taken = false;
    return ERR_OK;
}

int verb_values(struct verb *verb, struct err *err)
{
    int rc = operands_take(verb, err);
    for (uint32_t i = 0; i < verb->command->param_count && rc == ERR_OK; i++) {
        const struct param *p = &verb->command->params[i];
        bool taken = is_operand(p);
        if (!taken && verb->settings.admin)
            rc = admin_take(verb, i, &taken, err);
        if (rc == ERR_OK && !taken)
            rc = p->kind == PARAM_SECRET ? secret_take(verb, i, err) : options_take(verb, i, err);
    }
    return rc;
}
