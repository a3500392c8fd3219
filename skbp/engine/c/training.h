/* The functions of kernels_t: outputs, loss and gradient, and one epoch of mini-batch descent.

   A template (see instance.h): included once for each precision and instruction set. */

#ifndef REAL
#error "training.h is a template; include kernels.h instead."
#endif

/* Load the inputs of m rows into the workspace. X is used in place if it is sparse, or its memory
   layout allows that. */
static void FN(load_inputs)(FN(workspace) *w, const examples_t *examples, int64_t first, int64_t m)
{
    FN(layer) *input = &w->layers[0];
    FN(matrix) X = {examples->X, examples->X_row, examples->X_column};
    const int64_t *order = examples->order ? examples->order + first : NULL;
    /* The tiles of a gradient read whole vectors of X, that is, the padding too. */
    int is_padded = !examples->Y || input->n_in == input->in_row || input->product == FN(product_by_blas);
    int suits_products = is_padded && !order && X.row >= input->n_in && X.row <= INT_MAX;

    if (w->sparse) {
        w->first_row = first;
    } else if (X.column == 1 && (m == 1 || suits_products)) {
        w->input = X.p + (order ? order[0] : first) * X.row;
        w->input_row = X.row;
    } else {
        for (int64_t i = 0; i < m; i++) {
            const REAL *x = X.p + (order ? order[i] : first + i) * X.row;
            REAL *to = w->X + i * input->in_row;
            if (X.column == 1)
                memcpy(to, x, (size_t)input->n_in * sizeof(REAL));
            else
                for (int64_t k = 0; k < input->n_in; k++) to[k] = x[k * X.column];
        }
        w->input = w->X;
        w->input_row = input->in_row;
    }
}

/* Load m rows into the workspace. */
static void FN(load_rows)(FN(workspace) *w, const examples_t *examples, int64_t first, int64_t m)
{
    const FN(layer) *last = &w->layers[w->n_layers - 1];
    const REAL *Y = examples->Y, *weights = examples->weights;
    FN(load_inputs)(w, examples, first, m);
    if (!Y) return;
    for (int64_t i = 0; i < m; i++) {
        int64_t row = row_number(examples, first + i);
        for (int64_t j = 0; j < last->n_out; j++)
            w->Y[i * last->out_row + j] = Y[row * last->n_out + j];
        if (weights) w->row_weights[i] = weights[row];
    }
}

/* Whether m rows are propagated by matrix products, and not one at a time. */
static int FN(uses_matrices)(const FN(workspace) *w, int64_t m)
{
    return m >= MIN_MATRIX_ROWS || w->sparse;
}

/* Update the copies of the weights that a batch of m rows needs. */
static void FN(prepare)(FN(workspace) *w, const examples_t *examples, int64_t start, int64_t m)
{
    if (w->sparse) {
        FN(find_columns)(&w->needed, examples, start, m);
        w->layers[0].n_gradient = w->needed.n * w->layers[0].out_row;
    }
    if (FN(uses_matrices)(w, m)) FN(copy_weights)(w);
}

/* Add Δ of the m rows from `first` on; return the sum of their losses. */
static double FN(add_block)(FN(workspace) *w, const examples_t *examples, int64_t first, int64_t m,
                            int is_first)
{
    if (FN(uses_matrices)(w, m)) {
        FN(load_rows)(w, examples, first, m);
        FN(forward)(w, m);
        double loss = FN(loss_and_delta)(w, m, examples->weights != NULL);
        FN(backward)(w, m, is_first);
        return loss;
    }
    double loss = 0;
    for (int64_t i = 0; i < m; i++) {
        FN(load_rows)(w, examples, first + i, 1);
        FN(forward_one)(w);
        loss += FN(loss_and_delta)(w, 1, examples->weights != NULL);
        FN(backward_one)(w, is_first && i == 0);
    }
    return loss;
}

/* Set Δ to that of the m rows from `start` on; return the sum of their losses. */
static double FN(add_rows)(FN(workspace) *w, const examples_t *examples, int64_t start, int64_t m)
{
    double losses = 0;
    int64_t n_summed = 0;
    int is_first = 1;
    for (int64_t first = 0; first < m; first += w->n_rows) {
        int64_t n = m - first < w->n_rows ? m - first : w->n_rows;
        int is_last = first + n == m;
        losses += FN(add_block)(w, examples, start + first, n, n_summed == 0);
        n_summed += n;
        if (!w->totals || (n_summed < SUMMED_ROWS && !is_last)) continue;
        FN(add_to_totals)(w, is_first, is_last);
        is_first = n_summed = 0;
    }
    return losses;
}

