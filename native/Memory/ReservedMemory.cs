namespace Sluice.Native.Memory;

/// <summary>
/// Addresses without memory (PROT_NONE): something to hand to a writer that counts bytes which take another way, from a file to a socket. Whoever
/// touches it ends the process, which is better than sending zeros.
/// </summary>
public static class ReservedMemory
{
    /// <summary>Length in bytes: the largest whole number of pages that a <see cref="Memory{T}"/> can have.</summary>
    public const int Length = int.MaxValue & ~0xFFF;

    /// <summary>The block. Never read, never written.</summary>
    public static Memory<byte> Block { get; } = new MappedMemory(PageMapping.Untouchable(Length), Length).Memory;
}
