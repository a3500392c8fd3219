/* The compiled kernels: C versions of what skbp's modules compute with NumPy.

   The other headers, but for kept_memory.h, are templates. They are instantiated for float and
   double and for each instruction set that the compiler supports (see precisions.h and instance.h).
   At import, the best instruction set of the processor is chosen. */

#ifndef SKBP_KERNELS_H
#define SKBP_KERNELS_H

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__) || defined(_M_X64)
#include <xmmintrin.h>
#define HAS_MXCSR
#endif
#include "kept_memory.h"

enum { IDENTITY, LOGISTIC, TANH, RELU, LEAKY_RELU, ELU, SELU, SOFTPLUS, SOFTMAX };
enum { LOG_LOSS, SQUARED_ERROR };
/* The kinds of output: z^(L); a^(L) of logistic units; a^(L) of a softmax; [1 − a, a] of a
   single logistic unit; logistic units divided by their sum. */
enum { DECISION, LOGISTIC_OUTPUTS, SOFTMAX_OUTPUTS, BINARY_PROBABILITIES, LOGISTIC_SHARES };

#define MAX_LAYERS 64
/* More weights than any address space holds. Below, no size of a workspace overflows int64_t. */
#define MAX_WEIGHTS ((int64_t)1 << 48)
/* Fewer rows are propagated one at a time, by matrix-vector products. */
#define MIN_MATRIX_ROWS 4
/* The size of a block's inputs and activations, which are to stay in the cache, and the limits
   of its number of rows. */
#define BLOCK_BYTES (1 << 21)
#define BLOCK_MIN_ROWS 64
#define BLOCK_MAX_ROWS 512
/* A gradient is written, and the step made, in pieces of at least this size. */
#define PIECE_BYTES (1 << 18)
/* Gradients in single precision of this many rows are added up in double precision. */
#define SUMMED_ROWS 512

/* One layer of weights. The weight from unit k to unit j of the next layer is at
   weights[k * in_step + j * out_step], the bias of unit j at bias[j * bias_step]. */
typedef struct {
    int64_t n_in, n_out;
    int g;
    const void *weights;
    int64_t in_step, out_step;
    const void *bias;
    int64_t bias_step;
} layer_t;

typedef struct {
    int n_layers, output, loss;
    int64_t n_parameters;
    layer_t layers[MAX_LAYERS];
} network_t;

/* The rows from `start` to `stop`: X with any strides (in elements), Y and the weights contiguous.
   Y is NULL for prediction. The i-th row to be used is order[i], or i if `order` is NULL.
   For training X may be sparse: row i has the entries from starts[i] to starts[i + 1], with their
   values in X and their column numbers in `columns`. For a dense X `starts` is NULL. */
typedef struct {
    int64_t start, stop;
    const void *X;
    int64_t X_row, X_column;
    int64_t n_entries;
    const int64_t *starts;
    const int32_t *columns;
    const void *Y, *weights;
    const int64_t *order;
} examples_t;

/* The number of the i-th row to be used. */
static inline int64_t row_number(const examples_t *examples, int64_t i)
{
    return examples->order ? examples->order[i] : i;
}

/* The batches and their gradients: λ/m, the mean of all sample weights, the norm to which a
   longer gradient is clipped (negative for no clipping), the number of rows of a batch. */
typedef struct {
    double lambda_m, mean_weight, max_norm;
    int64_t batch_size;
} batches_t;

/* The update rule: momentum or Adam, the learning rate η, their other parameters, and the number
   of steps that Adam has made. */
typedef struct {
    int is_adam, nesterov;
    double eta, momentum, beta_1, beta_2, epsilon;
    int64_t t;
} rule_t;

typedef struct {
    int (*outputs)(const network_t *, const examples_t *, int, void *);
    int (*loss_and_gradient)(const network_t *, const examples_t *, double *, void *);
    int (*epoch)(const network_t *, const examples_t *, const batches_t *, rule_t *, double *,
                 void *, void *, void *, void *);
} kernels_t;

typedef void gemm_f32(char *, char *, int *, int *, int *, float *, float *, int *, float *, int *,
                      float *, float *, int *);
typedef void gemm_f64(char *, char *, int *, int *, int *, double *, double *, int *, double *,
                      int *, double *, double *, int *);

/* SciPy's BLAS, set at import. */
static gemm_f32 *sgemm;
static gemm_f64 *dgemm;

