/* Products of rows with a table's rows, as a sparse decoder's gradient in the codes needs them. */

static void dots(const struct dots *d, long part, long parts)
{
    for (long n = part_begin(d->entries, part, parts); n < part_begin(d->entries, part + 1, parts); n++)
        d->out[n] = dot(d->rows + d->row_index[n] * d->width, d->table + d->table_index[n] * d->width, d->width);
}
