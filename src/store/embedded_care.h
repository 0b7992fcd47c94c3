/* What merge and expire share: for embedded_*.c only. */
#pragma once
#include "store/store_embedded.h"

/* Under care_mutex: unlinks files that left the catalog longer ago than the longest query lasts. */
MUST_CHECK int embedded_sweep(struct embedded *e, int64_t now_ns, struct err *err);
