/* What commands share that ask a node: its address, reading secrets, showing what it says.
 *
 * Threads: the main one. Ownership: said at each call. */
#pragma once
#include "program/cli.h"
#include "program/client.h"
#include "program/data.h"

enum { CLI_SECRET_BYTES_MAX = 4096 };

struct server_settings { /* a member of a command's settings */
    const char *server, *token_file, *ca_file;
};

/* Rows for a command's option table. */
#define SERVER_OPTIONS(settings, member)                                                           \
    {"server",                                                                                     \
     0,                                                                                            \
     OPTION_TEXT,                                                                                  \
     offsetof(struct settings, member.server),                                                     \
     "URL",                                                                                        \
     0,                                                                                            \
     0,                                                                                            \
     "ask this node over HTTPS instead of the one of this machine",                                \
     "hỏi nút canh ở địa chỉ này qua HTTPS thay vì nút trên máy này"},                             \
        {"token-file",                                                                             \
         0,                                                                                        \
         OPTION_TEXT,                                                                              \
         offsetof(struct settings, member.token_file),                                             \
         "FILE",                                                                                   \
         0,                                                                                        \
         0,                                                                                        \
         "file with the token for --server (else CANH_TOKEN_FILE)",                                \
         "tệp chứa mã truy cập cho --server (nếu không: CANH_TOKEN_FILE)"},                        \
    {                                                                                              \
        "ca-file", 0, OPTION_TEXT, offsetof(struct settings, member.ca_file), "FILE", 0, 0,        \
            "certificate of the authority that --server is checked against",                       \
            "chứng thư của CA dùng để kiểm tra --server"                                \
    }

/* Either all is NULL or --server was given. ERR_USAGE: --token-file without --server. */
MUST_CHECK int cli_node_open(struct client **out, const struct data_settings *data,
                             const struct server_settings *server, const struct cli_common *common,
                             struct err *err);
/* search, export, hunt with --server: the words as they were given, without those that say which
 * node; what comes goes to stdout. Returns the exit code. */
int cli_node_ask(const char *kind, int argc, char **argv, const struct server_settings *server,
                 const struct cli_common *common);
/* Which exit code a refusal is. */
int cli_node_exit(int rc, bool denied);

/* Secrets never come by the command line. Appended without the line's end; the caller wipes. */
MUST_CHECK int cli_secret_file(const char *path, struct buf *out, struct err *err);
MUST_CHECK int cli_secret_stdin(struct buf *out, struct err *err);
/* On the terminal, without echo; twice: asks again and compares. ERR_USAGE: there is no terminal.
 */
MUST_CHECK int cli_secret_ask(const char *prompt, bool twice, bool vietnamese, struct buf *out,
                              struct err *err);
void cli_secret_wipe(struct buf *secret); /* and frees it */

enum cli_outcome { CLI_DONE, CLI_WOULD, CLI_REFUSED };
/* What a command gave (a JSON object) for people, appended. */
void cli_node_show(struct slice json, enum cli_outcome outcome, const char *title, bool vietnamese,
                   uint64_t audit_id, struct buf *out);

/* cli_list.c: `canh NOUN list`; argv[0] is `list`. */
int cli_list(const struct listing *listing, int argc, char **argv);
/* cli_state.c: `canh NOUN VERB`, for all nouns of the tables of commands and listings. */
int cli_state(int argc, char **argv);
bool cli_state_has(const char *noun);
int cli_state_helps(void); /* --help of all verbs, in the form of cli_form.h */
/* Lines of all nouns for the program's help. */
void cli_state_nouns(bool vietnamese, struct buf *out);
