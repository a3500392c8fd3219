/* Matrix products, C := start + A B. Small ones, whose matrices fit the cache, are computed in
   tiles that stay in registers, which saves BLAS's copies and calls. Large ones use BLAS.

   For tiles, the rows of C, of `start` and of B are padded to whole vectors.

   A template (see instance.h): included once for each precision and instruction set. */

#ifndef REAL
#error "product.h is a template; include kernels.h instead."
#endif

/* C[i, :] := start[i, :] + Σ_k A[i, k] B[k, :], for a tile of `rows` rows and `vectors` vectors of
   columns. Both are constants after inlining, so that the loops over them are unrolled. */
static ALWAYS_INLINE void FN(tile)(const int rows, const int vectors, int64_t depth,
                                   FN(matrix) A, FN(matrix) B, FN(matrix) start,
                                   REAL *C, int64_t C_row)
{
    FN(vector) sum[ROWS][VECTORS];
    UNROLL for (int i = 0; i < rows; i++) {
        UNROLL for (int v = 0; v < vectors; v++) {
            if (start.p)
                sum[i][v] = FN(load)(start.p + i * start.row + v * LANES);
            else
                sum[i][v] = (FN(vector)){0};
        }
    }
    for (int64_t k = 0; k < depth; k++) {
        FN(vector) b[VECTORS];
        UNROLL for (int v = 0; v < vectors; v++) b[v] = FN(load)(B.p + k * B.row + v * LANES);
        UNROLL for (int i = 0; i < rows; i++) {
            REAL a = A.p[i * A.row + k * A.column];
            UNROLL for (int v = 0; v < vectors; v++) sum[i][v] += a * b[v];
        }
    }
    UNROLL for (int i = 0; i < rows; i++) {
        UNROLL for (int v = 0; v < vectors; v++) FN(store)(C + i * C_row + v * LANES, sum[i][v]);
    }
}

/* The submatrix from an element on; of a NULL matrix, itself. */
static inline FN(matrix) FN(from)(FN(matrix) A, int64_t i, int64_t j)
{
    if (A.p) A.p += i * A.row + j * A.column;
    return A;
}

/* All rows of a panel of columns. */
static ALWAYS_INLINE void FN(panel)(const int vectors, int64_t m, int64_t depth, FN(matrix) A,
                                    FN(matrix) B, FN(matrix) start, REAL *C, int64_t C_row)
{
    int64_t i = 0;
#define TILES_OF(rows)                                                                 \
    for (; m - i >= (rows); i += (rows))                                               \
        FN(tile)(rows, vectors, depth, FN(from)(A, i, 0), B, FN(from)(start, i, 0),    \
                 C + i * C_row, C_row);
    TILES_OF(ROWS)
    if (ROWS > 4) TILES_OF(4)
    TILES_OF(2)
    TILES_OF(1)
#undef TILES_OF
}

/* The product in tiles. The rows of B, and of `start` unless that is NULL, are whole vectors. */
static void FN(product_in_tiles)(int64_t m, int64_t n, int64_t depth, FN(matrix) A, FN(matrix) B,
                                 FN(matrix) start, REAL *C, int64_t C_row)
{
    int64_t n_vectors = FN(padded)(n) / LANES;
    for (int64_t v = 0; v < n_vectors; v += VECTORS) {
        int64_t j = v * LANES;
        FN(matrix) B_j = FN(from)(B, 0, j), start_j = FN(from)(start, 0, j);
        switch (n_vectors - v) {
        case 1: FN(panel)(1, m, depth, A, B_j, start_j, C + j, C_row); break;
        case 2: FN(panel)(2, m, depth, A, B_j, start_j, C + j, C_row); break;
        default: FN(panel)(VECTORS, m, depth, A, B_j, start_j, C + j, C_row); break;
        }
    }
}

/* BLAS's leading dimension of a matrix of n columns. The stride of a single row has no meaning and
   may be anything, but BLAS requires at least n. */
static int FN(leading_dimension)(FN(matrix) A, int64_t m, int64_t n)
{
    return (int)(A.column != 1 ? A.column : m == 1 ? n : A.row);
}

/* The product by BLAS, whose matrices are stored by columns: it computes Cᵀ = Bᵀ Aᵀ. One of the
   strides of A and of B is 1. See uses_tiles for what does not fit the int of BLAS. */
static void FN(product_by_blas)(int64_t m, int64_t n, int64_t depth, FN(matrix) A, FN(matrix) B,
                                FN(matrix) start, REAL *C, int64_t C_row)
{
    REAL one = 1, beta = start.p ? 1 : 0;
    int m_ = (int)m, n_ = (int)n, depth_ = (int)depth, C_row_ = (int)C_row;
    int lda = FN(leading_dimension)(A, m, depth), ldb = FN(leading_dimension)(B, depth, n);
    if (start.p && start.p != C)
        for (int64_t i = 0; i < m; i++)
            memcpy(C + i * C_row, start.p + i * start.row, (size_t)n * sizeof(REAL));
    BLAS_GEMM(B.column != 1 ? "T" : "N", A.column != 1 ? "T" : "N", &n_, &m_, &depth_, &one,
              (REAL *)B.p, &ldb, (REAL *)A.p, &lda, &beta, C, &C_row_);
}

/* Whether a layer is computed in tiles: because they are faster, or because BLAS cannot use these
   weights (neither rows nor columns are contiguous, or a size is larger than an int). */
static int FN(uses_tiles)(int64_t n_in, int64_t n_out, FN(matrix) weights)
{
    int is_small = LANES > 1 && n_in * n_out * (int64_t)sizeof(REAL) <= TILED_BYTES;
    int is_contiguous = (weights.row == 1 && weights.column >= n_in) ||
                        (weights.column == 1 && weights.row >= n_out);
    int fits_int = FN(padded)(n_in) <= INT_MAX && FN(padded)(n_out) <= INT_MAX &&
                   weights.row <= INT_MAX && weights.column <= INT_MAX;
    return is_small || !is_contiguous || !fits_int;
}
