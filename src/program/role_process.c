#include "program/role_process.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"

enum { CPU, RESIDENT, SHARE, DESCRIPTORS, ERRORS, WARNINGS, PROCESS_METRICS };

void role_process_pack(const struct role_context *c, struct buf *out)
{
    struct proc_usage usage;
    proc_usage(&usage);
    struct metric process[PROCESS_METRICS] = {
        [CPU] = {.name = "canh_process_cpu_seconds_total",
                 .kind = METRIC_COUNTER,
                 .help = "processor time used",
                 .value = usage.cpu_ns},
        [RESIDENT] = {.name = "canh_process_resident_bytes",
                      .kind = METRIC_GAUGE,
                      .help = "memory present, what is shared included",
                      .value = usage.rss_bytes},
        [SHARE] = {.name = "canh_process_share_bytes",
                   .kind = METRIC_GAUGE,
                   .help = "memory present, what is shared by its part (PSS)",
                   .value = usage.pss_bytes},
        [DESCRIPTORS] = {.name = "canh_process_descriptors",
                         .kind = METRIC_GAUGE,
                         .help = "open descriptors",
                         .value = usage.descriptors},
        [ERRORS] = {.name = "canh_log_lines_total",
                    .kind = METRIC_COUNTER,
                    .labels = "level=\"error\"",
                    .help = "lines logged",
                    .value = log_count(LOG_ERROR)},
        [WARNINGS] = {.name = "canh_log_lines_total",
                      .kind = METRIC_COUNTER,
                      .labels = "level=\"warning\"",
                      .help = "lines logged",
                      .value = log_count(LOG_WARNING)},
    };
    uint32_t own = c ? c->metric_count : 0;
    check(own <= METRIC_TABLE_MAX - PROCESS_METRICS);
    struct metric *all = mem_zeroed(own + PROCESS_METRICS, sizeof(*all));
    if (own)
        memcpy(all, c->metrics, own * sizeof(*all));
    memcpy(all + own, process, sizeof(process));
    metric_pack(all, own + PROCESS_METRICS, out);
    mem_free(all);
}
