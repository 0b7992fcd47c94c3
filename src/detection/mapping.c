#include "detection/mapping.h"
