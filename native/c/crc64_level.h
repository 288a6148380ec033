/*
 * The folding loop at one width of vectors; crc64.c includes this once for each, with the vector operations as macros:
 *
 *   LEVEL(name)         the name with the level's suffix
 *   TARGET              function attribute that lets the compiler use the level's instructions
 *   VECTOR              type: whole lanes of 16 bytes
 *   LOAD, STORE, XOR, XOR3   vector operations, without alignment
 *   BROADCAST(p)        16 bytes into every lane
 *   TIMES(a, b, halves) carry-less products, lane by lane, of the low halves (0x00) or the high ones (0x11)
 */

TARGET static inline __attribute__((always_inline)) VECTOR LEVEL(fold)(VECTOR v, VECTOR by, VECTOR next)
{
    return XOR3(TIMES(v, by, 0x00), TIMES(v, by, 0x11), next);
}

TARGET static void LEVEL(run)(const constants *by, uint64_t state, const uint8_t *data, size_t length, uint64_t *rest)
{
    const size_t width = sizeof(VECTOR), whole = length - length % width;
    const uint64_t first[sizeof(VECTOR) / sizeof(uint64_t)] = { state };
    size_t at = 4 * width;
    VECTOR over = BROADCAST(by->step);
    VECTOR a = XOR(LOAD(data), LOAD(first)), b = LOAD(data + width), c = LOAD(data + 2 * width), d = LOAD(data + 3 * width);
    for (; at + 4 * width <= whole; at += 4 * width) {
        a = LEVEL(fold)(a, over, LOAD(data + at));
        b = LEVEL(fold)(b, over, LOAD(data + at + width));
        c = LEVEL(fold)(c, over, LOAD(data + at + 2 * width));
        d = LEVEL(fold)(d, over, LOAD(data + at + 3 * width));
    }
    over = BROADCAST(by->vector);
    a = LEVEL(fold)(LEVEL(fold)(LEVEL(fold)(a, over, b), over, c), over, d);
    for (; at < whole; at += width)
        a = LEVEL(fold)(a, over, LOAD(data + at));
    __m128i lanes[sizeof(VECTOR) / sizeof(__m128i)];
    STORE(lanes, a);
    finish(lanes, sizeof(VECTOR) / sizeof(__m128i), by, data + whole, length - whole, rest);
}

#undef LEVEL
#undef TARGET
#undef VECTOR
#undef LOAD
#undef STORE
#undef XOR
#undef XOR3
#undef BROADCAST
#undef TIMES
