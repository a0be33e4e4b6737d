/* For an x86-64 with AVX2. */

#ifdef __x86_64__
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi2"))), apply_to = function)
#else
#pragma GCC target("avx2,fma,bmi2")
#endif
#define KIND avx2
#define V 8
#define MR 6
#define LOW 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH 4, 12, 5, 13, 6, 14, 7, 15
#include "kind.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
