#include "cthreads.h"
