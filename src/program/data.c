#include "program/data.h"

#include <stdio.h>
#include <unistd.h>

int data_find(struct data *out, const struct data_settings *settings, struct err *err)
{
    struct buf problems = {0};
    int rc = config_open(&out->config, settings->config, environ, &problems, err);
    if (rc && problems.len)
        (void)fputs(buf_text(&problems), stderr);
    buf_free(&problems);
    if (rc == ERR_OK)
        out->path = settings->data ? settings->data : out->config->store.data.data;
    return rc;
}

void data_store_options(const struct config_store *c, bool write, struct store_options *out)
{
    *out = (struct store_options){.write = write,
                                  .sign = write,
                                  .seal_rows = c->seal_rows,
                                  .seal_bytes = c->seal_bytes,
                                  .seal_age_ns = (int64_t)c->seal_age_ns,
                                  .journal_file_bytes = c->journal_file_bytes,
                                  .reserve_bytes = c->reserve_bytes,
                                  .query_ns = (int64_t)c->query_ns,
                                  .sign_ns = (int64_t)c->sign_every_ns};
}

int data_open(struct data *out, const struct data_settings *settings, bool write, struct err *err)
{
    int rc = data_find(out, settings, err);
    if (rc)
        return rc;
    if (access(out->path, F_OK) != 0)
        return err_set(err, ERR_NOT_FOUND,
                       "there is no store at %s: name its folder with --data, or make one with "
                       "`canh import`",
                       out->path);
    struct store_options options;
    data_store_options(&out->config->store, write, &options);
    return store_open(&out->store, out->path, &options, err);
}

void data_borrow(struct data *out, const struct data *given)
{
    *out = *given;
    out->borrowed = true;
}

void data_close(struct data *data)
{
    if (data->borrowed)
        return;
    store_close(&data->store);
    config_close(&data->config);
}

int data_read_id(const struct data *data, const char *text, uint64_t *sequence, struct err *err)
{
    struct slice rest = slice_from(text), head = slice_cut(&rest, ':');
    uint64_t epoch = store_epoch(data->store);
    bool both = slice_find_char(slice_from(text), ':') != SLICE_NONE;
    if (!slice_to_u64(both ? rest : head, sequence) || *sequence == 0 ||
        (both && !slice_to_u64(head, &epoch)))
        return err_set(err, ERR_USAGE,
                       "\"%.60s\" is no event's id: one looks like 1:4711, as `canh search` shows "
                       "it",
                       text);
    if (epoch != store_epoch(data->store))
        return err_set(err, ERR_NOT_FOUND,
                       "event %s is of another store or copy: the ids of %s begin with %u:", text,
                       data->path, store_epoch(data->store));
    return ERR_OK;
}
