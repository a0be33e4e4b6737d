/* One step of one dense layer: forward, objective, backward. Threads share each part and meet between two. */

INLINE vec curve(long kind, vec z)
{
    vec none = {0};
    switch (kind) {
    case 1:
        return pick(z < none, none, z); /* NaN stays */
    case 2:
        return pick(z > none, z, exponential(pick(z > none, none, z), 1));
    case 3: {
        vec size = absolute(z), square = z * z;
        vec near = all(-5.70498872745e-3f);
        near = near * square + 2.06390887954e-2f;
        near = near * square - 5.37397155531e-2f;
        near = near * square + 1.33314422036e-1f;
        near = near * square - 3.33332819422e-1f;
        vec far = 1 - 2 / (exponential(size + size, 0) + 1);
        return pick(size < all(0.625f), near * square * z + z, pick(z > none, far, -far));
    }
    case 4:
        return 1 / (1 + exponential(-z, 0));
    }
    return z;
}

/* the gradient before a curve from that after it, and the curve's value */
INLINE vec slope(long kind, vec y, vec up)
{
    switch (kind) {
    case 1:
        return pick(y <= (vec){0}, (vec){0}, up);
    case 2:
        return pick(y > (vec){0}, up, up * (y + 1));
    case 3:
        return up * (1 - y * y);
    case 4:
        return up * (y * (1 - y));
    }
    return up;
}

/* codes [rows, latents] of rows x, and each latent's mean */
static void say(const struct step *s, const float *x, float *codes, float *rates, float *fired, float *packed,
                long part, long parts)
{
    long L = s->latents, D = s->inputs, vectors = (L + V - 1) / V;
    const struct product p = {s->rows, L, D, x, D, 1, s->to_codes, 1, D, codes, 0, packed};
    multiply(&p, part, parts);
    for (long v = share(vectors, part, parts); v < share(vectors, part + 1, parts); v++) {
        long n = LEFT(L, v * V, V);
        vec bias = get(s->code_bias + v * V, n), sum = {0};
        ints count = {0};
        for (long b = 0; b < s->rows; b++) {
            float *at = codes + b * L + v * V;
            vec code = curve(s->code_curve, get(at, n) + bias);
            put(at, code, n);
            sum += code;
            count -= code != (vec){0};
        }
        put(rates + v * V, sum / (float)s->rows, n);
        if (fired)
            put(fired + v * V, __builtin_convertvector(count, vec), n);
    }
    barrier(parts);
}

/* the logits [rows, inputs] become the error's gradient in them */
static void judge(const struct step *s, float *logits, float *row_errors, long part, long parts)
{
    long D = s->inputs;
    float factor = (float)((s->crossed ? 1 : 2) * s->weight / ((double)s->rows * (double)D));
    for (long b = share(s->rows, part, parts); b < share(s->rows, part + 1, parts); b++) {
        vec sum = {0};
        for (long j = 0; j < D; j += V) {
            long n = LEFT(D, j, V);
            float *at = logits + b * D + j;
            vec target = get(s->target + b * D + j, n), logit = get(at, n) + get(s->output_bias + j, n);
            vec recon = curve(s->output_curve, logit), error = recon - target, cost = error * error;
            if (s->crossed) {
                cost = pick(logit > (vec){0}, logit, (vec){0}) - logit * target;
                cost += logarithm(1 + exponential(-absolute(logit), 0));
            }
            put(at, s->crossed ? error * factor : slope(s->output_curve, recon, error * factor), n);
            sum += first_of(cost, n); /* beyond a row's end nothing was asked */
        }
        row_errors[b] = summed(sum);
    }
}

/* the penalty of a mean activation, and its derivative */
static double cost_of(const struct penalty *p, double rate, double q, double *marginal)
{
    if (!p->kind) {
        *marginal = 2 * (q - rate);
        return (q - rate) * (q - rate);
    }
    const double tiny = 0x1p-23;
    q = q < tiny ? tiny : q > 1 - tiny ? 1 - tiny : q;
    *marginal = (q - rate) / (q * (1 - q));
    return rate * log(rate / q) + (1 - rate) * log((1 - rate) / (1 - q));
}

