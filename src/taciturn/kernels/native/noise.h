/* Noise, number for number that of torch's generator on a processor: MT19937 (Matsumoto and Nishimura, 1998), 24 bits a
   uniform number, Box-Muller (1958) by groups of 16: the first eight numbers of a group with the last eight. */

#define WORDS 624

INLINE void twist(uint32_t *word, long i, long next, long other)
{
    uint32_t y = (word[i] & 0x80000000u) | (word[next] & 0x7fffffffu);
    word[i] = word[other] ^ (y >> 1) ^ (-(y & 1) & 0x9908b0dfu);
}

static void turn(uint32_t *word, float *uniform)
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

/* uniform numbers in groups of 16 become normal ones */
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
        vec radius = root(-2 * logarithm(1 - load(first + i))), cosine, sine;
        circle(load(second + i), &cosine, &sine);
        store(first + i, radius * cosine);
        store(second + i, radius * sine);
    }
    for (long g = 0; g < groups; g++) {
        memcpy(number + 16 * g, first + 8 * g, 32);
        memcpy(number + 16 * g + 8, second + 8 * g, 32);
    }
}

static void corrupt(const struct noise *n, const float *from, const float *x, float *corrupted, long count)
{
    float amount = (float)n->amount, kept = (float)(1 - n->amount);
    if (n->dropout)
        for (long i = 0; i < count; i++)
            corrupted[i] = from[i] < amount ? 0 : x[i] / kept;
    else
        for (long i = 0; i < count; i++)
            corrupted[i] = x[i] + amount * from[i];
}

static void noise(const struct noise *n, long part, long parts)
{
    uint32_t word[WORDS];
    float number[WORDS];
    long blocks = (n->rows + n->block - 1) / n->block;
    for (long at = share(blocks, part, parts); at < share(blocks, part + 1, parts); at++) {
        long first = at * n->block * n->inputs, count = LEFT(n->rows, at * n->block, n->block) * n->inputs;
        const float *x = n->x + first;
        float *corrupted = n->corrupted + first;
        word[0] = (uint32_t)n->keys[at];
        for (long i = 1; i < WORDS; i++)
            word[i] = 1812433253u * (word[i - 1] ^ (word[i - 1] >> 30)) + (uint32_t)i;
        for (long i = 0; i < count; i += WORDS) {
            turn(word, number);
            long now = LEFT(count, i, WORDS);
            if (!n->dropout)
                box_muller(number, now / 16);
            corrupt(n, number, x + i, corrupted + i, now);
            if (n->dropout || now % 16 == 0)
                continue;
            /* torch draws the last 16 of all again, with the numbers that come next */
            float last[16];
            for (long j = 0, next = now; j < 16; j++, next++) {
                if (next == WORDS) {
                    turn(word, number);
                    next = 0;
                }
                last[j] = number[next];
            }
            box_muller(last, 1);
            corrupt(n, last, x + count - 16, corrupted + count - 16, 16);
        }
    }
}