#define RESTRICT __restrict /* MSVC does not know C99's `restrict` */

#if defined(__GNUC__)
#define ALWAYS_INLINE inline __attribute__((always_inline))
#else
#define ALWAYS_INLINE inline
#endif

#define PRAGMA(...) _Pragma(#__VA_ARGS__)
#if defined(__clang__)
#define UNROLL PRAGMA(clang loop unroll(full))
#elif defined(__GNUC__)
#define UNROLL PRAGMA(GCC unroll 16)
#else
#define UNROLL
#endif
/* A loop whose sums the compiler may reorder, so that it can vectorise them. */
#if defined(__GNUC__)
#define SUM_OF(...) PRAGMA(omp simd reduction(+ : __VA_ARGS__))
#else
#define SUM_OF(...)
#endif

#define JOIN_(a, b, c) a##_##b##_##c
#define JOIN(a, b, c) JOIN_(a, b, c)
/* The name of a function or type of one instance, such as forward_f32_avx2. */
#define FN(name) JOIN(name, PRECISION, INSTRUCTIONS)

/* Number of rows of a block: its inputs, unless X is sparse, and its activations stay in the cache,
   but BLAS gets enough rows. */
static int64_t rows_per_block(const network_t *network, const examples_t *examples, int64_t n_rows,
                              int64_t item_size)
{
    int64_t width = examples->starts ? 0 : network->layers[0].n_in, n = 0;
    for (int l = 0; l < network->n_layers; l++) width += 2 * network->layers[l].n_out;
    n = BLOCK_BYTES / (width * item_size);
    n = n < BLOCK_MIN_ROWS ? BLOCK_MIN_ROWS : n > BLOCK_MAX_ROWS ? BLOCK_MAX_ROWS : n;
    return n_rows < n ? n_rows : n;
}

/* Let this thread compute 0 in the place of subnormal numbers; return its mode before. An x86
   processor takes a hundred times as long for them. For others this does nothing. */
static inline unsigned flush_subnormals(void)
{
#ifdef HAS_MXCSR
    unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | 0x8040); /* flush to zero, and denormals are zeros */
    return mode;
#else
    return 0;
#endif
}

/* Return to the mode that `flush_subnormals` returned. */
static inline void restore_mode(unsigned mode)
{
#ifdef HAS_MXCSR
    _mm_setcsr(mode);
#else
    (void)mode;
#endif
}

#define INSTRUCTIONS baseline
#define VECTOR_BYTES 16
#define ROWS 4
#define VECTORS 3
#define TILED_BYTES (1 << 17)
#include "precisions.h"

#if defined(__GNUC__) && defined(__x86_64__)
#define IS_X86_64
#if defined(__clang__)
#define BEGIN_TARGET(features) \
    PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define END_TARGET PRAGMA(clang attribute pop)
#define WIDE
#else
#define BEGIN_TARGET(features) PRAGMA(GCC push_options) PRAGMA(GCC target(features))
#define END_TARGET PRAGMA(GCC pop_options)
#define WIDE ",prefer-vector-width=512"
#endif

BEGIN_TARGET("avx2,fma")
#define INSTRUCTIONS avx2
#define VECTOR_BYTES 32
#define ROWS 4
#define VECTORS 3
#define TILED_BYTES (1 << 17)
#include "precisions.h"
END_TARGET

BEGIN_TARGET("avx2,fma,avx512f,avx512dq,avx512vl" WIDE)
#define INSTRUCTIONS avx512
#define VECTOR_BYTES 64
#define ROWS 8
#define VECTORS 3
#define TILED_BYTES (1 << 20)
#include "precisions.h"
END_TARGET
#endif

static const char *const INSTRUCTION_SETS[] = {"baseline", "avx2", "avx512"};

/* Number of instruction sets that this processor has; they are the first ones of the list. */
static int n_instruction_sets(void)
{
#ifdef IS_X86_64
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 1;
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                   __builtin_cpu_supports("avx512vl")
               ? 3
               : 2;
#else
    return 1;
#endif
}

static const kernels_t *get_kernels(int instruction_set, int is_double)
{
    switch (instruction_set) {
#ifdef IS_X86_64
    case 2: return is_double ? &kernels_f64_avx512 : &kernels_f32_avx512;
    case 1: return is_double ? &kernels_f64_avx2 : &kernels_f32_avx2;
#endif
    default: return is_double ? &kernels_f64_baseline : &kernels_f32_baseline;
    }
}

#endif
