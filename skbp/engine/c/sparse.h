/* The first layer of weights for a sparse X. A batch needs few of its columns, those with an entry
   in one of its rows: the layer's copy of the weights, and Δ^(1), have a row for each of them.

   A template (see instance.h): included once for each precision and instruction set. */

#ifndef REAL
#error "sparse.h is a template; include kernels.h instead."
#endif

/* The columns that a batch needs, in the order of their first entries. The place of column k in
   this list is place[k]; for other columns that number has no meaning. */
typedef struct {
    int64_t n;
    int32_t *columns, *place;
} FN(columns);

/* The most columns that a batch can need. */
static int64_t FN(most_columns)(const examples_t *examples, int64_t n_in)
{
    return examples->n_entries < n_in ? examples->n_entries : n_in;
}

/* Set the pointers of the list for a sparse X into memory that is 0; return the number of integers
   needed, none without a sparse X. */
static int64_t FN(lay_out_columns)(FN(columns) *needed, const examples_t *examples, int64_t n_in,
                                   int32_t *memory)
{
    if (!examples) return 0;
    int64_t most = FN(most_columns)(examples, n_in);
    needed->columns = memory;
    needed->place = memory ? memory + most : NULL;
    return most + n_in;
}

/* List the columns of m rows. */
static void FN(find_columns)(FN(columns) *needed, const examples_t *examples, int64_t first,
                             int64_t m)
{
    needed->n = 0;
    for (int64_t i = first; i < first + m; i++) {
        int64_t row = row_number(examples, i);
        for (int64_t e = examples->starts[row]; e < examples->starts[row + 1]; e++) {
            int32_t k = examples->columns[e], place = needed->place[k];
            if (place < needed->n && needed->columns[place] == k) continue;
            needed->columns[needed->n] = k;
            needed->place[k] = (int32_t)needed->n++;
        }
    }
}

/* Copy the weights of these columns into padded rows. A vector of units at a time, whose copies are
   neighbours. */
static void FN(copy_columns)(const FN(columns) *needed, int64_t n_out, FN(matrix) weights,
                             REAL *RESTRICT to, int64_t to_row)
{
    for (int64_t first = 0; first < n_out; first += LANES) {
        int64_t end = first + LANES < n_out ? first + LANES : n_out;
        for (int64_t c = 0; c < needed->n; c++) {
            const REAL *from_k = weights.p + needed->columns[c] * weights.row;
            for (int64_t j = first; j < end; j++) to[c * to_row + j] = from_k[j * weights.column];
        }
    }
}

/* z = bias + Σ_k x_k Θ_k of one row with n entries, for some vectors of units, whose number is a
   constant after inlining. */
static ALWAYS_INLINE void FN(add_entries)(const int vectors, const FN(columns) *needed, int64_t n,
                                          const int32_t *columns, const REAL *values,
                                          const REAL *weights, const REAL *bias, REAL *z,
                                          int64_t row)
{
    FN(vector) sum[4];
    UNROLL for (int v = 0; v < vectors; v++) sum[v] = FN(load)(bias + v * LANES);
    for (int64_t e = 0; e < n; e++) {
        const REAL *from_k = weights + needed->place[columns[e]] * row;
        UNROLL for (int v = 0; v < vectors; v++) sum[v] += values[e] * FN(load)(from_k + v * LANES);
    }
    UNROLL for (int v = 0; v < vectors; v++) FN(store)(z + v * LANES, sum[v]);
}

/* z = bias + Σ_k x_k Θ_k of m rows, padded to `row` numbers. */
static void FN(sparse_product)(const FN(columns) *needed, const examples_t *examples,
                               int64_t first, int64_t m, const REAL *weights, const REAL *bias,
                               REAL *z, int64_t row)
{
    for (int64_t i = 0; i < m; i++, z += row) {
        const int64_t *bounds = examples->starts + row_number(examples, first + i);
        const int32_t *columns = examples->columns + bounds[0];
        const REAL *values = (const REAL *)examples->X + bounds[0];
        int64_t n = bounds[1] - bounds[0];
#define UNITS_OF(vectors) \
    FN(add_entries)(vectors, needed, n, columns, values, weights + j, bias + j, z + j, row)
        for (int64_t j = 0; j < row; j += 4 * LANES) {
            switch ((row - j) / LANES) {
            case 1: UNITS_OF(1); break;
            case 2: UNITS_OF(2); break;
            case 3: UNITS_OF(3); break;
            default: UNITS_OF(4); break;
            }
        }
#undef UNITS_OF
    }
}

/* Δ_k += x_k δ of m rows. */
static void FN(add_sparse_gradient)(const FN(columns) *needed, const examples_t *examples,
                                    int64_t first, int64_t m, const REAL *delta, REAL *gradient,
                                    int64_t row)
{
    const REAL *values = examples->X;
    for (int64_t i = 0; i < m; i++) {
        const REAL *RESTRICT delta_i = delta + i * row;
        int64_t r = row_number(examples, first + i);
        for (int64_t e = examples->starts[r]; e < examples->starts[r + 1]; e++) {
            REAL *RESTRICT gradient_k = gradient + needed->place[examples->columns[e]] * row;
            REAL x = values[e];
            for (int64_t j = 0; j < row; j++) gradient_k[j] += x * delta_i[j];
        }
    }
}

/* D += scale Δ of one unit, whose Δ is in a column. */
static void FN(add_columns)(const FN(columns) *needed, const REAL *RESTRICT gradient, int64_t row,
                            REAL scale, REAL *RESTRICT D)
{
    for (int64_t c = 0; c < needed->n; c++) D[needed->columns[c]] += scale * gradient[c * row];
}
