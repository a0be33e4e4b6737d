/* Noise, the same numbers as torch's generator on a processor: MT19937 (Matsumoto and Nishimura, 1998), uniform numbers
   of 24 bits, and Box-Muller (1958) in groups of 16: the first eight numbers of a group with the last eight. */

#define WORDS 624 /* words of the generator's state */

INLINE void twist(uint32_t *word, long i, long next, long other)
{
    uint32_t y = (word[i] & 0x80000000u) | (word[next] & 0x7fffffffu);
    word[i] = word[other] ^ (y >> 1) ^ (-(y & 1) & 0x9908b0dfu);
}

/* Compute the next state, and its uniform numbers. */
static void next_uniform(uint32_t *word, float *uniform)
{
    for (long i = 0; i < WORDS - 397; i++)
        twist(word, i, i + 1, i + 397);
    for (long i = WORDS - 397; i < WORDS - 1; i++)
        twist(word, i, i + 1, i + 397 - WORDS);
    twist(word, WORDS - 1, 0, 396);
    for (long i = 0; i < WORDS; i++) {
        uint32_t y = word[i];
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c5680u;
        y ^= (y << 15) & 0xefc60000u;
        y ^= y >> 18;
        uniform[i] = (float)(int32_t)(y & 0xffffff) * 0x1p-24f;
    }
}

/* Replace uniform numbers, in groups of 16, by normal ones. */
static void box_muller(float *number, long groups)
{
    float first[WORDS / 2 + V], second[WORDS / 2 + V];
    memset(first, 0, sizeof first);
    memset(second, 0, sizeof second);
    for (long g = 0; g < groups; g++) {
        memcpy(first + 8 * g, number + 16 * g, 32);
        memcpy(second + 8 * g, number + 16 * g + 8, 32);
    }
    for (long i = 0; i < 8 * groups; i += V) {
        vec radius = square_root(-2 * logarithm(1 - load(first + i))), cosine, sine;
        cosine_and_sine(load(second + i), &cosine, &sine);
        store(first + i, radius * cosine);
        store(second + i, radius * sine);
    }
    for (long g = 0; g < groups; g++) {
        memcpy(number + 16 * g, first + 8 * g, 32);
        memcpy(number + 16 * g + 8, second + 8 * g, 32);
    }
}

/* Compute corrupted entries from entries x and random numbers: uniform for dropout, otherwise normal. */
static void corrupt(const struct noise *n, const float *random, const float *x, float *corrupted, long count)
{
    float amount = (float)n->amount, kept_share = (float)(1 - n->amount);
    if (n->dropout)
        for (long i = 0; i < count; i++)
            corrupted[i] = random[i] < amount ? 0 : x[i] / kept_share;
    else
        for (long i = 0; i < count; i++)
            corrupted[i] = x[i] + amount * random[i];
}

static void noise(const struct noise *n, long part, long parts)
{
    uint32_t word[WORDS];
    float number[WORDS];
    long blocks = (n->rows + n->block - 1) / n->block;
    for (long block = part_begin(blocks, part, parts); block < part_begin(blocks, part + 1, parts); block++) {
        long first = block * n->block * n->inputs, count = REMAINING(n->rows, block * n->block, n->block) * n->inputs;
        const float *x = n->x + first;
        float *corrupted = n->corrupted + first;
        word[0] = (uint32_t)n->keys[block];
        for (long i = 1; i < WORDS; i++)
            word[i] = 1812433253u * (word[i - 1] ^ (word[i - 1] >> 30)) + (uint32_t)i;
        for (long i = 0; i < count; i += WORDS) {
            next_uniform(word, number);
            long drawn = REMAINING(count, i, WORDS);
            if (!n->dropout)
                box_muller(number, drawn / 16);
            corrupt(n, number, x + i, corrupted + i, drawn);
            if (n->dropout || drawn % 16 == 0)
                continue;
            /* torch draws the block's last 16 numbers again, from the uniform numbers that follow */
            float last[16];
            for (long j = 0, next = drawn; j < 16; j++, next++) {
                if (next == WORDS) {
                    next_uniform(word, number);
                    next = 0;
                }
                last[j] = number[next];
            }
            box_muller(last, 1);
            corrupt(n, last, x + count - 16, corrupted + count - 16, 16);
        }
    }
}
