/* The inside of a search, shared by search_*.c only.
 *
 * A *unit* is a block of a segment or a frame of the journal. Looking at a unit gives *candidates*
 * (rows that may be hits: search_block.c, search_frame.c); candidates are judged by the live
 * matcher in the order in which rows are wanted, a chunk at a time (search_judge.c), and the heads
 * of all units that were looked at are given out in order (search_cursor.c). */
#pragma once
#include "base/map.h"
#include "detection/retro.h"
#include "base/bytes.h"
#include "store/row_judge.h"
#include "store/store_embedded.h"

enum {
    SEARCH_CHUNK_MIN = 16,
    SEARCH_CHUNK_GROWTH = 4,
    SEARCH_CHUNK_MAX = 4096,
    /* kept of a unit when many are open; for the others it is looked at again */
    SEARCH_CANDIDATES_KEPT = 8192,
    SEARCH_CURSORS_MAX = 1,     /* blocks held open for reading */
    SEARCH_PRUNE_RULES_MAX = 64 /* more rules than this are never pruned by bloom */
};
#define SEARCH_PROGRESS_NS   (200 * 1000000ull)
#define SEARCH_BIT_INDICATOR ((uint64_t)1 << 62)
#define SEARCH_BIT_STALE     ((uint64_t)1 << 63) /* read with other mappings than today's */
#define SEARCH_CHUNK_BYTES   ((size_t)1 << 20)   /* from which chunks do not grow */

struct search_candidate {
    int64_t time_ns;
    uint64_t sequence;
    uint32_t row;
};

struct search_hit {
    struct row row;
    struct record record;
    const uint32_t *rules;
    uint32_t rule_count;
    const uint64_t *indicators;
    const struct slice *indicator_fields, *indicator_values;
    uint32_t indicator_count;
};

/* `search` is what embedded_search gives out as its cursor. */
enum search_state { SEARCH_WAITING, SEARCH_OPEN, SEARCH_DONE };

struct search_unit {
    enum search_state state;
    uint32_t segment; /* UINT32_MAX: a frame */
    uint32_t block;
    struct journal_place begin;
    int64_t time_min_ns, time_max_ns;
    uint64_t first_sequence, raw_bytes;
    uint32_t row_count;
    struct search_candidate *candidates; /* in the order wanted */
    uint32_t candidate_count, candidate_next, chunk;
    bool cut;   /* there may be more candidates behind the last one */
    bool again; /* it was looked at before: only candidates behind `bound` count */
    struct search_candidate bound;
    struct search_hit *hits; /* of the newest chunk, in the order wanted */
    uint32_t hit_count, hit_next;
    struct arena arena;       /* of hits */
    struct segment_rows rows; /* while it is looked at */
    /* a block that is open for reading */
    struct segment_cursor *judge_cursor, *full_cursor;
    uint64_t used; /* rises: the least recently used is closed */
};

/* What a segment's values tell, made when its first block is looked at. */
struct search_column {
    struct retro_name name;
    uint64_t *masks; /* by entry: sources for which a value raises a rule; NULL: it tells nothing */
    uint32_t *starts;  /* by entry, and one more: its tokens in `tokens` */
    struct buf tokens; /* u32 each: retro_tokens */
    uint32_t room;     /* of masks and starts */
    bool told;         /* they are made */
    bool twice;        /* another column has this name, nested or not: either may hide the other */
    bool *exact;       /* by index of a mapping: retro_name_exact */
    bool by_block;     /* values are of a block, asked when it is looked at */
};
struct search_segment {
    struct segment *file; /* NULL: not open */
    struct retro *retro;  /* the search's when this was prepared: tokens are its */
    bool prepared, pruned, damaged;
    uint32_t live;              /* units that are not done */
    uint32_t waiting;           /* units that were not looked at yet */
    uint64_t *context_bits;     /* by context: the bit of its log source, and the two of above */
    uint16_t *context_mappings; /* by context: index */
    uint64_t *context_masks;    /* by context: what its own texts raise (meta fields) */
    const struct logsource **configured; /* by context */
    uint64_t always;                     /* sources of which every row is a candidate */
    uint64_t *rule_masks;                /* by rule */
    struct search_column *columns;
    bool *judge_columns, *full_columns;
    bool sights_hit;
    struct arena arena;
};

