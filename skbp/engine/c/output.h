/* From z^(L): the loss of each example and δ^(L), as in skbp.losses, and the outputs.

   Rows are padded to whole vectors. The padding is computed too, but not summed.

   A template (see instance.h): included once for each precision and instruction set. */

#ifndef REAL
#error "output.h is a template; include kernels.h instead."
#endif

/* The cross entropy of n logistic units; the units of all rows are independent. */
static void FN(logistic_log_loss)(int64_t n, const REAL *RESTRICT z, const REAL *RESTRICT y,
                                  REAL *RESTRICT losses, REAL *RESTRICT delta)
{
    for (int64_t i = 0; i < n; i++) {
        REAL e = FN(exp)(-FN(magnitude)(z[i]));
        REAL a = 1 / (1 + e);
        a = z[i] < 0 ? e * a : a;
        losses[i] = (z[i] < 0 ? 0 : z[i]) - y[i] * z[i] + FN(log1p_of_fraction)(e);
        delta[i] = a - y[i];
    }
}

/* The squared error of n logistic units. */
static void FN(logistic_squared_error)(int64_t n, const REAL *RESTRICT z, const REAL *RESTRICT y,
                                       REAL *RESTRICT losses, REAL *RESTRICT delta)
{
    for (int64_t i = 0; i < n; i++) {
        REAL a = FN(logistic)(z[i]), error = a - y[i];
        losses[i] = error * error / 2;
        delta[i] = error * a * (1 - a);
    }
}

/* The largest of k numbers; NaN if one is NaN. */
static REAL FN(largest)(int64_t k, const REAL *z)
{
    REAL largest = z[0];
    for (int64_t j = 1; j < k; j++) largest = z[j] > largest || z[j] != z[j] ? z[j] : largest;
    return largest;
}

/* Divide a row by the sum of its first k numbers; return the sum. */
static REAL FN(divide_by_sum)(int64_t k, int64_t row, REAL *z)
{
    REAL sum = 0;
    for (int64_t j = 0; j < k; j++) sum += z[j];
    for (int64_t j = 0; j < row; j++) z[j] /= sum;
    return sum;
}

/* z := softmax(z) of m rows of k units, padded to `row` numbers. Also write max z and
   Σ e^(z − max z) of each row. */
static void FN(softmax)(int64_t m, int64_t k, int64_t row, REAL *RESTRICT z, REAL *RESTRICT max,
                        REAL *RESTRICT sum)
{
    for (int64_t i = 0; i < m; i++) {
        max[i] = FN(largest)(k, z + i * row);
        for (int64_t j = 0; j < row; j++) z[i * row + j] -= max[i];
    }
    for (int64_t i = 0; i < m * row; i++) z[i] = FN(exp)(z[i]);
    for (int64_t i = 0; i < m; i++) sum[i] = FN(divide_by_sum)(k, row, z + i * row);
}

/* The cross entropy of one row; delta is a^(L) at first. */
static void FN(softmax_log_loss)(int64_t row, REAL max, REAL sum, const REAL *RESTRICT z,
                                 const REAL *RESTRICT y, REAL *RESTRICT losses,
                                 REAL *RESTRICT delta)
{
    for (int64_t j = 0; j < row; j++) losses[j] = y[j] * (max - z[j]);
    for (int64_t j = 0; j < row; j++) delta[j] -= y[j];
    losses[0] += (REAL)log(sum);
}

/* The squared error of one row of k units; delta is a^(L) at first. */
static void FN(softmax_squared_error)(int64_t k, int64_t row, const REAL *RESTRICT y,
                                      REAL *RESTRICT losses, REAL *RESTRICT delta)
{
    REAL error_a = 0;
    for (int64_t j = 0; j < k; j++) error_a += (delta[j] - y[j]) * delta[j];
    for (int64_t j = 0; j < row; j++) {
        REAL a = delta[j], error = a - y[j];
        losses[j] = error * error / 2;
        delta[j] = a * (error - error_a);
    }
}

/* The losses and δ^(L) of m rows of a softmax. */
static void FN(softmax_loss_and_delta)(FN(workspace) *w, int64_t m)
{
    const FN(layer) *last = &w->layers[w->n_layers - 1];
    int64_t k = last->n_out, row = last->out_row;
    REAL *delta = w->deltas[0];
    memcpy(delta, last->a, (size_t)(m * row) * sizeof(REAL));
    FN(softmax)(m, k, row, delta, w->row_max, w->row_sum);
    for (int64_t i = 0; i < m; i++) {
        int64_t start = i * row;
        const REAL *z = last->a + start, *y = w->Y + start;
        if (w->loss == LOG_LOSS)
            FN(softmax_log_loss)(row, w->row_max[i], w->row_sum[i], z, y, w->losses + start,
                                 delta + start);
        else
            FN(softmax_squared_error)(k, row, y, w->losses + start, delta + start);
    }
}

