/* The loss of each example and δ^(L), from z^(L) and the targets: skbp/losses.py in C.

   Rows are padded to whole vectors; the padding is computed like the rest and left out of
   every sum. */

/* K logistic units: n numbers, all alike. */
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

static void FN(logistic_squared_error)(int64_t n, const REAL *RESTRICT z, const REAL *RESTRICT y,
                                       REAL *RESTRICT losses, REAL *RESTRICT delta)
{
    for (int64_t i = 0; i < n; i++) {
        REAL a = FN(logistic)(z[i]), error = a - y[i];
        losses[i] = error * error / 2;
        delta[i] = error * a * (1 - a);
    }
}

/* z := softmax(z) of one row of k units; return Σ e^(z − max z), and max z. */
static REAL FN(softmax)(int64_t k, int64_t row, REAL *RESTRICT z, REAL *max)
{
    REAL largest = z[0], sum = 0;
    for (int64_t j = 1; j < k; j++) largest = z[j] > largest || z[j] != z[j] ? z[j] : largest;
    for (int64_t j = 0; j < row; j++) z[j] = FN(exp)(z[j] - largest);
    for (int64_t j = 0; j < k; j++) sum += z[j];
    for (int64_t j = 0; j < row; j++) z[j] /= sum;
    *max = largest;
    return sum;
}

static void FN(softmax_row)(int loss, int64_t k, int64_t row, const REAL *RESTRICT z,
                            const REAL *RESTRICT y, REAL *RESTRICT losses, REAL *RESTRICT delta)
{
    REAL max, error_a = 0;
    memcpy(delta, z, (size_t)row * sizeof(REAL));
    REAL sum = FN(softmax)(k, row, delta, &max);
    if (loss == LOG_LOSS) {
        for (int64_t j = 0; j < row; j++) losses[j] = y[j] * (max - z[j]);
        for (int64_t j = 0; j < row; j++) delta[j] -= y[j];
        losses[0] += (REAL)log(sum);
        return;
    }
    for (int64_t j = 0; j < k; j++) error_a += (delta[j] - y[j]) * delta[j];
    for (int64_t j = 0; j < row; j++) {
        REAL a = delta[j], error = a - y[j];
        losses[j] = error * error / 2;
        delta[j] = a * (error - error_a);
    }
}

/* δ^(L) of m rows, into deltas[0]; return the sum of their losses. Both are weighted. */
static double FN(loss_and_delta)(FN(workspace) *w, int64_t m, int is_weighted)
{
    FN(layer) *last = &w->layers[w->n_layers - 1];
    int64_t k = last->n_out, row = last->out_row;
    REAL *z = last->a, *delta = w->deltas[0];
    if (w->output == SOFTMAX)
        for (int64_t i = 0; i < m; i++)
            FN(softmax_row)(w->loss, k, row, z + i * row, w->Y + i * row, w->losses + i * row,
                            delta + i * row);
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

/* z := softmax(z) of m rows of k units. */
static void FN(softmax_rows)(int64_t m, int64_t k, REAL *RESTRICT z)
{
    for (int64_t i = 0; i < m; i++) {
        REAL *RESTRICT row = z + i * k, largest = row[0];
        for (int64_t j = 1; j < k; j++)
            largest = row[j] > largest || row[j] != row[j] ? row[j] : largest;
        for (int64_t j = 0; j < k; j++) row[j] -= largest;
    }
    for (int64_t i = 0; i < m * k; i++) z[i] = FN(exp)(z[i]);
    for (int64_t i = 0; i < m; i++) {
        REAL *RESTRICT row = z + i * k, sum = 0;
        for (int64_t j = 0; j < k; j++) sum += row[j];
        for (int64_t j = 0; j < k; j++) row[j] /= sum;
    }
}

/* z := logistic(z) of m rows of k units, divided by its sum. */
static void FN(logistic_shares)(int64_t m, int64_t k, REAL *RESTRICT z)
{
    for (int64_t i = 0; i < m; i++) {
        REAL *RESTRICT row = z + i * k, largest = row[0];
        for (int64_t j = 1; j < k; j++) largest = row[j] > largest ? row[j] : largest;
        if (largest > SATURATED) continue;
        /* All activations are so small that their digits are lost. There they are e^z, and so
           are their shares those of a softmax, of which 0 is the largest exponent. */
        for (int64_t j = 0; j < k; j++) row[j] -= largest - SATURATED;
    }
    FN(activate)(LOGISTIC, m * k, z);
    for (int64_t i = 0; i < m; i++) {
        REAL *RESTRICT row = z + i * k, sum = 0;
        for (int64_t j = 0; j < k; j++) sum += row[j];
        for (int64_t j = 0; j < k; j++) row[j] /= sum;
    }
}

/* What is asked for of m rows, from z^(L), to `out` by rows. */
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
        return;
    }
    for (int64_t i = 0; i < m; i++) memcpy(out + i * k, z + i * row, (size_t)k * sizeof(REAL));
    if (kind == LOGISTIC_OUTPUTS) FN(activate)(LOGISTIC, m * k, out);
    if (kind == SOFTMAX_OUTPUTS) FN(softmax_rows)(m, k, out);
    if (kind == LOGISTIC_SHARES) FN(logistic_shares)(m, k, out);
}
