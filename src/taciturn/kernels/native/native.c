/* The functions that Python calls. The loops are compiled once for each kind of processor; a call's structure names the
   kind.

   The threads are those that torch's OpenMP holds already: two teams of threads on the same cores would wait for each
   other. They wait at a barrier of their own: OpenMP's keeps a core busy for milliseconds, while another program that
   could use it keeps the thread that is waited for from running. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <sched.h>
#include <stdatomic.h>
#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "native.h"

#define SPINS 2000 /* times that a thread looks before it sleeps: some 20 to 100 microseconds */

#ifdef __x86_64__
#define PAUSE __builtin_ia32_pause()
#else
#define PAUSE (void)0
#endif

struct team { /* the threads of one call */
    void *loop;
    atomic_int arrived, round, asleep; /* threads at the barrier, barriers passed, threads that sleep there */
};

static _Thread_local struct team *team;
static void (*run_parallel)(void (*)(void *), void *, unsigned, unsigned);
static int (*thread_number)(void), (*team_size)(void);

static const void *library_of(void *function) /* the address at which the function's library is loaded */
{
    Dl_info info = {0};
    return function && dladdr(function, &info) ? info.dli_fbase : 0;
}

/* Return whether the process has one OpenMP library with GCC's interface, so that the loops can use its threads. */
long can_share_threads(void)
{
    void *functions[] = {dlsym(RTLD_DEFAULT, "GOMP_parallel"), dlsym(RTLD_DEFAULT, "omp_get_thread_num"),
                         dlsym(RTLD_DEFAULT, "omp_get_num_threads")};
    for (int i = 0; i < 3; i++)
        if (!library_of(functions[i]) || library_of(functions[i]) != library_of(functions[0]))
            return 0;
    *(void **)&run_parallel = functions[0];
    *(void **)&thread_number = functions[1];
    *(void **)&team_size = functions[2];
    return 1;
}

/* Wait until all threads of a loop are here. */
void barrier(long parts)
{
    if (parts == 1)
        return;
    struct team *t = team;
    int round = atomic_load(&t->round);
    if (atomic_fetch_add(&t->arrived, 1) + 1 == parts) {
        atomic_store(&t->arrived, 0);
        atomic_store(&t->round, round + 1);
#ifdef __linux__
        if (atomic_load(&t->asleep))
            syscall(SYS_futex, &t->round, FUTEX_WAKE_PRIVATE, INT_MAX, 0, 0, 0);
#endif
        return;
    }
    for (int i = 0; i < SPINS && atomic_load(&t->round) == round; i++)
        PAUSE;
    atomic_fetch_add(&t->asleep, 1);
    while (atomic_load(&t->round) == round)
#ifdef __linux__
        syscall(SYS_futex, &t->round, FUTEX_WAIT_PRIVATE, round, 0, 0, 0);
#else
        sched_yield();
#endif
    atomic_fetch_sub(&t->asleep, 1);
}

static const struct kind *const kinds[] = {
    &plain,
#ifdef __x86_64__
    &avx2,
    &avx512,
#endif
#ifdef ROUNDS
    &avx512_bf16, /* rounds the factors of a step's products: only for steps that may round */
#endif
};

/* Return the index of the best kind for this processor. */
long best_kind(void)
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

/* Return 1 or 2 if this processor can run the fourth kind, whose products are of bfloat16, otherwise 0. 2: it is faster
   for it; AMD's processors multiply twice as many numbers in that time. */
long bfloat16_support(void)
{
#ifdef ROUNDS
    return best_kind() == 2 && __builtin_cpu_supports("avx512bf16") ? 1 + (__builtin_cpu_is("amd") != 0) : 0;
#else
    return 0;
#endif
}

/* Define run_step and the others: they run a loop on as many threads as its structure requires. */
#define LOOP(name)                                                                                                      \
    static void part_of_##name(void *argument)                                                                          \
    {                                                                                                                   \
        struct name *loop = (team = argument)->loop;                                                                    \
        kinds[loop->kind]->name(loop, thread_number(), team_size());                                                    \
        barrier(team_size());                                                                                           \
    }                                                                                                                   \
    void run_##name(struct name *loop)                                                                                  \
    {                                                                                                                   \
        struct team threads = {.loop = loop};                                                                           \
        if (loop->threads > 1)                                                                                          \
            run_parallel(part_of_##name, &threads, (unsigned)loop->threads, 0);                                         \
        else                                                                                                            \
            kinds[loop->kind]->name(loop, 0, 1);                                                                        \
    }

LOOP(step)
LOOP(noise)
LOOP(select)
LOOP(dots)
LOOP(adam)

/* Reserve n floats, rounded up to whole cache lines; return where they begin. */
static long reserve(long *end, long n)
{
    long begin = *end;
    *end += (n + 15) / 16 * 16;
    return begin;
}

struct offsets workspace_offsets(const struct step *s)
{
    long end = 0, codes = s->rows * s->latents, most = s->rows > s->latents ? s->rows : s->latents;
    struct offsets at = {0};
    at.codes = reserve(&end, codes);
    at.clean_codes = reserve(&end, codes);
    at.pre_grads = reserve(&end, codes);
    at.clean_pre_grads = reserve(&end, codes);
    at.output = reserve(&end, s->rows * s->inputs);
    at.clean_rates = reserve(&end, s->latents);
    at.rate_grads = reserve(&end, s->latents);
    at.clean_rate_grads = reserve(&end, s->latents);
    at.row_errors = reserve(&end, s->rows);
    /* the two factors of the largest product, each rounded up to whole tiles */
    at.packed = reserve(&end, (most + 32) * (s->inputs + 32) + (s->latents + 32) * (s->rows + s->inputs + 64));
    at.end = end;
    return at;
}

/* Return the version of the structures and functions that this library was built with. */
long layout(void) { return LAYOUT; }

/* Return how many floats a step's workspace has. */
long workspace_size(long rows, long inputs, long latents)
{
    const struct step s = {.rows = rows, .inputs = inputs, .latents = latents};
    return workspace_offsets(&s).end;
}
