/* All loops for one kind of processor. V: floats in a vector. A tile of a product is MR rows of 2 V columns. With PAIRS
   products are of bfloat16. */

#if defined __x86_64__ && !defined __clang__
#include <immintrin.h>
#endif
#include <math.h>
#include <string.h>

#include "native.h"

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define SHUFFLE(one, other, ...) __builtin_shufflevector(one, other, __VA_ARGS__)
#else
#define SHUFFLE(one, other, ...) __builtin_shuffle(one, other, (ints){__VA_ARGS__})
#endif
#define REMAINING(n, i, most) ((n) - (i) < (most) ? (n) - (i) : (most)) /* numbers of n from i on, at most `most` */

/* Return where a thread's part of n begins. */
INLINE long part_begin(long n, long part, long parts) { return n * part / parts; }

#include "vectors.h"
#include "words.h"
#include "product.h"
#include "dense.h"
#include "noise.h"
#include "select.h"
#include "dots.h"
#include "adam.h"

const struct kind KIND = {step, noise, select_rows, dots, adam};