struct search {
    struct embedded *store;
    struct store_search options;
    struct view view;
    struct retro *retro;   /* of retro_rules, the newest; NULL without rules */
    struct retro **retros; /* all that were made */
    uint32_t retro_count;
    uint64_t *retro_rules; /* those that the segments so far could satisfy, as bits */
    struct row_judge *judge; /* NULL without rules */
    struct indicator_matcher *indicator_matcher;
    struct indicator_set *indicator_set;
    uint64_t mapping_set;            /* fingerprint of today's mappings */
    bool ask_all;                    /* rules ask meta fields that cannot be told before judging */
    struct search_segment *segments; /* as view.segments */
    struct search_unit *units;
    uint32_t unit_count, looked, unit_capacity;
    struct search_unit **heap; /* open units with hits, by their next hit */
    uint32_t heap_count;
    struct batch_reader reader;
    struct arena arena;
    struct map contexts; /* kept ones, by their bytes */
    struct buf scratch;
    uint64_t held_candidates;
    struct segment_ids *ids; /* by column: of the block that is looked at */
    uint32_t ids_count;
    uint64_t use; /* counts */
    bool gave;    /* the heap's first hit was given out */
    uint64_t cpu_start_ns, told_ns;
    struct store_progress progress;
};

/* Adds the units of the journal and of the segments that the ranges leave. */
int search_units(struct search *s, struct err *err);
/* Fills unit->candidates, sorted. Damage is counted in progress, never an error. */
int search_block_look(struct search *s, struct search_unit *unit, struct err *err);
/* Opens it and prepares it to be looked at. */
int search_segment_prepare(struct search *s, struct search_segment *g, const char *path,
                           struct err *err);
/* The sources for which a value raises a rule. */
uint64_t search_raised(const struct search_segment *g, const struct retro_name *name,
                       enum value_kind kind, struct slice text);
/* The closer look at a block's candidates (search_rows.c): those that no rule can hold for are
 * marked false. */
void search_rows_look(const struct search *s, const struct search_segment *g,
                      const struct search_unit *unit, const uint64_t *row_masks, bool *candidates);
void search_retro_open(struct search *s, const uint64_t *rules);
int search_frame_look(struct search *s, struct search_unit *unit, struct err *err);
/* Judges the next chunk of candidates into unit->hits; none left and no hits: the unit is done. */
int search_chunk(struct search *s, struct search_unit *unit, struct err *err);
/* The next candidates of the unit, by row; room for their hits is made. */
struct search_candidate *search_chunk_take(struct search *s, struct search_unit *unit,
                                           uint32_t *count);
void search_hits_sort(const struct search *s, struct search_unit *unit);
int search_frame_chunk(struct search *s, struct search_unit *unit, struct err *err);
/* The unit's next candidates, behind those that it gave. */
int search_look_again(struct search *s, struct search_unit *unit, struct err *err);
/* What a segment's values told, when no block of it is left to be looked at: it can be asked anew.
 */
void search_masks_forget(struct search_segment *segment);
void search_ids_free(struct search *s);
void search_unit_close(struct search *s, struct search_unit *unit);
void search_segment_close(struct search_segment *segment);
/* Whether a row of this row_time is in the ranges of the search. */
bool search_in_range(const struct search *s, int64_t time_ns, int64_t received_ns,
                     uint64_t sequence);
bool search_partition_wanted(const struct search *s, struct slice partition);
/* Whether the row's unit is in the search's scope: asked for every row that may be given out. */
bool search_unit_wanted(const struct search *s, struct slice unit);
void search_candidate_add(const struct search *s, struct search_unit *unit, uint32_t *capacity,
                          const struct search_candidate *candidate);
/* In the order wanted; only the first when all that are held would be too many. */
void search_candidates_keep(struct search *s, struct search_unit *unit);
/* Judges a row as received (its derived fields are left out and made anew). True: a hit, copied to
 * hit with memory of arena. full: what is given out instead of row, or NULL. */
bool search_judge(struct search *s, const struct row *row, const struct logsource *configured,
                  struct search_hit *hit, struct arena *arena);
/* Judges a hit's row once more, so that the matcher is about it. */
uint32_t search_judge_again(struct search *s, const struct row *row, const uint32_t **rules);
/* Gives the row's context a life as long as the search's. */
void search_context_keep(struct search *s, struct row *row);
void search_hit_copy(struct search_hit *hit, const struct row *row, struct arena *arena);
/* row_judge_logsource of the search's judge; NULL without one. */
const struct logsource *search_logsource(struct search *s, struct slice configured);
