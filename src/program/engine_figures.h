/* Engine figures: metrics whose rows are not known before: what became of records by source
 * (canh_records_total, since the start), and health findings by kind (canh_health).
 *
 * Limits: ENGINE_FIGURES_SOURCES sources; what further ones gave is added up for LEDGER_OTHERS.
 * Threads: the loop's. */
#pragma once
#include "program/engine.h"

enum { ENGINE_FIGURES_SOURCES = 500 };
/* A table that is whole: packed metrics of the engine. */
typedef void engine_figures_table(void *context, struct slice packed);
void engine_figures_each(struct engine *e, engine_figures_table *table, void *context);
