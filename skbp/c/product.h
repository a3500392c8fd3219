/* C := start + A B. Small products, whose matrices fit a cache, are computed here, in tiles that
   stay in registers, without BLAS's copies and calls; large ones by BLAS.

   Rows of C, of `start` and (where B is not transposed) of B are padded to whole vectors. */

/* C[i, :] := start[i, :] + Σ_k A[i, k] B[k, :], a tile of `rows` rows and `vectors` vectors of
   columns. Both are constants where this is inlined, so that the loops over them are unrolled. */
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

/* All rows of a panel of columns. */
static ALWAYS_INLINE void FN(panel)(const int vectors, int64_t m, int64_t depth, FN(matrix) A,
                                    FN(matrix) B, FN(matrix) start, REAL *C, int64_t C_row)
{
#define TILES_OF(rows)                                                        \
    for (; m >= (rows); m -= (rows)) {                                        \
        FN(tile)(rows, vectors, depth, A, B, start, C, C_row);                \
        A.p += (rows) * A.row;                                                \
        C += (rows) * C_row;                                                  \
        if (start.p) start.p += (rows) * start.row;                           \
    }
    TILES_OF(ROWS)
    if (ROWS > 4) TILES_OF(4)
    TILES_OF(2)
    TILES_OF(1)
#undef TILES_OF
}

/* B, and start where there is one, have rows of whole vectors. */
static void FN(product_in_tiles)(int64_t m, int64_t n, int64_t depth, FN(matrix) A, FN(matrix) B,
                                 FN(matrix) start, REAL *C, int64_t C_row)
{
    for (int64_t left = FN(padded)(n) / LANES; left > 0; left -= VECTORS) {
        switch (left < VECTORS ? left : VECTORS) {
        case 1: FN(panel)(1, m, depth, A, B, start, C, C_row); break;
        case 2: FN(panel)(2, m, depth, A, B, start, C, C_row); break;
        default: FN(panel)(VECTORS, m, depth, A, B, start, C, C_row); break;
        }
        B.p += VECTORS * LANES;
        C += VECTORS * LANES;
        if (start.p) start.p += VECTORS * LANES;
    }
}

/* BLAS has matrices by columns: a matrix by rows is to it the transposed one. */
static void FN(product_by_blas)(int64_t m, int64_t n, int64_t depth, FN(matrix) A, FN(matrix) B,
                                FN(matrix) start, REAL *C, int64_t C_row)
{
    REAL one = 1, beta = start.p ? 1 : 0;
    int m_ = (int)m, n_ = (int)n, depth_ = (int)depth, C_row_ = (int)C_row;
    int A_is_transposed = A.column != 1, B_is_transposed = B.column != 1;
    int lda = (int)(A_is_transposed ? A.column : A.row > depth ? A.row : depth);
    int ldb = (int)(B_is_transposed ? B.column : B.row);
    if (start.p && start.p != C)
        for (int64_t i = 0; i < m; i++)
            memcpy(C + i * C_row, start.p + i * start.row, (size_t)n * sizeof(REAL));
    BLAS_GEMM(B_is_transposed ? "T" : "N", A_is_transposed ? "T" : "N", &n_, &m_, &depth_, &one,
              (REAL *)B.p, &ldb, (REAL *)A.p, &lda, &beta, C, &C_row_);
}

/* Whether tiles, of a copy of the weights, are the faster way for a layer; or the only one, where
   neither rows nor columns of the weights are contiguous. */
static int FN(is_for_tiles)(int64_t n_in, int64_t n_out, FN(matrix) weights)
{
    int is_small = LANES > 1 && n_in * n_out * (int64_t)sizeof(REAL) <= TILED_BYTES;
    int suits_blas = (weights.row == 1 && weights.column >= n_in) ||
                     (weights.column == 1 && weights.row >= n_out);
    suits_blas = suits_blas && weights.row <= INT_MAX && weights.column <= INT_MAX;
    return is_small || !suits_blas;
}
