/*
 * CRC-64 by folding with carry-less multiplication over wide vectors; native/Codecs/Crc64Nvme.cs has the polynomial, makes the constants, folds with
 * vectors of 16 bytes where these are not there, and has the table twin that every level has to agree with.
 *
 * Gopal, Ozturk, Guilford, Wolrich, Feghali, Dixon, Karakoyunlu, "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction" (Intel, 2009).
 */
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

/* The numbers are those of CarrylessLevel in native/Codecs/CarrylessLevel.cs; those below these are C#. */
enum { WIDE_256 = 2, WIDE_512 = 3, LEVEL_COUNT = 4 };

static uint8_t s_has[LEVEL_COUNT]; /* written once, before anything else of the program runs */

/* Multipliers for the two halves of a lane: over one step of the loop, over one vector, over one lane. */
typedef struct { uint64_t step[2], vector[2], lane[2]; } constants;

__attribute__((constructor)) static void start(void)
{
    __builtin_cpu_init();
    int wide = __builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("pclmul");
    s_has[WIDE_256] = (uint8_t)(wide && __builtin_cpu_supports("avx2"));
    s_has[WIDE_512] = (uint8_t)(wide && __builtin_cpu_supports("avx512f"));
}

__attribute__((target("pclmul,sse4.1"))) static inline __m128i fold_lane(__m128i lane, __m128i by)
{
    return _mm_xor_si128(_mm_clmulepi64_si128(lane, by, 0x00), _mm_clmulepi64_si128(lane, by, 0x11));
}

/* What is left behind whole vectors, a lane at a time. */
__attribute__((target("pclmul,sse4.1"))) static void finish(
    const __m128i *lanes, int count, const constants *by, const uint8_t *data, size_t length, uint64_t *rest)
{
    __m128i over = _mm_loadu_si128((const __m128i *)by->lane);
    __m128i folded = lanes[0];
    for (int i = 1; i < count; i++)
        folded = _mm_xor_si128(fold_lane(folded, over), lanes[i]);
    for (size_t at = 0; at < length; at += 16)
        folded = _mm_xor_si128(fold_lane(folded, over), _mm_loadu_si128((const __m128i *)(data + at)));
    _mm_storeu_si128((__m128i *)rest, folded);
}

#define TARGET_256 __attribute__((target("avx2,pclmul,vpclmulqdq")))

TARGET_256 static inline __attribute__((always_inline)) __m256i fold_256(__m256i v, __m256i by, __m256i next)
{
    return _mm256_xor_si256(_mm256_xor_si256(_mm256_clmulepi64_epi128(v, by, 0x00), _mm256_clmulepi64_epi128(v, by, 0x11)), next);
}

TARGET_256 static void run_256(const constants *by, uint64_t state, const uint8_t *data, size_t length, uint64_t *rest)
{
    const __m256i *vectors = (const __m256i *)data;
    size_t count = length / sizeof(__m256i), next = 4;
    __m256i over = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)by->step));
    __m256i a = _mm256_xor_si256(_mm256_loadu_si256(vectors), _mm256_set_epi64x(0, 0, 0, (long long)state));
    __m256i b = _mm256_loadu_si256(vectors + 1), c = _mm256_loadu_si256(vectors + 2), d = _mm256_loadu_si256(vectors + 3);
    for (; next + 4 <= count; next += 4) {
        a = fold_256(a, over, _mm256_loadu_si256(vectors + next));
        b = fold_256(b, over, _mm256_loadu_si256(vectors + next + 1));
        c = fold_256(c, over, _mm256_loadu_si256(vectors + next + 2));
        d = fold_256(d, over, _mm256_loadu_si256(vectors + next + 3));
    }
    over = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)by->vector));
    a = fold_256(fold_256(fold_256(a, over, b), over, c), over, d);
    for (; next < count; next++)
        a = fold_256(a, over, _mm256_loadu_si256(vectors + next));
    __m128i lanes[2] = { _mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1) };
    finish(lanes, 2, by, data + count * sizeof(__m256i), length % sizeof(__m256i), rest);
}

#define TARGET_512 __attribute__((target("avx512f,pclmul,vpclmulqdq,prefer-vector-width=512")))

TARGET_512 static inline __attribute__((always_inline)) __m512i fold_512(__m512i v, __m512i by, __m512i next)
{
    return _mm512_ternarylogic_epi64(_mm512_clmulepi64_epi128(v, by, 0x00), _mm512_clmulepi64_epi128(v, by, 0x11), next, 0x96); /* xor of three */
}

TARGET_512 static void run_512(const constants *by, uint64_t state, const uint8_t *data, size_t length, uint64_t *rest)
{
    const __m512i *vectors = (const __m512i *)data;
    size_t count = length / sizeof(__m512i), next = 4;
    __m512i over = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)by->step));
    __m512i a = _mm512_xor_si512(_mm512_loadu_si512(vectors), _mm512_zextsi128_si512(_mm_set_epi64x(0, (long long)state)));
    __m512i b = _mm512_loadu_si512(vectors + 1), c = _mm512_loadu_si512(vectors + 2), d = _mm512_loadu_si512(vectors + 3);
    for (; next + 4 <= count; next += 4) {
        a = fold_512(a, over, _mm512_loadu_si512(vectors + next));
        b = fold_512(b, over, _mm512_loadu_si512(vectors + next + 1));
        c = fold_512(c, over, _mm512_loadu_si512(vectors + next + 2));
        d = fold_512(d, over, _mm512_loadu_si512(vectors + next + 3));
    }
    over = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)by->vector));
    a = fold_512(fold_512(fold_512(a, over, b), over, c), over, d);
    for (; next < count; next++)
        a = fold_512(a, over, _mm512_loadu_si512(vectors + next));
    __m128i lanes[4] = { _mm512_castsi512_si128(a), _mm512_extracti32x4_epi32(a, 1), _mm512_extracti32x4_epi32(a, 2), _mm512_extracti32x4_epi32(a, 3) };
    finish(lanes, 4, by, data + count * sizeof(__m512i), length % sizeof(__m512i), rest);
}

/* 1 when this processor has the level. */
EXPORT int sluice_crc64_has(int level)
{
    return level >= 0 && level < LEVEL_COUNT && s_has[level];
}

/*
 * Folds `length` bytes behind `state` into the 16 bytes of `rest`, which have the same remainder behind a state of 0. A multiple of 16, and at least four
 * vectors of the level, which the processor has to have; `by` is for this level.
 */
EXPORT void sluice_crc64_fold(int level, const constants *by, uint64_t state, const uint8_t *data, size_t length, uint64_t *rest)
{
    if (level == WIDE_512)
        run_512(by, state, data, length, rest);
    else
        run_256(by, state, data, length, rest);
}
