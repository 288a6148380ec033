namespace Sluice.Native.Codecs;

/// <summary>
/// The instructions that <see cref="Crc64Nvme"/> is made of, slowest first. All give the same digest; the last that the processor has is taken, and tests
/// name each.
/// </summary>
public enum CarrylessLevel
{
    /// <summary>A table, a byte at a time.</summary>
    Table = 0,

    /// <summary>Carry-less products of 16 bytes (PCLMULQDQ).</summary>
    Pclmul = 1,

    /// <summary>Of 32 bytes (VPCLMULQDQ, AVX2), in C.</summary>
    Wide256 = 2,

    /// <summary>Of 64 bytes (VPCLMULQDQ, AVX-512), in C.</summary>
    Wide512 = 3,
}
