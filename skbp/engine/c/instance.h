/* Template of all kernels for one precision and one instruction set.

   precisions.h includes it once for each precision, so it has no include guard. Its parameters
   are the macros that are checked here; those of the precision are undefined at the end. */

#if !defined(PRECISION) || !defined(REAL) || !defined(REAL_IS_DOUBLE) || !defined(SQRT) || \
    !defined(NEXT_AFTER) || !defined(BLAS_GEMM) || !defined(INSTRUCTIONS) || !defined(FN)
#error "instance.h is a template; include kernels.h instead."
#endif

#include "simd.h"
#include "elementary.h"
#include "product.h"
#include "sparse.h"
#include "network.h"
#include "output.h"
#include "training.h"

#undef PRECISION
#undef REAL
#undef REAL_IS_DOUBLE
#undef SQRT
#undef NEXT_AFTER
#undef BLAS_GEMM
