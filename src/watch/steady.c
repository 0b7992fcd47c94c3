#include "watch/steady.h"

static bool is_near(int64_t a_ns, int64_t b_ns)
{
    uint64_t apart =
        a_ns > b_ns ? (uint64_t)a_ns - (uint64_t)b_ns : (uint64_t)b_ns - (uint64_t)a_ns;
    return apart < (uint64_t)STEADY_JUMP_NS;
}

void steady_begin(struct steady *s, int64_t wall_ns, uint64_t monotonic_ns)
{
    int64_t offset_ns = wall_ns - (int64_t)monotonic_ns;
    *s = (struct steady){.offset_ns = offset_ns, .wall_ns = offset_ns};
}

bool steady_look(struct steady *s, int64_t wall_ns, uint64_t monotonic_ns, uint64_t hold_ns)
{
    int64_t offset_ns = wall_ns - (int64_t)monotonic_ns;
    bool stays = s->differs && is_near(offset_ns, s->wall_ns);
    s->wall_ns = offset_ns;
    s->differs = !is_near(offset_ns, s->offset_ns);
    if (s->differs && !stays)
        s->jumped_ns = monotonic_ns;
    if (s->differs && monotonic_ns - s->jumped_ns < hold_ns)
        return false;
    s->offset_ns = offset_ns;
    if (!s->differs)
        return false;
    s->differs = false;
    s->changed_ns = monotonic_ns;
    return true;
}

int64_t steady_now(const struct steady *s, uint64_t monotonic_ns)
{
    return (int64_t)monotonic_ns + s->offset_ns;
}

int64_t steady_time(const struct steady *s, int64_t time_ns, uint64_t monotonic_ns)
{
    int64_t now_ns = steady_now(s, monotonic_ns);
    if (s->differs && time_ns != CLOCK_NONE && is_near(time_ns, (int64_t)monotonic_ns + s->wall_ns))
        time_ns -= s->wall_ns - s->offset_ns;
    return time_ns > now_ns && !is_near(time_ns, now_ns) ? now_ns : time_ns;
}