/* D := scale Δ + decay Θ of the n weights to a unit; return the sum of the squares of Θ. */
static REAL FN(write_dense_gradient)(int64_t n, const REAL *RESTRICT weights, REAL decay,
                                     const REAL *RESTRICT gradient, REAL scale, REAL *RESTRICT D)
{
    REAL sum = 0;
    SUM_OF(sum) for (int64_t k = 0; k < n; k++) {
        D[k] = scale * gradient[k] + decay * weights[k];
        sum += weights[k] * weights[k];
    }
    return sum;
}

/* D := decay Θ of the n weights to a unit; return the sum of the squares of Θ. */
static REAL FN(write_penalty)(int64_t n, const REAL *RESTRICT weights, REAL decay,
                              REAL *RESTRICT D)
{
    REAL sum = 0;
    SUM_OF(sum) for (int64_t k = 0; k < n; k++) {
        D[k] = decay * weights[k];
        sum += weights[k] * weights[k];
    }
    return sum;
}

/* D := scale Δ + decay Θ of a unit, with decay only for weights that are not its bias; return the
   sum of the squares of these weights. */
static double FN(write_unit)(const FN(workspace) *w, int l, int64_t j, REAL scale, REAL decay,
                             REAL *D)
{
    const FN(layer) *layer = &w->layers[l];
    const REAL *weights = layer->weights.p + j * layer->weights.column;
    D[0] = scale * layer->bias_gradient[j];
    if (!FN(is_sparse)(w, l))
        return FN(write_dense_gradient)(layer->n_in, weights, decay,
                                        layer->gradient + j * layer->in_row, scale, D + 1);
    double squares = FN(write_penalty)(layer->n_in, weights, decay, D + 1);
    FN(add_columns)(&w->needed, layer->gradient + j, layer->out_row, scale, D + 1);
    return squares;
}

/* Write Δ of all units. */
static void FN(write_gradient)(const FN(workspace) *w, REAL *Delta)
{
    for (int l = 0; l < w->n_layers; l++)
        for (int64_t j = 0; j < w->layers[l].n_out; j++) {
            FN(write_unit)(w, l, j, 1, 0, Delta);
            Delta += w->layers[l].n_in + 1;
        }
}

/* Write the outputs of the first `stop` rows; return 0 if there is no memory. */
static int FN(outputs)(const network_t *network, const examples_t *examples, int kind, void *out_)
{
    int64_t n = examples->stop, n_block = 1;
    if (n >= MIN_MATRIX_ROWS) n_block = rows_per_block(network, examples, n, sizeof(REAL));
    FN(workspace) w;
    REAL *out = out_;
    if (!FN(allocate)(&w, network, examples, n_block, 0, 0)) return 0;
    int64_t n_out = w.layers[w.n_layers - 1].n_out;
    if (kind == BINARY_PROBABILITIES) n_out = 2;
    if (n >= MIN_MATRIX_ROWS) FN(copy_weights)(&w);
    for (int64_t first = 0; first < n; first += n_block) {
        int64_t m = n - first < n_block ? n - first : n_block;
        FN(load_rows)(&w, examples, first, m);
        n >= MIN_MATRIX_ROWS ? FN(forward)(&w, m) : FN(forward_one)(&w);
        FN(write_outputs)(&w, m, kind, out + first * n_out);
    }
    FN(release)(&w);
    return 1;
}

/* Write the sum of the losses, and Δ; return 0 if there is no memory. */
static int FN(loss_and_gradient)(const network_t *network, const examples_t *examples,
                                 double *loss, void *Delta)
{
    int64_t n = examples->stop, n_block = rows_per_block(network, examples, n, sizeof(REAL));
    FN(workspace) w;
    if (!FN(allocate)(&w, network, examples, n_block, 1, n)) return 0;
    FN(prepare)(&w, examples, 0, n);
    *loss = FN(add_rows)(&w, examples, 0, n);
    FN(write_gradient)(&w, Delta);
    FN(release)(&w);
    return 1;
}

/* Scale D to the norm max_norm if its norm is larger. A D that is not finite is left unchanged, so
   that the loss is not finite either. */
static void FN(clip)(int64_t n, REAL *D, double max_norm)
{
    double squares = 0, largest = 0;
    for (int64_t i = 0; i < n; i++) {
        double size = FN(magnitude)(D[i]);
        largest = size > largest ? size : largest;
    }
    if (!(largest > 0) || largest > DBL_MAX) return;
    for (int64_t i = 0; i < n; i++) squares += (D[i] / largest) * (D[i] / largest);
    double norm = largest * sqrt(squares);
    if (!(norm > max_norm)) return;
    for (int64_t i = 0; i < n; i++) D[i] = (REAL)(D[i] / largest * (max_norm / sqrt(squares)));
}

