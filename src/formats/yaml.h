/* YAML documents as small trees with line numbers: rules, mappings, settings.
 *
 * Built on libyaml's events, YAML 1.1 scalars typed the way Sigma tools do (core forms only): plain
 * null ~ empty; true false; integers; floats; everything else, and everything quoted, is text.
 * Limits: YAML_BYTES_MAX a file, YAML_DEPTH_MAX levels, YAML_NODES_MAX nodes a file; anchors,
 * aliases and tags are refused, so a few lines cannot grow into gigabytes. Duplicate keys are
 * refused. Threads: any, each with its own arena. Ownership: nodes and texts are the arena's. */
#pragma once
#include "base/arena.h"
#include "base/str.h"

#define YAML_BYTES_MAX ((size_t)4 << 20)
enum { YAML_DEPTH_MAX = 32, YAML_NODES_MAX = 200000 };

enum yaml_kind { YAML_NULL, YAML_BOOL, YAML_INT, YAML_FLOAT, YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_kind kind;
    uint32_t line, column; /* 1-based */
    struct slice text;     /* scalars: the text as written (unquoted) */
    struct slice key;      /* in a map: the key of this value */
    uint32_t key_line, key_column;
    uint32_t child_count;    /* list items, map values */
    struct yaml_node *child; /* first of them */
    struct yaml_node *next;  /* the next one of the same parent */
};

struct yaml_documents {
    struct yaml_node **roots;
    uint32_t count;
};

/* All documents of one text, empty ones left out. ERR_SYNTAX and ERR_LIMIT come with line and
 * column. */
MUST_CHECK int yaml_parse(struct yaml_documents *out, struct slice text, struct arena *arena,
                          struct err *err);
/* What a plain (unquoted) scalar of this text is. */
enum yaml_kind yaml_plain_kind(struct slice text);
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key); /* or NULL */
/* The text of a scalar that is not null, or of none the empty slice. */
struct slice yaml_text(const struct yaml_node *node);
