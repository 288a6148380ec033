using Microsoft.Win32.SafeHandles;

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

    /// <summary>Takes ownership of <paramref name="descriptor"/>.</summary>
    public FileHandle(int descriptor, IDescriptorOwner owner)
        : base(ownsHandle: true)
    {
        _owner = owner;
        SetHandle(descriptor);
    }

    /// <summary>The kernel's descriptor (or the simulation's). Valid only while the caller owns or holds the handle.</summary>
    public int Descriptor => (int)handle;

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
        _owner.Close(Descriptor);
        return true;
    }
}
