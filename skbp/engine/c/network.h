/* Forward propagation and backpropagation of one block of examples.

   All arrays of a block are in one workspace, whose memory is taken once per call (see
   kept_memory.h). The rows of its matrices are padded to whole vectors; the padding never enters a
   result.

   A template (see instance.h): included once for each precision and instruction set. */

#ifndef REAL
#error "network.h is a template; include kernels.h instead."
#endif

typedef void (*FN(product))(int64_t, int64_t, int64_t, FN(matrix), FN(matrix), FN(matrix), REAL *,
                            int64_t);

/* Θ^(l), its copies, and a block's a^(l+1) and Δ^(l). */
typedef struct {
    int64_t n_in, n_out;                  /* numbers of units */
    int64_t in_row, out_row;              /* the same padded: lengths of rows */
    int g;
    FN(matrix) weights;                   /* row k, column j: from unit k to unit j */
    const REAL *bias;
    int64_t bias_step;
    FN(product) product;
    REAL *tiled_weights, *tiled_bias;     /* padded copies, with a row for each k */
    REAL *back_weights;                   /* a padded copy, with a row for each j */
    REAL *a;                              /* a^(l+1); z^(L) of the last layer */
    REAL *gradient, *bias_gradient;       /* Δ^(l), with a row for each j */
    int64_t n_gradient;                   /* the numbers of Δ^(l) without the bias, padded */
} FN(layer);

typedef struct {
    int n_layers, output, loss;
    int64_t n_rows; /* the largest number of rows of a block */
    FN(layer) layers[MAX_LAYERS];
    REAL *X, *Y, *row_weights, *losses, *deltas[2];
    REAL *row_max, *row_sum; /* of z^(L) and of its exponentials, for a softmax */
    const REAL *input;       /* a^(1): X of the workspace, or the caller's */
    int64_t input_row;
    const examples_t *sparse; /* a sparse X, or NULL; a^(1) are its rows from first_row on */
    int64_t first_row;
    FN(columns) needed;       /* of a sparse X */
    memory_t *taken;
    double *totals; /* Δ of more rows than float can sum, all layers; or NULL */
    REAL *memory;   /* from the first address behind these that suits whole vectors */
} FN(workspace);

/* Whether the inputs of a layer are a sparse X. */
static int FN(is_sparse)(const FN(workspace) *w, int l)
{
    return l == 0 && w->sparse;
}

/* Set a pointer to the n numbers from `start` on; return their end. */
static int64_t FN(place)(REAL *memory, int64_t start, int64_t n, REAL **pointer)
{
    *pointer = memory ? memory + start : NULL;
    return start + n;
}

/* Set the pointers of a workspace into its memory; return the number of elements needed. */
static int64_t FN(lay_out)(FN(workspace) *w, int is_trained)
{
    int64_t end = 0, m = w->n_rows, widest = 0;
    REAL *memory = w->memory;
    if (!w->sparse) end = FN(place)(memory, end, m * w->layers[0].in_row, &w->X);
    for (int l = 0; l < w->n_layers; l++) {
        FN(layer) *layer = &w->layers[l];
        widest = layer->out_row > widest ? layer->out_row : widest;
        end = FN(place)(memory, end, m * layer->out_row, &layer->a);
        end = FN(place)(memory, end, layer->out_row, &layer->tiled_bias);
        if (FN(is_sparse)(w, l))
            end = FN(place)(memory, end, layer->n_gradient, &layer->tiled_weights);
        else if (layer->product == FN(product_in_tiles))
            end = FN(place)(memory, end, layer->n_in * layer->out_row, &layer->tiled_weights);
        if (!is_trained) continue;
        if (l > 0 && layer->product == FN(product_in_tiles))
            end = FN(place)(memory, end, layer->n_out * layer->in_row, &layer->back_weights);
        end = FN(place)(memory, end, layer->n_gradient, &layer->gradient);
        end = FN(place)(memory, end, layer->out_row, &layer->bias_gradient);
    }
    if (is_trained) {
        int64_t outputs = m * w->layers[w->n_layers - 1].out_row;
        end = FN(place)(memory, end, outputs, &w->Y);
        end = FN(place)(memory, end, outputs, &w->losses);
        for (int i = 0; i < 2; i++) end = FN(place)(memory, end, m * widest, &w->deltas[i]);
    }
    /* one number per row; last, because the others begin at whole vectors */
    if (is_trained) end = FN(place)(memory, end, m, &w->row_weights);
    end = FN(place)(memory, end, m, &w->row_max);
    end = FN(place)(memory, end, m, &w->row_sum);
    return end;
}

