#include "program/cli_rules.h"

#include <stdio.h>

#include "base/io.h"
#include "base/mem.h"
#include "formats/yaml.h"
#include "program/cli_node.h"

static const struct option check_options[] = {
    CLI_RULES_PLACEHOLDERS_OPTION(rules_settings, placeholders),
    {"lint", 0, OPTION_FLAG, offsetof(struct rules_settings, lint), NULL, 0, 0,
     "also say what is missing or unusual: id, level, tags ...",
     "báo cả những gì còn thiếu hoặc khác thường: id, level, tags ..."},
    {"strict", 0, OPTION_FLAG, offsetof(struct rules_settings, strict), NULL, 0, 0,
     "warnings, too, give exit code 1", "có lưu ý cũng kết thúc với mã 1"},
    {"sarif", 0, OPTION_FLAG, offsetof(struct rules_settings, sarif), NULL, 0, 0,
     "the problems as SARIF 2.1.0 (as -o sarif)", "ghi các lỗi theo SARIF 2.1.0 (như -o sarif)"},
    CLI_OPTIONS(rules_settings, common, "auto|table|ndjson|csv|sarif"),
};

static const struct option list_options[] = {
    CLI_RULES_PLACEHOLDERS_OPTION(rules_settings, placeholders),
    CLI_OPTIONS(rules_settings, common, "auto|table|ndjson|csv"),
};

enum { PLACEHOLDER_BYTES_MAX = 4 << 20 };

/* Loads all paths; a placeholder file that cannot be read is the only failure. */
static int load_all(struct rules_load *load, const struct option_list *paths,
                    const struct rules_settings *settings, struct err *err)
{
    struct sigma_placeholders placeholders = {0};
    struct sigma_options options = {.lint = settings->lint};
    int rc = ERR_OK;
    if (settings->placeholders) {
        struct buf text = {0};
        rc = io_read_file(&text, settings->placeholders, PLACEHOLDER_BYTES_MAX, err);
        if (rc == ERR_OK) {
            rc = sigma_placeholders_read(
                &placeholders, arena_copy(&load->arena, buf_as_slice(&text)), &load->arena, err);
            if (rc != ERR_OK)
                rc = err_prefix(err, "%s", settings->placeholders);
        }
        buf_free(&text);
        options.placeholders = &placeholders;
    }
    if (rc == ERR_OK)
        rules_load_paths(load, paths, &options);
    map_free(&placeholders.names);
    return rc;
}

static bool form_is(const struct rules_settings *settings, const char *name)
{
    return settings->common.output && strcmp(settings->common.output, name) == 0;
}

static void summary_write(const struct rules_load *load, bool vietnamese)
{
    uint32_t errors = load->problems.error_count;
    fprintf(stderr,
            vietnamese ? "%u quy tắc trong %u tệp: %u lỗi, %u lưu ý\n"
                       : "%u rules in %u files: %u errors, %u warnings\n",
            load->rules.count, load->file_count, errors, load->problems.count - errors);
}

static int exit_code(const struct rules_load *load, const struct rules_settings *settings)
{
    if (load->unreadable_count)
        return CLI_FAILURE;
    if (load->problems.error_count || (settings->strict && load->problems.count))
        return CLI_PROBLEMS;
    return CLI_OK;
}

static void check_render(const struct rules_load *load, const struct rules_settings *settings,
                         struct buf *out)
{
    bool vietnamese = cli_vietnamese(&settings->common);
    if (settings->sarif || form_is(settings, "sarif")) {
        cli_rules_sarif(load, out);
    } else if (form_is(settings, "ndjson")) {
        cli_rules_problems_json(load, out);
    } else if (form_is(settings, "csv")) {
        cli_rules_problems_csv(load, out);
    } else {
        for (uint32_t i = 0; i < load->problems.count; i++)
            rules_load_problem_text(out, &load->problems.items[i], vietnamese);
    }
}

static void problems_tell(const struct rules_load *load, bool vietnamese)
{
    struct buf text = {0};
    for (uint32_t i = 0; i < load->problems.count; i++)
        if (load->problems.items[i].level == PROBLEM_ERROR)
            rules_load_problem_text(&text, &load->problems.items[i], vietnamese);
    if (text.len)
        fputs(buf_text(&text), stderr);
    buf_free(&text);
}

enum { WORDS_MAX = 32 };
enum rules_verb { RULES_CHECK, RULES_LIST, RULES_COVERAGE };

