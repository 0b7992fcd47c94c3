#include "base/option.h"

#include "base/mem.h"
#include "base/text.h"

static int name_length(struct slice name)
{
    return (int)(name.len > 80 ? 80 : name.len);
}

static const struct option *option_find(const struct option *options, size_t count,
                                        struct slice name)
{
    for (size_t i = 0; i < count; i++)
        if (slice_equal(name, slice_from(options[i].name)))
            return &options[i];
    return NULL;
}

static const struct option *option_find_letter(const struct option *options, size_t count,
                                               char letter)
{
    for (size_t i = 0; i < count; i++)
        if (options[i].letter && options[i].letter == letter)
            return &options[i];
    return NULL;
}

static int option_unknown(const struct option *options, size_t count, struct slice name,
                          struct err *err)
{
    const char **names = mem_zeroed(count + 1, sizeof(*names));
    for (size_t i = 0; i < count; i++)
        names[i] = options[i].name;
    const char *near = text_nearest(name, names);
    mem_free(names);
    if (near)
        return err_set(err, ERR_USAGE, "there is no option --%.*s: did you mean --%s?",
                       name_length(name), name.data, near);
    return err_set(err, ERR_USAGE, "there is no option --%.*s: --help shows those there are",
                   name_length(name), name.data);
}

static void list_add(struct option_list *list, const char *item)
{
    list->items = mem_resize(list->items, list->count + 1, sizeof(*list->items));
    list->items[list->count++] = item;
}

static bool choice_has(struct slice choices, struct slice value)
{
    while (choices.len > 0)
        if (slice_equal(slice_cut(&choices, '|'), value))
            return true;
    return false;
}

/* Names the nearest of the choices, if one is near. */
static int choice_refuse(const struct option *o, struct slice value, struct err *err)
{
    struct slice rest = slice_from(o->value), near = {0};
    unsigned limit = value.len / 3 ? (unsigned)(value.len / 3) : 1;
    while (rest.len > 0) {
        struct slice part = slice_cut(&rest, '|');
        unsigned distance = text_distance(value, part, limit);
        if (distance <= limit && (!near.data || distance < limit)) {
            near = part;
            limit = distance;
        }
    }
    if (near.data)
        return err_set(err, ERR_USAGE,
                       "--%s cannot be \"%.*s\": did you mean %.*s? It is one of %s", o->name,
                       name_length(value), value.data, (int)near.len, near.data, o->value);
    return err_set(err, ERR_USAGE, "--%s cannot be \"%.*s\": it is one of %s", o->name,
                   name_length(value), value.data, o->value);
}

static int option_set(const struct option *o, const char *value, char *settings, struct err *err)
{
    struct slice text = slice_from(value);
    void *place = settings + o->offset;
    uint64_t number;
    switch (o->kind) {
    case OPTION_FLAG:
        *(bool *)place = true;
        break;
    case OPTION_TEXT:
        *(const char **)place = value;
        break;
    case OPTION_LIST:
        list_add(place, value);
        break;
    case OPTION_NUMBER:
        if (!slice_to_u64(text, &number) || number < o->min || number > o->max)
            return err_set(err, ERR_USAGE,
                           "--%s cannot be \"%.*s\": it is a whole number from %llu to %llu",
                           o->name, name_length(text), value, (unsigned long long)o->min,
                           (unsigned long long)o->max);
        *(uint64_t *)place = number;
        break;
    case OPTION_CHOICE:
        if (!choice_has(slice_from(o->value), text))
            return choice_refuse(o, text, err);
        *(const char **)place = value;
        break;
    }
    return ERR_OK;
}

