namespace Sluice.Native.Codecs;

/// <summary>
/// The instructions that the loop of erasure coding is made of, slowest first. All give the same bytes; a codec takes the last that the
/// processor has, and tests name each.
/// </summary>
public enum GaloisLevel
{
    /// <summary>A byte at a time.</summary>
    Scalar = 0,

    /// <summary>Byte shuffles of 16.</summary>
    Ssse3 = 1,

    /// <summary>Byte shuffles of 32.</summary>
    Avx2 = 2,

    /// <summary>Byte shuffles of 64.</summary>
    Avx512 = 3,

    /// <summary>Bit matrices, 32 bytes.</summary>
    GfniAvx2 = 4,

    /// <summary>Bit matrices, 64 bytes.</summary>
    GfniAvx512 = 5,
}
