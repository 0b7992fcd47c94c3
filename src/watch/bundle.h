/* Bundle: rules, mappings and filters of one's own as one flat text of bytes: what the node judges
 * by at a time, named by its SHA-256, kept whole in DATA/rules, handed to the roles as memory.
 *
 * Equal contents give equal bytes: entries are in the order of kind, pack and name. Form (little
 * endian; a text is u16 length and bytes, a long text u32 length and bytes):
 *   8 bytes "CANHRULE", u32 version, u32 packs, u32 entries
 *   a pack:   text name, text version, text origin
 *   an entry: u8 kind, text pack, text name, long text contents
 * Limits: named. Threads: made on one; then immutable. Ownership: an opened bundle borrows its
 * bytes. DESIGN section 2, decision 2. */
#pragma once
#include "base/arena.h"
#include "base/digest.h"
#include "base/option.h"

#define BUNDLE_BYTES_MAX ((size_t)64 << 20)
enum {
    BUNDLE_PACKS_MAX = 64,
    BUNDLE_ENTRIES_MAX = 200000,
    BUNDLE_NAME_BYTES_MAX = 1024,
    BUNDLE_PACK_BYTES_MAX = 64
};

enum bundle_kind { BUNDLE_RULE, BUNDLE_MAPPING, BUNDLE_TUNING, BUNDLE_KINDS };
#define BUNDLE_OWN      SLICE("own")      /* the pack that comes with the program */
#define BUNDLE_MAPPINGS SLICE("mappings") /* when it is there: instead of the built-in ones */

struct bundle_pack {
    struct slice name, version, origin; /* origin: path or address it came from */
};
struct bundle_entry {
    enum bundle_kind kind;
    struct slice pack, name, text;
};
struct bundle {
    struct slice bytes;
    struct bundle_pack *packs;
    struct bundle_entry *entries;
    uint32_t pack_count, entry_count;
    struct digest digest; /* of bytes */
    struct arena arena;
};
/* Checks all of bytes by a bounded walk. ERR_DAMAGED with what does not hold. out: close either
 * way. */
MUST_CHECK int bundle_open(struct bundle *out, struct slice bytes, struct err *err);
void bundle_close(struct bundle *bundle);
/* NULL: no such pack. */
const struct bundle_pack *bundle_pack(const struct bundle *bundle, struct slice name);

struct bundle_writer;
struct bundle_writer *bundle_writer_open(void);
void bundle_writer_close(struct bundle_writer **writer);
/* Both copy. The same name again replaces. ERR_LIMIT; ERR_USAGE: a name that is none. */
MUST_CHECK int bundle_add_pack(struct bundle_writer *w, const struct bundle_pack *pack,
                               struct err *err);
MUST_CHECK int bundle_add(struct bundle_writer *w, const struct bundle_entry *entry,
                          struct err *err);
/* Files, folders and archives as rules_load takes them, names relative to each path. What cannot be
 * read is a line in problems. */
MUST_CHECK int bundle_add_paths(struct bundle_writer *w, enum bundle_kind kind, struct slice pack,
                                const struct option_list *paths, struct buf *problems,
                                struct err *err);
/* The rules of one archive that is open; name: what it is called in problems. */
MUST_CHECK int bundle_add_archive(struct bundle_writer *w, struct slice pack, const char *name,
                                  int fd, struct buf *problems, struct err *err);
/* Every pack of another bundle but `without` (empty: none is left out), and its entries. */
MUST_CHECK int bundle_add_bundle(struct bundle_writer *w, const struct bundle *from,
                                 struct slice without, struct err *err);
uint32_t bundle_writer_count(const struct bundle_writer *w); /* of entries added */
MUST_CHECK int bundle_end(struct bundle_writer *w, struct buf *out, struct err *err);
