/* Vectors of V floats, and the functions of them that a step needs (Cephes' polynomials; Moshier, 1989). */

typedef float vec __attribute__((vector_size(4 * V)));
typedef int32_t ints __attribute__((vector_size(4 * V)));

INLINE vec load(const float *from)
{
    vec v;
    memcpy(&v, from, sizeof v);
    return v;
}

INLINE void store(float *to, vec v) { memcpy(to, &v, sizeof v); }

/* the first n of a vector; 0 beyond them */
INLINE vec get(const float *from, long n)
{
    if (n == V)
        return load(from);
    vec v = {0};
    memcpy(&v, from, 4 * n);
    return v;
}

INLINE void put(float *to, vec v, long n)
{
    if (n == V)
        store(to, v);
    else
        memcpy(to, &v, 4 * n);
}

INLINE vec first_of(vec v, long n)
{
    vec kept = {0};
    put((float *)&kept, v, n);
    return kept;
}

INLINE vec all(float x) { return x - (vec){0}; }

INLINE vec pick(ints which, vec yes, vec no) { return (vec)((which & (ints)yes) | (~which & (ints)no)); }

INLINE vec absolute(vec x) { return (vec)((ints)x & 0x7fffffff); }

INLINE float summed(vec x)
{
    float sum = 0;
    for (int i = 0; i < V; i++)
        sum += x[i];
    return sum;
}

static float dot(const float *one, const float *other, long n)
{
    vec sum[4] = {0};
    long j = 0;
    for (; j + 4 * V <= n; j += 4 * V)
        for (int i = 0; i < 4; i++)
            sum[i] += load(one + j + i * V) * load(other + j + i * V);
    for (; j < n; j += V)
        sum[0] += get(one + j, LEFT(n, j, V)) * get(other + j, LEFT(n, j, V));
    return summed((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

/* exp(x) - less, where less is 0 or 1: of small x without what 1 would swallow */
INLINE vec exponential(vec x, float less)
{
    x = pick(x > all(88.0f), all(88.0f), x);
    x = pick(x < all(-87.0f), all(-87.0f), x);
    vec shifted = x * 1.44269504088896341f + 12582912.0f, n = shifted - 12582912.0f; /* to the nearest whole number */
    vec r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    vec y = all(1.9875691500e-4f);
    y = y * r + 1.3981999507e-3f;
    y = y * r + 8.3334519073e-3f;
    y = y * r + 4.1665795894e-2f;
    y = y * r + 1.6666665459e-1f;
    y = y * r + 5.0000001201e-1f;
    y = y * r * r + r;
    vec power = (vec)(((ints)shifted << 23) + 0x3f800000);
    return pick(n == (vec){0}, y + (1 - less), (y + 1) * power - less);
}

/* log(x) for normal x > 0 */
INLINE vec logarithm(vec x)
{
    ints bits = (ints)x;
    ints e = ((bits - 0x3f3504f3) >> 23); /* so that what is left lies between √½ and √2 */
    vec r = (vec)(bits - (e << 23)) - 1, n = __builtin_convertvector(e, vec), z = r * r;
    vec y = all(7.0376836292e-2f);
    y = y * r - 1.1514610310e-1f;
    y = y * r + 1.1676998740e-1f;
    y = y * r - 1.2420140846e-1f;
    y = y * r + 1.4249322787e-1f;
    y = y * r - 1.6668057665e-1f;
    y = y * r + 2.0000714765e-1f;
    y = y * r - 2.4999993993e-1f;
    y = y * r + 3.3333331174e-1f;
    y = y * r * z - n * 2.12194440e-4f - 0.5f * z;
    return r + y + n * 0.693359375f;
}

/* the cosine and sine of 2π turns, 0 <= turns < 1 */
INLINE void circle(vec turns, vec *cosine, vec *sine)
{
    vec shifted = turns * 4.0f + 12582912.0f, n = shifted - 12582912.0f; /* quarters */
    vec r = (turns * 4.0f - n) * 1.57079632679489662f, z = r * r;
    vec s = ((all(-1.9515295891e-4f) * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * r + r;
    vec c = ((all(2.443315711809948e-5f) * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * z * z - 0.5f * z + 1;
    ints quarter = (ints)shifted, odd = -(quarter & 1);
    vec across = pick(odd, s, c), up = pick(odd, c, s);
    *cosine = (vec)((ints)across ^ (((quarter + 1) & 2) << 30));
    *sine = (vec)((ints)up ^ ((quarter & 2) << 30));
}

INLINE vec root(vec x)
{
    for (int i = 0; i < V; i++)
        x[i] = __builtin_sqrtf(x[i]);
    return x;
}

/* a bit for each number that holds */
INLINE uint32_t chosen(ints which)
{
#if V == 16 && defined __AVX512DQ__
    return _mm512_movepi32_mask((__m512i)which);
#elif V == 8 && defined __AVX2__
    return (uint32_t)_mm256_movemask_ps((__m256)which);
#else
    uint32_t bits = 0;
    for (int i = 0; i < V; i++)
        bits |= (uint32_t)(which[i] & 1) << i;
    return bits;
#endif
}
