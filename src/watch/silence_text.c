/* Verdicts as sentences, with the numbers that made them. */
#include <inttypes.h>

#include "watch/silence.h"

static const char *const days_en[] = {"Mondays", "Tuesdays",  "Wednesdays", "Thursdays",
                                      "Fridays", "Saturdays", "Sundays"};
static const char *const days_vi[] = {"thứ Hai", "thứ Ba",  "thứ Tư",  "thứ Năm",
                                      "thứ Sáu", "thứ Bảy", "Chủ nhật"};

/* Two units at most: "3 d 4 h", "15 min". */
static void duration_put(uint64_t seconds, bool vietnamese, struct buf *out)
{
    static const struct {
        uint64_t seconds;
        const char *en, *vi;
    } units[] = {{86400, "d", "ngày"}, {3600, "h", "giờ"}, {60, "min", "phút"}, {1, "s", "giây"}};
    enum { UNITS = sizeof(units) / sizeof(units[0]) };
    size_t i = 0;
    while (i + 1 < UNITS && seconds < units[i].seconds)
        i++;
    buf_printf(out, "%" PRIu64 " %s", seconds / units[i].seconds,
               vietnamese ? units[i].vi : units[i].en);
    uint64_t rest = seconds % units[i].seconds;
    if (i + 1 < UNITS && rest >= units[i + 1].seconds)
        buf_printf(out, " %" PRIu64 " %s", rest / units[i + 1].seconds,
                   vietnamese ? units[i + 1].vi : units[i + 1].en);
}

static void hour_put(const struct calendar_hour *h, enum rhythm_grain grain, bool vietnamese,
                     struct buf *out)
{
    if (vietnamese) {
        buf_printf(out, "từ %02d:00 đến %02d:00 ", h->hour, (h->hour + 1) % 24);
        buf_string(out, grain == RHYTHM_FINE ? days_vi[h->weekday]
                        : h->is_free         ? "ngày nghỉ"
                                             : "ngày làm việc");
        return;
    }
    buf_printf(out, "on %s from %02d:00 to %02d:00",
               grain == RHYTHM_FINE ? days_en[h->weekday]
               : h->is_free         ? "free days"
                                    : "working days",
               h->hour, (h->hour + 1) % 24);
}

static void state_put(const struct silence_verdict *v, bool vietnamese, struct buf *out)
{
    if (v->state == SILENCE_SILENT) {
        buf_string(out,
                   vietnamese ? "Im lặng: không gửi gì suốt " : "Silent: it sent nothing for ");
        duration_put(v->passed_s, vietnamese, out);
        return;
    }
    buf_string(out, vietnamese ? "Vẫn gửi đều: lần cuối cách đây "
                               : "It sends as expected: its newest event came ");
    duration_put(v->passed_s, vietnamese, out);
    buf_string(out, vietnamese ? "" : " ago");
}

static void usual_put(const struct silence_verdict *v, bool vietnamese, struct buf *out)
{
    state_put(v, vietnamese, out);
    buf_string(out, "; ");
    hour_put(&v->hour, v->kind.grain, vietnamese, out);
    buf_string(out, vietnamese ? " thường ngừng lâu nhất " : " it is usually quiet for at most ");
    duration_put(v->kind.usual_s, vietnamese, out);
    buf_printf(out,
               vietnamese
                   ? " (%" PRIu32 " khoảng cách trong %" PRIu32 " giờ đã xem), coi là im lặng "
                     "sau "
                   : " (%" PRIu32 " gaps in %" PRIu32 " such hours), silent is what is quiet "
                     "for more than ",
               v->kind.gaps, v->kind.hours);
    duration_put(v->limit_s, vietnamese, out);
    buf_char(out, '.');
}

static void setting_put(const struct silence_verdict *v, bool vietnamese, struct buf *out)
{
    state_put(v, vietnamese, out);
    buf_string(out,
               vietnamese ? "; khoảng thời gian đã đặt là " : "; the interval that is set is ");
    duration_put(v->limit_s, vietnamese, out);
    buf_char(out, '.');
}

static void window_put(const struct silence_verdict *v, bool vietnamese, struct buf *out)
{
    state_put(v, vietnamese, out);
    buf_string(out, vietnamese ? ", lâu hơn cả thời gian được học ("
                               : ", which is longer than all that is learned from (");
    duration_put(v->limit_s, vietnamese, out);
    buf_string(out, ").");
}

