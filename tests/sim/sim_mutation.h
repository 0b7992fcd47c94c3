/* Mutations: one call of the disk is left out wherever it would be made; some seed must fail. */
#pragma once
#include "sim/sim.h"

/* Prints each with the seed that finds it; 0 when all were found. */
int sim_mutations_run(void);
