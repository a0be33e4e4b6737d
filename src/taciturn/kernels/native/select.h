/* Of each row its k largest scores, in order of their places: a bound from the maxima of groups, those that reach it,
   and of these the k largest. Of rounded scores all that come within a margin of the bound are scored again. */

#define GROUPS 4096 /* the most */

/* whole numbers that are ordered as the floats are; NaN is the largest */
INLINE ints ordered(vec v)
{
    ints bits = (ints)v, keys = bits ^ ((bits >> 31) & 0x7fffffff);
    return ((v == v) & keys) | ((v != v) & INT32_MAX);
}

INLINE float unordered(int32_t key)
{
    int32_t bits = key ^ ((key >> 31) & 0x7fffffff);
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

/* how many keys are at least this; n is a multiple of V */
static long count(const int32_t *keys, long n, int32_t least)
{
    ints found = {0};
    for (long i = 0; i < n; i += V) {
        ints now;
        memcpy(&now, keys + i, sizeof now);
        found -= now >= least;
    }
    long sum = 0;
    for (int i = 0; i < V; i++)
        sum += found[i];
    return sum;
}

/* a bound that at least k keys reach, and at most k + `more`, if no more are equal to it */
static int32_t bound(const int32_t *keys, long n, long k, long more)
{
    int64_t low = INT32_MIN, high = (int64_t)INT32_MAX + 1; /* k keys reach the one, and not the other */
    long reach = n;
    while (high - low > 1 && reach > k + more) {
        int64_t middle = low + (high - low) / 2;
        long now = count(keys, n, (int32_t)middle);
        if (now >= k) {
            low = middle;
            reach = now;
        } else
            high = middle;
    }
    return (int32_t)low;
}

/* scores from their product in whole numbers */
static void unscaled(const struct select *s, long row, float *score)
{
    const int32_t *whole = s->whole + row * s->latents;
    float of_row = s->row_step[row];
    for (long j = 0; j < s->latents; j += V) {
        ints now;
        memcpy(&now, whole + j, sizeof now);
        store(score + j, __builtin_convertvector(now, vec) * (load(s->step + j) * of_row) + load(s->bias + j));
    }
}

static float scored(const struct select *s, const float *x, long latent)
{
    return dot(x, s->weights + latent * s->inputs, s->inputs) + s->bias[latent];
}

/* the places of all scores that are not below, in order */
static long reaching(const float *score, long n, float least, int32_t *place)
{
    long found = 0;
    for (long j = 0; j < n; j += V) {
        uint32_t bits = chosen(~(load(score + j) < all(least)));
        for (; bits; bits &= bits - 1)
            place[found++] = (int32_t)(j + __builtin_ctz(bits));
    }
    return found;
}

static void select_rows(const struct select *s, long part, long parts)
{
    long L = s->latents, k = s->k, groups = V;
    while (groups < 4 * k && 2 * groups <= GROUPS && 4 * groups <= L)
        groups *= 2;
    float top[GROUPS];
    int32_t keys[GROUPS];
    float *line = s->room + part * s->room_of_one, *value = line + L;
    int32_t *place = (int32_t *)(value + L), *key = place + L + V;
    for (long row = share(s->rows, part, parts); row < share(s->rows, part + 1, parts); row++) {
        const float *score = s->scores + row * L;
        if (s->whole) {
            unscaled(s, row, line);
            score = line;
        }
        for (long i = 0; i < groups; i += V)
            store(top + i, load(score + i));
        for (long j = groups; j < L; j += groups)
            for (long i = 0; i < LEFT(L, j, groups); i += V) {
                vec now = load(score + j + i), most = load(top + i);
                store(top + i, pick(now > most, now, most));
            }
        for (long i = 0; i < groups; i += V) {
            ints now = ordered(load(top + i));
            memcpy(keys + i, &now, sizeof now);
        }
        float least = unordered(bound(keys, groups, k, k / 8));
        long n = reaching(score, L, s->margin ? least - s->margin[row] : least, place);
        for (long i = 0; i < n; i++) {
            if (s->margin && i + 1 < n) /* the next one's weights lie anywhere */
                for (long j = 0; j < s->inputs; j += 16)
                    __builtin_prefetch(s->weights + place[i + 1] * s->inputs + j);
            value[i] = s->margin ? scored(s, s->x + row * s->inputs, place[i]) : score[place[i]];
        }
        for (long i = 0; i < n; i += V) {
            ints now = ordered(get(value + i, LEFT(n, i, V)));
            memcpy(key + i, &now, sizeof now);
        }
        for (long i = n; i % V; i++)
            key[i] = INT32_MIN;
        int32_t last = bound(key, (n + V - 1) / V * V, k, 0);
        long equal = k - (last == INT32_MAX ? 0 : count(key, (n + V - 1) / V * V, last + 1)), found = 0;
        for (long i = 0; i < n && found < k; i++)
            if (key[i] > last || (key[i] == last && equal-- > 0)) {
                s->values[row * k + found] = value[i];
                s->which[row * k + found++] = place[i];
            }
    }
}
