#include "base/disk_sim_inside.h"

#include "base/mem.h"

enum change_kind { CHANGE_CREATE, CHANGE_RENAME, CHANGE_REMOVE };

struct name_change {
    enum change_kind kind;
    char *path, *to; /* to: of a rename only */
    struct content *content;
    bool path_synced, to_synced; /* a rename between folders waits for both */
};

/* Place of path, or where it belongs. */
static size_t place_of(const struct name_set *set, const char *path)
{
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(set->items[middle].path, path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct name *name_set_find(const struct name_set *set, const char *path)
{
    size_t at = place_of(set, path);
    return at < set->count && strcmp(set->items[at].path, path) == 0 ? &set->items[at] : NULL;
}

bool name_has_folder(const struct name_set *set, const char *path)
{
    const struct name *name = *path ? name_set_find(set, path) : NULL;
    return !*path || (name && !name->content);
}

bool name_has_folder_of(const struct name_set *set, const char *path)
{
    const char *end = strrchr(path, '/');
    char *folder = mem_copy_text(path, end ? (size_t)(end - path) : 0);
    bool has = name_has_folder(set, folder);
    mem_free(folder);
    return has;
}

bool name_is_in(const char *path, const char *folder)
{
    size_t len = strlen(folder);
    if (len > 0 && (strncmp(path, folder, len) != 0 || path[len] != '/'))
        return false;
    return !strchr(path + len + (len > 0), '/');
}

static void set_put(struct name_set *set, const char *path, struct content *content)
{
    if (content)
        content->users++;
    struct name *known = name_set_find(set, path);
    if (known) {
        content_drop(known->content);
        known->content = content;
        return;
    }
    if (set->count == set->capacity) {
        set->capacity = set->capacity ? set->capacity * 2 : 16;
        set->items = mem_resize(set->items, set->capacity, sizeof(*set->items));
    }
    size_t at = place_of(set, path);
    memmove(set->items + at + 1, set->items + at, (set->count - at) * sizeof(*set->items));
    set->items[at] = (struct name){mem_copy_text(path, strlen(path)), content};
    set->count++;
}

static void set_remove(struct name_set *set, const char *path)
{
    struct name *name = name_set_find(set, path);
    if (!name)
        return;
    size_t at = (size_t)(name - set->items);
    mem_free(name->path);
    content_drop(name->content);
    memmove(name, name + 1, (set->count - at - 1) * sizeof(*name));
    set->count--;
}

static void set_clear(struct name_set *set)
{
    while (set->count > 0)
        set_remove(set, set->items[set->count - 1].path);
}

static struct name_change *change_add(struct names *n, enum change_kind kind, const char *path,
                                      struct content *content)
{
    if (n->count == n->capacity) {
        n->capacity = n->capacity ? n->capacity * 2 : 16;
        n->changes = mem_resize(n->changes, n->capacity, sizeof(*n->changes));
    }
    struct name_change *change = &n->changes[n->count++];
    *change = (struct name_change){
        .kind = kind, .path = mem_copy_text(path, strlen(path)), .content = content};
    if (content)
        content->users++;
    return change;
}

static void change_free(struct name_change *change)
{
    mem_free(change->path);
    mem_free(change->to);
    content_drop(change->content);
}

/* A file has one name, also when an older rename of it did not survive. */
static void remove_names_of(struct name_set *set, const struct content *content)
{
    for (size_t i = set->count; i-- > 0;)
        if (set->items[i].content == content)
            set_remove(set, set->items[i].path);
}

static void change_apply(struct name_set *set, const struct name_change *change)
{
    switch (change->kind) {
    case CHANGE_CREATE:
        set_put(set, change->path, change->content);
        break;
    case CHANGE_RENAME:
        remove_names_of(set, change->content);
        set_put(set, change->to, change->content);
        break;
    case CHANGE_REMOVE:
        set_remove(set, change->path);
        break;
    }
}

void names_create(struct names *n, const char *path, struct content *content)
{
    change_apply(&n->now, change_add(n, CHANGE_CREATE, path, content));
}

void names_rename(struct names *n, const char *from, const char *to)
{
    struct content *content = name_set_find(&n->now, from)->content;
    struct name_change *change = change_add(n, CHANGE_RENAME, from, content);
    change->to = mem_copy_text(to, strlen(to));
    change_apply(&n->now, change);
}

void names_remove(struct names *n, const char *path)
{
    change_apply(&n->now,
                 change_add(n, CHANGE_REMOVE, path, name_set_find(&n->now, path)->content));
}

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* A change of a name that is durable makes those before it of the same name so: else a rename that
 * waits for its other folder would undo it later. */
static size_t settle_before(struct names *n, size_t kept, const struct name_change *change)
{
    size_t left = 0;
    for (size_t i = 0; i < kept; i++) {
        struct name_change *older = &n->changes[i];
        if (same(older->path, change->path) || same(older->to, change->path) ||
            same(older->path, change->to) || same(older->to, change->to)) {
            change_apply(&n->durable, older);
            change_free(older);
        } else {
            n->changes[left++] = *older;
        }
    }
    return left;
}

void names_sync(struct names *n, const char *folder)
{
    size_t kept = 0;
    for (size_t i = 0; i < n->count; i++) {
        struct name_change change = n->changes[i];
        change.path_synced |= name_is_in(change.path, folder);
        change.to_synced |= !change.to || name_is_in(change.to, folder);
        if (change.path_synced && change.to_synced) {
            kept = settle_before(n, kept, &change);
            change_apply(&n->durable, &change);
            change_free(&change);
        } else {
            n->changes[kept++] = change;
        }
    }
    n->count = kept;
}

/* What lies in folders that are gone goes with them. */
static void remove_orphans(struct name_set *set)
{
    for (size_t i = 0; i < set->count;) {
        if (name_has_folder_of(set, set->items[i].path))
            i++; /* sorted: its folder came before it */
        else
            set_remove(set, set->items[i].path);
    }
}

void names_cut(struct names *n, struct chance *chance)
{
    unsigned share = chance_share(chance);
    for (size_t i = 0; i < n->count; i++) {
        if (chance_in_16(chance, share))
            change_apply(&n->durable, &n->changes[i]);
        change_free(&n->changes[i]);
    }
    n->count = 0;
    remove_orphans(&n->durable);
    set_clear(&n->now);
    for (size_t i = 0; i < n->durable.count; i++)
        set_put(&n->now, n->durable.items[i].path, n->durable.items[i].content);
}

void names_free(struct names *n)
{
    for (size_t i = 0; i < n->count; i++)
        change_free(&n->changes[i]);
    mem_free(n->changes);
    set_clear(&n->now);
    set_clear(&n->durable);
    mem_free(n->now.items);
    mem_free(n->durable.items);
    *n = (struct names){0};
}
