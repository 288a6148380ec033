namespace Sluice.Transport.Cold;

/// <summary>How much of an object is looked at together.</summary>
internal static class ObjectWindow
{
    /// <summary>What is asked for at once whether it is resident: pages may be evicted before they are sent, so not too much.</summary>
    public const int Bytes = 4 << 20;
}
