#pragma once
#include <stdint.h>

/* What Python hands over: library.py says the same, field by field. */

#define LAYOUT 3 /* of structures and functions; raised with library.py's whenever one of them changes */

#if defined __x86_64__ && (defined __clang__ || __GNUC__ > 10) /* which know processors that multiply bfloat16 */
#define ROUNDS
#endif

struct penalty {
    long kind;     /* 0: (q - rate)², 1: Kullback-Leibler */
    long on_clean; /* it presses on the codes of the rows before corruption */
    double weight, rate, aimed_rate;
    double number, cost, measured; /* told: towards rate, on corrupted rows; towards aimed_rate, where it presses; clean mean */
};

struct step {
    long kind, threads;
    long rows, inputs, latents;
    const float *x, *corrupted, *target;                              /* [rows, inputs] */
    const float *to_codes, *code_bias, *dictionary, *output_bias; /* [latents, inputs], twice */
    float *of_to_codes, *of_code_bias, *of_dictionary, *of_output_bias; /* their gradients; tied ones are the same */
    long code_curve, output_curve; /* 0: identity, 1: relu, 2: elu, 3: tanh, 4: sigmoid */
    long crossed;                  /* whether the error is the cross-entropy, else squared */
    double weight;                 /* the error's */
    double error;                  /* told */
    struct penalty *penalties;
    long n_penalties;
    float *rates, *fired; /* [latents]: told; each one's mean code, and in how many rows it is not 0 */
    float *room;
};

struct noise {
    long kind, threads;
    long rows, inputs, block; /* each block of rows has a key */
    const uint64_t *keys;
    const float *x;
    float *corrupted;
    long dropout;  /* whether entries are dropped, else normal noise is added */
    double amount; /* the rate, or the standard deviation */
};

/* Where in its room a step keeps what; in floats. */
struct places {
    long codes, clean, before, before_clean, error;   /* [rows, latents] but the last: [rows, inputs] */
    long clean_rates, slope, slope_clean, row_errors; /* [latents], the last [rows] */
    long packed, end;
};

struct select {
    long kind, threads;
    long rows, latents, k, inputs;
    const float *scores;            /* [rows, latents]; or, where they come from a product of whole numbers: */
    const int32_t *whole;           /* that product */
    const float *step, *row_step;   /* [latents], [rows]: its unit */
    const float *margin;            /* [rows]: of rounded scores; then all that is near is scored again, from: */
    const float *x, *weights, *bias; /* [rows, inputs], [latents, inputs], [latents] */
    float *values;                  /* told: [rows, k] */
    int64_t *which;
    float *room;
    long room_of_one; /* thread, in floats */
};

struct dots {
    long kind, threads;
    long entries, width;
    const float *rows;     /* [.., width] */
    const int64_t *row;    /* [entries]: which of them */
    const float *table;    /* [.., width] */
    const int64_t *at;     /* [entries]: which of its rows */
    float *out;            /* told: [entries] */
};

struct moved {
    long size;
    float *weight, *mean, *square; /* [size]; told */
    const float *grad;
    float *steps; /* how many were taken; told */
};

struct adam {
    long kind, threads;
    const struct moved *weights;
    long n_weights;
    double rate, beta_1, beta_2, epsilon, decay;
};

struct kind {
    void (*step)(struct step *, long part, long parts);
    void (*noise)(const struct noise *, long part, long parts);
    void (*select)(const struct select *, long part, long parts);
    void (*dots)(const struct dots *, long part, long parts);
    void (*adam)(const struct adam *, long part, long parts);
};

#pragma GCC visibility push(hidden)
extern const struct kind plain, avx2, avx512, avx512_bf16;
void barrier(long parts);
struct places carve(const struct step *);
#pragma GCC visibility pop
