/* What mapping_read*.c share while one mapping file is read. All give ERR_OK, or ERR_SYNTAX with a
 * place. Threads: one a reader. */
#pragma once
#include "detection/mapping_inside.h"
#include "formats/yaml.h"

struct mapping_reader {
    struct mapping_inside *in;
    struct arena *arena; /* of in */
    struct err *err;
    bool jit; /* regular expressions as machine code */
};

struct mapping_key {
    const char *key; /* NULL: end of the table */
    int (*read)(struct mapping_reader *r, const struct yaml_node *node, void *target);
};

MUST_CHECK int mapping_refuse(struct mapping_reader *r, const struct yaml_node *node,
                              const char *what);
/* Gives each key of the map to its reader; an unknown one is refused with the nearest. */
MUST_CHECK int mapping_read_keys(struct mapping_reader *r, const struct yaml_node *map,
                                 const struct mapping_key *keys, void *target);
MUST_CHECK int mapping_read_text(struct mapping_reader *r, const struct yaml_node *node,
                                 struct slice *out);
/* One text, or a list of them. */
MUST_CHECK int mapping_read_texts(struct mapping_reader *r, const struct yaml_node *node,
                                  struct slice_list *out);
MUST_CHECK int mapping_read_names(struct mapping_reader *r, const struct yaml_node *node,
                                  struct mapping_names *out);
MUST_CHECK int mapping_read_bool(struct mapping_reader *r, const struct yaml_node *node, bool *out);
/* A map of conditions (all hold), or a list of such maps (any holds); target: struct mapping_cases.
 */
MUST_CHECK int mapping_read_cases(struct mapping_reader *r, const struct yaml_node *node,
                                  void *target);
/* One text, or a list of them, compared as conditions are: count tests in *out. */
MUST_CHECK int mapping_read_tests(struct mapping_reader *r, const struct yaml_node *node,
                                  struct mapping_test **out, uint32_t *count);
struct slice mapping_lower_copy(struct mapping_reader *r, struct slice text); /* ASCII letters */
struct mapping_names mapping_names_of(struct mapping_reader *r, struct slice_list texts);
/* The tables of `lookup`. */
MUST_CHECK int mapping_read_lookups(struct mapping_reader *r, const struct yaml_node *node,
                                    void *target);
/* The entries of `derive`. */
MUST_CHECK int mapping_read_steps(struct mapping_reader *r, const struct yaml_node *node,
                                  void *target);
/* The map of `found`. */
MUST_CHECK int mapping_read_found(struct mapping_reader *r, const struct yaml_node *node,
                                  void *target);
/* Adds to each name what stands for it: by the mapping's alias, or where there is none by its
 * prefixes. */
void mapping_widen_names(struct mapping_reader *r, const struct mapping *m,
                         struct mapping_names *names);
