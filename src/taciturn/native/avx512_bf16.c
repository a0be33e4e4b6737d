/* For an x86-64 with AVX-512 that multiplies bfloat16 too. */

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
#define LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#include "kind.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
