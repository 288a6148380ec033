/*
 * Sums of products over GF(2^8), polynomial x^8 + x^4 + x^3 + x^2 + 1 (0x11d): the loop of erasure coding. native/Codecs/ReedSolomon.cs makes
 * the coefficients and checks the arguments; ScalarReedSolomon.cs beside it is the twin that every level here has to agree with.
 *
 * A product with a constant is linear over the bits of the other factor. With GFNI it is one instruction, an 8x8 bit matrix for each constant
 * (that instruction's own multiplication has another polynomial, 0x11b). Without, it is two tables of 16 entries, one for each half of the byte,
 * looked up by a byte shuffle: Plank, Greenan, Miller, "Screaming Fast Galois Field Arithmetic Using Intel SIMD Instructions" (FAST 2013).
 */
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define POLYNOMIAL 0x11d
#define UNITS_MAX 32   /* sources and outputs of one call, each */
#define GROUP 4        /* outputs that are summed in registers at a time */
#define COLUMN_BYTES 4096 /* with several groups: 32 sources of it are 128 KiB, which a second-level cache holds from one group to the next */

#define EXPORT __attribute__((visibility("default")))

/* The numbers are those of GaloisLevel in native/Codecs/GaloisLevel.cs. */
enum { SCALAR = 0, SSSE3 = 1, AVX2 = 2, AVX512 = 3, GFNI_AVX2 = 4, GFNI_AVX512 = 5, LEVEL_COUNT = 6 };

/* Written once, before anything else of the program runs. */
static uint64_t s_matrices[256];     /* by coefficient, for gf2p8affineqb */
static uint8_t s_halves[256][32] __attribute__((aligned(32))); /* by coefficient: products of 0 to 15, then of 0x00, 0x10 to 0xf0 */
static uint8_t s_has[LEVEL_COUNT];

static uint8_t times(uint8_t a, uint8_t b)
{
    unsigned product = 0;
    for (int bit = 7; bit >= 0; bit--) {
        product <<= 1;
        product ^= (product & 0x100) ? POLYNOMIAL : 0;
        product ^= (b >> bit & 1) ? a : 0;
    }
    return (uint8_t)product;
}

/* Byte 7-i of the matrix says which bits of the input make bit i of the product (Intel SDM, GF2P8AFFINEQB). */
static uint64_t matrix_of(uint8_t coefficient)
{
    uint64_t matrix = 0;
    for (int in = 0; in < 8; in++) {
        uint8_t product = times(coefficient, (uint8_t)(1 << in));
        for (int out = 0; out < 8; out++)
            matrix |= (uint64_t)(product >> out & 1) << (8 * (7 - out) + in);
    }
    return matrix;
}

__attribute__((constructor)) static void start(void)
{
    for (int c = 0; c < 256; c++) {
        s_matrices[c] = matrix_of((uint8_t)c);
        for (int x = 0; x < 16; x++) {
            s_halves[c][x] = times((uint8_t)c, (uint8_t)x);
            s_halves[c][16 + x] = times((uint8_t)c, (uint8_t)(x << 4));
        }
    }
    /* The compiler's runtime asks CPUID, and XGETBV whether the kernel keeps the wide registers. */
    __builtin_cpu_init();
    int avx2 = __builtin_cpu_supports("avx2") != 0;
    int avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
    int gfni = __builtin_cpu_supports("gfni") != 0;
    s_has[SCALAR] = 1;
    s_has[SSSE3] = __builtin_cpu_supports("ssse3") != 0;
    s_has[AVX2] = (uint8_t)avx2;
    s_has[AVX512] = (uint8_t)avx512;
    s_has[GFNI_AVX2] = (uint8_t)(gfni && avx2);
    s_has[GFNI_AVX512] = (uint8_t)(gfni && avx512);
}

