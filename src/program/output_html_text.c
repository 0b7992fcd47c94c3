#include "program/output_html_text.h"

const char *const html_words[HTML_WORD_COUNT][2] = {
    [HTML_TITLE] = {"Findings", "Kết quả phát hiện"},
    [HTML_FINDINGS] = {"findings", "kết quả phát hiện"},
    [HTML_MADE] = {"Made", "Lập lúc"},
    [HTML_TIMES_LOCAL] = {"Times are local.", "Thời gian theo giờ địa phương."},
    [HTML_TIMES_UTC] = {"Times are UTC.", "Thời gian theo giờ UTC."},
    [HTML_LEFT_OUT] = {"more were counted and are not shown here.",
                       "kết quả khác đã được đếm nhưng không hiển thị ở đây."},
    [HTML_BY_LEVEL] = {"By level", "Theo mức độ"},
    [HTML_BY_RULE] = {"By rule", "Theo quy tắc"},
    [HTML_LEVEL] = {"Level", "Mức"},
    [HTML_RULE] = {"Rule", "Quy tắc"},
    [HTML_COUNT] = {"Findings", "Số kết quả"},
    [HTML_FIRST] = {"First", "Đầu tiên"},
    [HTML_LAST] = {"Last", "Gần nhất"},
    [HTML_AUTHOR] = {"Author", "Tác giả"},
    [HTML_ID] = {"Rule id", "Mã quy tắc"},
    [HTML_SOURCE] = {"Source", "Nguồn"},
    [HTML_REFERENCES] = {"References", "Tham khảo"},
    [HTML_TIME] = {"Time", "Thời gian"},
    [HTML_HOST] = {"Host", "Máy"},
    [HTML_MATCHED] = {"What matched", "Nội dung khớp"},
    [HTML_PLACE] = {"Where", "Vị trí"},
    [HTML_VALUE] = {"value", "giá trị"},
    [HTML_EVENTS] = {"events", "sự kiện"},
    [HTML_CAPPED] = {" (a limit was reached: there may be more)",
                     " (đã chạm giới hạn: có thể còn nhiều hơn)"},
    [HTML_CREDIT] = {"Made by Canh. Each rule belongs to the author named with it.",
                     "Lập bởi Canh. Mỗi quy tắc thuộc về tác giả được ghi kèm."},
};

const char html_meta[] =
    "<meta name=viewport content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
    "style-src 'unsafe-inline'\">\n"
    "<meta name=referrer content=no-referrer>\n";

const char html_style[] =
    "\n@page{size:A4;margin:15mm}\n"
    "body{font:15px/1.45 system-ui,'Segoe UI',Roboto,'Noto Sans',sans-serif;color:#1c2430;"
    "max-width:72rem;margin:2rem auto;padding:0 1rem}\n"
    "h1{font-size:1.7rem;margin:0}h2{font-size:1.2rem;margin:2rem 0 .5rem}"
    "h3{font-size:1.05rem;margin:2rem 0 .3rem}\n"
    "table{border-collapse:collapse;width:100%;font-size:.87rem}"
    "th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;"
    "border-bottom:1px solid #d8dee6;overflow-wrap:anywhere}\n"
    "thead th{color:#55606e;font-weight:600;border-bottom:2px solid #b6c0cc}"
    "tr{break-inside:avoid}thead{display:table-header-group}\n"
    ".t{white-space:nowrap;font-variant-numeric:tabular-nums}"
    ".n{text-align:right;font-variant-numeric:tabular-nums}.p{color:#55606e}\n"
    ".f td:nth-child(3){font-family:ui-monospace,Consolas,monospace;white-space:pre-wrap}\n"
    ".levels{width:auto;min-width:50%}.levels .b{width:20rem}.levels .b div{height:.8rem}\n"
    "b[class^=l],th[class^=l]{padding:.1rem .45rem;border-radius:.2rem;font-weight:600;"
    "white-space:nowrap}\n"
    ".l5{background:#8f1d21;color:#fff}.l4{background:#d1442f;color:#fff}"
    ".l3{background:#f0b23e}.l2{background:#9cc3e6}.l1{background:#d5dbe2}"
    ".l0{background:#e8ebef}\n"
    ".tag{display:inline-block;border:1px solid #b6c0cc;border-radius:.2rem;padding:0 .35rem;"
    "font-size:.8rem;text-decoration:none;color:inherit}\n"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;font-size:.85rem}"
    "dt{color:#55606e}dd{margin:0;overflow-wrap:anywhere}\n"
    ".note{color:#55606e;font-size:.85rem}a{color:#1d5fa8}\n"
    "@media print{body{margin:0;max-width:none;font-size:11px}a{color:inherit}"
    "section{break-inside:auto}h2,h3{break-after:avoid}"
    "*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n";
