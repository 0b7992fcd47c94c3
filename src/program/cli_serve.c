/* canh serve: checks what it is given, opens ports, gives up rights, and becomes the parent. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "program/data.h"
#include "program/folder.h"
#include "program/keys.h"
#include "program/parent.h"
#include "program/parent_rights.h"

struct serve_settings {
    struct cli_common common;
    struct data_settings data;
};

static const struct option serve_options[] = {
    DATA_OPTIONS(serve_settings, data),
    CLI_OPTIONS(serve_settings, common, "auto"),
};

static const char *settings_path(const struct serve_settings *settings)
{
    const char *path = settings->data.config ? settings->data.config : getenv("CANH_CONFIG");
    return path && *path ? path : CONFIG_DEFAULT_PATH;
}

/* All of them, before anything is made: a user that is missing is better known at once. */
static int users_check(const struct config *config, struct err *err)
{
    struct proc_user user;
    int rc = ERR_OK;
    for (int i = ROLE_ENGINE; i < ROLES && rc == ERR_OK; i++)
        rc = folder_user(config, role_specs[i].user_suffix, &user, err);
    if (rc == ERR_OK && config->commands.count)
        rc = folder_user(config, "-command", &user, err);
    return rc;
}

static void made_tell(struct buf *made)
{
    for (struct slice rest = buf_as_slice(made); rest.len;) {
        struct slice line = slice_cut(&rest, '\n');
        log_say(LOG_INFO, "key", "%.*s", (int)line.len, line.data);
    }
    if (made->len)
        (void)cli_write(made, NULL);
}

/* Folder, lock, keys. */
static int data_prepare(struct parent *p, const struct proc_user *engine, struct err *err)
{
    struct buf made = {0};
    int rc = folder_make(p->config, p->data, engine, err);
    if (rc == ERR_OK)
        rc = folder_lock(p->data, &p->lock_fd, err);
    if (rc == ERR_OK)
        rc = keys_make(p->config, p->data, &made, err);
    made_tell(&made);
    buf_free(&made);
    return rc;
}

static int keys_check(const struct parent *p, struct err *err)
{
    struct buf node = {0}, certificate = {0}, key = {0};
    int rc = keys_read(p->data, KEYS_NODE, &node, err);
    if (rc == ERR_OK)
        rc = keys_web_pair(p->config, p->data, &certificate, &key, err);
    keys_wipe(&node);
    keys_wipe(&key);
    buf_free(&certificate);
    return rc;
}

static int parent_prepare(struct parent *p, struct err *err)
{
    struct proc_user engine;
    int rc = users_check(p->config, err);
    if (rc == ERR_OK)
        rc = folder_user(p->config, "", &engine, err);
    if (rc == ERR_OK)
        rc = data_prepare(p, &engine, err);
    if (rc == ERR_OK)
        rc = keys_check(p, err);
    if (rc == ERR_OK)
        rc = parent_ports_check_users(p->config, p->data, err);
    if (rc == ERR_OK)
        rc = parent_ports_open(p, p->config, err);
    if (rc == ERR_OK)
        rc = parent_ports_open_control(p, &engine, err);
    if (rc == ERR_OK)
        rc = proc_signals(&p->signal_fd, err);
    if (rc != ERR_OK)
        return rc;
    struct proc_usage usage;
    proc_usage(&usage); /* opens what it reads later */
    proc_notify("");
    if (uv_loop_init(&p->loop) != 0)
        return err_set(err, ERR_IO,
                       "the event loop cannot begin: too few descriptors (raise LimitNOFILE)");
    return parent_rights_drop(&p->layers, err);
}

static int serve(const struct serve_settings *settings, struct err *err)
{
    struct parent *p = mem_zeroed(1, sizeof(*p));
    struct data data = {0};
    p->lock_fd = p->signal_fd = -1;
    p->config_path = settings_path(settings);
    p->injection = getenv("CANH_INJECT") ? getenv("CANH_INJECT") : "";
    int rc = folder_check_settings(p->config_path, err);
    if (rc == ERR_OK)
        rc = data_find(&data, &settings->data, err);
    char *whole = NULL;
    if (rc == ERR_OK) {
        p->config = data.config;
        p->data = data.path;
        log_open("parent", config_log_level(p->config));
        if (data.path[0] != '/') { /* roles may stand elsewhere */
            char *here = getcwd(NULL, 0);
            struct buf path = {0};
            buf_printf(&path, "%s/%s", here ? here : "", data.path);
            whole = mem_copy_text(path.data, path.len);
            buf_free(&path);
            mem_free(here);
            p->data = whole;
        }
        rc = parent_prepare(p, err);
    }
    if (rc == ERR_OK) {
        log_say(LOG_INFO, "start", "canh serves %s", p->data);
        rc = parent_run(p, err);
    }
    parent_ports_close(p);
    config_close(&p->config);
    mem_free(whole);
    mem_free(p);
    return rc;
}

int cli_serve(int argc, char **argv)
{
    struct serve_settings settings = {0};
    struct option_list operands = {0};
    struct err err;
    int code = cli_parse(serve_options, sizeof serve_options / sizeof serve_options[0], argc, argv,
                         &settings, &settings.common, &operands,
                         "canh serve [--config FILE] [--data DIR]\n");
    if (code < 0 && operands.count) {
        (void)err_set(&err, ERR_USAGE, "canh serve takes no operands, only options");
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0)
        code = serve(&settings, &err) == ERR_OK ? CLI_OK : cli_fail(CLI_FAILURE, &err);
    option_list_free(&operands);
    return code;
}
