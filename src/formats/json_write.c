#include "formats/json.h"