static void few_days_put(const struct silence_verdict *v, bool vietnamese, struct buf *out)
{
    buf_printf(out,
               vietnamese ? "Đang học: mới thấy %" PRIu32
                            " trong %d ngày cần có. Muốn cảnh báo ngay "
                            "từ bây giờ, hãy đặt khoảng thời gian cho nguồn này."
                          : "Learning: %" PRIu32 " of the %d days that are needed have been seen. "
                            "Set an interval for this source to be warned from now on.",
               v->days, RHYTHM_COARSE_HOURS / 24);
}

static void few_gaps_put(const struct silence_verdict *v, bool vietnamese, struct buf *out)
{
    buf_string(out, vietnamese ? "Đang học: " : "Learning: ");
    hour_put(&v->hour, RHYTHM_COARSE, vietnamese, out);
    buf_printf(out,
               vietnamese ? " nguồn này gửi quá thưa để biết khi nào là im lặng (%" PRIu32
                            " khoảng cách, cần %d). Nếu giờ này phải có dữ liệu, hãy đặt khoảng "
                            "thời gian."
                          : " it sends too seldom to tell what silence is (%" PRIu32
                            " gaps, %d are needed). Set an interval if it should send at this "
                            "hour.",
               v->kind.gaps, RHYTHM_GAPS_MIN);
}

static void plain_put(enum silence_reason reason, bool vietnamese, struct buf *out)
{
    if (reason == SILENCE_NEVER_SEEN)
        buf_string(out, vietnamese ? "Chưa biết: nguồn này chưa từng gửi gì."
                                   : "Unknown: this source has never sent anything.");
    else if (reason == SILENCE_CLOCK_BACK)
        buf_string(out, vietnamese
                            ? "Chưa biết: lần gửi cuối ghi giờ sau hiện tại, đồng hồ máy này đã bị "
                              "vặn lùi. Hãy kiểm tra việc đồng bộ giờ."
                            : "Unknown: its newest event came later than now, so the clock of this "
                              "machine was set back. Check the time synchronisation.");
    else if (reason == SILENCE_NO_ROOM)
        buf_printf(out,
                   vietnamese ? "Đang học: chỉ học được %d nguồn. Hãy đặt khoảng thời gian cho "
                                "nguồn này."
                              : "Learning: no more than %d sources are learned. Set an interval "
                                "for this source.",
                   SILENCE_SOURCES_MAX);
    else
        buf_string(out, vietnamese ? "Đã tắt trong phần cài đặt: im lặng của nguồn này không được "
                                     "theo dõi."
                                   : "Off in the settings: nobody is told when this source is "
                                     "silent.");
}

void silence_sentence(const struct silence_verdict *v, bool vietnamese, struct buf *out)
{
    switch (v->reason) {
    case SILENCE_BY_SETTING:
        setting_put(v, vietnamese, out);
        break;
    case SILENCE_BY_WEEK:
    case SILENCE_BY_DAY:
        usual_put(v, vietnamese, out);
        break;
    case SILENCE_BY_WINDOW:
        window_put(v, vietnamese, out);
        break;
    case SILENCE_FEW_DAYS:
        few_days_put(v, vietnamese, out);
        break;
    case SILENCE_FEW_GAPS:
        few_gaps_put(v, vietnamese, out);
        break;
    default:
        plain_put(v->reason, vietnamese, out);
    }
}

void silence_volume_sentence(const struct silence_volume *v, bool vietnamese, struct buf *out)
{
    const struct rhythm_volume *u = &v->usual;
    if (v->state == SILENCE_VOLUME_LEARNING) {
        buf_string(out, vietnamese ? "Đang học: " : "Learning: ");
        hour_put(&v->hour, RHYTHM_COARSE, vietnamese, out);
        buf_string(out, vietnamese ? " chưa có đủ dữ liệu để biết lượng thường ngày."
                                   : " too little was seen to tell how many records are usual.");
        return;
    }
    buf_string(out, v->state == SILENCE_VOLUME_OK
                        ? (vietnamese ? "Lượng như thường: " : "As many records as usual: ")
                    : v->is_more
                        ? (vietnamese ? "Nhiều hơn hẳn thường ngày: " : "Far more than usual: ")
                        : (vietnamese ? "Ít hơn hẳn thường ngày: " : "Far fewer than usual: "));
    buf_printf(out, vietnamese ? "%" PRIu64 " bản ghi; " : "%" PRIu64 " records; ", v->records);
    hour_put(&v->hour, u->kind.grain, vietnamese, out);
    buf_printf(out,
               vietnamese ? " thường có %" PRIu64 " (xê dịch %" PRIu64 ", %" PRIu32 " giờ đã xem)."
                          : " there are usually %" PRIu64 " (give or take %" PRIu64 ", %" PRIu32
                            " such hours).",
               u->median, u->spread, u->hours);
}
