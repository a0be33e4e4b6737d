/* The loops for x86-64 processors with AVX-512 that multiply bfloat16 too. */

#include "native.h"

#ifdef ROUNDS
#include <immintrin.h>

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx512bf16,avx2,fma,bmi2"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,avx512bf16,avx2,fma,bmi2")
#endif
#define KIND avx512_bf16
#define PAIRS
#define V 16
#define MR 8
#include "kind.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