/* The number of totals, if a gradient of n_summed rows needs any; they are whole vectors. */
static int64_t FN(count_totals)(const FN(workspace) *w, int64_t n_summed)
{
    int64_t n = 0;
    if (REAL_IS_DOUBLE || n_summed <= SUMMED_ROWS) return 0;
    for (int l = 0; l < w->n_layers; l++) n += w->layers[l].n_gradient + w->layers[l].out_row;
    return n;
}

/* Take the memory of a workspace; return 0 if there is none. */
static int FN(take)(FN(workspace) *w, int is_trained, int64_t n_summed)
{
    int64_t n_totals = FN(count_totals)(w, n_summed), n = FN(lay_out)(w, is_trained);
    int64_t n_columns = FN(lay_out_columns)(&w->needed, w->sparse, w->layers[0].n_in, NULL);
    w->taken = take_memory(VECTOR_BYTES + (uint64_t)n_totals * sizeof(double) +
                           (uint64_t)n * sizeof(REAL) + (uint64_t)n_columns * sizeof(int32_t));
    if (!w->taken) return 0;
    char *start = bytes_of(w->taken);
    start += VECTOR_BYTES - (size_t)start % VECTOR_BYTES;
    if (n_totals) w->totals = (double *)start;
    w->memory = (REAL *)(start + n_totals * (int64_t)sizeof(double));
    FN(lay_out)(w, is_trained);
    FN(lay_out_columns)(&w->needed, w->sparse, w->layers[0].n_in, (int32_t *)(w->memory + n));
    return 1;
}

static void FN(release)(FN(workspace) *w)
{
    give_back(w->taken);
}

/* Allocate a workspace for blocks of at most n_rows rows, and for gradients of n_summed rows; return
   0 if there is no memory. */
static int FN(allocate)(FN(workspace) *w, const network_t *network, const examples_t *examples,
                        int64_t n_rows, int is_trained, int64_t n_summed)
{
    memset(w, 0, sizeof *w);
    w->n_layers = network->n_layers;
    w->output = network->output;
    w->loss = network->loss;
    w->n_rows = n_rows;
    w->sparse = examples->starts ? examples : NULL;
    for (int l = 0; l < w->n_layers; l++) {
        const layer_t *given = &network->layers[l];
        FN(layer) *layer = &w->layers[l];
        layer->n_in = given->n_in;
        layer->n_out = given->n_out;
        layer->in_row = FN(padded)(given->n_in);
        layer->out_row = FN(padded)(given->n_out);
        layer->g = given->g;
        layer->weights = (FN(matrix)){given->weights, given->in_step, given->out_step};
        layer->bias = given->bias;
        layer->bias_step = given->bias_step;
        layer->product = FN(uses_tiles)(given->n_in, given->n_out, layer->weights)
                             ? FN(product_in_tiles)
                             : FN(product_by_blas);
        layer->n_gradient = FN(is_sparse)(w, l)
                                ? FN(most_columns)(examples, given->n_in) * layer->out_row
                                : layer->n_out * layer->in_row;
    }
    return FN(take)(w, is_trained, n_summed);
}

/* Add n numbers to their totals, or with is_last set them to their totals; return the end of the
   totals. */
static double *FN(add_to_total)(int64_t n, REAL *RESTRICT sums, double *RESTRICT totals,
                                int is_first, int is_last)
{
    for (int64_t i = 0; i < n; i++) totals[i] = (is_first ? 0 : totals[i]) + sums[i];
    if (is_last)
        for (int64_t i = 0; i < n; i++) sums[i] = (REAL)totals[i];
    return totals + n;
}

