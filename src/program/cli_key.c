/* canh key: the node's keys (docs/keys.md). It works on the files of DATA/keys; a running node
 * takes them up when it is told to (SIGHUP for the certificate, a restart for the node's key). */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/sign.h"
#include "program/data.h"
#include "program/keys.h"

struct key_settings {
    struct cli_common common;
    struct data_settings data;
};

static const struct option key_options[] = {
    DATA_OPTIONS(key_settings, data),
    CLI_OPTIONS(key_settings, common, "auto"),
};

struct key_run { /* one command */
    struct key_settings settings;
    struct option_list operands;
    struct data data;
    struct buf out;
    struct err err;
    bool vietnamese;
};

static void file_tell(struct key_run *run, const char *name, struct slice what)
{
    buf_printf(&run->out, "%-11s %.*s\n", name, (int)what.len, what.data);
}

static void certificate_tell(struct key_run *run, enum keys_file file)
{
    struct buf pem = {0}, line = {0};
    struct keys_certificate about;
    char until[CLOCK_TEXT_BYTES];
    int rc = keys_read(run->data.path, file, &pem, &run->err);
    if (rc == ERR_OK)
        rc = keys_certificate_read(buf_as_slice(&pem), &about, &run->err);
    if (rc == ERR_OK) {
        (void)clock_text(until, about.not_after_ns);
        long long days =
            (long long)((about.not_after_ns - clock_now_ns()) / (86400 * CLOCK_SECOND_NS));
        buf_printf(&line,
                   run->vietnamese ? "%s, cấp bởi %s, hết hạn %s (còn %lld ngày)"
                                   : "%s, of %s, until %s (%lld days)",
                   about.subject, about.issuer, until, days);
        if (about.names[0])
            buf_printf(&line, "\n%12s%s", "", about.names);
        buf_printf(&line, "\n%12sSHA-256 %s", "", about.fingerprint);
    }
    file_tell(run, keys_file_name(file), rc ? slice_from(run->err.text) : buf_as_slice(&line));
    keys_wipe(&pem);
    buf_free(&line);
}

static void node_tell(struct key_run *run)
{
    struct buf pem = {0}, line = {0};
    struct sign_key *key = NULL;
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    int rc = keys_read(run->data.path, KEYS_NODE, &pem, &run->err);
    if (rc == ERR_OK)
        rc = sign_secret_read(&key, buf_as_slice(&pem), &run->err);
    if (rc == ERR_OK) {
        sign_key_public(key, public_key);
        buf_string(&line, "Ed25519 ");
        for (size_t i = 0; i < sizeof(public_key); i++)
            buf_printf(&line, "%02x", public_key[i]);
    }
    file_tell(run, keys_file_name(KEYS_NODE), rc ? slice_from(run->err.text) : buf_as_slice(&line));
    sign_key_close(&key);
    keys_wipe(&pem);
    buf_free(&line);
}

static int key_list(struct key_run *run)
{
    node_tell(run);
    certificate_tell(run, KEYS_CA);
    certificate_tell(run, KEYS_TLS);
    return ERR_OK;
}

static int key_csr(struct key_run *run)
{
    return keys_read(run->data.path, KEYS_CSR, &run->out, &run->err);
}

/* How a running node learns of it. */
static void next_tell(struct key_run *run, bool is_tls)
{
    if (is_tls)
        buf_string(&run->out, run->vietnamese ? "để dùng: systemctl reload canh (hoặc gửi SIGHUP)\n"
                                              : "to use it: systemctl reload canh (or SIGHUP)\n");
    else
        buf_string(&run->out, run->vietnamese ? "để dùng: systemctl restart canh\n"
                                              : "to use it: systemctl restart canh\n");
}

static int key_rotate(struct key_run *run)
{
    const char *what = run->operands.count == 1 ? run->operands.items[0] : "";
    bool is_tls = strcmp(what, "tls") == 0;
    int rc = ERR_OK;
    if (is_tls)
        rc = keys_rotate_tls(run->data.config, run->data.path, &run->out, &run->err);
    else if (strcmp(what, "node") == 0)
        rc = keys_rotate_node(run->data.path, &run->out, &run->err);
    else
        return err_set(&run->err, ERR_USAGE, "say which key: canh key rotate tls, or node");
    if (rc == ERR_OK)
        next_tell(run, is_tls);
    return rc;
}

static int key_install(struct key_run *run)
{
    struct buf pem = {0};
    if (run->operands.count != 1)
        return err_set(&run->err, ERR_USAGE,
                       "name the file with the certificate and its chain (PEM)");
    int rc = io_read_file(&pem, run->operands.items[0], KEYS_BYTES_MAX, &run->err);
    if (rc == ERR_OK)
        rc = keys_install(run->data.path, buf_as_slice(&pem), &run->out, &run->err);
    if (rc == ERR_OK)
        next_tell(run, true);
    buf_free(&pem);
    return rc;
}

static int key_run(int argc, char **argv, const char *usage, int (*run_it)(struct key_run *run))
{
    struct key_run run = {0};
    int code = cli_parse(key_options, sizeof key_options / sizeof key_options[0], argc, argv,
                         &run.settings, &run.settings.common, &run.operands, usage);
    if (code < 0) {
        run.vietnamese = cli_vietnamese(&run.settings.common);
        (void)umask(0077);
        int rc = data_find(&run.data, &run.settings.data, &run.err);
        if (rc == ERR_OK)
            rc = run_it(&run);
        if (rc == ERR_OK)
            code = cli_write(&run.out, NULL);
        else
            code = cli_fail(rc == ERR_USAGE ? CLI_USAGE : CLI_FAILURE, &run.err);
    }
    data_close(&run.data);
    option_list_free(&run.operands);
    buf_free(&run.out);
    return code;
}

static int list_main(int argc, char **argv)
{
    return key_run(argc, argv, "canh key list [--data DIR]\n", key_list);
}

static int csr_main(int argc, char **argv)
{
    return key_run(argc, argv, "canh key csr [--data DIR]\n", key_csr);
}

static int rotate_main(int argc, char **argv)
{
    return key_run(argc, argv,
                   "canh key rotate tls [--data DIR]\ncanh key rotate node [--data DIR]\n",
                   key_rotate);
}

static int install_main(int argc, char **argv)
{
    return key_run(argc, argv, "canh key install [--data DIR] CERTIFICATE\n", key_install);
}

int cli_key(int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"list", list_main, "which keys there are, and how long certificates last",
         "các khóa đang có, thời hạn chứng thư"},
        {"csr", csr_main, "the request for the agency's certificate authority",
         "yêu cầu cấp chứng thư để gửi CA của cơ quan"},
        {"rotate", rotate_main, "a new key in place of an old one", "thay khóa mới"},
        {"install", install_main, "a certificate that another authority gave",
         "cài chứng thư do CA khác cấp"},
        {NULL, NULL, NULL, NULL},
    };
    return cli_dispatch(commands, "canh key", argc, argv);
}
