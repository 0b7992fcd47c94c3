/* Messages between the roles, and of clients at the control socket: types and payloads, in one
 * table of words. Payloads are flat (base/bytes.h); whoever receives checks them by a bounded walk
 * and takes a wrong one for an attack: the wire is closed, the role ended, and it is reported.
 *
 * `long text` is u32 length and bytes; `text` u16 length and bytes. An answer repeats the id of
 * what it answers. docs/process-model.md has the drawing. */
#pragma once
#include "base/wire.h"

enum message_type {
    /* parent -> role, before GO */
    MESSAGE_CONFIG = 1, /* long text: canh.yaml as it holds (config_print) */
    MESSAGE_ROLE,       /* text data folder, u32 instance, u32 enum role_flag, text injection */
    MESSAGE_LISTENER,   /* text name ("web", "control" or of listeners); fd: listening socket */
    MESSAGE_TLS,        /* text name as above, long text certificate, key, authorities of clients
                         * (may be empty), all PEM */
    MESSAGE_NODE_KEY,   /* long text: PEM of the node's secret key (engine only) */
    MESSAGE_SHARED,     /* u32 slots, u64 bytes of one, u32 enum role, u32 instance: who sends by
                         * it; u64: the ticket that a reader was started for; u64: the sender's id
                         * (watch/tally.h); fd: memfd. To intake and reader before GO; to the
                         * engine later, before the PEER of that sender */
    MESSAGE_FILE,       /* text source, text path, u64 inode, u64 device; fd: open for reading.
                         * Also later: a further file, or the next one after a rotation. To the
                         * courier: text output instead; fd: open for appending */
    MESSAGE_SECRET,     /* text channel, or MESSAGE_OF_OUTPUT and the name of an output; long text:
                         * contents of its secret_file (courier) */
    MESSAGE_GO,
    /* role -> parent */
    MESSAGE_READY,  /* u32 enum sandbox_layer */
    MESSAGE_PONG,   /* long text: metric_pack */
    MESSAGE_FAILED, /* long text: why it cannot start: it ends and is not started at once again */
    MESSAGE_FILES,  /* (intake) empty: look whether followed files were rotated or are new */
    MESSAGE_START_READER, /* (engine) id: ticket; text source (may be empty), text name of the file;
                           * fd: it. The parent starts a reader, whose FILE has both */
    MESSAGE_START_JOURNAL, /* (engine) id: ticket; text source, text cursor of its newest durable
                            * entry (may be empty): journalctl, and a reader of what it prints */
    MESSAGE_START_QUERY,   /* (engine) empty: one more */
    MESSAGE_END_ROLE, /* (engine) u32 enum role, u32 instance, text why: kill it, since it broke
                       * the rules of its wire; empty: a canceled query or reader */
    MESSAGE_RUN,      /* (engine) id, u32 index in commands, long text: standard input */
    /* parent -> role, later */
    MESSAGE_PING,  /* answer PONG within serve.hang */
    MESSAGE_PEER,  /* u32 enum role, u32 instance; fd: wire to it. The one before is dead.
                    * ROLE_PARENT (with ROLE_FLAG_ALONE): a client, as of the control socket */
    MESSAGE_DRAIN, /* finish what was begun, take nothing new, end with 0 */
    MESSAGE_RAN, /* (engine) u32 exit code, or 256 + signal, or 1000: not started; long text out */
    MESSAGE_ROLES, /* (engine) u32 count, each: u32 role, u32 instance, u32 enum role_state, u32
                    * pid, u32 restarts, u32 layers, i64 since, long text metric_pack, text why */
    MESSAGE_NOTE,  /* (engine) text kind, text: to be audited by node.note */
    MESSAGE_JOURNAL_ENDED, /* (engine) id: ticket; u32 1: it ran, 0: it could not be started, and no
                            * reader comes; text why */
    MESSAGE_TALLY,  /* (engine) u64 id of an intake that died; its page (watch/tally.h), as it was.
                     * Before the SHARED of the next one; also of one whose death the engine knows
                     * of, and again to each engine that begins */
    MESSAGE_UNREAD, /* (engine) followed files that are not read, each: text source, text path or
                     * pattern, text why, u32 1: there is no such file */

