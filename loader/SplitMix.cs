namespace Sluice.Loader;

/// <summary>
/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014): the n-th number is a hash of the seed plus n
/// times a constant, so any position of the sequence can be had without the ones before it. Replayable, not for secrets.
/// </summary>
public struct SplitMix(ulong seed)
{
    /// <summary>2^64 divided by the golden ratio, odd.</summary>
    public const ulong Step = 0x9e3779b97f4a7c15;

    private ulong _state = seed;

    /// <summary>The finaliser: a bijection in which every input bit moves half of the output bits.</summary>
    public static ulong Mix(ulong value)
    {
        unchecked
        {
            value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
            value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
            return value ^ (value >> 31);
        }
    }

    /// <summary>The next number.</summary>
    public ulong Next()
    {
        _state = unchecked(_state + Step);
        return Mix(_state);
    }

    /// <summary>A number from 0 up to, not including, <paramref name="bound"/>, which is above 0. Its bias is below bound / 2^64.</summary>
    public ulong Below(ulong bound) => Math.BigMul(Next(), bound, out _);
}
