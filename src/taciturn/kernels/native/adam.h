/* Adam with decoupled weight decay (Kingma and Ba, 2015; Loshchilov, 2019), of arrays that lie apart. */

static void adam(const struct adam *a, long part, long parts)
{
    for (const struct moved *w = a->weights; w < a->weights + a->n_weights; w++) {
        double t = *w->steps + 1;
        vec step = all((float)(a->rate / (1 - pow(a->beta_1, t)))), scale = all((float)(1 / sqrt(1 - pow(a->beta_2, t))));
        vec kept_1 = all((float)a->beta_1), fresh_1 = all((float)(1 - a->beta_1));
        vec kept_2 = all((float)a->beta_2), fresh_2 = all((float)(1 - a->beta_2));
        vec kept = all((float)(1 - a->rate * a->decay)), epsilon = all((float)a->epsilon);
        long vectors = (w->size + V - 1) / V;
        for (long v = share(vectors, part, parts); v < share(vectors, part + 1, parts); v++) {
            long i = v * V, n = LEFT(w->size, i, V);
            vec g = get(w->grad + i, n), m = get(w->mean + i, n), s = get(w->square + i, n);
            m = kept_1 * m + fresh_1 * g;
            s = kept_2 * s + fresh_2 * g * g;
            put(w->mean + i, m, n);
            put(w->square + i, s, n);
            put(w->weight + i, kept * get(w->weight + i, n) - step * m / (root(s) * scale + epsilon), n);
        }
    }
    barrier(parts);
    for (const struct moved *w = a->weights; !part && w < a->weights + a->n_weights; w++)
        *w->steps += 1;
}