/* Write the weighted δ^(L) of m rows to deltas[0]; return the sum of the weighted losses. */
static double FN(loss_and_delta)(FN(workspace) *w, int64_t m, int is_weighted)
{
    FN(layer) *last = &w->layers[w->n_layers - 1];
    int64_t k = last->n_out, row = last->out_row;
    REAL *z = last->a, *delta = w->deltas[0];
    if (w->output == SOFTMAX)
        FN(softmax_loss_and_delta)(w, m);
    else if (w->loss == LOG_LOSS)
        FN(logistic_log_loss)(m * row, z, w->Y, w->losses, delta);
    else
        FN(logistic_squared_error)(m * row, z, w->Y, w->losses, delta);

    double sum = 0;
    for (int64_t i = 0; i < m; i++) {
        REAL of_row = 0;
        for (int64_t j = 0; j < k; j++) of_row += w->losses[i * row + j];
        if (is_weighted) {
            of_row *= w->row_weights[i];
            for (int64_t j = 0; j < row; j++) delta[i * row + j] *= w->row_weights[i];
        }
        sum += of_row;
    }
    return sum;
}

/* z := logistic(z) of m rows of k units, divided by its sum. */
static void FN(logistic_shares)(int64_t m, int64_t k, REAL *RESTRICT z)
{
    for (int64_t i = 0; i < m; i++) {
        REAL *RESTRICT row = z + i * k, largest = FN(largest)(k, row);
        if (largest > SATURATED) continue;
        /* All activations equal e^z, which may underflow. Adding a constant to all z does not
           change the ratios of e^z. */
        for (int64_t j = 0; j < k; j++) row[j] -= largest - SATURATED;
    }
    FN(activate)(LOGISTIC, m * k, z);
    for (int64_t i = 0; i < m; i++) FN(divide_by_sum)(k, k, z + i * k);
}

/* The column of the largest of k numbers, the first one of several. */
static int64_t FN(winner)(int64_t k, const REAL *z)
{
    int64_t winner = 0;
    for (int64_t j = 1; j < k; j++) winner = z[j] > z[winner] ? j : winner;
    return winner;
}

/* Let the class with the largest z have the largest probability of its row, where rounding makes
   probabilities equal. */
static void FN(rank)(int64_t m, int64_t k, const REAL *RESTRICT z, int64_t z_row, REAL *RESTRICT p)
{
    for (int64_t i = 0; i < m; i++, z += z_row, p += k) {
        int64_t of_z = FN(winner)(k, z), of_p = FN(winner)(k, p);
        if (of_p != of_z) p[of_z] = NEXT_AFTER(p[of_p], 2);
    }
}

/* Let probabilities be over 1/2 where z is positive. */
static void FN(rank_labels)(int64_t m, int64_t k, const REAL *RESTRICT z, int64_t z_row,
                            REAL *RESTRICT p)
{
    const REAL half = (REAL)0.5, over_half = NEXT_AFTER(half, 1);
    for (int64_t i = 0; i < m; i++, z += z_row, p += k)
        for (int64_t j = 0; j < k; j++) p[j] = z[j] > 0 && p[j] <= half ? over_half : p[j];
}

/* Write the outputs of m rows, of one of the kinds of kernels.h. The rows of `out` are not padded. */
static void FN(write_outputs)(const FN(workspace) *w, int64_t m, int kind, REAL *RESTRICT out)
{
    const FN(layer) *last = &w->layers[w->n_layers - 1];
    int64_t k = last->n_out, row = last->out_row;
    const REAL *RESTRICT z = last->a;
    if (kind == BINARY_PROBABILITIES) {
        for (int64_t i = 0; i < m; i++) {
            out[2 * i] = -z[i * row];
            out[2 * i + 1] = z[i * row];
        }
        FN(activate)(LOGISTIC, 2 * m, out);
        for (int64_t i = 0; i < m; i++)
            if (z[i * row] > 0 && out[2 * i + 1] <= out[2 * i])
                out[2 * i + 1] = NEXT_AFTER(out[2 * i], 2);
        return;
    }
    for (int64_t i = 0; i < m; i++) memcpy(out + i * k, z + i * row, (size_t)k * sizeof(REAL));
    if (kind == LOGISTIC_OUTPUTS) FN(activate)(LOGISTIC, m * k, out);
    if (kind == SOFTMAX_OUTPUTS) FN(softmax)(m, k, k, out, w->row_max, w->row_sum);
    if (kind == LOGISTIC_SHARES) FN(logistic_shares)(m, k, out);
    if (kind == LOGISTIC_OUTPUTS) FN(rank_labels)(m, k, z, row, out);
    if (kind == SOFTMAX_OUTPUTS || kind == LOGISTIC_SHARES) FN(rank)(m, k, z, row, out);
}
