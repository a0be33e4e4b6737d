/* Products of rows with a table's rows: what a sparse decoder's gradient asks for. */

static void dots(const struct dots *d, long part, long parts)
{
    for (long n = share(d->entries, part, parts); n < share(d->entries, part + 1, parts); n++)
        d->out[n] = dot(d->rows + d->row[n] * d->width, d->table + d->at[n] * d->width, d->width);
}
