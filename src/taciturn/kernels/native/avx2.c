/* The loops for x86-64 processors with AVX2. */

#ifdef __x86_64__
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi2"))), apply_to = function)
#else
#pragma GCC target("avx2,fma,bmi2")
#endif
#define KIND avx2
#define V 8
#define MR 6
#include "kind.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
