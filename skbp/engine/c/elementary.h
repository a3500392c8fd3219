/* exp, expm1, log1p and the activation functions. They have no branches, tables or calls, so
   that the compiler vectorises the loops that call them.

   exp: x = n log 2 + r with |r| ≤ ½ log 2, and e^r − 1 by its Taylor polynomial. SHIFT is so
   large that adding it to x / log 2 rounds to an integer, n, which is then in the low bits of
   the sum. log1p: the polynomial of fdlibm's log (Sun Microsystems, 1993: "Permission to use,
   copy, modify, and distribute this software is freely granted, provided that this notice is
   preserved").

   Errors are a few units in the last place (see test_kernels.py). exp returns 0 near and below
   the smallest normal number. NaN stays NaN.

   A template (see instance.h): included once for each precision and instruction set. */

#ifndef REAL
#error "elementary.h is a template; include kernels.h instead."
#endif

#undef BITS
#undef EXP_MIN
#undef EXP_MAX
#undef SHIFT
#undef LN2_HIGH
#undef LN2_LOW
#undef MANTISSA
#undef BIAS
#undef SATURATED
#undef R
#define R(x) ((REAL)(x))

#if REAL_IS_DOUBLE
#define BITS uint64_t
#define EXP_MIN -708.04
#define EXP_MAX 709.79
#define SATURATED -40.0 /* below, logistic(z) equals e^z */
#define SHIFT 0x1.8p52
#define LN2_HIGH 6.93147180369123816490e-01
#define LN2_LOW 1.90821492927058770002e-10
#define MANTISSA 52
#define BIAS 1023
#else
#define BITS uint32_t
#define EXP_MIN -86.98f
#define EXP_MAX 88.73f
#define SATURATED -20.0f
#define SHIFT 0x1.8p23f
#define LN2_HIGH 6.9314575195e-01f
#define LN2_LOW 1.4286067653e-06f
#define MANTISSA 23
#define BIAS 127
#endif

/* Return e^r − 1 of the remainder r. Also write ½ 2^n: 2^n itself overflows for the largest n. */
static inline REAL FN(reduced_expm1)(REAL x, REAL *half_scale)
{
    const REAL shift = SHIFT;
    REAL shifted = x * R(1.44269504088896340736) + shift;
    REAL n = shifted - shift;
    REAL r = x - n * LN2_HIGH - n * LN2_LOW;
    BITS bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + (BIAS - 1)) << MANTISSA;
    memcpy(half_scale, &bits, sizeof bits);
#if REAL_IS_DOUBLE
    REAL p = 1.0 / 6227020800;
    p = p * r + 1.0 / 479001600;
    p = p * r + 1.0 / 39916800;
    p = p * r + 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
#else
    REAL p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
#endif
    p = p * r + R(1.0 / 120);
    p = p * r + R(1.0 / 24);
    p = p * r + R(1.0 / 6);
    p = p * r + R(0.5);
    return p * (r * r) + r;
}

static inline REAL FN(exp)(REAL x)
{
    REAL half_scale;
    REAL clipped = x > EXP_MAX ? EXP_MAX : x;
    clipped = clipped < EXP_MIN ? EXP_MIN : clipped;
    REAL p = FN(reduced_expm1)(clipped, &half_scale);
    REAL e = (half_scale * p + half_scale) * 2;
    return x < EXP_MIN ? 0 : e;
}

/* e^x − 1 for x ≤ 0. */
static inline REAL FN(expm1_of_negative)(REAL x)
{
    REAL half_scale;
    REAL clipped = x < R(-80) ? R(-80) : x;
    REAL p = FN(reduced_expm1)(clipped, &half_scale);
    REAL scale = 2 * half_scale;
    return scale * p + (scale - 1);
}