/* Add Δ of all layers to the totals, or with is_last set it to the totals. */
static void FN(add_to_totals)(FN(workspace) *w, int is_first, int is_last)
{
    double *totals = w->totals;
    for (int l = 0; l < w->n_layers; l++) {
        FN(layer) *layer = &w->layers[l];
        totals = FN(add_to_total)(layer->n_gradient, layer->gradient, totals, is_first, is_last);
        totals = FN(add_to_total)(layer->out_row, layer->bias_gradient, totals, is_first, is_last);
    }
}

/* Copy a matrix into padded rows. */
static void FN(copy)(int64_t rows, int64_t columns, FN(matrix) from, REAL *to, int64_t to_row)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++)
            to[i * to_row + j] = from.p[i * from.row + j * from.column];
}

/* Update the padded copies of the weights. */
static void FN(copy_weights)(FN(workspace) *w)
{
    for (int l = 0; l < w->n_layers; l++) {
        FN(layer) *layer = &w->layers[l];
        FN(matrix) weights = layer->weights;
        FN(matrix) transposed = {weights.p, weights.column, weights.row};
        for (int64_t j = 0; j < layer->n_out; j++)
            layer->tiled_bias[j] = layer->bias[j * layer->bias_step];
        if (FN(is_sparse)(w, l))
            FN(copy_columns)(&w->needed, layer->n_out, weights, layer->tiled_weights,
                             layer->out_row);
        else if (layer->tiled_weights)
            FN(copy)(layer->n_in, layer->n_out, weights, layer->tiled_weights, layer->out_row);
        if (layer->back_weights)
            FN(copy)(layer->n_out, layer->n_in, transposed, layer->back_weights, layer->in_row);
    }
}

/* The activations that are a layer's inputs. */
static FN(matrix) FN(inputs_of)(const FN(workspace) *w, int l)
{
    if (l == 0) return (FN(matrix)){w->input, w->input_row, 1};
    return (FN(matrix)){w->layers[l - 1].a, w->layers[l - 1].out_row, 1};
}

/* Compute a^(l+1) = g(Θ^(l) a^(l)) of m rows; for the last layer, z^(L). */
static void FN(forward)(FN(workspace) *w, int64_t m)
{
    for (int l = 0; l < w->n_layers; l++) {
        FN(layer) *layer = &w->layers[l];
        FN(matrix) weights = layer->weights, bias = {layer->tiled_bias, 0, 1};
        if (layer->tiled_weights)
            weights = (FN(matrix)){layer->tiled_weights, layer->out_row, 1};
        if (FN(is_sparse)(w, l))
            FN(sparse_product)(&w->needed, w->sparse, w->first_row, m, weights.p, bias.p, layer->a,
                               layer->out_row);
        else
            layer->product(m, layer->n_out, layer->n_in, FN(inputs_of)(w, l), weights, bias, layer->a,
                       layer->out_row);
        FN(activate)(layer->g, m * layer->out_row, layer->a);
    }
}

/* z_j += Σ_k Θ_jk a_k. Four units at a time have independent sums, which hides the latency. */
static void FN(add_dots)(const FN(layer) *layer, const REAL *RESTRICT a, REAL *RESTRICT z)
{
    int64_t row = layer->weights.column, j = 0;
    for (; j + 4 <= layer->n_out; j += 4) {
        const REAL *w = layer->weights.p + j * row;
        REAL s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        SUM_OF(s0, s1, s2, s3)
        for (int64_t k = 0; k < layer->n_in; k++) {
            s0 += w[k] * a[k];
            s1 += w[row + k] * a[k];
            s2 += w[2 * row + k] * a[k];
            s3 += w[3 * row + k] * a[k];
        }
        z[j] += s0;
        z[j + 1] += s1;
        z[j + 2] += s2;
        z[j + 3] += s3;
    }
    for (; j < layer->n_out; j++) {
        const REAL *w = layer->weights.p + j * row;
        REAL sum = 0;
        SUM_OF(sum) for (int64_t k = 0; k < layer->n_in; k++) sum += w[k] * a[k];
        z[j] += sum;
    }
}

