/* Adam with decoupled weight decay (Kingma and Ba, 2015; Loshchilov, 2019), for several arrays of weights. */

static void adam(const struct adam *a, long part, long parts)
{
    for (const struct adam_arrays *w = a->weights; w < a->weights + a->n_weights; w++) {
        double t = *w->steps + 1;
        vec step = all((float)(a->rate / (1 - pow(a->beta_1, t)))), scale = all((float)(1 / sqrt(1 - pow(a->beta_2, t))));
        vec old_1 = all((float)a->beta_1), new_1 = all((float)(1 - a->beta_1));
        vec old_2 = all((float)a->beta_2), new_2 = all((float)(1 - a->beta_2));
        vec decayed = all((float)(1 - a->rate * a->decay)), epsilon = all((float)a->epsilon);
        long vectors = (w->size + V - 1) / V;
        for (long v = part_begin(vectors, part, parts); v < part_begin(vectors, part + 1, parts); v++) {
            long i = v * V, n = REMAINING(w->size, i, V);
            vec g = load_n(w->grad + i, n), m = load_n(w->mean + i, n), s = load_n(w->square + i, n);
            m = old_1 * m + new_1 * g;
            s = old_2 * s + new_2 * g * g;
            store_n(w->mean + i, m, n);
            store_n(w->square + i, s, n);
            store_n(w->weight + i, decayed * load_n(w->weight + i, n) - step * m / (square_root(s) * scale + epsilon), n);
        }
    }
    barrier(parts); /* all threads have read the numbers of steps */
    for (const struct adam_arrays *w = a->weights; !part && w < a->weights + a->n_weights; w++)
        *w->steps += 1;
}
