/* The limit: what hand-written C reaches on one core, for three functions, two rules and two dimensions.
 *
 * Lanes are innermost and contiguous, a block's state fits the first cache level, the compiler vectorizes the loops
 * over lanes (-O3 -march=native -ffast-math). Each step takes value and gradient, keeps the best value of each lane
 * and moves. Nothing else is recorded.
 */
#include <math.h>

#define ROSENBROCK 0
#define SPHERE 1
#define RASTRIGIN 2
#define TWO_PI 6.283185307179586

/* Value into f and gradient into g, of shape (D, L), at x. */
#define EVALUATE(FUNCTION, D, L)                                                                                      \
    if (FUNCTION == ROSENBROCK) {                                                                                     \
        for (int l = 0; l < L; l++) f[l] = 0.0, g[0][l] = 0.0;                                                        \
        for (int i = 0; i + 1 < D; i++)                                                                               \
            for (int l = 0; l < L; l++) {                                                                             \
                double a = x[i][l], t = x[i + 1][l] - a * a, u = 1.0 - a;                                             \
                f[l] += 100.0 * t * t + u * u;                                                                        \
                g[i][l] += -400.0 * a * t - 2.0 * u;                                                                  \
                g[i + 1][l] = 200.0 * t;                                                                              \
            }                                                                                                         \
    } else if (FUNCTION == SPHERE) {                                                                                  \
        for (int l = 0; l < L; l++) f[l] = 0.0;                                                                       \
        for (int i = 0; i < D; i++)                                                                                   \
            for (int l = 0; l < L; l++) f[l] += x[i][l] * x[i][l], g[i][l] = 2.0 * x[i][l];                           \
    } else {                                                                                                          \
        for (int l = 0; l < L; l++) f[l] = 10.0 * D;                                                                  \
        for (int i = 0; i < D; i++) {                                                                                 \
            for (int l = 0; l < L; l++) c[l] = cos(TWO_PI * x[i][l]);                                                 \
            for (int l = 0; l < L; l++) s[l] = sin(TWO_PI * x[i][l]);                                                 \
            for (int l = 0; l < L; l++) {                                                                             \
                f[l] += x[i][l] * x[i][l] - 10.0 * c[l];                                                              \
                g[i][l] = 2.0 * x[i][l] + 10.0 * TWO_PI * s[l];                                                       \
            }                                                                                                         \
        }                                                                                                             \
    }

#define SGD_STEP(D, L)                                                                                                \
    for (int i = 0; i < D; i++)                                                                                       \
        for (int l = 0; l < L; l++) x[i][l] -= lr[l] * g[i][l];

/* The bias corrections are running products; eps stands inside the root. */
#define ADAM_STEP(D, L)                                                                                               \
    p1 *= b1, p2 *= b2;                                                                                               \
    double correct = sqrt(1.0 - p2) / (1.0 - p1);                                                                     \
    for (int i = 0; i < D; i++)                                                                                       \
        for (int l = 0; l < L; l++) {                                                                                 \
            m[i][l] = b1 * m[i][l] + (1.0 - b1) * g[i][l];                                                            \
            v[i][l] = b2 * v[i][l] + (1.0 - b2) * g[i][l] * g[i][l];                                                  \
            x[i][l] -= lr[l] * correct * m[i][l] / sqrt(v[i][l] + eps);                                               \
        }

#define KERNEL(NAME, FUNCTION, RULE, D, L)                                                                            \
    void NAME(double *start, const double *lr, double *best, int steps) {                                             \
        static _Thread_local double x[D][L], g[D][L], m[D][L], v[D][L], f[L], c[L], s[L];                             \
        const double b1 = 0.9, b2 = 0.999, eps = 1e-7;                                                                \
        double p1 = 1.0, p2 = 1.0;                                                                                    \
        (void)c, (void)s, (void)m, (void)v, (void)b1, (void)b2, (void)eps, (void)p1, (void)p2;                        \
        for (int i = 0; i < D; i++)                                                                                   \
            for (int l = 0; l < L; l++) x[i][l] = start[i * L + l], m[i][l] = 0.0, v[i][l] = 0.0;                     \
        for (int l = 0; l < L; l++) best[l] = INFINITY;                                                               \
        for (int t = 0; t < steps; t++) {                                                                             \
            EVALUATE(FUNCTION, D, L)                                                                                  \
            for (int l = 0; l < L; l++) best[l] = f[l] < best[l] ? f[l] : best[l];                                    \
            RULE##_STEP(D, L)                                                                                         \
        }                                                                                                             \
        for (int i = 0; i < D; i++)                                                                                   \
            for (int l = 0; l < L; l++) start[i * L + l] = x[i][l];                                                   \
    }

#define BOTH(FUNCTION, D, L)                                                                                          \
    KERNEL(FUNCTION##_sgd_##D, FUNCTION, SGD, D, L)                                                                   \
    KERNEL(FUNCTION##_adam_##D, FUNCTION, ADAM, D, L)

BOTH(ROSENBROCK, 2, 256)
BOTH(SPHERE, 2, 256)
BOTH(RASTRIGIN, 2, 256)
BOTH(ROSENBROCK, 30, 32)
BOTH(SPHERE, 30, 32)
BOTH(RASTRIGIN, 30, 32)
