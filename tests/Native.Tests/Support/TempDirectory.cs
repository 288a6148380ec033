using System.Text;

namespace Sluice.Native.Tests.Support;

/// <summary>
/// A directory of a test's own, open by the calls that are under test. Closes every descriptor that was opened through it, and removes
/// everything, when it is disposed.
/// </summary>
public sealed class TempDirectory : IDisposable
{
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("sluice-native-");
    private readonly List<int> _descriptors = [];

    public TempDirectory()
    {
        Assert.Equal(Errno.None, Libc.OpenDirectory(Path, out int descriptor));
        _descriptors.Add(descriptor);
        Descriptor = descriptor;
    }

    public string Path => _home.FullName;

    public int Descriptor { get; }

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public int Open(string path, Libc.OpenMode mode)
    {
        Assert.Equal(Errno.None, Libc.OpenBeneath(Descriptor, Bytes(path), mode, out int descriptor));
        Assert.True(descriptor >= 0);
        _descriptors.Add(descriptor);
        return descriptor;
    }

    /// <summary>The refusal of an open; fails when there is none.</summary>
    public Errno OpenError(string path, Libc.OpenMode mode)
    {
        Errno error = Libc.OpenBeneath(Descriptor, Bytes(path), mode, out int descriptor);
        Assert.NotEqual(Errno.None, error);
        Assert.Equal(-1, descriptor);
        return error;
    }

    public string Below(string path) => System.IO.Path.Combine(Path, path);

    public void Write(string path, string text) => File.WriteAllText(Below(path), text);

    public string Read(string path) => File.ReadAllText(Below(path));

    public void Dispose()
    {
        _descriptors.ForEach(Libc.Close);
        _home.Delete(recursive: true);
    }
}
