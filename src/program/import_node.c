#include "program/import_node.h"

#include "base/io.h"

struct handing {
    struct client *client;
    const char *source;
    import_node_note *note;
    void *context;
    struct import_result *result;
    struct err *err;
};

static void unreadable(void *context, const char *path, const struct err *err)
{
    struct handing *h = context;
    (void)path;
    h->result->unreadable++;
    h->note(h->context, INPUT_NOTE_UNREADABLE, err->text);
}

static int file_hand(void *context, const char *path)
{
    struct handing *h = context;
    struct client_imported counts;
    const char *source = h->source;
    if (!source) {
        const struct config_source *fits = config_source_of_path(client_config(h->client), path);
        if (!fits)
            return err_set(h->err, ERR_USAGE,
                           "%s fits no source of canh.yaml: name one with --source (`canh config "
                           "print` shows them)",
                           path);
        source = fits->row.name.data;
    }
    int rc = client_import(h->client, source, path, &counts, h->err);
    h->result->files++;
    if (rc)
        return rc;
    h->result->counts.events += counts.stored;
    h->result->counts.refused += counts.refused;
    h->result->counts.findings += counts.findings;
    h->result->passed_over += counts.passed_over;
    return ERR_OK;
}

int import_node(struct client *client, const char *source, const struct option_list *paths,
                import_node_note *note, void *context, struct import_result *result,
                struct err *err)
{
    struct handing h = {client, source, note, context, result, err};
    uint64_t start_ns = clock_monotonic_ns();
    int rc = ERR_OK;
    if (paths->count == 0)
        return err_set(err, ERR_USAGE,
                       "a running node takes files, not the standard input: name them, or send to "
                       "one of its listeners");
    for (size_t i = 0; i < paths->count && rc == ERR_OK; i++)
        rc = strcmp(paths->items[i], "-") == 0
                 ? err_set(err, ERR_USAGE, "a running node takes files, not the standard input")
                 : io_walk(paths->items[i], file_hand, unreadable, &h, err);
    result->run_ns = clock_monotonic_ns() - start_ns;
    return rc;
}
