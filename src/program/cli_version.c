#include <unistd.h>

#include "canh_commit.h" /* written by the build: cmake/commit.cmake */
#include "formats/json.h"
#include "program/cli.h"

struct version_settings {
    struct cli_common common;
};

static const struct option version_options[] = {
    CLI_OPTIONS(version_settings, common, "auto|table|ndjson"),
};

int cli_version(int argc, char **argv)
{
    struct version_settings settings = {0};
    struct option_list operands = {0};
    struct buf out = {0};
    int code =
        cli_parse(version_options, sizeof version_options / sizeof version_options[0], argc, argv,
                  &settings, &settings.common, &operands, "canh version [-o table|ndjson]\n");
    option_list_free(&operands);
    if (code >= 0)
        return code;
    const char *form = settings.common.output;
    if (form && strcmp(form, "ndjson") == 0) {
        struct json_writer w = {.out = &out};
        json_open_object(&w);
        json_key(&w, "version");
        json_string(&w, slice_from(CANH_VERSION));
        json_key(&w, "commit");
        json_string(&w, slice_from(CANH_COMMIT));
        json_key(&w, "store_format");
        json_null(&w);
        json_key(&w, "sandbox");
        json_open_array(&w);
        json_close_array(&w);
        json_close_object(&w);
        buf_char(&out, '\n');
    } else {
        bool vi = cli_vietnamese(&settings.common);
        buf_printf(
            &out, "canh %s\n%s %s\n%s\n%s\n", CANH_VERSION, vi ? "bản mã" : "commit", CANH_COMMIT,
            vi ? "kho sự kiện: chưa có trong phiên bản này" : "event store: not in this version",
            vi ? "hộp cát: chưa có trong phiên bản này" : "sandbox: not in this version");
    }
    code = cli_write(&out, NULL);
    buf_free(&out);
    return code;
}
