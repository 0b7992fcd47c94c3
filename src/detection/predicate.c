#include "detection/predicate.h"
