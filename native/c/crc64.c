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

#define LEVEL(name) name##_256
#define TARGET __attribute__((target("avx2,pclmul,vpclmulqdq")))
#define VECTOR __m256i
#define LOAD(p) _mm256_loadu_si256((const __m256i *)(p))
#define STORE(p, v) _mm256_storeu_si256((__m256i *)(p), v)
#define XOR(a, b) _mm256_xor_si256(a, b)
#define XOR3(a, b, c) XOR(XOR(a, b), c)
#define BROADCAST(p) _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(p)))
#define TIMES(a, b, halves) _mm256_clmulepi64_epi128(a, b, halves)
#include "crc64_level.h"

#define LEVEL(name) name##_512
#define TARGET __attribute__((target("avx512f,pclmul,vpclmulqdq,prefer-vector-width=512")))
#define VECTOR __m512i
#define LOAD(p) _mm512_loadu_si512(p)
#define STORE(p, v) _mm512_storeu_si512(p, v)
#define XOR(a, b) _mm512_xor_si512(a, b)
#define XOR3(a, b, c) _mm512_ternarylogic_epi64(a, b, c, 0x96)
#define BROADCAST(p) _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(p)))
#define TIMES(a, b, halves) _mm512_clmulepi64_epi128(a, b, halves)
#include "crc64_level.h"

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