/* v := μ v − η D, and Θ += v, or with Nesterov's momentum Θ += μ v − η D. */
static void FN(momentum_step)(const rule_t *rule, int64_t n, const REAL *RESTRICT D,
                              REAL *RESTRICT theta, REAL *RESTRICT v)
{
    const REAL mu = (REAL)rule->momentum, eta = (REAL)rule->eta;
    if (rule->nesterov)
        for (int64_t i = 0; i < n; i++) {
            v[i] = mu * v[i] - eta * D[i];
            theta[i] += mu * v[i] - eta * D[i];
        }
    else
        for (int64_t i = 0; i < n; i++) {
            v[i] = mu * v[i] - eta * D[i];
            theta[i] += v[i];
        }
}

/* Θ −= η √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε). */
static void FN(adam_step)(const rule_t *rule, int64_t n, const REAL *RESTRICT D, REAL *RESTRICT theta,
                          REAL *RESTRICT m, REAL *RESTRICT v)
{
    const double t = (double)rule->t;
    const double eta = rule->eta * sqrt(1 - pow(rule->beta_2, t)) / (1 - pow(rule->beta_1, t));
    const REAL eta_t = (REAL)eta, epsilon = (REAL)rule->epsilon;
    const REAL beta_1 = (REAL)rule->beta_1, rest_1 = (REAL)(1 - rule->beta_1);
    const REAL beta_2 = (REAL)rule->beta_2, rest_2 = (REAL)(1 - rule->beta_2);
    for (int64_t i = 0; i < n; i++) {
        m[i] = beta_1 * m[i] + rest_1 * D[i];
        v[i] = beta_2 * v[i] + rest_2 * (D[i] * D[i]);
        theta[i] -= eta_t * m[i] / (SQRT(v[i]) + epsilon);
    }
}

/* Whether one of m rows has a weight that is not 0. */
static int FN(has_weight)(const examples_t *examples, int64_t first, int64_t m)
{
    const REAL *weights = examples->weights;
    if (!weights) return 1;
    for (int64_t i = first; i < first + m; i++)
        if (weights[examples->order ? examples->order[i] : i] != 0) return 1;
    return 0;
}

/* Write the gradient of a batch and make the step, in pieces of whole units, so that D stays in the
   cache; a gradient that is clipped is one piece. Return the sum of the squares of all weights that
   are not biases. */
static double FN(update)(const FN(workspace) *w, const batches_t *batches, const rule_t *rule,
                         int makes_step, REAL scale, int64_t n_parameters, REAL *D, REAL *theta,
                         REAL *average_1, REAL *average_2)
{
    double squares = 0;
    int is_clipped = batches->max_norm >= 0;
    int64_t n_piece = is_clipped ? n_parameters : PIECE_BYTES / (int64_t)sizeof(REAL);
    int64_t start = 0, n = 0;
    for (int l = 0; l < w->n_layers; l++) {
        for (int64_t j = 0; j < w->layers[l].n_out; j++) {
            squares += FN(write_unit)(w, l, j, scale, (REAL)batches->lambda_m, D + n);
            n += w->layers[l].n_in + 1;
            if (!makes_step || (n < n_piece && start + n < n_parameters)) continue;
            if (is_clipped) FN(clip)(n, D, batches->max_norm);
            /* the averages of weights whose gradient stays 0 would decay to subnormal numbers */
            unsigned mode = flush_subnormals();
            if (rule->is_adam)
                FN(adam_step)(rule, n, D, theta + start, average_1 + start, average_2 + start);
            else
                FN(momentum_step)(rule, n, D, theta + start, average_1 + start);
            restore_mode(mode);
            start += n;
            n = 0;
        }
    }
    return squares;
}

/* Update Θ after each batch of the rows from `start` to `stop`, and write the sum over the batches
   of J times the number of rows; return 0 if there is no memory. */
static int FN(epoch)(const network_t *network, const examples_t *examples,
                     const batches_t *batches, rule_t *rule, double *loss, void *theta, void *D,
                     void *average_1, void *average_2)
{
    int64_t n = examples->stop, n_batch = batches->batch_size;
    int64_t n_block = rows_per_block(network, examples, n_batch, sizeof(REAL));
    FN(workspace) w;
    if (!FN(allocate)(&w, network, examples, n_block, 1, n < n_batch ? n : n_batch)) return 0;
    *loss = 0;
    for (int64_t start = examples->start; start < n; start += n_batch) {
        int64_t m = n - start < n_batch ? n - start : n_batch;
        double m_rows = batches->mean_weight * (double)m;
        FN(prepare)(&w, examples, start, m);
        double losses = FN(add_rows)(&w, examples, start, m);
        int makes_step = FN(has_weight)(examples, start, m);
        if (makes_step) rule->t++;
        double squares = FN(update)(&w, batches, rule, makes_step, (REAL)(1 / m_rows),
                                    network->n_parameters, D, theta, average_1, average_2);
        *loss += (losses / m_rows + batches->lambda_m / 2 * squares) * (double)m;
    }
    FN(release)(&w);
    return 1;
}

static const kernels_t FN(kernels) = {FN(outputs), FN(loss_and_gradient), FN(epoch)};
