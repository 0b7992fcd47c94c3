#include "detection/name.h"
