/* A few loops: compiled once for each kind of processor, and asked for here.

   Threads are those that torch's OpenMP holds already: two teams of threads on the same cores wait for each other. */

#define _GNU_SOURCE
#include <dlfcn.h>

#include "native.h"

static void (*open_region)(void (*)(void *), void *, unsigned, unsigned);
static void (*meet)(void);
static int (*number)(void), (*team)(void);

static const void *home(void *function) /* of which library it is */
{
    Dl_info found = {0};
    return function && dladdr(function, &found) ? found.dli_fbase : 0;
}

/* Whether one OpenMP is in this process, so that its threads can be asked to help. */
long threads_found(void)
{
    void *found[] = {dlsym(RTLD_DEFAULT, "GOMP_parallel"), dlsym(RTLD_DEFAULT, "GOMP_barrier"),
                     dlsym(RTLD_DEFAULT, "omp_get_thread_num"), dlsym(RTLD_DEFAULT, "omp_get_num_threads")};
    for (int i = 0; i < 4; i++)
        if (!home(found[i]) || home(found[i]) != home(found[0]))
            return 0;
    *(void **)&open_region = found[0];
    *(void **)&meet = found[1];
    *(void **)&number = found[2];
    *(void **)&team = found[3];
    return 1;
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
#ifdef ROUNDS
    &avx512_bf16, /* rounds what it multiplies in a step: only where that is asked for */
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

/* Whether this processor can be the fourth kind, whose products are of bfloat16; 2 if it gains by that: AMD's multiply
   twice as many. */
long rounds(void)
{
#ifdef ROUNDS
    return best() == 2 && __builtin_cpu_supports("avx512bf16") ? 1 + (__builtin_cpu_is("amd") != 0) : 0;
#else
    return 0;
#endif
}

/* What Python calls: run_step and the others, by as many threads as they are told. */
#define LOOP(name)                                                                                                      \
    static void part_of_##name(void *given)                                                                             \
    {                                                                                                                   \
        struct name *job = given;                                                                                       \
        kinds[job->kind]->name(job, number(), team());                                                                  \
    }                                                                                                                   \
    void run_##name(struct name *job)                                                                                   \
    {                                                                                                                   \
        if (job->threads > 1)                                                                                           \
            open_region(part_of_##name, job, (unsigned)job->threads, 0);                                                \
        else                                                                                                            \
            kinds[job->kind]->name(job, 0, 1);                                                                          \
    }

LOOP(step)
LOOP(noise)
LOOP(select)
LOOP(dots)
LOOP(adam)

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

/* Of what sources this was built. */
long layout(void) { return LAYOUT; }

/* How many floats of room a step needs. */
long room(long rows, long inputs, long latents)
{
    const struct step s = {.rows = rows, .inputs = inputs, .latents = latents};
    return carve(&s).end;
}