/* The rest of a span after whole vectors, and everything at level 0. */
static void bytes(const uint8_t *coefficients, int sources, int outputs, const uint8_t *const *source, uint8_t *const *output, size_t from,
    size_t to, int accumulate)
{
    for (int o = 0; o < outputs; o++) {
        for (size_t at = from; at < to; at++) {
            uint8_t sum = accumulate ? output[o][at] : 0;
            for (int s = 0; s < sources; s++) {
                const uint8_t *halves = s_halves[coefficients[o * sources + s]];
                uint8_t data = source[s][at];
                sum ^= halves[data & 15] ^ halves[16 + (data >> 4)];
            }
            output[o][at] = sum;
        }
    }
}

typedef struct { __m128i low, high; } halves128;
typedef struct { __m256i low, high; } halves256;
typedef struct { __m512i low, high; } halves512;

#define LEVEL(name) name##_ssse3
#define TARGET __attribute__((target("ssse3")))
#define VECTOR __m128i
#define FACTOR const uint8_t *
#define SPLIT halves128
#define UNROLL 1
#define LOAD(p) _mm_loadu_si128((const __m128i *)(p))
#define STORE(p, v) _mm_storeu_si128((__m128i *)(p), v)
#define ZERO _mm_setzero_si128()
#define XOR(a, b) _mm_xor_si128(a, b)
#define PREPARE(c) s_halves[c]
#define SPLIT_OF(v) split_ssse3(v)
#define TIMES(x, f) times_ssse3(x, f)

TARGET static inline __attribute__((always_inline)) halves128 split_ssse3(__m128i v)
{
    const __m128i mask = _mm_set1_epi8(15);
    return (halves128){ _mm_and_si128(v, mask), _mm_and_si128(_mm_srli_epi64(v, 4), mask) };
}

TARGET static inline __attribute__((always_inline)) __m128i times_ssse3(halves128 x, const uint8_t *f)
{
    return _mm_xor_si128(_mm_shuffle_epi8(LOAD(f), x.low), _mm_shuffle_epi8(LOAD(f + 16), x.high));
}

#include "gf_level.h"

#define LEVEL(name) name##_avx2
#define TARGET __attribute__((target("avx2")))
#define VECTOR __m256i
#define FACTOR const uint8_t *
#define SPLIT halves256
#define UNROLL 2
#define LOAD(p) _mm256_loadu_si256((const __m256i *)(p))
#define STORE(p, v) _mm256_storeu_si256((__m256i *)(p), v)
#define ZERO _mm256_setzero_si256()
#define XOR(a, b) _mm256_xor_si256(a, b)
#define PREPARE(c) s_halves[c]
#define SPLIT_OF(v) split_avx2(v)
#define TIMES(x, f) times_avx2(x, f)

TARGET static inline __attribute__((always_inline)) halves256 split_avx2(__m256i v)
{
    const __m256i mask = _mm256_set1_epi8(15);
    return (halves256){ _mm256_and_si256(v, mask), _mm256_and_si256(_mm256_srli_epi64(v, 4), mask) };
}

TARGET static inline __attribute__((always_inline)) __m256i times_avx2(halves256 x, const uint8_t *f)
{
    __m256i low = _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)f));
    __m256i high = _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)(f + 16)));
    return XOR(_mm256_shuffle_epi8(low, x.low), _mm256_shuffle_epi8(high, x.high));
}

#include "gf_level.h"

#define LEVEL(name) name##_avx512
#define TARGET __attribute__((target("avx512f,avx512bw,prefer-vector-width=512")))
#define VECTOR __m512i
#define FACTOR const uint8_t *
#define SPLIT halves512
#define UNROLL 4
#define LOAD(p) _mm512_loadu_si512(p)
#define STORE(p, v) _mm512_storeu_si512(p, v)
#define ZERO _mm512_setzero_si512()
#define XOR(a, b) _mm512_xor_si512(a, b)
#define PREPARE(c) s_halves[c]
#define SPLIT_OF(v) split_avx512(v)
#define TIMES(x, f) times_avx512(x, f)

