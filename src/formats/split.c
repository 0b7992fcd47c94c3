#include "formats/split.h"
