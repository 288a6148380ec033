/*
 * The multiply-accumulate loop at one level of instructions; gf.c includes this once for each, with the vector operations as macros:
 *
 *   LEVEL(name)             the name with the level's suffix
 *   TARGET                  function attribute that lets the compiler use the level's instructions
 *   VECTOR, FACTOR, SPLIT   types: a vector of data, a prepared coefficient, a vector of data as TIMES wants it
 *   UNROLL                  vectors of each output that are kept in registers: 4 outputs of them, the data and the coefficient have to fit
 *   LOAD, STORE, ZERO, XOR  vector operations, without alignment
 *   PREPARE(c)              from a coefficient to a FACTOR
 *   SPLIT_OF(v)             once for each vector of data, whatever the number of outputs
 *   TIMES(split, factor)    the product
 */

/*
 * `vectors` vectors of `outputs` outputs from `at` on. Both are constants where this is inlined, so that both inner loops are unrolled and the
 * sums stay in registers: each source is read once, each output is written once.
 */
TARGET static inline __attribute__((always_inline)) void LEVEL(columns)(const FACTOR (*factors)[GROUP], int sources, int outputs, int vectors,
    const uint8_t *const *source, uint8_t *const *output, size_t at, int accumulate)
{
    VECTOR sum[GROUP][UNROLL];
#pragma GCC unroll 4
    for (int o = 0; o < outputs; o++) {
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            sum[o][v] = accumulate ? LOAD(output[o] + at + v * sizeof(VECTOR)) : ZERO;
    }
    for (int s = 0; s < sources; s++) {
        SPLIT data[UNROLL];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            data[v] = SPLIT_OF(LOAD(source[s] + at + v * sizeof(VECTOR)));
#pragma GCC unroll 4
        for (int o = 0; o < outputs; o++) {
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++)
                sum[o][v] = XOR(sum[o][v], TIMES(data[v], factors[s][o]));
        }
    }
#pragma GCC unroll 4
    for (int o = 0; o < outputs; o++) {
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            STORE(output[o] + at + v * sizeof(VECTOR), sum[o][v]);
    }
}

TARGET static inline __attribute__((always_inline)) size_t LEVEL(span)(const FACTOR (*factors)[GROUP], int sources, int outputs,
    const uint8_t *const *source, uint8_t *const *output, size_t from, size_t to, int accumulate)
{
    size_t at = from;
    for (; to - at >= UNROLL * sizeof(VECTOR); at += UNROLL * sizeof(VECTOR))
        LEVEL(columns)(factors, sources, outputs, UNROLL, source, output, at, accumulate);
    for (; to - at >= sizeof(VECTOR); at += sizeof(VECTOR))
        LEVEL(columns)(factors, sources, outputs, 1, source, output, at, accumulate);
    return at;
}

/* One group of 1 to GROUP outputs; answers where whole vectors end. */
TARGET static size_t LEVEL(group)(const uint8_t *coefficients, int sources, int outputs, const uint8_t *const *source, uint8_t *const *output,
    size_t from, size_t to, int accumulate)
{
    FACTOR factors[UNITS_MAX][GROUP];
    for (int s = 0; s < sources; s++)
        for (int o = 0; o < outputs; o++)
            factors[s][o] = PREPARE(coefficients[o * sources + s]);
    switch (outputs) {
    case 1: return LEVEL(span)(factors, sources, 1, source, output, from, to, accumulate);
    case 2: return LEVEL(span)(factors, sources, 2, source, output, from, to, accumulate);
    case 3: return LEVEL(span)(factors, sources, 3, source, output, from, to, accumulate);
    default: return LEVEL(span)(factors, sources, GROUP, source, output, from, to, accumulate);
    }
}

#undef LEVEL
#undef TARGET
#undef VECTOR
#undef FACTOR
#undef SPLIT
#undef UNROLL
#undef LOAD
#undef STORE
#undef ZERO
#undef XOR
#undef PREPARE
#undef SPLIT_OF
#undef TIMES
