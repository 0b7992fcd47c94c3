/* Schema: the SQL that makes the tables, one text a family of nouns; schema.c puts them together as
 * numbered migrations. A text that was released is never changed: a later step alters the tables.
 */
#pragma once

extern const char schema_core[];       /* meta, node_key, audit, audit_head, outbox */
extern const char schema_people[];     /* unit, user, session, token, invite; credential_named */
extern const char schema_register[];   /* system, host */
extern const char schema_rules[];      /* rules_version, rules_active */
extern const char schema_credential[]; /* credentials.db */
