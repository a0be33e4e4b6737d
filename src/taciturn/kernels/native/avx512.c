/* The loops for x86-64 processors with AVX-512. */

#ifdef __x86_64__
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma,bmi2"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma,bmi2")
#endif
#define KIND avx512
#define V 16
#define MR 8
#include "kind.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
