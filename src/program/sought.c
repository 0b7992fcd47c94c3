#include "program/sought.h"

#include <stdio.h>

#include "base/mem.h"

/* Rules that cannot be used: the first by file and line, all with --verbose. */
static void problems_show(const struct rules_load *load, const struct cli_common *common)
{
    bool vietnamese = cli_vietnamese(common);
    struct buf text = {0};
    uint32_t shown = 0;
    if (common->quiet)
        return;
    for (uint32_t i = 0; i < load->problems.count; i++) {
        bool is_error = load->problems.items[i].level == PROBLEM_ERROR;
        if (common->verbose || (is_error && shown++ < SOUGHT_PROBLEMS_SHOWN))
            rules_load_problem_text(&text, &load->problems.items[i], vietnamese);
    }
    rules_load_refused_text(&text, load, vietnamese);
    if (text.len)
        (void)fwrite(text.data, 1, text.len, stderr);
    buf_free(&text);
}

static void indicators_problem(void *context, const char *text)
{
    (void)context;
    (void)fprintf(stderr, "canh: %s\n", text);
}

int sought_open(struct sought *out, const struct sought_settings *settings, const char *timezone,
                const struct cli_common *common, struct err *err)
{
    struct detector_options options;
    detector_options_set(&options, &settings->detector);
    options.without_rules = settings->indicators.count > 0;
    if (!options.timezone)
        options.timezone = timezone;
    int rc = detector_open(&out->detector, &options, err);
    problems_show(&out->detector.load, common);
    if (rc == ERR_OK && settings->indicators.count)
        rc = indicators_load_paths(&out->indicators, &settings->indicators, clock_now_ns(),
                                   indicators_problem, NULL, err);
    if (rc == ERR_OK)
        finding_rules_open(&out->rules, &out->detector.load.rules);
    return rc;
}

void sought_close(struct sought *sought)
{
    finding_rules_close(&sought->rules);
    indicators_load_free(&sought->indicators);
    detector_close(&sought->detector);
}

bool sought_any(const struct sought_settings *settings)
{
    return settings->detector.rules.count || settings->indicators.count;
}

void sought_settings_free(struct sought_settings *settings)
{
    option_list_free(&settings->detector.rules);
    option_list_free(&settings->indicators);
}
