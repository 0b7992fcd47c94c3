#include "base/language.h"

int language_wanted(struct slice accept_language)
{
    double best = 0;
    int found = -1;
    while (accept_language.len > 0) {
        struct slice quality = slice_cut(&accept_language, ',');
        struct slice tag = slice_trim(slice_cut(&quality, ';'));
        struct slice language = slice_cut(&tag, '-');
        double weight = 1;
        quality = slice_trim(quality);
        if (slice_starts(quality, SLICE("q=")) &&
            !slice_to_double(slice_part(quality, 2, quality.len), &weight))
            weight = 0;
        bool vietnamese = slice_equal_nocase(language, SLICE("vi"));
        if (weight > best && (vietnamese || slice_equal_nocase(language, SLICE("en")))) {
            best = weight;
            found = vietnamese;
        }
    }
    return found;
}
