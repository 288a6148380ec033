namespace Sluice.Native.Uring;

/// <summary>Whether this machine has the io_uring that a loop needs.</summary>
public static class RingSupport
{
    /// <summary>Makes a small ring on this thread and closes it; false with a sentence when it cannot be had.</summary>
    public static bool IsAvailable(out string? problem)
    {
        try
        {
            using var ring = new Ring(8, 16);
            problem = null;
            return true;
        }
        catch (RingUnavailableException refused)
        {
            problem = refused.Message;
            return false;
        }
    }
}
