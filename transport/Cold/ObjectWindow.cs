using Sluice.Engine.Objects;

namespace Sluice.Transport.Cold;

/// <summary>How much of an object is looked at together.</summary>
internal static class ObjectWindow
{
    /// <summary>What is asked for at once whether it is resident: pages may be evicted before they are sent, so not too much.</summary>
    public const int Bytes = 4 << 20;

    /// <summary>The window from <paramref name="offset"/> up to <paramref name="end"/>: no more than lies behind each other in one file.</summary>
    public static int At(ObjectReader reader, long offset, long end) => offset < end ? (int)reader.PieceAt(offset, Math.Min(Bytes, end - offset)).Count : 0;
}
