#include "detection/correlate.h"
