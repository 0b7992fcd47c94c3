/* Inputs: which rules of a list each correlation refers to.
 *
 * Threads: immutable once open. Ownership: owns its tables; borrows the rules' texts only while it
 * is opened. */
#pragma once
#include "detection/rule.h"

#define RULE_INPUT_MISSING UINT32_MAX

struct rule_inputs;
/* An id goes before a name that is spelled alike, as in sigma_check_set. */
struct rule_inputs *rule_inputs_open(const struct rule_list *rules);
void rule_inputs_close(struct rule_inputs **inputs);
/* The rules that this one refers to itself, in its order, by index in the list
 * (RULE_INPUT_MISSING: not there). Returns how many; 0 for all but correlations. */
uint32_t rule_inputs_of(const struct rule_inputs *inputs, uint32_t rule, const uint32_t **out);
