#include "watch/config_table.h"

static void indent(struct buf *out, size_t blanks)
{
    for (size_t i = 0; i < blanks; i++)
        buf_char(out, ' ');
}

/* How deep a section's keys stand, and its name there. */
static const char *section_place(const struct config_section *section, size_t *blanks)
{
    const char *dot = strchr(section->name, '.');
    *blanks = dot ? 2 : 0;
    return dot ? dot + 1 : section->name;
}

static bool value_is_none(const struct config_key *key, const void *target)
{
    const void *at = (const char *)target + key->offset;
    switch (key->kind) {
    case CONFIG_NUMBER:
    case CONFIG_BYTES:
    case CONFIG_DURATION:
    case CONFIG_BOOL:
        return false;
    case CONFIG_LIST:
        return ((const struct config_list *)at)->count == 0;
    default:
        return ((const struct slice *)at)->len == 0;
    }
}

static void keys_print(const struct config_section *section, const void *target, size_t blanks,
                       struct buf *out)
{
    const struct config_row *row = target;
    for (uint32_t i = 0; i < section->key_count; i++) {
        const struct config_key *key = &section->keys[i];
        if (value_is_none(key, target))
            continue;
        indent(out, blanks);
        buf_printf(out, "%s: ", key->name);
        config_value_write(key, target, out);
        if (row->from_environment >> i & 1)
            buf_string(out, " # environment");
        else if (!(row->given >> i & 1))
            buf_string(out, " # default");
        buf_char(out, '\n');
    }
}

static void rows_print(const struct config_section *section, const struct config_rows *rows,
                       size_t blanks, struct buf *out)
{
    for (uint32_t i = 0; i < rows->count; i++) {
        const struct config_row *row = config_row_at(section, rows, i);
        bool is_list = section->shape == CONFIG_ROWS;
        struct slice name = row->name;
        indent(out, blanks);
        /* a name of digits only would be a number */
        buf_printf(out, is_list ? "- name: \"%.*s\"\n" : "\"%.*s\":\n", (int)name.len, name.data);
        keys_print(section, row, blanks + 2, out);
    }
}

void config_print_section(const struct config *config, const struct config_section *section,
                          struct buf *out)
{
    const char *at = (const char *)config + section->offset;
    size_t blanks;
    const char *name = section_place(section, &blanks);
    const struct config_rows *rows =
        section->shape == CONFIG_ONE ? NULL : (const struct config_rows *)(const void *)at;
    if (rows && rows->count == 0)
        return;
    indent(out, blanks);
    buf_printf(out, "%s:\n", name);
    if (rows)
        rows_print(section, rows, blanks + 2, out);
    else
        keys_print(section, at, blanks + 2, out);
}

void config_print(const struct config *config, struct buf *out)
{
    for (uint32_t i = 0; i < config_table.count; i++)
        config_print_section(config, &config_table.sections[i], out);
}

static void default_print(const struct config_key *key, const char *head, bool vietnamese,
                          struct buf *out)
{
    buf_printf(out, "#%s# %s (%s", head, vietnamese ? key->help_vi : key->help_en,
               config_kind_name(key->kind, vietnamese));
    if (key->min && key->max)
        buf_printf(out, vietnamese ? "; %s đến %s" : "; %s to %s", key->min, key->max);
    buf_printf(out, ")\n#%s%s:", head, key->name);
    if (key->fallback)
        buf_printf(out, " %s", key->fallback);
    buf_char(out, '\n');
}

void config_print_defaults(bool vietnamese, struct buf *out)
{
    for (uint32_t i = 0; i < config_table.count; i++) {
        const struct config_section *section = &config_table.sections[i];
        size_t blanks;
        const char *name = section_place(section, &blanks);
        bool is_list = section->shape == CONFIG_ROWS, is_map = section->shape == CONFIG_MAP;
        const char *head = blanks || is_list ? "    " : "  ";
        buf_printf(out, "%s#%s# %s\n#%s%s:\n", i && !blanks ? "\n" : "", blanks ? "  " : " ",
                   vietnamese ? section->help_vi : section->help_en, blanks ? "  " : "", name);
        if (is_list)
            buf_string(out, "#  - name: example\n");
        if (is_map) {
            buf_string(out, "#    default:\n");
            head = "      ";
        }
        for (uint32_t j = 0; j < section->key_count; j++)
            default_print(&section->keys[j], head, vietnamese, out);
    }
}
