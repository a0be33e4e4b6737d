/* One training step of one dense layer: forward, loss, backward. Threads share each part and wait for each other
   between two parts. */

/* Return the activation of z; kinds as in native.h. */
INLINE vec activate(long kind, vec z)
{
    vec zero = {0};
    switch (kind) {
    case 1:
        return choose(z < zero, zero, z); /* NaN stays */
    case 2:
        return choose(z > zero, z, exponential(choose(z > zero, zero, z), 1));
    case 3: {
        vec size = absolute(z), square = z * z;
        vec near = all(-5.70498872745e-3f);
        near = near * square + 2.06390887954e-2f;
        near = near * square - 5.37397155531e-2f;
        near = near * square + 1.33314422036e-1f;
        near = near * square - 3.33332819422e-1f;
        vec far = 1 - 2 / (exponential(size + size, 0) + 1);
        return choose(size < all(0.625f), near * square * z + z, choose(z > zero, far, -far));
    }
    case 4:
        return 1 / (1 + exponential(-z, 0));
    }
    return z;
}

/* Return the gradient before an activation from its value y and the gradient after it. */
INLINE vec activation_gradient(long kind, vec y, vec grad)
{
    switch (kind) {
    case 1:
        return choose(y <= (vec){0}, (vec){0}, grad);
    case 2:
        return choose(y > (vec){0}, grad, grad * (y + 1));
    case 3:
        return grad * (1 - y * y);
    case 4:
        return grad * (y * (1 - y));
    }
    return grad;
}

/* Compute the codes [rows, latents] of rows x, each latent's mean code, and in how many rows it is not 0. */
static void encode(const struct step *s, const float *x, float *codes, float *rates, float *active_counts,
                   float *packed, long part, long parts)
{
    long L = s->latents, D = s->inputs, vectors = (L + V - 1) / V;
    const struct product p = {s->rows, L, D, x, D, 1, s->to_codes, 1, D, codes, 0, packed};
    multiply(&p, part, parts);
    for (long v = part_begin(vectors, part, parts); v < part_begin(vectors, part + 1, parts); v++) {
        long n = REMAINING(L, v * V, V);
        vec bias = load_n(s->code_bias + v * V, n), sum = {0};
        ints count = {0};
        for (long b = 0; b < s->rows; b++) {
            float *row = codes + b * L + v * V;
            vec code = activate(s->code_curve, load_n(row, n) + bias);
            store_n(row, code, n);
            sum += code;
            count -= code != (vec){0};
        }
        store_n(rates + v * V, sum / (float)s->rows, n);
        if (active_counts)
            store_n(active_counts + v * V, __builtin_convertvector(count, vec), n);
    }
    barrier(parts);
}

/* Compute each row's error, and replace the logits [rows, inputs] by the error's gradient in them. */
static void loss(const struct step *s, float *logits, float *row_errors, long part, long parts)
{
    long D = s->inputs;
    float factor = (float)((s->cross_entropy ? 1 : 2) * s->weight / s->judged);
    for (long b = part_begin(s->rows, part, parts); b < part_begin(s->rows, part + 1, parts); b++) {
        vec sum = {0};
        for (long j = 0; j < D; j += V) {
            long n = REMAINING(D, j, V);
            float *entry = logits + b * D + j;
            vec target = load_n(s->target + b * D + j, n), logit = load_n(entry, n) + load_n(s->output_bias + j, n);
            vec recon = activate(s->output_curve, logit), error = recon - target, cost = error * error;
            if (s->cross_entropy) {
                cost = choose(logit > (vec){0}, logit, (vec){0}) - logit * target;
                cost += logarithm(1 + exponential(-absolute(logit), 0));
            }
            if (s->masked) {
                error = choose(target == target, error, (vec){0});
                cost = choose(target == target, cost, (vec){0});
            }
            store_n(entry,
                    s->cross_entropy ? error * factor : activation_gradient(s->output_curve, recon, error * factor), n);
            sum += first_n(cost, n); /* a vector's numbers beyond the row's end have no target */
        }
        row_errors[b] = vector_sum(sum);
    }
}

/* Return the penalty of a mean activation q, and compute its derivative. */
static double penalty_value(const struct penalty *p, double rate, double q, double *derivative)
{
    if (!p->kind) {
        *derivative = 2 * (q - rate);
        return (q - rate) * (q - rate);
    }
    const double tiny = 0x1p-23;
    q = q < tiny ? tiny : q > 1 - tiny ? 1 - tiny : q;
    *derivative = (q - rate) / (q * (1 - q));
    return rate * log(rate / q) + (1 - rate) * log((1 - rate) / (1 - q));
}

