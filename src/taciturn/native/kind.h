/* All of it for one kind of processor: V floats make a vector, and a tile of a product is MR rows of 2 V columns. */

#ifdef __x86_64__
#include <immintrin.h>
#endif
#include <math.h>
#include <string.h>

#include "native.h"

#define INLINE static inline __attribute__((always_inline))
#define LEFT(n, i, most) ((n) - (i) < (most) ? (n) - (i) : (most)) /* of n, from i on */

INLINE long share(long n, long part, long parts) { return n * part / parts; } /* where a thread's part of n begins */

#include "vectors.h"
#include "product.h"
#include "dense.h"
#include "noise.h"
#include "select.h"

const struct kind KIND = {step, noise, select_rows};
