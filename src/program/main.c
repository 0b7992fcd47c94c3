/* canh: one program, one subcommand a duty. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "program/cli.h"
#include "program/cli_form.h"
#include "program/cli_node.h"
#include "program/role.h"

static const struct cli_command commands[] = {
    {"audit", cli_audit, "who changed what: list, verify, export",
     "nhật ký kiểm toán: xem, kiểm tra, xuất"},
    {"backup", cli_backup, "copy state, store and keys into a folder",
     "sao lưu dữ liệu quản lý, kho và khóa vào một thư mục"},
    {"config", cli_config, "check the configuration, show it", "kiểm tra cấu hình, in cấu hình"},
    {"detect", cli_detect, "run Sigma rules over event files",
     "chạy quy tắc Sigma trên các tệp sự kiện"},
    {"doctor", cli_doctor, "what the node needs of its machine, and what mends it",
     "kiểm tra máy chủ và cách khắc phục"},
    {"export", cli_export, "whole events of the store as NDJSON, CSV or canonical text",
     "xuất sự kiện trong kho ra NDJSON, CSV hoặc văn bản chuẩn"},
    {"import", cli_import, "event files into a store, with findings",
     "nạp tệp sự kiện vào kho, kèm kết quả phát hiện"},
    {"hunt", cli_hunt, "run rules and indicators over the events stored",
     "săn tìm theo quy tắc, dấu hiệu trong sự kiện đã lưu"},
    {"intel", cli_intel, "import, list and look up indicators of feeds",
     "nạp, liệt kê, tra cứu dấu hiệu nhận biết"},
    {"key", cli_key, "the node's keys and certificate", "khóa và chứng thư của nút"},
    {"prove", cli_prove, "the evidence of one event, to be checked by others",
     "lập bộ chứng cứ của một sự kiện để người khác kiểm tra"},
    {"restore", cli_restore, "a new data folder out of a backup",
     "khôi phục bản sao lưu vào thư mục dữ liệu mới"},
    {"rules", cli_rules, "check, list, explain and test rules, show ATT&CK coverage",
     "kiểm tra, liệt kê, giải thích, thử quy tắc, xem độ phủ ATT&CK"},
    {"search", cli_search, "search the events stored, count and group them",
     "tìm, đếm, thống kê sự kiện trong kho"},
    {"serve", cli_serve, "run the watch: the daemon", "chạy tiến trình canh gác"},
    {"sources", cli_sources, "what became of every record, by source; which are silent",
     "từng nguồn nhật ký: bản ghi đi đâu, nguồn nào im lặng"},
    {"status", cli_status, "is all watched, and if not, why",
     "tình trạng canh gác: có giám sát đủ không, vì sao"},
    {"store", cli_store, "state and care of the store", "tình trạng, chăm sóc kho"},
    {"tail", cli_tail, "the newest events, and new ones as they come",
     "sự kiện mới nhất, và sự kiện mới khi được lưu"},
    {"verify", cli_verify, "whether what is stored is what was stored",
     "kiểm tra dữ liệu trong kho có còn nguyên vẹn"},
    {"version", cli_version, "version and build", "phiên bản"},
    {"watch", cli_watch, "what is watched, and findings as they happen",
     "đang canh những gì, và phát hiện ngay khi xảy ra"},
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static void usage(FILE *to)
{
    struct cli_common common = {0};
    struct buf nouns = {0};
    bool vietnamese = cli_vietnamese(&common);
    (void)fprintf(to, "%s\n\n",
                  vietnamese ? "canh LỆNH [tùy chọn]: canh gác an toàn thông tin 24/7"
                             : "canh COMMAND [options]: the 24/7 cybersecurity watch");
    for (int i = 0; i < COMMAND_COUNT; i++)
        (void)fprintf(to, "  %-10s %s\n", commands[i].name,
                      vietnamese ? commands[i].help_vi : commands[i].help_en);
    (void)fputs(vietnamese ? "\nQuản trị, qua nút đang chạy (hoặc trực tiếp khi nút dừng):\n"
                           : "\nAdministration, through the node (or directly while none runs):\n",
                to);
    cli_state_nouns(vietnamese, &nouns);
    (void)fputs(buf_text(&nouns), to);
    buf_free(&nouns);
    (void)fprintf(to, "\n%s\n",
                  vietnamese ? "canh LỆNH --help nói rõ từng lệnh."
                             : "canh COMMAND --help says more.");
}

static int help_end(void)
{
    if (fflush(stdout) == 0 || errno == EPIPE)
        return CLI_OK;
    (void)fprintf(stderr, "canh: cannot write the help: %s\n", strerror(errno));
    return CLI_FAILURE;
}

/* All commands as a manual page or a completion script. */
static int forms_say(enum cli_form form)
{
    struct cli_common common = {0};
    struct buf out = {0};
    int code;
    cli_form_set(form);
    cli_form_begin(cli_vietnamese(&common), &out);
    code = cli_write(&out, NULL);
    for (int i = 0; i < COMMAND_COUNT && code == CLI_OK; i++) {
        char help[] = "--help", *words[] = {help, help, NULL};
        code = commands[i].run(2, words);
    }
    if (code == CLI_OK)
        code = cli_state_helps();
    cli_form_end(&out);
    if (code == CLI_OK)
        code = cli_write(&out, NULL);
    buf_free(&out);
    return code;
}

static bool is_words(int argc, char **argv, const char *first, const char *second)
{
    return argc == 3 && strcmp(argv[1], first) == 0 && strcmp(argv[2], second) == 0;
}

/* A standard stream that the caller closed becomes one that fails, so that no file that is opened
 * later is taken for it. */
static void streams_fill(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
    const char *names[COMMAND_COUNT + 1] = {0};
    streams_fill();
    if (is_words(argc, argv, "help", "--man"))
        return forms_say(CLI_FORM_MAN);
    if (is_words(argc, argv, "completion", "bash"))
        return forms_say(CLI_FORM_BASH);
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        usage(argc < 2 ? stderr : stdout);
        return argc < 2 ? CLI_USAGE : help_end();
    }
    if (strcmp(argv[1], "role") == 0) /* of `canh serve`: not for people */
        return cli_role(argc - 1, argv + 1);
    const char *wanted = strcmp(argv[1], "--version") == 0 ? "version" : argv[1];
    for (int i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, wanted) == 0)
            return commands[i].run(argc - 1, argv + 1);
        names[i] = commands[i].name;
    }
    if (cli_state_has(wanted))
        return cli_state(argc - 1, argv + 1);
    const char *near = text_nearest(slice_from(wanted), names);
    (void)fprintf(stderr, "canh: there is no command '%s'%s%s%s\n", wanted,
                  near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    usage(stderr);
    return CLI_USAGE;
}
