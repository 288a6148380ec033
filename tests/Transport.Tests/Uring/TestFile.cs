using Sluice.Engine.Io;
using Sluice.Native;

namespace Sluice.Transport.Tests.Uring;

/// <summary>A file of a test's own, as the engine holds one.</summary>
internal sealed class TestFile : IDescriptorOwner, IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    public TestFile(byte[] content, long sizeBytes = -1)
    {
        File.WriteAllBytes(_path, content);
        if (sizeBytes >= 0)
        {
            using FileStream grown = File.OpenWrite(_path);
            grown.SetLength(sizeBytes);
        }

        using FileStream open = File.OpenRead(_path);
        Handle = new FileHandle((int)open.SafeFileHandle.DangerousGetHandle(), this);
        open.SafeFileHandle.SetHandleAsInvalid(); // the handle is ours now
    }

    public FileHandle Handle { get; }

    /// <summary>True once the handle and all holds on it are gone.</summary>
    public bool IsClosed { get; private set; }

    public void Truncate(long sizeBytes)
    {
        using FileStream file = new(_path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite); // else the open one would count as another process
        file.SetLength(sizeBytes);
    }

    public void Close(int descriptor)
    {
        Libc.Close(descriptor);
        IsClosed = true;
    }

    public void Dispose()
    {
        Handle.Dispose();
        File.Delete(_path);
    }
}
