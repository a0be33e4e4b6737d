/* Selects each row's k largest scores, in order of their indices. The maxima of groups give a bound that k scores or
   more reach; of these the k largest are selected. Of rounded scores all that come within a margin of the bound are
   computed again. */

#define GROUPS 4096 /* most groups of a row */

/* Return integers in the same order as the floats; NaN is the largest. */
INLINE ints to_keys(vec v)
{
    ints bits = (ints)v, keys = bits ^ ((bits >> 31) & 0x7fffffff);
    return ((v == v) & keys) | ((v != v) & INT32_MAX);
}

/* Return the float of such an integer. */
INLINE float from_key(int32_t key)
{
    int32_t bits = key ^ ((key >> 31) & 0x7fffffff);
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

/* Return how many of n keys are at least `least`; n is a multiple of V. */
static long count_at_least(const int32_t *keys, long n, int32_t least)
{
    ints counts = {0};
    for (long i = 0; i < n; i += V) {
        ints vector;
        memcpy(&vector, keys + i, sizeof vector);
        counts -= vector >= least;
    }
    long sum = 0;
    for (int i = 0; i < V; i++)
        sum += counts[i];
    return sum;
}

/* Return a bound that at least k keys reach, and at most k + `more`, unless more are equal to it. */
static int32_t lower_bound(const int32_t *keys, long n, long k, long more)
{
    int64_t low = INT32_MIN, high = (int64_t)INT32_MAX + 1; /* at least k keys reach low, fewer reach high */
    long reach = n;
    while (high - low > 1 && reach > k + more) {
        int64_t middle = low + (high - low) / 2;
        long count = count_at_least(keys, n, (int32_t)middle);
        if (count >= k) {
            low = middle;
            reach = count;
        } else
            high = middle;
    }
    return (int32_t)low;
}

/* Compute a row's scores from its product of integers. */
static void scores_of_product(const struct select *s, long row, float *score)
{
    const int32_t *product = s->product + row * s->latents;
    float row_step = s->row_step[row];
    for (long j = 0; j < s->latents; j += V) {
        ints vector;
        memcpy(&vector, product + j, sizeof vector);
        store(score + j, __builtin_convertvector(vector, vec) * (load(s->step + j) * row_step) + load(s->bias + j));
    }
}

/* Return the exact score of a row x and a latent. */
static float exact_score(const struct select *s, const float *x, long latent)
{
    return dot(x, s->weights + latent * s->inputs, s->inputs) + s->bias[latent];
}

/* Find the indices of all scores that are not below `least`, in order; return their number. */
static long find_at_least(const float *score, long n, float least, int32_t *index)
{
    long found = 0;
    for (long j = 0; j < n; j += V) {
        uint32_t bits = mask_bits(~(load(score + j) < all(least)));
        for (; bits; bits &= bits - 1)
            index[found++] = (int32_t)(j + __builtin_ctz(bits));
    }
    return found;
}

static void select_rows(const struct select *s, long part, long parts)
{
    long L = s->latents, k = s->k, groups = V;
    while (groups < 4 * k && 2 * groups <= GROUPS && 4 * groups <= L)
        groups *= 2;
    float maxima[GROUPS];
    int32_t group_keys[GROUPS];
    float *row_scores = s->workspace + part * s->thread_workspace, *value = row_scores + L;
    int32_t *index = (int32_t *)(value + L), *key = index + L + V;
    for (long row = part_begin(s->rows, part, parts); row < part_begin(s->rows, part + 1, parts); row++) {
        const float *score = s->scores + row * L;
        if (s->product) {
            scores_of_product(s, row, row_scores);
            score = row_scores;
        }
        for (long i = 0; i < groups; i += V)
            store(maxima + i, load(score + i));
        for (long j = groups; j < L; j += groups)
            for (long i = 0; i < REMAINING(L, j, groups); i += V) {
                vec next = load(score + j + i), largest = load(maxima + i);
                store(maxima + i, choose(next > largest, next, largest));
            }
        for (long i = 0; i < groups; i += V) {
            ints vector = to_keys(load(maxima + i));
            memcpy(group_keys + i, &vector, sizeof vector);
        }
        float least = from_key(lower_bound(group_keys, groups, k, k / 8));
        long n = find_at_least(score, L, s->margin ? least - s->margin[row] : least, index);
        for (long i = 0; i < n; i++) {
            if (s->margin && i + 1 < n) /* the next candidate's weights may lie far away */
                for (long j = 0; j < s->inputs; j += 16)
                    __builtin_prefetch(s->weights + index[i + 1] * s->inputs + j);
            value[i] = s->margin ? exact_score(s, s->x + row * s->inputs, index[i]) : score[index[i]];
        }
        for (long i = 0; i < n; i += V) {
            ints vector = to_keys(load_n(value + i, REMAINING(n, i, V)));
            memcpy(key + i, &vector, sizeof vector);
        }
        for (long i = n; i % V; i++)
            key[i] = INT32_MIN;
        int32_t last = lower_bound(key, (n + V - 1) / V * V, k, 0);
        long equal = k - (last == INT32_MAX ? 0 : count_at_least(key, (n + V - 1) / V * V, last + 1)), selected = 0;
        for (long i = 0; i < n && selected < k; i++)
            if (key[i] > last || (key[i] == last && equal-- > 0)) {
                s->values[row * k + selected] = value[i];
                s->indices[row * k + selected++] = index[i];
            }
    }
}
