/* Products of matrices: c [m, n] = a b, or += if `add`. a [m, k] and b [k, n] have any strides; of each, one stride
   is 1. */

#define BLOCK_WORDS 400 /* words of k in a block: so much of a panel of b stays in the first-level cache */
struct product {
    long m, n, k;
    const float *a;
    long a_row, a_col; /* strides */
    const float *b;
    long b_row, b_col;
    float *c;
    int add;
    float *packed; /* workspace for both factors, as tiles read them */
};

#define NR (2 * V) /* columns of a tile */

/* The numbers of two vectors that a step of the transposition puts side by side. */
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

/* Transpose V rows of V numbers. */
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

/* Pack a panel: to[p][i] is the p-th word of the numbers from[i step + q along], q < k, for i < n; 0 for n <= i < width.
   step or along is 1. */
static void pack(long width, long n, long k, const float *from, long step, long along, float *to)
{
    if (step == 1) {
        for (long p = 0; p < word_count(k); p++, to += width)
            for (long i = 0; i < width; i += V) {
                const float *first = from + p * WORD * along + i;
                long count = REMAINING(n, i, V) > 0 ? REMAINING(n, i, V) : 0;
                vec row = load_n(first, count);
                vec next = WORD == 2 && p * WORD + 1 < k ? load_n(first + along, count) : (vec){0};
                store_n(to + i, column_words(row, next), REMAINING(width, i, V));
            }
        return;
    }
    for (long first = 0; first < width; first += V)
        for (long p = 0; p < word_count(k); p += V) {
            vec row[V];
#pragma GCC unroll 16
            for (long i = 0; i < V; i++)
                row[i] = first + i < n ? row_words(from + (first + i) * step + p * WORD, REMAINING(k, p * WORD, V * WORD))
                                       : (vec){0};
            transpose(row);
            for (long i = 0; i < REMAINING(word_count(k), p, V); i++)
                store(to + (p + i) * width + first, row[i]);
        }
}

INLINE void store_or_add(int add, float *to, vec v, long n) { store_n(to, add ? load_n(to, n) + v : v, n); }

/* Compute one tile of c, whose sums stay in registers; k in words. `wide`: of 2 V columns, otherwise V; `packed`: a is
   packed, otherwise its rows are read where they are. */
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
            sum[i][0] = multiply_add(sum[i][0], factor, left);
            if (wide)
                sum[i][1] = multiply_add(sum[i][1], factor, right);
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++, c += c_row)
        if (i < rows) {
            store_or_add(add, c, sum[i][0], REMAINING(cols, 0, V));
            if (wide)
                store_or_add(add, c + V, sum[i][1], cols - V);
        }
}

/* Compute a product: the threads first pack both factors, then share the tiles. Rows of a whose numbers are contiguous
   are only converted to words, and read in place where a word is one float. */
static void multiply(const struct product *p, long part, long parts)
{
    long tile_rows = (p->m + MR - 1) / MR, tile_cols = (p->n + NR - 1) / NR, length = word_count(p->k);
    long blocks = (length + BLOCK_WORDS - 1) / BLOCK_WORDS, packed = p->a_row == 1, copied = packed || WORD > 1;
    float *left = p->packed, *right = p->packed + copied * tile_rows * MR * length;
    for (long i = !packed && copied ? part_begin(p->m, part, parts) : p->m; i < part_begin(p->m, part + 1, parts); i++)
        for (long j = 0; j < length; j += V)
            store_n(left + i * length + j,
                    row_words(p->a + i * p->a_row + j * WORD, REMAINING(p->k, j * WORD, V * WORD)),
                    REMAINING(length, j, V));
    for (long block = 0; block < blocks; block++) {
        long first = part_begin(length, block, blocks), words = part_begin(length, block + 1, blocks) - first;
        long skipped = first * WORD, k = REMAINING(p->k, skipped, words * WORD);
        for (long i = packed ? part_begin(tile_rows, part, parts) : tile_rows; i < part_begin(tile_rows, part + 1, parts);
             i++)
            pack(MR, REMAINING(p->m, i * MR, MR), k, p->a + i * MR + skipped * p->a_col, 1, p->a_col,
                 left + tile_rows * MR * first + i * MR * words);
        for (long j = part_begin(tile_cols, part, parts); j < part_begin(tile_cols, part + 1, parts); j++) {
            long n = REMAINING(p->n, j * NR, NR);
            pack(n > V ? NR : V, n, k, p->b + j * NR * p->b_col + skipped * p->b_row, p->b_col, p->b_row,
                 right + tile_cols * NR * first + j * NR * words);
        }
    }
    barrier(parts);
    const float *rows = copied ? left : p->a;
    long row = copied ? length : p->a_row;
    for (long block = 0; block < blocks; block++) {
        long first = part_begin(length, block, blocks), k = part_begin(length, block + 1, blocks) - first;
        for (long t = part_begin(tile_rows * tile_cols, part, parts); t < part_begin(tile_rows * tile_cols, part + 1, parts);
             t++) {
            long i = t % tile_rows, j = t / tile_rows;
            long m = REMAINING(p->m, i * MR, MR), n = REMAINING(p->n, j * NR, NR);
            const float *a = packed ? left + tile_rows * MR * first + i * MR * k : rows + i * MR * row + first;
            const float *b = right + tile_cols * NR * first + j * NR * k;
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