/* log(1 + u) for 0 ≤ u ≤ 1. */
static inline REAL FN(log1p_of_fraction)(REAL u)
{
    int large = u > R(0.41421356237309503);
    REAL f = large ? (u - 1) / 2 : u;
    REAL s = f / (2 + f);
    REAL z = s * s;
#if REAL_IS_DOUBLE
    REAL p = 1.479819860511658591e-01;
    p = p * z + 1.531383769920937332e-01;
    p = p * z + 1.818357216161805012e-01;
    p = p * z + 2.222219843214978396e-01;
    p = p * z + 2.857142874366239149e-01;
    p = p * z + 3.999999999940941908e-01;
    p = p * z + 6.666666666666735130e-01;
#else
    REAL p = 0.24279078841f;
    p = p * z + 0.28498786688f;
    p = p * z + 0.40000972152f;
    p = p * z + 0.66666662693f;
#endif
    REAL half_square = f * f / 2;
    REAL log1p_f = f - (half_square - s * (half_square + p * z));
    return large ? log1p_f + R(0.69314718055994530942) : log1p_f;
}

static inline REAL FN(magnitude)(REAL x)
{
    return x < 0 ? -x : x;
}

static inline REAL FN(logistic)(REAL z)
{
    REAL e = FN(exp)(-FN(magnitude)(z));
    REAL a = 1 / (1 + e);
    return z < 0 ? e * a : a;
}

static inline REAL FN(tanh)(REAL z)
{
    REAL u = FN(expm1_of_negative)(-2 * FN(magnitude)(z));
    REAL a = -u / (u + 2);
    return z < 0 ? -a : a;
}

static inline REAL FN(softplus)(REAL z)
{
    return (z < 0 ? 0 : z) + FN(log1p_of_fraction)(FN(exp)(-FN(magnitude)(z)));
}

static inline REAL FN(elu)(REAL z)
{
    REAL below = FN(expm1_of_negative)(z < 0 ? z : 0);
    return z < 0 ? below : z;
}

#define LEAKY_RELU_SLOPE R(0.01)
#define SELU_ALPHA R(1.6732632423543772)
#define SELU_SCALE R(1.0507009873554805)

/* z := g(z) for n units. */
static void FN(activate)(int g, int64_t n, REAL *RESTRICT z)
{
#define EACH(expression) for (int64_t i = 0; i < n; i++) z[i] = (expression)
    switch (g) {
    case LOGISTIC: EACH(FN(logistic)(z[i])); break;
    case TANH: EACH(FN(tanh)(z[i])); break;
    case RELU: EACH(z[i] < 0 ? 0 : z[i]); break;
    case LEAKY_RELU: EACH(z[i] < 0 ? LEAKY_RELU_SLOPE * z[i] : z[i]); break;
    case ELU: EACH(FN(elu)(z[i])); break;
    case SELU: EACH(SELU_SCALE * (z[i] < 0 ? SELU_ALPHA * FN(elu)(z[i]) : z[i])); break;
    case SOFTPLUS: EACH(FN(softplus)(z[i])); break;
    default: break;
    }
#undef EACH
}

/* δ := δ .* g′(z) for n units, with g′ computed from a = g(z). */
static void FN(times_derivative)(int g, int64_t n, const REAL *RESTRICT a, REAL *RESTRICT delta)
{
#define EACH(derivative) for (int64_t i = 0; i < n; i++) delta[i] *= (derivative)
    switch (g) {
    case LOGISTIC: EACH(a[i] * (1 - a[i])); break;
    case TANH: EACH(1 - a[i] * a[i]); break;
    case RELU: EACH(a[i] > 0 ? 1 : 0); break;
    case LEAKY_RELU: EACH(a[i] > 0 ? 1 : LEAKY_RELU_SLOPE); break;
    case ELU: EACH(a[i] > 0 ? 1 : a[i] + 1); break;
    case SELU: EACH(a[i] > 0 ? SELU_SCALE : a[i] + SELU_SCALE * SELU_ALPHA); break;
    case SOFTPLUS: EACH(-FN(expm1_of_negative)(-a[i])); break;
    default: break;
    }
#undef EACH
}
