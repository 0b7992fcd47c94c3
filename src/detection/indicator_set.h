/* Indicator set: the hashes of all indicators of a table, so that the sights that a segment lists
 * can be asked for without their texts.
 *
 * Answers are never wrongly no; what is said to be there is then looked for in the values. Made in
 * one pass over the table (16 bytes an indicator at most). Threads: immutable. Ownership: borrows
 * the table. */
#pragma once
#include "detection/indicator.h"

struct indicator_set;
struct indicator_set *indicator_set_open(const struct indicator_table *table);
void indicator_set_close(struct indicator_set **set);
/* A sight of this kind and hash; hosts: also as the host of a URL prefix. */
bool indicator_set_may(const struct indicator_set *set, enum sight_kind kind, uint64_t hash);
/* The address itself, a network around it, or it with some port. */
bool indicator_set_may_ip(const struct indicator_set *set, const struct ip_address *address);
