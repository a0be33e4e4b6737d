/* Vectors of V floats, and functions of them (polynomials of Cephes; Moshier, 1989). */

typedef float vec __attribute__((vector_size(4 * V)));
typedef int32_t ints __attribute__((vector_size(4 * V)));

INLINE vec load(const float *from)
{
    vec v;
    memcpy(&v, from, sizeof v);
    return v;
}

INLINE void store(float *to, vec v) { memcpy(to, &v, sizeof v); }

/* Return a vector of n <= V numbers, and 0 beyond them. */
INLINE vec load_n(const float *from, long n)
{
    if (n == V)
        return load(from);
    vec v = {0};
    memcpy(&v, from, 4 * n);
    return v;
}

/* Store the first n <= V numbers of a vector. */
INLINE void store_n(float *to, vec v, long n)
{
    if (n == V)
        store(to, v);
    else
        memcpy(to, &v, 4 * n);
}

/* Return a vector whose numbers after the first n are 0. */
INLINE vec first_n(vec v, long n)
{
    vec first = {0};
    store_n((float *)&first, v, n);
    return first;
}

/* Return a vector of equal numbers. */
INLINE vec all(float x) { return x - (vec){0}; }

/* Return `yes` where the mask holds, otherwise `no`. */
INLINE vec choose(ints mask, vec yes, vec no) { return (vec)((mask & (ints)yes) | (~mask & (ints)no)); }

INLINE vec absolute(vec x) { return (vec)((ints)x & 0x7fffffff); }

/* Return the sum of a vector's numbers. */
INLINE float vector_sum(vec x)
{
    float sum = 0;
    for (int i = 0; i < V; i++)
        sum += x[i];
    return sum;
}

/* Return the dot product of two rows of n numbers. */
static float dot(const float *one, const float *other, long n)
{
    vec sum[4] = {0};
    long j = 0;
    for (; j + 4 * V <= n; j += 4 * V)
        for (int i = 0; i < 4; i++)
            sum[i] += load(one + j + i * V) * load(other + j + i * V);
    for (; j < n; j += V)
        sum[0] += load_n(one + j, REMAINING(n, j, V)) * load_n(other + j, REMAINING(n, j, V));
    return vector_sum((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

/* Return exp(x) - less, where less is 0 or 1. With 1 a small x keeps the digits that exp(x) would lose. */
INLINE vec exponential(vec x, float less)
{
    x = choose(x > all(88.0f), all(88.0f), x);
    x = choose(x < all(-87.0f), all(-87.0f), x);
    vec shifted = x * 1.44269504088896341f + 12582912.0f, n = shifted - 12582912.0f; /* to the nearest integer */
    vec r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    vec y = all(1.9875691500e-4f);
    y = y * r + 1.3981999507e-3f;
    y = y * r + 8.3334519073e-3f;
    y = y * r + 4.1665795894e-2f;
    y = y * r + 1.6666665459e-1f;
    y = y * r + 5.0000001201e-1f;
    y = y * r * r + r;
    vec power = (vec)(((ints)shifted << 23) + 0x3f800000);
    return choose(n == (vec){0}, y + (1 - less), (y + 1) * power - less);
}

/* Return log(x) for normal x > 0. */
INLINE vec logarithm(vec x)
{
    ints bits = (ints)x;
    ints e = ((bits - 0x3f3504f3) >> 23); /* so that the remaining factor lies between √½ and √2 */
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

/* Compute the cosine and sine of 2π turns, 0 <= turns < 1. */
INLINE void cosine_and_sine(vec turns, vec *cosine, vec *sine)
{
    vec shifted = turns * 4.0f + 12582912.0f, n = shifted - 12582912.0f; /* quarters of a turn */
    vec r = (turns * 4.0f - n) * 1.57079632679489662f, z = r * r;
    vec s = ((all(-1.9515295891e-4f) * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * r + r;
    vec c = ((all(2.443315711809948e-5f) * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * z * z - 0.5f * z + 1;
    ints quarter = (ints)shifted, odd = -(quarter & 1);
    vec horizontal = choose(odd, s, c), vertical = choose(odd, c, s);
    *cosine = (vec)((ints)horizontal ^ (((quarter + 1) & 2) << 30));
    *sine = (vec)((ints)vertical ^ ((quarter & 2) << 30));
}

INLINE vec square_root(vec x)
{
    for (int i = 0; i < V; i++)
        x[i] = __builtin_sqrtf(x[i]);
    return x;
}

/* Return an integer with a bit for each number for which the mask holds. */
INLINE uint32_t mask_bits(ints mask)
{
#if V == 16 && defined __AVX512DQ__
    return _mm512_movepi32_mask((__m512i)mask);
#elif V == 8 && defined __AVX2__
    return (uint32_t)_mm256_movemask_ps((__m256)mask);
#else
    uint32_t bits = 0;
    for (int i = 0; i < V; i++)
        bits |= (uint32_t)(mask[i] & 1) << i;
    return bits;
#endif
}
