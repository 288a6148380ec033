using Microsoft.Win32.SafeHandles;
using Sluice.Native;

namespace Sluice.Engine.Io;

/// <summary>Closes what an <see cref="IFileIo"/> opened. Never throws: close(2) is not retried and its error comes too late to act on.</summary>
public interface IDescriptorOwner
{
    /// <summary>Closes <paramref name="descriptor"/>; called exactly once for each handle.</summary>
    void Close(int descriptor);
}

/// <summary>
/// An open file or directory of one <see cref="IFileIo"/>. Whoever opened it disposes it; a second user (a response that is being sent
/// while the cache evicts the entry) holds it with <see cref="TryHold"/> and lets go with <c>DangerousRelease</c>, so that the
/// descriptor stays valid until the last one is done.
/// </summary>
public sealed class FileHandle : SafeHandleMinusOneIsInvalid
{
    private const int DirectGates = 64; // shared by descriptors: cold reads alone take one, for an open(2) that does not wait

    private static readonly Lock[] s_directGates = [.. Enumerable.Range(0, DirectGates).Select(static _ => new Lock())];

    private readonly IDescriptorOwner _owner;
    private long _diskReadAt; // milliseconds of the system's uptime; 0: never
    private volatile bool _directRefused;

    // Guarded by DirectGate.
    private int _direct;
    private int _directHolds;

    /// <summary>Takes ownership of <paramref name="descriptor"/>.</summary>
    public FileHandle(int descriptor, IDescriptorOwner owner)
        : base(ownsHandle: true)
    {
        _owner = owner;
        SetHandle(descriptor);
    }

    /// <summary>The kernel's descriptor (or the simulation's). Valid only while the caller owns or holds the handle.</summary>
    public int Descriptor => (int)handle;

    /// <summary>
    /// True when pages of the file may be in flight from the disk: it was read through the page cache moments ago, and the kernel reads ahead of what it
    /// was asked for. Five seconds: longer than a healthy drive's slowest read.
    /// </summary>
    internal bool IsUnsettled => Volatile.Read(ref _diskReadAt) is not 0 and long at && Environment.TickCount64 - at < 5000;

    /// <summary>A read went to the disk, by way of the page cache.</summary>
    internal void NoteDiskRead() => Volatile.Write(ref _diskReadAt, Math.Max(Environment.TickCount64, 1));

    private Lock DirectGate => s_directGates[Descriptor & (DirectGates - 1)];

    /// <summary>The second descriptor, which reads past the page cache. Valid between <see cref="TryHoldDirect"/> and <see cref="ReleaseDirect"/>.</summary>
    internal int DirectDescriptor => _direct;

    /// <summary>
    /// Makes a second descriptor, or shares the one that there is; false when the file system refuses, or when no descriptor is to be had just now.
    /// It lasts as long as somebody reads by it, so that a cache of open files does not come to hold two for each.
    /// </summary>
    internal bool TryHoldDirect()
    {
        if (_directRefused)
        {
            return false;
        }

        lock (DirectGate)
        {
            if (_directHolds == 0)
            {
                Errno error = Libc.OpenDirect(Descriptor, out _direct);
                if (error != Errno.None)
                {
                    _directRefused = error is not (Errno.EMFILE or Errno.ENFILE);
                    return false;
                }
            }

            _directHolds++;
            return true;
        }
    }

    /// <summary>Lets go of it, once for each hold and before the handle is closed.</summary>
    internal void ReleaseDirect()
    {
        lock (DirectGate)
        {
            _directHolds--;
            if (_directHolds == 0)
            {
                Libc.Close(_direct); // never the last of its file: the handle is open
            }
        }
    }

    /// <summary>The file system refuses after all, or its blocks are larger: through the page cache from now on.</summary>
    internal void RefuseDirect() => _directRefused = true;

    /// <summary>Takes a hold that outlives <c>Dispose</c>; false when the handle is closed already.</summary>
    public bool TryHold()
    {
        bool held = false;
        try
        {
            DangerousAddRef(ref held);
        }
        catch (ObjectDisposedException)
        {
            return false; // the loser of a race with eviction opens the file anew
        }

        return held;
    }

    /// <summary>What is closed with it, after its last user: the slices of an object whose head it is.</summary>
    internal IDisposable? Companion { get; set; }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        Companion?.Dispose();
        _owner.Close(Descriptor);
        return true;
    }
}
