#include <stdio.h>
#include <unistd.h>

#include "program/cli_watch.h"
#include "watch/config.h"

struct config_settings {
    struct cli_common common;
    bool defaults;
};

#define AT(member) offsetof(struct config_settings, member)

static const struct option check_options[] = {
    CLI_OPTIONS(config_settings, common, "auto"),
};

static const struct option print_options[] = {
    {"defaults", 0, OPTION_FLAG, AT(defaults), NULL, 0, 0,
     "every key with its meaning and default, as comments: a file to begin with",
     "mọi khóa kèm ý nghĩa và giá trị mặc định, dạng chú thích: tệp mẫu để bắt đầu"},
    CLI_OPTIONS(config_settings, common, "auto"),
};

/* The file that is named, or NULL; -1: go on. */
static int file_of(const struct option_list *operands, const char **path)
{
    struct err err;
    *path = operands->count ? operands->items[0] : NULL;
    if (operands->count <= 1)
        return -1;
    (void)err_set(&err, ERR_USAGE, "one file is read, not %zu: name one", operands->count);
    return cli_fail(CLI_USAGE, &err);
}

/* Prints the problems; CLI_OK, CLI_PROBLEMS or CLI_FAILURE. */
static int config_load(struct config **config, const char *path)
{
    struct buf problems = {0};
    struct err err;
    int code = CLI_OK;
    int rc = config_open(config, path, environ, &problems, &err);
    if (rc == ERR_USAGE && problems.len > 0) {
        fputs(buf_text(&problems), stderr);
        code = CLI_PROBLEMS;
    } else if (rc) {
        code = cli_fail(CLI_FAILURE, &err);
    }
    buf_free(&problems);
    return code;
}

static int config_check(int argc, char **argv)
{
    struct config_settings settings = {0};
    struct option_list operands = {0};
    struct config *config = NULL;
    struct buf out = {0};
    const char *path = NULL;
    int code = cli_parse(check_options, sizeof check_options / sizeof check_options[0], argc, argv,
                         &settings, &settings.common, &operands, "canh config check [FILE]\n");
    if (code < 0)
        code = file_of(&operands, &path);
    if (code < 0)
        code = config_load(&config, path);
    if (config && !settings.common.quiet) {
        bool vietnamese = cli_vietnamese(&settings.common);
        buf_printf(&out,
                   vietnamese ? "cấu hình đúng: %lu nguồn, %lu phân vùng được nêu tên\n"
                              : "the configuration is good: %lu sources, %lu named partitions\n",
                   (unsigned long)config->sources.count, (unsigned long)config->partitions.count);
        code = cli_write(&out, NULL);
    }
    config_close(&config);
    option_list_free(&operands);
    buf_free(&out);
    return code;
}

static int config_show(int argc, char **argv)
{
    struct config_settings settings = {0};
    struct option_list operands = {0};
    struct config *config = NULL;
    struct buf out = {0};
    const char *path = NULL;
    int code = cli_parse(print_options, sizeof print_options / sizeof print_options[0], argc, argv,
                         &settings, &settings.common, &operands,
                         "canh config print [FILE]\ncanh config print --defaults\n");
    if (code < 0)
        code = file_of(&operands, &path);
    if (code < 0 && settings.defaults) {
        config_print_defaults(cli_vietnamese(&settings.common), &out);
        code = cli_write(&out, NULL);
    } else if (code < 0) {
        code = config_load(&config, path);
        if (config) {
            config_print(config, &out);
            code = cli_write(&out, NULL);
        }
    }
    config_close(&config);
    option_list_free(&operands);
    buf_free(&out);
    return code;
}

int cli_config(int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"check", config_check, "say what is wrong in canh.yaml", "cho biết lỗi trong canh.yaml"},
        {"print", config_show, "show the settings as they hold, or their defaults",
         "in các thiết đặt đang có hiệu lực, hoặc mặc định"},
        {"propose", cli_config_propose,
         "write a canh.yaml for this machine: what there is to watch",
         "viết canh.yaml cho máy này: có những gì để canh"},
        {NULL, NULL, NULL, NULL},
    };
    return cli_dispatch(commands, "canh config", argc, argv);
}