/* argv[*i] is an option; *i moves over its value. */
static int option_read(const struct option *options, size_t count, int argc, char **argv, int *i,
                       char *settings, struct err *err)
{
    char *argument = argv[*i];
    const struct option *o;
    const char *value = NULL;
    if (argument[1] == '-') {
        struct slice rest = slice_from(argument + 2);
        bool has_value = slice_find_char(rest, '=') != SLICE_NONE;
        struct slice name = slice_cut(&rest, '=');
        o = option_find(options, count, name);
        if (!o)
            return option_unknown(options, count, name, err);
        value = has_value ? rest.data : NULL;
    } else {
        o = argument[2] == '\0' ? option_find_letter(options, count, argument[1]) : NULL;
        if (!o)
            return err_set(err, ERR_USAGE, "there is no option %.80s: --help shows those there are",
                           argument);
    }
    if (o->kind == OPTION_FLAG && value)
        return err_set(err, ERR_USAGE, "--%s takes no value", o->name);
    if (o->kind != OPTION_FLAG && !value) {
        if (*i + 1 >= argc)
            return err_set(err, ERR_USAGE, "--%s needs a value: %s", o->name,
                           o->value ? o->value : "TEXT");
        value = argv[++*i];
    }
    return option_set(o, value, settings, err);
}

int option_parse(const struct option *options, size_t count, int argc, char **argv, void *settings,
                 struct option_list *operands, struct err *err)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            while (++i < argc)
                list_add(operands, argv[i]);
            break;
        }
        if (argv[i][0] != '-' || argv[i][1] == '\0') { /* a lone dash is standard input */
            list_add(operands, argv[i]);
            continue;
        }
        int rc = option_read(options, count, argc, argv, &i, settings, err);
        if (rc)
            return rc;
    }
    return ERR_OK;
}

enum { HELP_COLUMN_MAX = 32, HELP_WIDTH = 96 };

static size_t text_columns(struct slice s)
{
    size_t columns = 0;
    for (size_t i = 0; i < s.len; i++)
        columns += ((unsigned char)s.data[i] & 0xc0) != 0x80;
    return columns;
}

static void put_blanks(struct buf *out, size_t count)
{
    while (count-- > 0)
        buf_char(out, ' ');
}

static void help_left(const struct option *o, struct buf *out)
{
    if (o->letter)
        buf_printf(out, "  -%c, --%s", o->letter, o->name);
    else
        buf_printf(out, "      --%s", o->name);
    if (o->kind != OPTION_FLAG)
        buf_printf(out, " %s", o->value ? o->value : "TEXT");
}

/* Words of the help text, wrapped to lines that begin at column `left`. */
static void help_right(struct slice text, size_t left, struct buf *out)
{
    size_t column = left;
    bool first = true;
    while (text.len > 0) {
        struct slice word = slice_cut(&text, ' ');
        size_t columns = text_columns(word);
        if (!first && column + 1 + columns > HELP_WIDTH) {
            buf_char(out, '\n');
            put_blanks(out, left);
            column = left;
        } else if (!first) {
            buf_char(out, ' ');
            column++;
        }
        buf_slice(out, word);
        column += columns;
        first = false;
    }
    buf_char(out, '\n');
}

void option_help(const struct option *options, size_t count, bool vietnamese, struct buf *out)
{
    struct buf row = {0};
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        buf_clear(&row);
        help_left(&options[i], &row);
        size_t columns = text_columns(buf_as_slice(&row)) + 2;
        if (columns > left && columns <= HELP_COLUMN_MAX)
            left = columns;
    }
    if (left == 0)
        left = HELP_COLUMN_MAX;
    for (size_t i = 0; i < count; i++) {
        const char *help =
            vietnamese && options[i].help_vi ? options[i].help_vi : options[i].help_en;
        buf_clear(&row);
        help_left(&options[i], &row);
        size_t columns = text_columns(buf_as_slice(&row));
        buf_slice(out, buf_as_slice(&row));
        if (columns + 2 > left) {
            buf_char(out, '\n');
            columns = 0;
        }
        put_blanks(out, left - columns);
        help_right(slice_from(help), left, out);
    }
    buf_free(&row);
}

void option_list_free(struct option_list *list)
{
    mem_free(list->items);
    *list = (struct option_list){0};
}
