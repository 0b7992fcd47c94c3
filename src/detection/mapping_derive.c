#include "detection/rule.h"
