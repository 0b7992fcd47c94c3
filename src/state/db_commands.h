/* The commands of this floor, one constant each, in the files of their nouns; commands_state.c
 * lists them. */
#pragma once
#include "state/command.h"

extern const struct command command_unit_add, command_unit_change, command_unit_remove;
extern const struct command command_user_add, command_user_change, command_user_remove,
    command_user_unlock, command_user_bind;
extern const struct command command_user_password, command_user_recovery, command_user_invite,
    command_invite_accept;
extern const struct command command_user_totp, command_user_totp_confirm, command_user_totp_remove;
extern const struct command command_session_open, command_session_close, command_session_remove,
    command_session_touch;
extern const struct command command_token_add, command_token_remove;
extern const struct command command_system_add, command_system_change, command_system_remove,
    command_system_import;
extern const struct command command_host_add, command_host_change, command_host_remove,
    command_host_import;
extern const struct command command_outbox_send, command_outbox_drop, command_outbox_retry,
    command_outbox_settle;
extern const struct command command_node_note;