/* The same for a single row. It reads the weights once, so copies of them would not pay off. */
static void FN(forward_one)(FN(workspace) *w)
{
    for (int l = 0; l < w->n_layers; l++) {
        const REAL *a = FN(inputs_of)(w, l).p;
        FN(layer) *layer = &w->layers[l];
        FN(matrix) weights = layer->weights;
        REAL *RESTRICT z = layer->a;
        for (int64_t j = 0; j < layer->n_out; j++) z[j] = layer->bias[j * layer->bias_step];
        if (weights.row == 1) {
            FN(add_dots)(layer, a, z);
        } else {
            for (int64_t k = 0; k < layer->n_in; k++) {
                const REAL *from_k = weights.p + k * weights.row;
                for (int64_t j = 0; j < layer->n_out; j++)
                    z[j] += a[k] * from_k[j * weights.column];
            }
        }
        FN(activate)(layer->g, layer->out_row, z);
    }
}

/* Compute δ^(l), and Δ^(l) += δ^(l+1) (a^(l))ᵀ, of m rows. The first block of a sum sets Δ^(l). */
static void FN(backward)(FN(workspace) *w, int64_t m, int is_first)
{
    REAL *delta = w->deltas[0];
    for (int l = w->n_layers - 1; l >= 0; l--) {
        FN(layer) *layer = &w->layers[l];
        int64_t row = layer->out_row;
        FN(matrix) none = {NULL, 0, 0}, so_far = {layer->gradient, layer->in_row, 1};
        FN(matrix) a = FN(inputs_of)(w, l);
        if (FN(is_sparse)(w, l)) {
            if (is_first) memset(layer->gradient, 0, (size_t)layer->n_gradient * sizeof(REAL));
            FN(add_sparse_gradient)(&w->needed, w->sparse, w->first_row, m, delta,
                                    layer->gradient, row);
        } else {
            layer->product(layer->n_out, layer->n_in, m, (FN(matrix)){delta, 1, row}, a,
                           is_first ? none : so_far, layer->gradient, layer->in_row);
        }
        REAL *RESTRICT bias_gradient = layer->bias_gradient;
        if (is_first) memset(bias_gradient, 0, (size_t)row * sizeof(REAL));
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < row; j++) bias_gradient[j] += delta[i * row + j];
        if (l == 0) break;
        FN(matrix) weights = {layer->weights.p, layer->weights.column, layer->weights.row};
        if (layer->back_weights)
            weights = (FN(matrix)){layer->back_weights, layer->in_row, 1};
        REAL *previous = delta == w->deltas[0] ? w->deltas[1] : w->deltas[0];
        layer->product(m, layer->n_in, layer->n_out, (FN(matrix)){delta, row, 1}, weights, none,
                       previous, layer->in_row);
        FN(times_derivative)(w->layers[l - 1].g, m * layer->in_row, a.p, previous);
        delta = previous;
    }
}

/* The same for a single row; the rows of Θ^(l) must be contiguous. */
static void FN(backward_one)(FN(workspace) *w, int is_first)
{
    REAL *next = w->deltas[0];
    for (int l = w->n_layers - 1; l >= 0; l--) {
        FN(layer) *layer = &w->layers[l];
        const REAL *RESTRICT a = FN(inputs_of)(w, l).p;
        const REAL *RESTRICT delta = next;
        REAL *RESTRICT previous = delta == w->deltas[0] ? w->deltas[1] : w->deltas[0];
        if (l) memset(previous, 0, (size_t)layer->in_row * sizeof(REAL));
        for (int64_t j = 0; j < layer->n_out; j++) {
            const REAL *RESTRICT to_j = layer->weights.p + j * layer->weights.column;
            REAL *RESTRICT gradient = layer->gradient + j * layer->in_row;
            REAL delta_j = delta[j];
            layer->bias_gradient[j] = is_first ? delta_j : layer->bias_gradient[j] + delta_j;
            if (is_first)
                for (int64_t k = 0; k < layer->n_in; k++) gradient[k] = delta_j * a[k];
            else
                for (int64_t k = 0; k < layer->n_in; k++) gradient[k] += delta_j * a[k];
            if (l)
                for (int64_t k = 0; k < layer->n_in; k++) previous[k] += delta_j * to_j[k];
        }
        if (l) FN(times_derivative)(w->layers[l - 1].g, layer->in_row, a, previous);
        next = previous;
    }
}
