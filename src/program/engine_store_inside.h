/* The inside of the engine's store, shared by engine_store*.c only.
 *
 * Jobs go from the loop to the committer's thread in two queues, intake's before the reader's, and
 * come back done. A job holds its sender, a sender its memory. Threads: the loop's, but where said
 * otherwise. */
#pragma once
#include <pthread.h>

#include "program/engine_account.h"
#include "program/engine_commit.h"
#include "program/engine_health.h"
#include "program/engine_store.h"

enum {
    STORE_SHARED_MAX = 8,      /* memories whose sender has no wire yet */
    STORE_IMPORTS_MAX = 16,    /* waiting */
    STORE_CURSORS_MAX = 4000,  /* told to intake or reader */
    STORE_READER_SECONDS = 60, /* until it is there */
    STORE_JOURNALS_MAX = ROLE_JOURNALS_MAX,
    STORE_JOURNAL_PAUSE_SECONDS_MAX = 60 /* between one end and the next start */
};

struct store_shared {
    enum role role;
    uint32_t instance;
    int fd; /* -1: free place */
    uint32_t slots;
    uint64_t slot_bytes;
    uint64_t ticket; /* what a reader was started for; 0: no reader */
    uint64_t id;     /* of its sender (watch/tally.h) */
};

struct store_sender {
    struct engine_peer *peer; /* NULL: gone */
    struct store_shared memory;
    uint32_t busy; /* slots that are the engine's, by bit */
    uint32_t uses;
    enum role role;
    uint32_t instance;
    bool resumes_later;
    struct store_import *import;   /* a reader's; NULL: none is wanted */
    struct store_journal *journal; /* a reader's; NULL: it reads none */
};

enum store_job_kind {
    STORE_HAUL,
    STORE_RESUME,
    STORE_RUN_END,
    STORE_JOURNAL,
    STORE_OUTPUTS,
    STORE_RULES,
    STORE_GONE,
    STORE_HEALTH
};

enum store_journal_state {
    STORE_JOURNAL_WAITS,  /* for next_ns */
    STORE_JOURNAL_ASKS,   /* the committer for its cursor */
    STORE_JOURNAL_STARTS, /* the parent was asked */
    STORE_JOURNAL_READS
};
struct store_journal { /* a source whose systemd journal is read */
    const struct live_source *source;
    struct slice cursor; /* its name */
    enum store_journal_state state;
    uint64_t ticket, began_ns, next_ns, pause_ns; /* monotonic */
    int64_t since_ns;                             /* wall clock, of the state */
    uint64_t entries;                             /* stored since the engine began */
    bool was_told;
    char why[ERR_TEXT_BYTES]; /* it is not read; empty: it is, or nobody tried yet */
};

struct store_job {
    enum store_job_kind kind;
    struct store_sender *sender;
    uint64_t id; /* HAUL */
    uint32_t slot;
    struct engine_haul haul;
    struct store_journal *journal; /* JOURNAL */
    struct slice cursors_of;       /* RESUME: what their names begin with; empty: none are told */
    struct buf cursors;            /* texts name and value, by turns */
    bool whole;                    /* RUN_END */
    struct engine_account_gone *gone; /* GONE */
    struct health_change *changes;    /* HEALTH */
    uint32_t change_count;
    struct arena arena;       /* of theirs */
    struct live_rules *rules; /* RULES: to judge by; NULL: the set before is forgotten */
    const struct engine_commit_output *outputs; /* OUTPUTS */
    uint32_t output_count;
    engine_store_outputs_done *outputs_done;
    void *outputs_context;
    uint64_t queued_ns; /* monotonic */
    struct store_job *next;
};

struct store_queue {
    struct store_job *first, **end;
    uint32_t count;
};

struct store_import {
    struct engine_peer *client;
    uint64_t id; /* of the message that asked */
    struct slice source;
    char *name;
    struct slice cursor; /* what its cursors are called; empty: it has none */
    struct arena arena;  /* of that name */
    int fd;              /* -1: given to the reader */
    int64_t began_ns;    /* monotonic; 0: waits */
    uint64_t ticket;
    bool has_reader, is_ending, is_read;
    uint64_t stored, refused, findings, passed_over;
    int rc;
    struct err err;
    struct store_import *next;
};