/* Compute the error, the penalties, and the penalties' gradient in each code of a latent. */
static void penalties(struct step *s, const struct offsets *at)
{
    const float *clean_rates = s->corrupted == s->x ? s->rates : s->workspace + at->clean_rates;
    float *grads = s->workspace + at->rate_grads;
    float *clean_grads = s->corrupted == s->x ? grads : s->workspace + at->clean_rate_grads;
    double sum = 0, unused, derivative;
    for (long b = 0; b < s->rows; b++)
        sum += s->workspace[at->row_errors + b];
    s->error = sum / s->judged;
    memset(grads, 0, 4 * s->latents);
    memset(clean_grads, 0, 4 * s->latents);
    for (struct penalty *p = s->penalties; p < s->penalties + s->n_penalties; p++) {
        p->number = p->cost = p->measured = 0;
        for (long l = 0; l < s->latents; l++) {
            p->number += penalty_value(p, p->rate, s->rates[l], &unused);
            p->cost += penalty_value(p, p->aimed_rate, p->on_clean ? clean_rates[l] : s->rates[l], &derivative);
            p->measured += clean_rates[l] / s->latents;
            (p->on_clean ? clean_grads : grads)[l] += (float)(p->weight * derivative / s->rows);
        }
    }
}

/* Replace the gradients in the codes by those in the pre-activations. `same`: the part of the gradient that is the same
   for all rows; `only`: there is no other part. */
static void backpropagate_activation(const struct step *s, const float *codes, const float *same, int only,
                                     float *grads, long part, long parts)
{
    long L = s->latents;
    for (long b = part_begin(s->rows, part, parts); b < part_begin(s->rows, part + 1, parts); b++)
        for (long j = 0; j < L; j += V) {
            long n = REMAINING(L, j, V), entry = b * L + j;
            vec constant = load_n(same + j, n);
            store_n(grads + entry,
                    activation_gradient(s->code_curve, load_n(codes + entry, n),
                                        only ? constant : load_n(grads + entry, n) + constant),
                    n);
        }
}

/* Compute the sum of rows [rows, columns], or add it to what stands in `to`. */
static void sum_rows(const float *from, long rows, long columns, int add, float *to, long part, long parts)
{
    long vectors = (columns + V - 1) / V;
    for (long v = part_begin(vectors, part, parts); v < part_begin(vectors, part + 1, parts); v++) {
        long n = REMAINING(columns, v * V, V);
        vec sum = {0};
        for (long b = 0; b < rows; b++)
            sum += load_n(from + b * columns + v * V, n);
        store_n(to + v * V, add ? load_n(to + v * V, n) + sum : sum, n);
    }
}

static void step(struct step *s, long part, long parts)
{
    struct offsets at = workspace_offsets(s);
    long B = s->rows, D = s->inputs, L = s->latents;
    float *codes = s->workspace + at.codes, *clean_codes = s->workspace + at.clean_codes;
    float *output = s->workspace + at.output;
    float *grads = s->workspace + at.pre_grads, *clean_grads = s->workspace + at.clean_pre_grads;
    float *packed = s->workspace + at.packed;
    int on_clean = 0, tied = s->of_to_codes == s->of_dictionary; /* whether a penalty needs the clean rows' codes */
    for (long i = 0; i < s->n_penalties; i++)
        on_clean |= s->penalties[i].on_clean && s->corrupted != s->x;

    encode(s, s->corrupted, codes, s->rates, s->active_counts, packed, part, parts);
    if (on_clean)
        encode(s, s->x, clean_codes, s->workspace + at.clean_rates, 0, packed, part, parts);
    const struct product decode = {B, D, L, codes, L, 1, s->dictionary, D, 1, output, 0, packed};
    multiply(&decode, part, parts);
    loss(s, output, s->workspace + at.row_errors, part, parts);
    barrier(parts);
    if (!part)
        penalties(s, &at);

    const struct product backpropagate = {B, L, D, output, D, 1, s->dictionary, 1, D, grads, 0, packed};
    multiply(&backpropagate, part, parts);
    backpropagate_activation(s, codes, s->workspace + at.rate_grads, 0, grads, part, parts);
    if (on_clean)
        backpropagate_activation(s, clean_codes, s->workspace + at.clean_rate_grads, 1, clean_grads, part, parts);
    barrier(parts);

    const struct product of_dictionary = {L, D, B, codes, 1, L, output, D, 1, s->of_dictionary, 0, packed};
    const struct product of_to_codes = {L, D, B, grads, 1, L, s->corrupted, D, 1, s->of_to_codes, tied, packed};
    const struct product of_clean = {L, D, B, clean_grads, 1, L, s->x, D, 1, s->of_to_codes, 1, packed};
    multiply(&of_dictionary, part, parts);
    multiply(&of_to_codes, part, parts);
    if (on_clean)
        multiply(&of_clean, part, parts);
    sum_rows(output, B, D, 0, s->of_output_bias, part, parts);
    sum_rows(grads, B, L, 0, s->of_code_bias, part, parts);
    if (on_clean)
        sum_rows(clean_grads, B, L, 1, s->of_code_bias, part, parts);
}
