#include "watch/finding.h"

#include "base/mem.h"

#define TICK_NS (10 * CLOCK_SECOND_NS)

void finding_of_rule(struct finding *out, struct finding_room *room, struct matcher *matcher,
                     uint32_t rule, const struct finding_place *place, bool with_host)
{
    uint32_t count = matcher_matched(matcher, rule, room->matched);
    for (uint32_t i = 0; i < count; i++)
        room->fields[i] = (struct finding_field){room->matched[i].name, room->matched[i].value};
    *out = (struct finding){.rule = rule,
                            .place = *place,
                            .host = with_host ? matcher_host(matcher) : (struct slice){0},
                            .matched = room->fields,
                            .matched_count = count};
}

void finding_of_correlation(struct finding *out,
                            struct finding_place places[CORRELATE_EVENTS_SHOWN_MAX],
                            const struct correlate_finding *found, finding_place_of *place,
                            void *context)
{
    for (uint32_t i = 0; i < found->event_count; i++)
        places[i] = place(context, &found->events[i]);
    *out = (struct finding){.rule = found->rule,
                            .place = {.time_ns = found->time_ns},
                            .events = places,
                            .event_count = found->event_count,
                            .event_total = found->event_total,
                            .group_names = found->group_names,
                            .group_values = found->group_values,
                            .group_count = found->group_count,
                            .value = found->value,
                            .capped = found->capped};
    if (found->event_count && places[found->event_count - 1].time_ns == CLOCK_NONE)
        out->place.time_ns = CLOCK_NONE;
}

void finding_clock_begin(struct finding_clock *clock)
{
    *clock = (struct finding_clock){CLOCK_NONE, CLOCK_NONE};
}

bool finding_clock_due(struct finding_clock *clock, int64_t time_ns, int64_t *tick_ns)
{
    if (time_ns == CLOCK_NONE || time_ns <= clock->newest_ns)
        return false;
    clock->newest_ns = time_ns;
    uint64_t passed_ns = (uint64_t)time_ns - (uint64_t)clock->ticked_ns;
    if (passed_ns < TICK_NS || time_ns < CLOCK_NONE + CORRELATE_LATE_MAX_NS)
        return false;
    clock->ticked_ns = time_ns;
    *tick_ns = time_ns - CORRELATE_LATE_MAX_NS;
    return true;
}

static const struct {
    const char *title, *title_vi;
} indicator_titles[INDICATOR_TYPES] = {
    [INDICATOR_IP] = {"address", "địa chỉ"},
    [INDICATOR_CIDR] = {"network", "dải mạng"},
    [INDICATOR_IP_PORT] = {"address and port", "địa chỉ và cổng"},
    [INDICATOR_DOMAIN] = {"domain", "tên miền"},
    [INDICATOR_URL] = {"URL", "URL"},
    [INDICATOR_URL_PREFIX] = {"beginning of a URL", "phần đầu URL"},
    [INDICATOR_MD5] = {"MD5 of a file", "MD5 của tệp"},
    [INDICATOR_SHA1] = {"SHA-1 of a file", "SHA-1 của tệp"},
    [INDICATOR_SHA256] = {"SHA-256 of a file", "SHA-256 của tệp"},
    [INDICATOR_EMAIL] = {"e-mail address", "địa chỉ thư điện tử"},
    [INDICATOR_FILE_NAME] = {"file name", "tên tệp"},
    [INDICATOR_URL_PATH] = {"path of a URL", "đường dẫn URL"},
};

/* The type's name as a part of an id: `ip:port` has no colon there. */
static struct slice type_id(struct arena *arena, enum indicator_type type)
{
    static const char before[] = "canh-indicator-";
    size_t head = sizeof before - 1, len = strlen(indicator_type_names[type]);
    char *text = arena_bytes(arena, head + len);
    memcpy(text, before, head);
    for (size_t i = 0; i < len; i++) {
        char c = indicator_type_names[type][i];
        text[head + i] = c == ':' ? '-' : c;
    }
    return slice_make(text, head + len);
}

void finding_rules_open(struct finding_rules *out, const struct rule_list *loaded)
{
    *out = (struct finding_rules){.loaded = loaded->count};
    for (uint32_t i = 0; i < loaded->count; i++)
        rule_list_add(&out->all, loaded->rules[i]);
    for (unsigned type = 0; type < INDICATOR_TYPES; type++) {
        struct rule *rule = &out->of_indicator[type];
        *rule = (struct rule){.kind = RULE_DETECTION,
                              .level = LEVEL_HIGH,
                              .id = type_id(&out->arena, (enum indicator_type)type),
                              .title = arena_printf(&out->arena, "Known indicator seen: %s",
                                                    indicator_titles[type].title),
                              .title_vi = arena_printf(&out->arena, "Thấy dấu hiệu đã biết: %s",
                                                       indicator_titles[type].title_vi),
                              .author = SLICE("Canh")};
        rule_list_add(&out->all, rule);
    }
    out->outside = (struct rule){.kind = RULE_DETECTION,
                                 .level = LEVEL_MEDIUM,
                                 .id = SLICE("canh-outside"),
                                 .title = SLICE("Another detector found something"),
                                 .title_vi = SLICE("Hệ thống phát hiện khác báo"),
                                 .author = SLICE("Canh")};
    rule_list_add(&out->all, &out->outside);
}

uint32_t finding_rules_outside(const struct finding_rules *rules)
{
    return rules->loaded + INDICATOR_TYPES;
}

void finding_rules_close(struct finding_rules *rules)
{
    rule_list_free(&rules->all);
    arena_free(&rules->arena);
}

void finding_of_indicator(struct finding *out, const struct finding_rules *rules,
                          const struct indicator *indicator, const struct finding_field *field,
                          const struct finding_place *place)
{
    *out = (struct finding){.rule = rules->loaded + (uint32_t)indicator->type,
                            .place = *place,
                            .matched = field,
                            .matched_count = 1,
                            .indicator = indicator};
}

enum rule_level finding_level_of(const char *name)
{
    for (int level = LEVEL_INFORMATIONAL; name && level <= LEVEL_CRITICAL; level++)
        if (strcmp(rule_level_names[level], name) == 0)
            return (enum rule_level)level;
    return LEVEL_NONE;
}
