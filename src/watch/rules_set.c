#include "watch/rules_set.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "watch/finding.h"

enum { PATH_BYTES = PATH_MAX };

bool rules_set_is_local(struct slice pack)
{
    return slice_equal(pack, BUNDLE_OWN) || slice_equal(pack, RULES_PACK_TUNING) ||
           slice_equal(pack, BUNDLE_MAPPINGS) || slice_equal(pack, RULES_PACK_LOCAL) ||
           slice_starts(pack, SLICE("local-"));
}

static bool folder_is(const char *folder, const char *below, char out[PATH_BYTES])
{
    struct stat about;
    int len = snprintf(out, PATH_BYTES, "%s/%s", folder, below);
    return len > 0 && len < PATH_BYTES && stat(out, &about) == 0;
}

/* The rules installed beside the program; run from a build folder: those of its source. */
static bool rules_installed(char out[PATH_BYTES])
{
    char program[PATH_BYTES], marker[PATH_BYTES];
    ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (len <= 0)
        return false;
    program[len] = '\0';
    char *slash = strrchr(program, '/');
    if (!slash)
        return false;
    *slash = '\0';
    if (folder_is(program, "../share/canh/rules", out))
        return true;
    return folder_is(program, "CMakeCache.txt", marker) &&
           folder_is(program, "../../rules", out); /* build/release beside rules/ */
}

static bool same_folder(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int pack_add(struct bundle_writer *w, enum bundle_kind kind, struct slice pack,
                    const char *path, struct buf *problems, struct err *err)
{
    struct option_list one = {.items = &path, .count = 1};
    struct bundle_pack about = {pack, SLICE(""), slice_from(path)};
    int rc = bundle_add_pack(w, &about, err);
    return rc ? rc : bundle_add_paths(w, kind, pack, &one, problems, err);
}

static int paths_add(struct bundle_writer *w, const struct config_rules *config,
                     struct buf *problems, struct err *err)
{
    char installed[PATH_BYTES], name[BUNDLE_PACK_BYTES_MAX];
    bool is_installed = rules_installed(installed), has_own = false;
    uint32_t locals = 0;
    int rc = ERR_OK;
    if (config->paths.count == 0 && !is_installed)
        log_say(LOG_WARNING, "rules",
                "no rules are installed beside the program, and rules.paths names none: events are "
                "stored and held against nothing");
    if (config->paths.count == 0 && is_installed)
        return pack_add(w, BUNDLE_RULE, BUNDLE_OWN, installed, problems, err);
    for (uint32_t i = 0; i < config->paths.count && rc == ERR_OK; i++) {
        const char *path = config->paths.items[i].data;
        if (is_installed && !has_own && same_folder(path, installed)) {
            has_own = true;
            rc = pack_add(w, BUNDLE_RULE, BUNDLE_OWN, path, problems, err);
            continue;
        }
        locals++;
        (void)snprintf(name, sizeof(name), locals > 1 ? "local-%u" : "local", locals);
        rc = pack_add(w, BUNDLE_RULE, slice_from(name), path, problems, err);
    }
    return rc;
}

static int kept_add(struct bundle_writer *w, const struct bundle *kept, struct err *err)
{
    int rc = ERR_OK;
    for (uint32_t i = 0; kept && i < kept->pack_count && rc == ERR_OK; i++)
        if (!rules_set_is_local(kept->packs[i].name))
            rc = bundle_add_pack(w, &kept->packs[i], err);
    for (uint32_t i = 0; kept && i < kept->entry_count && rc == ERR_OK; i++)
        if (!rules_set_is_local(kept->entries[i].pack))
            rc = bundle_add(w, &kept->entries[i], err);
    return rc;
}

int rules_set_make(const struct config_rules *config, const struct bundle *kept, struct buf *out,
                   struct buf *problems, struct err *err)
{
    struct bundle_writer *w = bundle_writer_open();
    bool maps = config->mappings.len > 0;
    int rc = paths_add(w, config, problems, err);
    if (rc == ERR_OK && config->paths.count && bundle_writer_count(w) == 0)
        rc = err_set(err, problems->len ? ERR_NOT_FOUND : ERR_USAGE,
                     "no usable rule was found under the paths of rules.paths; `canh rules check "
                     "PATH` says why");
    for (uint32_t i = 0; i < config->tuning.count && rc == ERR_OK; i++)
        rc = pack_add(w, BUNDLE_TUNING, RULES_PACK_TUNING, config->tuning.items[i].data, problems,
                      err);
    if (rc == ERR_OK && maps && slice_equal(config->mappings, SLICE("none")))
        rc = bundle_add_pack(w, &(struct bundle_pack){BUNDLE_MAPPINGS, SLICE(""), config->mappings},
                             err);
    else if (rc == ERR_OK && maps)
        rc = pack_add(w, BUNDLE_MAPPING, BUNDLE_MAPPINGS, config->mappings.data, problems, err);
    if (rc == ERR_OK)
        rc = kept_add(w, kept, err);
    if (rc == ERR_OK)
        rc = bundle_end(w, out, err);
    bundle_writer_close(&w);
    return rc;
}

/* ---- what works ---- */

void rules_choice_close(struct rules_choice *choice)
{
    arena_free(&choice->arena);
}

int rules_choice_open(struct rules_choice *out, const struct config_rules *config,
                      const struct bundle *bundle, struct err *err)
{
    *out = (struct rules_choice){0};
    struct rule_select *select = &out->select;
    select->packs = out->packs;
    for (uint32_t i = 0; i < bundle->pack_count; i++) {
        struct slice name = bundle->packs[i].name;
        if (slice_equal(name, RULES_PACK_TUNING) || slice_equal(name, BUNDLE_MAPPINGS))
            continue;
        out->packs[select->pack_count++] =
            (struct rule_pack){name, arena_printf(&out->arena, "%.*s/", (int)name.len, name.data),
                               rules_set_is_local(name)};
    }
    select->min_status = RULE_SELECT_STATUS_DEFAULT;
    select->min_level = RULE_SELECT_LEVEL_DEFAULT;
    if (config->select_status.len)
        select->min_status = rule_status_of(config->select_status);
    if (config->select_level.len)
        select->min_level = finding_level_of(config->select_level.data);
    if (select->min_status == STATUS_NONE)
        return err_set(err, ERR_USAGE,
                       "rules.select_status: %.*s is no status: write stable, test or experimental",
                       (int)config->select_status.len, config->select_status.data);
    if (select->min_level == LEVEL_NONE)
        return err_set(err, ERR_USAGE,
                       "rules.select_level: %.*s is no level: write critical, high, medium, low or "
                       "informational",
                       (int)config->select_level.len, config->select_level.data);
    return ERR_OK;
}
