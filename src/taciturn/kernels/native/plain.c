/* The loops for any processor: vectors of four floats, compiled to what the processor has. */

#define KIND plain
#define V 4
#define MR 6
#include "kind.h"