TARGET static inline __attribute__((always_inline)) halves512 split_avx512(__m512i v)
{
    const __m512i mask = _mm512_set1_epi8(15);
    return (halves512){ _mm512_and_si512(v, mask), _mm512_and_si512(_mm512_srli_epi64(v, 4), mask) };
}

TARGET static inline __attribute__((always_inline)) __m512i times_avx512(halves512 x, const uint8_t *f)
{
    __m512i low = _mm512_broadcast_i32x4(_mm_load_si128((const __m128i *)f));
    __m512i high = _mm512_broadcast_i32x4(_mm_load_si128((const __m128i *)(f + 16)));
    return XOR(_mm512_shuffle_epi8(low, x.low), _mm512_shuffle_epi8(high, x.high));
}

#include "gf_level.h"

#define LEVEL(name) name##_gfni_avx2
#define TARGET __attribute__((target("avx2,gfni")))
#define VECTOR __m256i
#define FACTOR uint64_t
#define SPLIT __m256i
#define UNROLL 2
#define LOAD(p) _mm256_loadu_si256((const __m256i *)(p))
#define STORE(p, v) _mm256_storeu_si256((__m256i *)(p), v)
#define ZERO _mm256_setzero_si256()
#define XOR(a, b) _mm256_xor_si256(a, b)
#define PREPARE(c) s_matrices[c]
#define SPLIT_OF(v) (v)
#define TIMES(x, f) _mm256_gf2p8affine_epi64_epi8(x, _mm256_set1_epi64x((long long)(f)), 0)
#include "gf_level.h"

#define LEVEL(name) name##_gfni_avx512
#define TARGET __attribute__((target("avx512f,avx512bw,gfni,prefer-vector-width=512")))
#define VECTOR __m512i
#define FACTOR uint64_t
#define SPLIT __m512i
#define UNROLL 4
#define LOAD(p) _mm512_loadu_si512(p)
#define STORE(p, v) _mm512_storeu_si512(p, v)
#define ZERO _mm512_setzero_si512()
#define XOR(a, b) _mm512_xor_si512(a, b)
#define PREPARE(c) s_matrices[c]
#define SPLIT_OF(v) (v)
#define TIMES(x, f) _mm512_gf2p8affine_epi64_epi8(x, _mm512_set1_epi64((long long)(f)), 0)
#include "gf_level.h"

/* 1 when this processor has the level. */
EXPORT int sluice_gf_has(int level)
{
    return level >= 0 && level < LEVEL_COUNT && s_has[level];
}

/*
 * output[o][i] = sum over s of coefficients[o * sources + s] * source[s][i], for i below length; with `accumulate` added to what is there.
 * 1 to 32 sources and outputs, none of which overlap; the processor has to have the level.
 */
EXPORT void sluice_gf_sum(int level, const uint8_t *coefficients, int sources, int outputs, const uint8_t *const *source, uint8_t *const *output,
    size_t length, int accumulate)
{
    size_t column = outputs > GROUP ? COLUMN_BYTES : length;
    for (size_t from = 0; from < length; from += column) {
        size_t to = length - from > column ? from + column : length;
        for (int first = 0; first < outputs; first += GROUP) {
            const uint8_t *rows = coefficients + first * sources;
            int count = outputs - first < GROUP ? outputs - first : GROUP;
            uint8_t *const *out = output + first;
            size_t at = from;
            switch (level) {
            case SSSE3: at = group_ssse3(rows, sources, count, source, out, from, to, accumulate); break;
            case AVX2: at = group_avx2(rows, sources, count, source, out, from, to, accumulate); break;
            case AVX512: at = group_avx512(rows, sources, count, source, out, from, to, accumulate); break;
            case GFNI_AVX2: at = group_gfni_avx2(rows, sources, count, source, out, from, to, accumulate); break;
            case GFNI_AVX512: at = group_gfni_avx512(rows, sources, count, source, out, from, to, accumulate); break;
            default: break;
            }
            bytes(rows, sources, count, source, out, at, to, accumulate);
        }
    }
}
