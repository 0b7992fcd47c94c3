/* Engine register: the registered hosts on their way from the state to intake, which attributes
 * events to them (watch/register.h). Threads: said at each call. */
#pragma once
#include "program/engine.h"

struct engine_register;
struct engine_register *engine_register_open(struct engine *e);
void engine_register_close(struct engine_register **reg);
/* Writer's thread: a command was done; reads the hosts anew if one changed them. */
void engine_register_done(struct engine_register *r, struct slice command);
void engine_register_look(struct engine_register *r, uint64_t now_ns);
/* Loop: what they do not know yet, to intake and readers, or (not NULL) to one of them. */
void engine_register_tell(struct engine_register *r, struct engine_peer *only);
