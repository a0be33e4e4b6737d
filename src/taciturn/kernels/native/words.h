/* Words: the units of which products are taken. A word is one float, or two numbers that follow each other in a sum,
   rounded to bfloat16 (PAIRS). */

#ifdef PAIRS
#define WORD 2 /* numbers in a word */

/* Return the words of a row's first n <= 2 V numbers. */
INLINE vec row_words(const float *from, long n)
{
    vec high = n > V ? load_n(from + V, n - V) : (vec){0};
    return (vec)_mm512_cvtne2ps_pbh((__m512)high, (__m512)load_n(from, REMAINING(n, 0, V)));
}

/* Return the words of which each pairs a number of one row with that of the next row. */
INLINE vec column_words(vec row, vec next)
{
    const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21,
                                           5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return (vec)_mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh((__m512)next, (__m512)row));
}

/* Return sum + word · words. */
INLINE vec multiply_add(vec sum, float word, vec words)
{
    return (vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_ps(word), (__m512bh)words);
}
#else
#define WORD 1

INLINE vec row_words(const float *from, long n) { return load_n(from, n); }

INLINE vec column_words(vec row, vec next) { return row; }

INLINE vec multiply_add(vec sum, float word, vec words) { return sum + word * words; }
#endif

/* Return the number of words of k numbers. */
INLINE long word_count(long k) { return (k + WORD - 1) / WORD; }
