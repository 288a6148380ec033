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
    private readonly IDescriptorOwner _owner;
    private int _direct = -1;
    private volatile bool _directRefused;

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
    /// A second descriptor, which reads past the page cache; made when it is first needed. Negative when the file system refuses, or
    /// when no descriptor is to be had just now. Closed with the handle and not before: a request that was queued may still name it.
    /// </summary>
    internal int DirectDescriptor()
    {
        int present = Volatile.Read(ref _direct);
        if (present >= 0 || _directRefused)
        {
            return _directRefused ? -1 : present;
        }

        Errno error = Libc.OpenDirect(Descriptor, out int made);
        if (error != Errno.None)
        {
            _directRefused = error is not (Errno.EMFILE or Errno.ENFILE);
            return -1;
        }

        int before = Interlocked.CompareExchange(ref _direct, made, -1);
        if (before >= 0)
        {
            Libc.Close(made); // somebody else was first
            return before;
        }

        return made;
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

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        if (_direct >= 0)
        {
            Libc.Close(_direct);
        }

        _owner.Close(Descriptor);
        return true;
    }
}