struct store_figures { /* under mutex: as the committer saw them last */
    uint64_t rows, segments, bytes, journal_rows, journal_bytes, sealed;
    uint32_t epoch;
    bool failed;
    struct err err;
};

enum store_metric {
    STORE_METRIC_RECEIVED,
    STORE_METRIC_STORED,
    STORE_METRIC_REFUSED,
    STORE_METRIC_FINDINGS,
    STORE_METRIC_FORGED,
    STORE_METRIC_FAILED,
    STORE_METRIC_KNOWN,
    STORE_METRIC_REPEATED,
    STORE_METRIC_GROUPS,
    STORE_METRIC_SECONDS_APPEND,
    STORE_METRIC_SECONDS_DURABLE,
    STORE_METRIC_SECONDS_FINDING,
    STORE_METRIC_QUEUED,
    STORE_METRIC_BYTES,
    STORE_METRIC_JOURNAL_BYTES,
    STORE_METRIC_OK,
    STORE_METRICS
};

struct engine_store {
    struct engine *engine;
    struct live live;
    struct engine_rules *rules;
    struct store_options store_options;
    struct engine_commit *commit; /* the committer's, once it runs */
    struct store_policy policies[POLICY_MAX];
    uint32_t policy_count;
    struct store_shared shared[STORE_SHARED_MAX];
    struct store_import *imports; /* the first is under way */
    struct store_journal journals[STORE_JOURNALS_MAX];
    uint32_t journal_count;
    struct arena journal_arena;
    uint64_t ticket; /* the newest that was given out: those of the engine before it differ */
    bool is_draining, is_started;
    uv_async_t ready;

    pthread_mutex_t care; /* the store itself: held by snapshot, merge, expiry */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct store_queue live_jobs, import_jobs, done; /* under mutex, and what follows */
    uint32_t under_way;
    bool is_ending, is_ticked, is_night;
    int64_t night_ns; /* when the night was seen to have come */
    struct store_figures figures;
    uint64_t newest; /* atomic: number of the newest durable row */

    pthread_t committer, carer, learner;
    bool ends_learning; /* the learner looks at it now and then */
    int64_t opened_ns;
    struct engine_watch *watch;
    struct engine_health *health;
    struct clock_zone *zone;
    int64_t night;      /* day of the last care; the loop's */
    int64_t counted_ns; /* the committer's */
    struct metric metrics[STORE_METRICS];
};

/* engine_store_commit.c: threads */
void *engine_store_committer(void *store);
void *engine_store_learner(void *store);
void *engine_store_carer(void *store);
void engine_store_queue_put(struct store_queue *queue, struct store_job *job);
/* engine_store_import.c */
void engine_store_import_next(struct engine_store *s);
void engine_store_import_hauled(struct engine_store *s, const struct store_job *job);
void engine_store_import_end(struct engine_store *s, const struct store_job *job);
/* Whether the sender's ticket is that of the import under way. */
bool engine_store_import_reader(struct engine_store *s, struct store_sender *sender);
void engine_store_import_gone(struct engine_store *s, struct store_sender *sender);
void engine_store_import_tick(struct engine_store *s);
MUST_CHECK int engine_store_import_all(struct engine_store *s, struct store_sender *sender,
                                       struct wire_message *message, struct err *err);
void engine_store_imports_free(struct engine_store *s);
uint64_t engine_store_ticket(struct engine_store *s);
/* engine_store_journal.c */
void engine_store_journals_open(struct engine_store *s);
void engine_store_journals_tick(struct engine_store *s);
void engine_store_journal_start(struct engine_store *s, const struct store_job *job);
/* Whether the sender's ticket is a journal's. */
bool engine_store_journal_reader(struct engine_store *s, struct store_sender *sender);
void engine_store_journal_gone(struct engine_store *s, struct store_journal *journal);
/* engine_store_sender.c: the last use of a sender frees it, and closes its memory */
void engine_store_sender_unuse(struct store_sender *sender);
/* engine_store_job.c */
void engine_store_job_free(struct store_job *job);
void engine_store_done(uv_async_t *async); /* jobs that the committer is done with */
struct store_job *engine_store_job(struct engine_store *s, enum store_job_kind kind,
                                   struct store_sender *sender);
void engine_store_job_put(struct engine_store *s, struct store_job *job);
