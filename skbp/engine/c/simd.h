/* Vectors of numbers, by the vector extension of GCC and Clang; one number for other compilers.
   And the matrices that are made of them.

   A template (see instance.h): included once for each precision and instruction set. */

#ifndef REAL
#error "simd.h is a template; include kernels.h instead."
#endif

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

/* n rounded up to whole vectors. */
static inline int64_t FN(padded)(int64_t n)
{
    return (n + LANES - 1) / LANES * LANES;
}

/* A matrix. The element in row i and column j is p[i * row + j * column]. */
typedef struct {
    const REAL *p;
    int64_t row, column;
} FN(matrix);
