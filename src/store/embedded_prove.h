/* The bundle that proves one event, made from a view: for embedded_prove*.c only. */
#pragma once
#include "store/embedded_rows.h"

struct prove {
    struct embedded *e;
    struct view view;
    struct err *err;
    struct digester *digester;
    struct arena arena;
    uint64_t sequence;
    /* the event */
    bool found;
    struct slice partition;
    struct buf canonical, json;
    /* its interval, and the signed heads line behind it */
    struct chain_interval interval;
    bool has_root, has_heads;
    struct slice root_line, heads_line, signed_text, signature, pem;
    struct buf chain, heads; /* chain: head before, then the root lines behind root_line */
    struct heads_entry {
        struct slice partition;
        uint64_t number;
        char head[2 * DIGEST_BYTES + 1]; /* hex */
    } entries[CHAIN_PARTITIONS_MAX];
    uint32_t entry_count;
    struct prove_key {
        struct slice name, pem_base64;
    } * key_list;
    uint32_t key_count, key_capacity;
    /* leaves of the interval */
    struct digest *leaves;
    uint64_t leaf_count, leaf_index;
    struct buf scratch;
};

/* Finds root, chain, heads line, signature and key in the notary. ERR_BUSY: not signed yet. */
int prove_notary(struct prove *p);