static int render(enum rules_verb verb, const struct rules_load *load,
                  const struct rules_settings *settings)
{
    struct buf out = {0};
    bool vietnamese = cli_vietnamese(&settings->common);
    if (verb == RULES_CHECK)
        check_render(load, settings, &out);
    else if (verb == RULES_LIST)
        cli_rules_list(load, settings, &out);
    else
        cli_rules_coverage(load, settings, &out);
    int code = cli_write(&out, NULL);
    buf_free(&out);
    if (code != CLI_OK)
        return code;
    if (verb != RULES_CHECK) {
        problems_tell(load, vietnamese);
        return load->unreadable_count ? CLI_FAILURE : CLI_OK;
    }
    if (!settings->common.quiet)
        summary_write(load, vietnamese);
    return exit_code(load, settings);
}

static int run(enum rules_verb verb, const char *usage, int argc, char **argv)
{
    struct rules_settings settings = {0};
    struct rules_load load = {0};
    struct option_list paths = {0};
    struct err err = {0};
    bool check = verb == RULES_CHECK;
    int code = cli_parse(check ? check_options : list_options,
                         check ? sizeof check_options / sizeof check_options[0]
                               : sizeof list_options / sizeof list_options[0],
                         argc, argv, &settings, &settings.common, &paths, usage);
    if (code < 0 && paths.count == 0) {
        (void)err_set(&err, ERR_USAGE, "rules %s: name the files, folders or archives to read",
                      argv[0]);
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0)
        code = load_all(&load, &paths, &settings, &err) == ERR_OK ? render(verb, &load, &settings)
                                                                  : cli_fail(CLI_FAILURE, &err);
    rules_load_free(&load);
    option_list_free(&paths);
    return code;
}

static int check_run(int argc, char **argv)
{
    return run(RULES_CHECK,
               "canh rules check [--lint] [--strict] [--sarif] [--placeholders FILE] PATH...\n",
               argc, argv);
}

static int list_run(int argc, char **argv)
{
    return run(RULES_LIST, "canh rules list [-o table|ndjson|csv] PATH...\n", argc, argv);
}

static int coverage_run(int argc, char **argv)
{
    return run(RULES_COVERAGE,
               "canh rules coverage PATH...    a layer for MITRE's ATT&CK Navigator\n", argc, argv);
}

/* Of the table of commands; the noun's list is of its versions. */
static int table_run(const char *verb, int argc, char **argv)
{
    char noun[] = "rules";
    char *words[WORDS_MAX + 2] = {noun, (char *)(uintptr_t)verb};
    int count = 2;
    for (int i = 1; i < argc && count < WORDS_MAX; i++)
        words[count++] = argv[i];
    return cli_state(count, words);
}

static int enable_run(int argc, char **argv)
{
    return table_run("enable", argc, argv);
}

static int rollback_run(int argc, char **argv)
{
    return table_run("rollback", argc, argv);
}

static int resume_run(int argc, char **argv)
{
    return table_run("resume", argc, argv);
}

static int versions_run(int argc, char **argv)
{
    return table_run("list", argc, argv);
}

static const struct cli_command commands[] = {
    {"check", check_run, "say what is wrong with rules", "kiểm tra lỗi của quy tắc"},
    {"list", list_run, "list rules", "liệt kê quy tắc"},
    {"coverage", coverage_run, "ATT&CK techniques the rules cover",
     "kỹ thuật ATT&CK mà quy tắc bao phủ"},
    {"explain", cli_rules_explain, "why a rule holds for an event, or does not",
     "vì sao quy tắc khớp hay không khớp với một sự kiện"},
    {"test", cli_rules_test, "run rules over the events beside them",
     "chạy quy tắc trên các sự kiện mẫu đi kèm"},
    {"update", cli_rules_update, "show what other rules would change, and keep them",
     "xem thay đổi của bộ quy tắc mới và lưu lại"},
    {"pack", cli_rules_pack, "rules as one signed file for other nodes",
     "đóng gói quy tắc có chữ ký cho các nút khác"},
    {"versions", versions_run, "versions of the rules on this node",
     "các phiên bản bộ quy tắc trên nút này"},
    {"enable", enable_run, "judge by a version from now on", "dùng một phiên bản từ bây giờ"},
    {"rollback", rollback_run, "go back to the version before", "quay lại phiên bản trước"},
    {"resume", resume_run, "judge by a suspended rule again", "dùng lại quy tắc đang tạm ngừng"},
    {NULL, NULL, NULL, NULL},
};

int cli_rules(int argc, char **argv)
{
    return cli_dispatch(commands, "canh rules", argc, argv);
}
