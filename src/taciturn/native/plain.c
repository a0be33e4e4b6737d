/* For any processor: the compiler makes of four floats what it can. */

#define KIND plain
#define V 4
#define MR 6
#define LOW 0, 4, 1, 5
#define HIGH 2, 6, 3, 7
#include "kind.h"
