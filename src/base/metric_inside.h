/* Inside of metric*.c: what packing and reading share. */
#pragma once
#include "base/metric.h"

enum {
    METRIC_MAGIC = 0x54454d43 /* CMET */,
    METRIC_BUCKET_NS = 100000 /* the first; each twice */
};
