#include "program/node_rules.h"

#include <stdio.h>

#include "base/disk.h"
#include "program/client.h"
#include "program/engine_rules_inside.h"

int node_rules_read(const char *data, const struct config_rules *config, struct buf *out,
                    struct buf *problems, struct err *err)
{
    char version[LIVE_VERSION_BYTES];
    struct database *db = NULL;
    struct disk *disk = NULL;
    bool found = false;
    int rc = client_state_open(&db, data, err);
    if (rc == ERR_OK)
        found = engine_rules_active(db, version);
    database_close(&db);
    if (rc && rc != ERR_NOT_FOUND)
        return rc;
    if (!found)
        return rules_set_make(config, NULL, out, problems, err);
    rc = disk_open_folder(&disk, data, err);
    if (rc == ERR_OK)
        rc = engine_rules_read(disk, version, out, err);
    if (disk)
        disk_close_folder(&disk);
    return rc;
}

static enum rule_hunting hunting_of(const char *word)
{
    if (word && strcmp(word, "only") == 0)
        return HUNTING_ONLY;
    return word && strcmp(word, "without") == 0 ? HUNTING_WITHOUT : HUNTING_WITH;
}

static bool has_rules(const struct bundle *bundle)
{
    for (uint32_t i = 0; i < bundle->entry_count; i++)
        if (bundle->entries[i].kind == BUNDLE_RULE)
            return true;
    return false;
}

int node_rules_open(struct node_rules *out, const struct data *data, const char *hunting,
                    struct err *err)
{
    const struct config_rules *config = &data->config->rules;
    struct buf problems = {0};
    int rc = ERR_OK;
    out->hunting = hunting_of(hunting);
    if (!data->rules.len)
        rc = node_rules_read(data->path, config, &out->bytes, &problems, err);
    if (problems.len)
        (void)fputs(buf_text(&problems), stderr);
    buf_free(&problems);
    if (rc == ERR_OK)
        rc = bundle_open(&out->bundle, data->rules.len ? data->rules : buf_as_slice(&out->bytes),
                         err);
    if (rc)
        return err_prefix(err, "the node's rules (name others by --rules)");
    if (!has_rules(&out->bundle))
        return err_set(err, ERR_USAGE,
                       "there are no rules: the node of %s has none, and canh.yaml names none; "
                       "name some by --rules PATH, or indicators by --indicators PATH",
                       data->path);
    return rules_choice_open(&out->choice, config, &out->bundle, err);
}

void node_rules_close(struct node_rules *rules)
{
    rules_choice_close(&rules->choice);
    bundle_close(&rules->bundle);
    buf_free(&rules->bytes);
}
