#include "detection/event.h"
