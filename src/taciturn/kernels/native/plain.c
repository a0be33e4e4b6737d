/* For any processor: the compiler makes of four floats what it can. */

#define KIND plain
#define V 4
#define MR 6
#include "kind.h"
