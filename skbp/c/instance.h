/* All kernels for one precision and one instruction set. */

#include "simd.h"
#include "elementary.h"
#include "product.h"
#include "network.h"
#include "output.h"
#include "training.h"

#undef PRECISION
#undef REAL
#undef REAL_IS_DOUBLE
#undef SQRT
#undef BLAS_GEMM
