/* The fixed texts of the page of findings (output_html.c), in English and Vietnamese. */
#pragma once

enum html_word {
    HTML_TITLE,
    HTML_FINDINGS,
    HTML_MADE,
    HTML_TIMES_LOCAL,
    HTML_TIMES_UTC,
    HTML_LEFT_OUT,
    HTML_BY_LEVEL,
    HTML_BY_RULE,
    HTML_LEVEL,
    HTML_RULE,
    HTML_COUNT,
    HTML_FIRST,
    HTML_LAST,
    HTML_AUTHOR,
    HTML_ID,
    HTML_SOURCE,
    HTML_REFERENCES,
    HTML_TIME,
    HTML_HOST,
    HTML_MATCHED,
    HTML_PLACE,
    HTML_VALUE,
    HTML_EVENTS,
    HTML_CAPPED,
    HTML_CREDIT,
    HTML_WORD_COUNT
};

extern const char *const html_words[HTML_WORD_COUNT][2]; /* English, Vietnamese */
extern const char html_meta[], html_style[];
