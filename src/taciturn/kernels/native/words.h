/* Words, of which products are taken: a number each, or two that follow each other in a sum, rounded to bfloat16. */

#ifdef PAIRS
#define WORD 2

/* the pairs that lie in a row's first n <= 2 V numbers */
INLINE vec in_row(const float *from, long n)
{
    vec high = n > V ? get(from + V, n - V) : (vec){0};
    return (vec)_mm512_cvtne2ps_pbh((__m512)high, (__m512)get(from, LEFT(n, 0, V)));
}

/* the pairs of one row's numbers with the next one's */
INLINE vec in_columns(vec one, vec next)
{
    const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21,
                                           5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return (vec)_mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh((__m512)next, (__m512)one));
}

/* sum + word · words */
INLINE vec plus(vec sum, float word, vec words)
{
    return (vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_ps(word), (__m512bh)words);
}
#else
#define WORD 1

INLINE vec in_row(const float *from, long n) { return get(from, n); }

INLINE vec in_columns(vec one, vec next) { return one; }

INLINE vec plus(vec sum, float word, vec words) { return sum + word * words; }
#endif

INLINE long words_in(long k) { return (k + WORD - 1) / WORD; }
