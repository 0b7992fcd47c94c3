#include "program/cli_form.h"

static enum cli_form form;

void cli_form_set(enum cli_form wanted)
{
    form = wanted;
}

enum cli_form cli_form_now(void)
{
    return form;
}

/* A line of roff: what would be a request or an escape is none. */
static void roff_put(struct buf *out, struct slice text)
{
    if (text.len && (text.data[0] == '.' || text.data[0] == '\''))
        buf_string(out, "\\&");
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\\')
            buf_string(out, "\\e");
        else
            buf_char(out, text.data[i]);
    }
}

/* The words of the command itself: those before an operand or an option. */
static struct slice name_of(const char *usage)
{
    struct slice rest = slice_from(usage), line = slice_cut(&rest, '\n'), left = line;
    size_t len = 0;
    (void)slice_cut(&left, ' '); /* canh */
    size_t start = line.len - left.len;
    while (left.len && left.data[0] >= 'a' && left.data[0] <= 'z') {
        (void)slice_cut(&left, ' ');
        len = line.len - left.len - start;
        len -= left.len > 0;
    }
    return slice_part(line, start, len);
}

void cli_form_begin(bool vietnamese, struct buf *out)
{
    if (form == CLI_FORM_BASH)
        buf_string(out, "# completion of canh for bash, made by `canh completion bash`\n"
                        "_canh_table='\n");
    else
        buf_printf(out,
                   ".Dd\n.Dt CANH-COMMANDS 1\n.Os\n.Sh NAME\n.Nm canh-commands\n.Nd %s\n.Sh %s\n",
                   vietnamese ? "mọi lệnh của canh và tùy chọn"
                              : "all commands of canh and their "
                                "options",
                   vietnamese ? "LỆNH" : "COMMANDS");
}

/* The longest beginning of the line that names a command gives its options, or the next words. */
static const char bash_function[] =
    "'\n"
    "_canh() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} path= i line rest out=\n"
    "    for ((i = 1; i < COMP_CWORD && i < 3; i++)); do\n"
    "        [[ ${COMP_WORDS[i]} == -* ]] && break\n"
    "        path+=\"${COMP_WORDS[i]} \"\n"
    "    done\n"
    "    while [[ -z $out ]]; do\n"
    "        while read -r line; do\n"
    "            [[ -n $line && \"$line \" == \"$path\"* ]] || continue\n"
    "            rest=${line#\"$path\"}\n"
    "            if [[ $rest == --* ]]; then\n"
    "                out+=\" $rest\"\n"
    "            else\n"
    "                out+=\" ${rest%% *}\"\n"
    "            fi\n"
    "        done <<<\"$_canh_table\"\n"
    "        [[ $path == *' '*' ' ]] || break\n"
    "        path=${path% }\n"
    "        path=\"${path% *} \"\n"
    "    done\n"
    "    mapfile -t COMPREPLY < <(compgen -W \"$out\" -- \"$cur\" | sort -u)\n"
    "}\n"
    "complete -o default -F _canh canh\n";

void cli_form_end(struct buf *out)
{
    if (form == CLI_FORM_BASH)
        buf_string(out, bash_function);
    else
        buf_string(out, ".Sh SEE ALSO\n.Xr canh 1\n");
}

static void bash_command(const struct option *options, size_t count, const char *usage,
                         struct buf *out)
{
    buf_slice(out, name_of(usage));
    for (size_t i = 0; i < count; i++)
        buf_printf(out, " --%s", options[i].name);
    buf_char(out, '\n');
}

static void man_command(const struct option *options, size_t count, const char *usage,
                        bool vietnamese, struct buf *out)
{
    struct slice rest = slice_from(usage);
    buf_string(out, ".Ss ");
    roff_put(out, name_of(usage));
    buf_string(out, "\n.Bd -literal -compact\n");
    while (rest.len) {
        roff_put(out, slice_cut(&rest, '\n'));
        buf_char(out, '\n');
    }
    buf_string(out, ".Ed\n.Bl -tag -width Ds\n");
    for (size_t i = 0; i < count; i++) {
        const struct option *o = &options[i];
        const char *help = vietnamese && o->help_vi ? o->help_vi : o->help_en;
        buf_string(out, ".It");
        if (o->letter)
            buf_printf(out, " Fl %c ,", o->letter);
        buf_printf(out, " Fl -%s", o->name);
        if (o->kind != OPTION_FLAG)
            buf_printf(out, " Ar %s", o->value ? o->value : "TEXT");
        buf_char(out, '\n');
        roff_put(out, slice_from(help));
        buf_char(out, '\n');
    }
    buf_string(out, ".El\n");
}

void cli_form_command(const struct option *options, size_t count, const char *usage,
                      bool vietnamese, struct buf *out)
{
    if (form == CLI_FORM_BASH)
        bash_command(options, count, usage, out);
    else
        man_command(options, count, usage, vietnamese, out);
}
