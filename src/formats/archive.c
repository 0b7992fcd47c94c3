#include "formats/record.h"