/* what the objective says, and what a latent's code adds to it */
static void weigh(struct step *s, const struct places *at)
{
    const float *clean_rates = s->corrupted == s->x ? s->rates : s->room + at->clean_rates;
    float *slope = s->room + at->slope, *slope_clean = s->corrupted == s->x ? slope : s->room + at->slope_clean;
    double sum = 0, ignored, marginal;
    for (long b = 0; b < s->rows; b++)
        sum += s->room[at->row_errors + b];
    s->error = sum / ((double)s->rows * (double)s->inputs);
    memset(slope, 0, 4 * s->latents);
    memset(slope_clean, 0, 4 * s->latents);
    for (struct penalty *p = s->penalties; p < s->penalties + s->n_penalties; p++) {
        p->number = p->cost = p->measured = 0;
        for (long l = 0; l < s->latents; l++) {
            p->number += cost_of(p, p->rate, s->rates[l], &ignored);
            p->cost += cost_of(p, p->aimed_rate, p->on_clean ? clean_rates[l] : s->rates[l], &marginal);
            p->measured += clean_rates[l] / s->latents;
            (p->on_clean ? slope_clean : slope)[l] += (float)(p->weight * marginal / s->rows);
        }
    }
}

/* a gradient in the codes becomes one before their curve; `same` is its part that is alike for all rows */
static void before(const struct step *s, const float *codes, const float *same, int only, float *up, long part,
                   long parts)
{
    long L = s->latents;
    for (long b = share(s->rows, part, parts); b < share(s->rows, part + 1, parts); b++)
        for (long j = 0; j < L; j += V) {
            long n = LEFT(L, j, V), at = b * L + j;
            vec above = get(same + j, n);
            put(up + at, slope(s->code_curve, get(codes + at, n), only ? above : get(up + at, n) + above), n);
        }
}

static void add_rows(const float *from, long rows, long columns, int add, float *to, long part, long parts)
{
    long vectors = (columns + V - 1) / V;
    for (long v = share(vectors, part, parts); v < share(vectors, part + 1, parts); v++) {
        long n = LEFT(columns, v * V, V);
        vec sum = {0};
        for (long b = 0; b < rows; b++)
            sum += get(from + b * columns + v * V, n);
        put(to + v * V, add ? get(to + v * V, n) + sum : sum, n);
    }
}

static void step(struct step *s, long part, long parts)
{
    struct places at = carve(s);
    long B = s->rows, D = s->inputs, L = s->latents;
    float *codes = s->room + at.codes, *clean = s->room + at.clean, *error = s->room + at.error;
    float *up = s->room + at.before, *up_clean = s->room + at.before_clean, *packed = s->room + at.packed;
    int pressed = 0, tied = s->of_to_codes == s->of_dictionary;
    for (long i = 0; i < s->n_penalties; i++)
        pressed |= s->penalties[i].on_clean && s->corrupted != s->x;

    say(s, s->corrupted, codes, s->rates, s->fired, packed, part, parts);
    if (pressed)
        say(s, s->x, clean, s->room + at.clean_rates, 0, packed, part, parts);
    const struct product spoken = {B, D, L, codes, L, 1, s->dictionary, D, 1, error, 0, packed};
    multiply(&spoken, part, parts);
    judge(s, error, s->room + at.row_errors, part, parts);
    barrier(parts);
    if (!part)
        weigh(s, &at);

    const struct product blame = {B, L, D, error, D, 1, s->dictionary, 1, D, up, 0, packed};
    multiply(&blame, part, parts);
    before(s, codes, s->room + at.slope, 0, up, part, parts);
    if (pressed)
        before(s, clean, s->room + at.slope_clean, 1, up_clean, part, parts);
    barrier(parts);

    const struct product of_dictionary = {L, D, B, codes, 1, L, error, D, 1, s->of_dictionary, 0, packed};
    const struct product of_to_codes = {L, D, B, up, 1, L, s->corrupted, D, 1, s->of_to_codes, tied, packed};
    const struct product of_clean = {L, D, B, up_clean, 1, L, s->x, D, 1, s->of_to_codes, 1, packed};
    multiply(&of_dictionary, part, parts);
    multiply(&of_to_codes, part, parts);
    if (pressed)
        multiply(&of_clean, part, parts);
    add_rows(error, B, D, 0, s->of_output_bias, part, parts);
    add_rows(up, B, L, 0, s->of_code_bias, part, parts);
    if (pressed)
        add_rows(up_clean, B, L, 1, s->of_code_bias, part, parts);
}
