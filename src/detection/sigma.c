#include "detection/sigma.h"
