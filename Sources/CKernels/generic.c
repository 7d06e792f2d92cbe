// The portable level.
#define CK_LEVEL_TABLE ck_generic_table
#define CK_LEVEL_NAME "generic"
#include "generic_level.h"
