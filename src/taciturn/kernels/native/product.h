/* c [m, n] = a b, or += where `add`: a [m, k] and b [k, n] of any strides, one of each being 1. */

#define AT_ONCE 400 /* words of k: so much of b's panel lies in the first cache */
struct product {
    long m, n, k;
    const float *a;
    long a_row, a_col;
    const float *b;
    long b_row, b_col;
    float *c;
    int add;
    float *room;
};

#define NR (2 * V)

/* of two vectors, what a transposition puts side by side */
#if V == 16
#define LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif V == 8
#define LOW 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH 4, 12, 5, 13, 6, 14, 7, 15
#else
#define LOW 0, 4, 1, 5
#define HIGH 2, 6, 3, 7
#endif

/* rows become columns */
INLINE void transpose(vec row[V])
{
    for (int stage = 1; stage < V; stage *= 2) {
        vec next[V];
#pragma GCC unroll 16
        for (int i = 0; i < V / 2; i++) {
            next[2 * i] = SHUFFLE(row[i], row[i + V / 2], LOW);
            next[2 * i + 1] = SHUFFLE(row[i], row[i + V / 2], HIGH);
        }
#pragma GCC unroll 16
        for (int i = 0; i < V; i++)
            row[i] = next[i];
    }
}

/* to[p][i]: the p-th word of from[i step + q along], q < k, for i < n; 0 for n <= i < width. step or along is 1. */
static void pack(long width, long n, long k, const float *from, long step, long along, float *to)
{
    if (step == 1) {
        for (long p = 0; p < words_in(k); p++, to += width)
            for (long i = 0; i < width; i += V) {
                const float *at = from + p * WORD * along + i;
                long now = LEFT(n, i, V) > 0 ? LEFT(n, i, V) : 0;
                vec one = get(at, now);
                vec next = WORD == 2 && p * WORD + 1 < k ? get(at + along, now) : (vec){0};
                put(to + i, in_columns(one, next), LEFT(width, i, V));
            }
        return;
    }
    for (long first = 0; first < width; first += V)
        for (long p = 0; p < words_in(k); p += V) {
            vec row[V];
#pragma GCC unroll 16
            for (long i = 0; i < V; i++)
                row[i] = first + i < n ? in_row(from + (first + i) * step + p * WORD, LEFT(k, p * WORD, V * WORD)) : (vec){0};
            transpose(row);
            for (long i = 0; i < LEFT(words_in(k), p, V); i++)
                store(to + (p + i) * width + first, row[i]);
        }
}

INLINE void put_or_add(int add, float *to, vec v, long n) { put(to, add ? get(to, n) + v : v, n); }

/* One tile of c: its sums stay in registers; k in words. `packed`: a lies as pack left it, else each row alone. */
INLINE void tile(int wide, int packed, long k, const float *a, long a_row, const float *b, int add, float *c, long c_row,
                 long rows, long cols)
{
    vec sum[MR][2] = {0};
    const float *row[MR];
    for (int i = 0; i < MR; i++)
        row[i] = a + (packed ? i : i < rows ? i * a_row : 0);
    for (long p = 0; p < k; p++, b += wide ? NR : V) {
        vec left = load(b), right = wide ? load(b + V) : left;
#pragma GCC unroll 16
        for (int i = 0; i < MR; i++) {
            float factor = row[i][packed ? p * MR : p];
            sum[i][0] = plus(sum[i][0], factor, left);
            if (wide)
                sum[i][1] = plus(sum[i][1], factor, right);
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++, c += c_row)
        if (i < rows) {
            put_or_add(add, c, sum[i][0], LEFT(cols, 0, V));
            if (wide)
                put_or_add(add, c + V, sum[i][1], cols - V);
        }
}

static void multiply(const struct product *p, long part, long parts)
{
    long down = (p->m + MR - 1) / MR, across = (p->n + NR - 1) / NR, length = words_in(p->k);
    long blocks = (length + AT_ONCE - 1) / AT_ONCE, packed = p->a_row == 1, moved = packed || WORD > 1;
    float *left = p->room, *right = p->room + moved * down * MR * length;
    for (long i = !packed && moved ? share(p->m, part, parts) : p->m; i < share(p->m, part + 1, parts); i++)
        for (long j = 0; j < length; j += V)
            put(left + i * length + j, in_row(p->a + i * p->a_row + j * WORD, LEFT(p->k, j * WORD, V * WORD)),
                LEFT(length, j, V));
    for (long block = 0; block < blocks; block++) {
        long first = share(length, block, blocks), words = share(length, block + 1, blocks) - first;
        long skipped = first * WORD, k = LEFT(p->k, skipped, words * WORD);
        for (long i = packed ? share(down, part, parts) : down; i < share(down, part + 1, parts); i++)
            pack(MR, LEFT(p->m, i * MR, MR), k, p->a + i * MR + skipped * p->a_col, 1, p->a_col,
                 left + down * MR * first + i * MR * words);
        for (long j = share(across, part, parts); j < share(across, part + 1, parts); j++) {
            long n = LEFT(p->n, j * NR, NR);
            pack(n > V ? NR : V, n, k, p->b + j * NR * p->b_col + skipped * p->b_row, p->b_col, p->b_row,
                 right + across * NR * first + j * NR * words);
        }
    }
    barrier(parts);
    const float *rows = moved ? left : p->a;
    long row = moved ? length : p->a_row;
    for (long block = 0; block < blocks; block++) {
        long first = share(length, block, blocks), k = share(length, block + 1, blocks) - first;
        for (long at = share(down * across, part, parts); at < share(down * across, part + 1, parts); at++) {
            long i = at % down, j = at / down, m = LEFT(p->m, i * MR, MR), n = LEFT(p->n, j * NR, NR);
            const float *a = packed ? left + down * MR * first + i * MR * k : rows + i * MR * row + first;
            const float *b = right + across * NR * first + j * NR * k;
            float *c = p->c + i * MR * p->n + j * NR;
            int add = p->add || block;
            if (packed && n > V)
                tile(1, 1, k, a, 0, b, add, c, p->n, m, n);
            else if (packed)
                tile(0, 1, k, a, 0, b, add, c, p->n, m, n);
            else if (n > V)
                tile(1, 0, k, a, row, b, add, c, p->n, m, n);
            else
                tile(0, 0, k, a, row, b, add, c, p->n, m, n);
        }
    }
    barrier(parts);
}
