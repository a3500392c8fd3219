/* One vector of the processor: the vector extension of GCC and Clang; elsewhere one number.

   Included once for each precision and instruction set, with REAL, FN, VECTOR_BYTES and the
   tile's shape ROWS × VECTORS defined; see instance.h. */

#undef LANES
#if defined(__GNUC__)
#define LANES ((int)(VECTOR_BYTES / sizeof(REAL)))
typedef REAL FN(vector) __attribute__((vector_size(VECTOR_BYTES)));
#else
#define LANES 1
typedef REAL FN(vector);
#endif

static inline FN(vector) FN(load)(const REAL *p)
{
    FN(vector) v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void FN(store)(REAL *p, FN(vector) v)
{
    memcpy(p, &v, sizeof v);
}

/* The smallest multiple of a vector's length that is not below n. */
static inline int64_t FN(padded)(int64_t n)
{
    return (n + LANES - 1) / LANES * LANES;
}

/* A matrix: the element in row i and column j is p[i * row + j * column]. */
typedef struct {
    const REAL *p;
    int64_t row, column;
} FN(matrix);