    /* intake, reader -> engine. Slots belong to the sender until HAUL, to the engine until its
     * answer. */
    MESSAGE_HAUL = 100, /* id, u32 slot, u32 bytes: a flat haul (haul.h) */
    MESSAGE_HAUL_DONE,  /* (engine) id, u32 slot, i32 ERR_*, text: why, u64 first sequence, u32
                         * rows stored, u32 refused: durable when ERR_OK; long text:
                         * with ERR_EXISTS a bit a row whose id is known */
    MESSAGE_CURSOR,     /* (engine) text name, text value: what was durable, at the beginning */
    MESSAGE_REGISTER,   /* (engine) the registered hosts (watch/register.h), whenever they change */
    MESSAGE_RESUME,     /* (engine) u32 epoch; behind the cursors: now send */
    MESSAGE_HAULED_ALL, /* (reader) u64 records, refused, passed over (files that were imported
                         * before), text error: it has read its file to the end; else why not */
    MESSAGE_RULES,      /* (engine) text version (SHA-256), u64 fingerprint, u32 1: with indicators;
                         * fds: sealed memfd of the bundle, indicators.table. Before RESUME, and
                         * whenever a new set is to be judged by; who has it just answers */
    MESSAGE_RULES_TAKEN,  /* id of RULES, i32 ERR_*, text why: no block is judged by another set any
                           * more. The next RULES comes behind it */
    MESSAGE_RULES_BURDEN, /* u64 fingerprint, u32 count, each: u32 rule, text why: all that are
                           * suspended now, by intake or reader */
    MESSAGE_RULES_RESUME, /* (engine) text id of a rule: it is judged by again */

    /* web, intake, control socket -> engine. Secret: a session's or token's text; empty at the
     * control socket: the Unix user counts. */
    MESSAGE_WHO = 200, /* text secret, text from */
    MESSAGE_CALLER,    /* i32 ERR_*; then caller_pack */
    MESSAGE_CALL,      /* text secret, text from, u32 enum call_flag, long text command_pack */
    MESSAGE_RESULT, /* i32 ERR_*, u32 enum result_flag, text error, u64 audit id, long text JSON */
    MESSAGE_ASK,    /* text secret, text from, u32 enum call_flag, text kind (search, export,
                     * hunt), u16 count, each text word: as the command line has them */
    MESSAGE_ASKED,  /* i32 ERR_*, text error; fd: stream of the result's bytes, whose end is an
                     * `ASK_END` line (docs/process-model.md) */
    MESSAGE_STATUS, /* text secret, text from; */
    MESSAGE_STATUS_IS,   /* i32 ERR_*, long text JSON */
    MESSAGE_METRICS,     /* empty */
    MESSAGE_METRICS_ARE, /* u32 count, each: text role, long text metric_pack */
    MESSAGE_IMPORT,      /* (control; parent: of a drop folder) text source, text file name; fd: the
                          * file */
    MESSAGE_IMPORTED,    /* i32 ERR_*, text error, u64 stored, refused, findings, passed over */
    MESSAGE_RULES_NEW,   /* (control) text what it came from; fd: a bundle. Only root and the
                          * service's user: kept, not enabled */
    MESSAGE_RULES_KEPT,  /* i32 ERR_*, text version or error */
    MESSAGE_RULES_FETCH, /* (control -> engine -> courier) text address: root's only */
    MESSAGE_RULES_FETCHED, /* (courier -> engine -> control) i32 ERR_*, text error; fd: sealed
                            * memory, as it came */

    /* engine <-> query */
    MESSAGE_QUERY = 300, /* id, caller_pack, u16 count of unit names, each text; text kind, u16
                          * count, each text word, u32 enum call_flag; fds: where results go; of
                          * a hunt: sealed memfd of the active bundle */
    MESSAGE_QUERIED,     /* id, i32 ERR_*, text error, u64 rows, u64 judged */

    /* engine <-> courier */
    MESSAGE_SEND = 400, /* id of the outbox, text channel, text key, text subject, long text body */
    MESSAGE_SENT,       /* id, i32 ERR_*, text why (also "HTTP 503") */
    MESSAGE_OUTPUT = 420, /* id of the batch, text output, u32 count, each: long text, as it goes
                           * out: a frame, a datagram, a line, two lines of _bulk */
    MESSAGE_OUTPUT_DONE   /* id, i32 ERR_* (but for ERR_OK: all of it again), u32 refused by the
                           * other side for good, text why: of the error, of the first refused */
};

#define MESSAGE_OF_OUTPUT "output:" /* in SECRET, cursors and the ledger's source names */

enum call_flag { CALL_VIETNAMESE = 1, CALL_DRY = 2 };
enum result_flag {
    RESULT_DENIED = 1, /* right or scope */
    RESULT_UNKNOWN = 2 /* no such session: sign in first */
};
/* The last line of a result's stream: this, then {"rows":N,"error":null or "sentence"} and a
 * newline; a stream without it was cut. */
#define ASK_END "\x1e"

/* long texts: u32 length and bytes. */
static inline void message_put_long(struct buf *out, struct slice text)
{
    bytes_put_u32(out, (uint32_t)text.len);
    if (text.len)
        buf_append(out, text.data, text.len);
}

static inline struct slice message_take_long(struct bytes_in *in, size_t max)
{
    size_t len = bytes_take_u32(in);
    if (len > max)
        in->bad = true;
    return bytes_take(in, in->bad ? 0 : len);
}
