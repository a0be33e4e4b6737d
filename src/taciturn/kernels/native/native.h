#pragma once
#include <stdint.h>

/* The structures that Python passes: library.py defines the same, field by field. */

#define LAYOUT 5 /* version of the structures and functions; raised here and in library.py whenever one changes */

#if defined __x86_64__ && (defined __clang__ || __GNUC__ > 10) /* compilers that know processors with bfloat16 */
#define ROUNDS
#endif

/* a penalty on mean activations */
struct penalty {
    long kind;     /* 0: (q - rate)², 1: Kullback-Leibler */
    long on_clean; /* whether its gradient is that of the codes of the rows before corruption */
    double weight, rate, aimed_rate;
    double number;   /* output: the penalty towards rate, on corrupted rows */
    double cost;     /* output: the penalty towards aimed_rate, on the rows of its gradient */
    double measured; /* output: mean activation over clean rows and latents */
};

/* a training step of one dense layer */
struct step {
    long kind, threads;
    long rows, inputs, latents;
    const float *x, *corrupted, *target;                          /* [rows, inputs] */
    const float *to_codes, *code_bias, *dictionary, *output_bias; /* [latents, inputs], [latents], likewise, [inputs] */
    float *of_to_codes, *of_code_bias, *of_dictionary, *of_output_bias; /* output: gradients; the same if tied */
    long code_curve, output_curve; /* 0: identity, 1: relu, 2: elu, 3: tanh, 4: sigmoid */
    long cross_entropy;            /* whether the error is the cross-entropy; otherwise the squared error */
    long masked;                   /* whether the target is NaN where it does not count */
    double judged;                 /* number of entries of the target that count, at least 1 */
    double weight;                 /* of the error in the loss */
    double error;                  /* output */
    struct penalty *penalties;
    long n_penalties;
    float *rates;         /* output: each latent's mean code [latents] */
    float *active_counts; /* output: in how many rows each latent's code is not 0 [latents] */
    float *workspace;
};

/* noise of a batch */
struct noise {
    long kind, threads;
    long rows, inputs, block; /* block: rows for each key */
    const uint64_t *keys;
    const float *x;
    float *corrupted; /* output: [rows, inputs] */
    long dropout;     /* whether entries are dropped; otherwise normal noise is added */
    double amount;    /* the rate of dropout, or the standard deviation */
};

/* Where each array of a step begins in the workspace, in floats. */
struct offsets {
    long codes, clean_codes;           /* [rows, latents] */
    long pre_grads, clean_pre_grads;   /* [rows, latents]: gradients in the pre-activations */
    long output;                       /* [rows, inputs]: logits, then the gradients in them */
    long clean_rates;                  /* [latents] */
    long rate_grads, clean_rate_grads; /* [latents]: the penalties' gradient in each code of a latent */
    long row_errors;                   /* [rows] */
    long packed;                       /* the factors of a product, as tiles read them */
    long end;
};

/* a selection of each row's k largest scores */
struct select {
    long kind, threads;
    long rows, latents, k, inputs;
    const float *scores;             /* [rows, latents]; null if they come from a product of integers */
    const int32_t *product;          /* [rows, latents]: that product */
    const float *step, *row_step;    /* [latents], [rows]: its scales */
    const float *margin;             /* [rows], of rounded scores; null if scores are exact */
    const float *x, *weights, *bias; /* [rows, inputs], [latents, inputs], [latents]: factors of the exact scores */
    float *values;                   /* output: [rows, k] */
    int64_t *indices;                /* output: [rows, k] */
    float *workspace;
    long thread_workspace; /* floats of the workspace for each thread */
};

/* products of rows with a table's rows */
struct dots {
    long kind, threads;
    long entries, width;
    const float *rows;          /* [.., width] */
    const int64_t *row_index;   /* [entries]: rows of `rows` */
    const float *table;         /* [.., width] */
    const int64_t *table_index; /* [entries]: rows of `table` */
    float *out;                 /* output: [entries] */
};

/* an array of weights that Adam updates */
struct adam_arrays {
    long size;
    float *weight, *mean, *square; /* [size], output too: the weights, and their moments */
    const float *grad;
    float *steps; /* the number of steps taken; output too */
};

/* an update by Adam */
struct adam {
    long kind, threads;
    const struct adam_arrays *weights;
    long n_weights;
    double rate, beta_1, beta_2, epsilon, decay;
};

/* The loops for one kind of processor; a thread does part `part` of `parts`. */
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
struct offsets workspace_offsets(const struct step *);
#pragma GCC visibility pop
