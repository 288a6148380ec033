using System.Runtime.InteropServices;

namespace Sluice.Native;

/// <summary>
/// Where one thread waits until another wakes it: a futex (futex(2)), which costs each of them one system call, and the waker none when nobody has parked yet.
/// A wake that comes first is kept for the next park. Its owner disposes it when nobody will park or wake any more.
/// </summary>
public sealed unsafe class ParkingSpot : IDisposable
{
    private const int Empty = 0, Woken = 1, Parked = -1;

    private readonly int* _word;

    /// <summary>Nobody is parked.</summary>
    public ParkingSpot()
    {
        // SAFETY: the kernel compares this address with the word, so it must not move; a cache line of its own, freed by Dispose.
        _word = (int*)NativeMemory.AlignedAlloc(64, 64);
        *_word = Empty;
    }

    /// <summary>Waits for a wake, or takes the one that came before. One thread at a time.</summary>
    public void Park()
    {
        // SAFETY: the word lives until Dispose.
        if (Interlocked.CompareExchange(ref *_word, Parked, Empty) == Empty)
        {
            while (Volatile.Read(ref *_word) == Parked)
            {
                LibcImports.WaitOnFutex(_word, Parked); // also returns when the word has changed, on a signal, and for no reason
            }
        }

        Volatile.Write(ref *_word, Empty);
    }

    /// <summary>Wakes who is parked, or lets the next park through. Any thread.</summary>
    public void Wake()
    {
        if (Interlocked.Exchange(ref *_word, Woken) == Parked)
        {
            LibcImports.WakeFutex(_word);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => NativeMemory.AlignedFree(_word);
}
