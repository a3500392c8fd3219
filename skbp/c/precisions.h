/* All kernels for one instruction set, in both precisions. */

#define PRECISION f32
#define REAL float
#define REAL_IS_DOUBLE 0
#define SQRT sqrtf
#define BLAS_GEMM sgemm
#include "instance.h"

#define PRECISION f64
#define REAL double
#define REAL_IS_DOUBLE 1
#define SQRT sqrt
#define BLAS_GEMM dgemm
#include "instance.h"

#undef INSTRUCTIONS
#undef VECTOR_BYTES
#undef ROWS
#undef VECTORS
#undef TILED_BYTES
