#include "program/cli_node.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

int cli_node_open(struct client **out, const struct data_settings *data,
                  const struct server_settings *server, const struct cli_common *common,
                  struct err *err)
{
    struct client_settings settings = {.data = data->data,
                                       .config = data->config,
                                       .server = server->server,
                                       .token_file = server->token_file,
                                       .ca_file = server->ca_file,
                                       .vietnamese = cli_vietnamese(common)};
    if (!server->server && (server->token_file || server->ca_file))
        return err_set(err, ERR_USAGE,
                       "--token-file and --ca-file are for --server: name the node "
                       "by --server URL, or leave them out");
    if (!settings.token_file)
        settings.token_file = getenv("CANH_TOKEN_FILE");
    int rc = client_open(out, &settings, err);
    if (rc == ERR_OK && common->verbose)
        (void)fprintf(stderr, "canh: %s\n", client_way(*out));
    return rc;
}

int cli_node_exit(int rc, bool denied)
{
    if (denied)
        return CLI_PROBLEMS;
    switch (rc) {
    case ERR_OK:
        return CLI_OK;
    case ERR_USAGE:
    case ERR_SYNTAX:
    case ERR_LIMIT:
    case ERR_NOT_FOUND:
    case ERR_UNSUPPORTED:
        return CLI_USAGE;
    default:
        return CLI_FAILURE;
    }
}

/* Those options, with their values, are for this side only. */
static bool is_of_this_side(const char *word, bool *with_value)
{
    static const char *const names[] = {"--server", "--token-file", "--ca-file",
                                        "--data",   "--config",     "--lang"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t len = strlen(names[i]);
        if (strncmp(word, names[i], len) != 0 || (word[len] && word[len] != '='))
            continue;
        *with_value = word[len] == 0;
        return true;
    }
    *with_value = strcmp(word, "-d") == 0 || strcmp(word, "-c") == 0;
    return *with_value || strcmp(word, "-q") == 0 || strcmp(word, "-v") == 0 ||
           strcmp(word, "--quiet") == 0 || strcmp(word, "--verbose") == 0;
}

int cli_node_ask(const char *kind, int argc, char **argv, const struct server_settings *server,
                 const struct cli_common *common)
{
    const char **words = mem_zeroed((size_t)argc + 1, sizeof *words);
    struct data_settings none = {0};
    struct client *client = NULL;
    struct err err = {0};
    uint32_t count = 0;
    bool plain = false, with_value = false;
    for (int i = 1; i < argc; i++) {
        plain |= strcmp(argv[i], "--") == 0;
        if (!plain && is_of_this_side(argv[i], &with_value))
            i += with_value;
        else
            words[count++] = argv[i];
    }
    int rc = cli_node_open(&client, &none, server, common, &err);
    if (rc == ERR_OK)
        rc = client_ask(client, kind, words, count, STDOUT_FILENO, &err);
    bool denied = client && client_was_denied(client);
    client_close(&client);
    mem_free(words);
    if (rc == ERR_OK || rc == ERR_CLOSED)
        return CLI_OK;
    return cli_fail(cli_node_exit(rc, denied), &err);
}
