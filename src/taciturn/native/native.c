/* The dense step, its noise and the selection of the largest: compiled once for each kind of processor, and asked for here.

   Threads are those that torch's OpenMP holds already: two teams of threads on the same cores wait for each other. */

#define _GNU_SOURCE
#include <dlfcn.h>

#include "native.h"

static void (*open_region)(void (*)(void *), void *, unsigned, unsigned);
static void (*meet)(void);
static int (*number)(void), (*team)(void);

/* Whether GCC's OpenMP is in this process, so that its threads can be asked to help. */
long threads_found(void)
{
    *(void **)&open_region = dlsym(RTLD_DEFAULT, "GOMP_parallel");
    *(void **)&meet = dlsym(RTLD_DEFAULT, "GOMP_barrier");
    *(void **)&number = dlsym(RTLD_DEFAULT, "omp_get_thread_num");
    *(void **)&team = dlsym(RTLD_DEFAULT, "omp_get_num_threads");
    return open_region && meet && number && team;
}

void barrier(long parts)
{
    if (parts > 1)
        meet();
}

static const struct kind *const kinds[] = {
    &plain,
#ifdef __x86_64__
    &avx2,
    &avx512,
#endif
};

/* Which of the kinds is the best that this processor is. */
long best(void)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("avx512bw"))
        return 2;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"))
        return 1;
#endif
    return 0;
}

static void part_of_step(void *job)
{
    struct step *s = job;
    kinds[s->kind]->step(s, number(), team());
}

static void part_of_noise(void *job)
{
    struct noise *n = job;
    kinds[n->kind]->noise(n, number(), team());
}

static void part_of_select(void *job)
{
    struct select *s = job;
    kinds[s->kind]->select(s, number(), team());
}

void take_step(struct step *s)
{
    if (s->threads > 1)
        open_region(part_of_step, s, (unsigned)s->threads, 0);
    else
        kinds[s->kind]->step(s, 0, 1);
}

void draw_noise(struct noise *n)
{
    if (n->threads > 1)
        open_region(part_of_noise, n, (unsigned)n->threads, 0);
    else
        kinds[n->kind]->noise(n, 0, 1);
}

void select_top(struct select *s)
{
    if (s->threads > 1)
        open_region(part_of_select, s, (unsigned)s->threads, 0);
    else
        kinds[s->kind]->select(s, 0, 1);
}

static long carved(long *at, long n)
{
    long now = *at;
    *at += (n + 15) / 16 * 16;
    return now;
}

struct places carve(const struct step *s)
{
    long at = 0, codes = s->rows * s->latents, most = s->rows > s->latents ? s->rows : s->latents;
    struct places p = {0};
    p.codes = carved(&at, codes);
    p.clean = carved(&at, codes);
    p.before = carved(&at, codes);
    p.before_clean = carved(&at, codes);
    p.error = carved(&at, s->rows * s->inputs);
    p.clean_rates = carved(&at, s->latents);
    p.slope = carved(&at, s->latents);
    p.slope_clean = carved(&at, s->latents);
    p.row_errors = carved(&at, s->rows);
    /* the two sides of the largest product, each rounded up to whole tiles */
    p.packed = carved(&at, (most + 32) * (s->inputs + 32) + (s->latents + 32) * (s->rows + s->inputs + 64));
    p.end = at;
    return p;
}

/* How many floats of room a step needs. */
long room(long rows, long inputs, long latents)
{
    const struct step s = {.rows = rows, .inputs = inputs, .latents = latents};
    return carve(&s).end;
}
