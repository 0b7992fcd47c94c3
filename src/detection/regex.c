#include "detection/regex.h"
