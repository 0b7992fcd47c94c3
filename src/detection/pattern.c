#include "detection/pattern.h"
