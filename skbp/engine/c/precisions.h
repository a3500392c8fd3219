/* Template of all kernels for one instruction set, in both precisions.

   kernels.h includes it once for each instruction set, so it has no include guard. Its parameters
   are the macros that are checked here; they are undefined at the end. */

#if !defined(INSTRUCTIONS) || !defined(VECTOR_BYTES) || !defined(ROWS) || !defined(VECTORS) || \
    !defined(TILED_BYTES)
#error "precisions.h is a template; include kernels.h instead."
#endif

#define PRECISION f32
#define REAL float
#define REAL_IS_DOUBLE 0
#define SQRT sqrtf
#define NEXT_AFTER nextafterf
#define BLAS_GEMM sgemm
#include "instance.h"

#define PRECISION f64
#define REAL double
#define REAL_IS_DOUBLE 1
#define SQRT sqrt
#define NEXT_AFTER nextafter
#define BLAS_GEMM dgemm
#include "instance.h"

#undef INSTRUCTIONS
#undef VECTOR_BYTES
#undef ROWS
#undef VECTORS
#undef TILED_BYTES
