using System.Text;
using Sluice.Native.Tests.Support;
using static Sluice.Native.Libc;

namespace Sluice.Native.Tests.Calls;

/// <summary>Calls on names: opening below a directory and never outside it, renaming, linking, removing, reading directories.</summary>
public sealed class DirectoryCallTests
{
    private static readonly string s_tooLong = new('n', 256);

    [Fact]
    public void OpeningMakesAndFindsOnlyWhatItSays()
    {
        using var directory = new TempDirectory();
        Assert.Equal(Errno.None, MakeDirectory(directory.Descriptor, "d"u8));
        directory.Open("d/f", OpenMode.CreateNew);
        directory.Open("d/f", OpenMode.Read);
        directory.Open("d/f", OpenMode.ReadWrite);
        directory.Open("d", OpenMode.Directory);
        Assert.Equal(Errno.EEXIST, directory.OpenError("d/f", OpenMode.CreateNew));
        Assert.Equal(Errno.ENOENT, directory.OpenError("d/g", OpenMode.Read));
        Assert.Equal(Errno.ENOENT, directory.OpenError("e/g", OpenMode.CreateNew));
        Assert.Equal(Errno.ENOENT, directory.OpenError("", OpenMode.Read));
        Assert.Equal(Errno.ENOTDIR, directory.OpenError("d/f", OpenMode.Directory));
        Assert.Equal(Errno.ENOTDIR, directory.OpenError("d/f/g", OpenMode.Read));
        Assert.Equal(Errno.EISDIR, directory.OpenError("d", OpenMode.ReadWrite));
        Assert.Equal(Errno.ENAMETOOLONG, directory.OpenError(s_tooLong, OpenMode.CreateNew));
        Assert.Equal(Errno.ENAMETOOLONG, directory.OpenError(new string('n', PathBytesMax), OpenMode.Read));
        Assert.Equal(Errno.EINVAL, directory.OpenError("a\0b", OpenMode.Read));
        Assert.Equal(Errno.EBADF, OpenBeneath(1 << 20, "d"u8, OpenMode.Read, out _));
    }

    [Theory]
    [InlineData("..", Errno.EXDEV)]
    [InlineData("../outside", Errno.EXDEV)]
    [InlineData("d/../../outside", Errno.EXDEV)]
    [InlineData("/etc/passwd", Errno.EXDEV)]
    [InlineData("link", Errno.ELOOP)]
    [InlineData("d/up", Errno.ELOOP)]
    [InlineData("linked/f", Errno.ELOOP)]
    [InlineData("link-to-f", Errno.ELOOP)]
    public void NothingOutsideTheDirectoryIsOpened(string path, Errno expected)
    {
        using var directory = new TempDirectory();
        Directory.CreateDirectory(directory.Below("d"));
        directory.Write("d/f", "inside");
        File.CreateSymbolicLink(directory.Below("link"), "/etc/passwd");
        File.CreateSymbolicLink(directory.Below("d/up"), "..");
        File.CreateSymbolicLink(directory.Below("linked"), "d"); // even a link that stays inside
        File.CreateSymbolicLink(directory.Below("link-to-f"), "d/f");
        foreach (OpenMode mode in (OpenMode[])[OpenMode.Read, OpenMode.ReadWrite, OpenMode.Directory])
        {
            Assert.Equal(expected, directory.OpenError(path, mode));
        }
    }

    [Fact]
    public void AnotherMountIsNotEntered()
    {
        Assert.Equal(Errno.None, OpenDirectory("/", out int root));
        Assert.Equal(Errno.EXDEV, OpenBeneath(root, "proc/self"u8, OpenMode.Directory, out _));
        Close(root);
    }

    [Fact]
    public void OpeningByAbsolutePathFollowsLinksAndKeepsErrors()
    {
        using var directory = new TempDirectory();
        Directory.CreateDirectory(directory.Below("d"));
        Directory.CreateSymbolicLink(directory.Below("l"), "d");
        Assert.Equal(Errno.None, OpenDirectory(directory.Below("l"), out int descriptor));
        Close(descriptor);
        directory.Write("f", "");
        Assert.Equal(Errno.ENOTDIR, OpenDirectory(directory.Below("f"), out descriptor));
        Assert.Equal(-1, descriptor);
        Assert.Equal(Errno.ENOENT, OpenDirectory(directory.Below("none"), out _));
        Assert.Equal(Errno.ENAMETOOLONG, OpenDirectory("/" + new string('x', 5000), out _));
    }

    [Fact]
    public void RenamingReplacesRefusesOrExchangesAsAsked()
    {
        using var directory = new TempDirectory();
        directory.Write("a", "A");
        directory.Write("b", "B");
        int at = directory.Descriptor;
        Assert.Equal(Errno.EEXIST, Rename(at, "a"u8, at, "b"u8, flags: 1));
        Assert.Equal(("A", "B"), (directory.Read("a"), directory.Read("b")));
        Assert.Equal(Errno.None, Rename(at, "a"u8, at, "b"u8, flags: 2));
        Assert.Equal(("B", "A"), (directory.Read("a"), directory.Read("b")));
        Assert.Equal(Errno.ENOENT, Rename(at, "a"u8, at, "c"u8, flags: 2));
        Assert.Equal(Errno.None, Rename(at, "a"u8, at, "c"u8, flags: 1));
        Assert.Equal(Errno.None, Rename(at, "c"u8, at, "b"u8, flags: 0));
        Assert.Equal("B", directory.Read("b"));
        Assert.False(File.Exists(directory.Below("c")));
    }

    [Fact]
    public void AFileAndADirectoryCanBeExchangedAcrossDirectories()
    {
        using var directory = new TempDirectory();
        Directory.CreateDirectory(directory.Below("work/prepared"));
        directory.Write("work/prepared/leaf", "below");
        directory.Write("name", "file");
        int work = directory.Open("work", OpenMode.Directory);
        Assert.Equal(Errno.None, Rename(work, "prepared"u8, directory.Descriptor, "name"u8, flags: 2));
        Assert.Equal("below", directory.Read("name/leaf"));
        Assert.Equal("file", directory.Read("work/prepared"));
    }

    [Fact]
    public void ErrorsOfRenamingAreKept()
    {
        using var directory = new TempDirectory();
        int at = directory.Descriptor;
        directory.Write("f", "");
        Directory.CreateDirectory(directory.Below("d/full"));
        Directory.CreateDirectory(directory.Below("e"));
        Assert.Equal(Errno.ENOENT, Rename(at, "none"u8, at, "x"u8, 0));
        Assert.Equal(Errno.EISDIR, Rename(at, "f"u8, at, "e"u8, 0));
        Assert.Equal(Errno.ENOTDIR, Rename(at, "d"u8, at, "f"u8, 0));
        Assert.Equal(Errno.ENOTEMPTY, Rename(at, "e"u8, at, "d"u8, 0));
        Assert.Equal(Errno.EINVAL, Rename(at, "d"u8, at, "d/full/d"u8, 0));
        Assert.Equal(Errno.EINVAL, Rename(at, "f\0"u8, at, "x"u8, 0));
        Assert.Equal(Errno.EINVAL, Rename(at, "f"u8, at, "x\0"u8, 0));
        Assert.Equal(Errno.ENAMETOOLONG, Rename(at, "f"u8, at, TempDirectory.Bytes(s_tooLong), 0));
        Assert.Equal(Errno.EINVAL, Rename(at, "f"u8, at, "x"u8, flags: 3)); // NOREPLACE with EXCHANGE
        Assert.Equal(Errno.None, OpenDirectory("/dev/shm", out int other));
        Assert.Equal(Errno.EXDEV, Rename(at, "f"u8, other, "sluice-native-test"u8, 0));
        Assert.Equal(Errno.EXDEV, Link(at, "f"u8, other, "sluice-native-test"u8));
        Close(other);
    }

    [Fact]
    public void ALinkIsASecondNameAndNeverFollowsASymbolicLink()
    {
        using var directory = new TempDirectory();
        int at = directory.Descriptor;
        directory.Write("a", "content");
        Assert.Equal(Errno.None, Link(at, "a"u8, at, "b"u8));
        Assert.Equal(Errno.EEXIST, Link(at, "a"u8, at, "b"u8));
        Assert.Equal(Errno.ENOENT, Link(at, "none"u8, at, "c"u8));
        Assert.Equal(Errno.None, Unlink(at, "a"u8, isDirectory: false));
        Assert.Equal("content", directory.Read("b"));
        File.CreateSymbolicLink(directory.Below("l"), "b");
        Assert.Equal(Errno.None, Link(at, "l"u8, at, "l2"u8));
        Assert.Equal("b", new FileInfo(directory.Below("l2")).LinkTarget);
        Directory.CreateDirectory(directory.Below("d"));
        Assert.Equal(Errno.EPERM, Link(at, "d"u8, at, "d2"u8));
        Assert.Equal(Errno.EINVAL, Link(at, "b\0"u8, at, "x"u8));
    }

    [Fact]
    public void RemovingTellsFilesFromDirectories()
    {
        using var directory = new TempDirectory();
        int at = directory.Descriptor;
        directory.Write("f", "");
        Directory.CreateDirectory(directory.Below("d/e"));
        Assert.Equal(Errno.ENOTDIR, Unlink(at, "f"u8, isDirectory: true));
        Assert.Equal(Errno.EISDIR, Unlink(at, "d"u8, isDirectory: false));
        Assert.Equal(Errno.ENOTEMPTY, Unlink(at, "d"u8, isDirectory: true));
        Assert.Equal(Errno.ENOENT, Unlink(at, "none"u8, isDirectory: false));
        Assert.Equal(Errno.EINVAL, Unlink(at, "f\0"u8, isDirectory: false));
        Assert.Equal(Errno.None, Unlink(at, "d/e"u8, isDirectory: true));
        Assert.Equal(Errno.None, Unlink(at, "d"u8, isDirectory: true));
        Assert.Equal(Errno.None, Unlink(at, "f"u8, isDirectory: false));
        Assert.Empty(Directory.EnumerateFileSystemEntries(directory.Path));
    }

    [Fact]
    public void MakingADirectoryKeepsItsErrors()
    {
        using var directory = new TempDirectory();
        int at = directory.Descriptor;
        Assert.Equal(Errno.None, MakeDirectory(at, "d"u8));
        Assert.Equal(Errno.None, StatAt(at, "d"u8, out FileStat stat));
        Assert.Equal(0x4000 | 0x1ed, stat.Mode);
        Assert.Equal(Errno.EEXIST, MakeDirectory(at, "d"u8));
        Assert.Equal(Errno.ENOENT, MakeDirectory(at, "x/y"u8));
        Assert.Equal(Errno.ENAMETOOLONG, MakeDirectory(at, TempDirectory.Bytes(s_tooLong)));
        Assert.Equal(Errno.EINVAL, MakeDirectory(at, "a\0"u8));
    }

    [Fact]
    public void StatByNameReportsASymbolicLinkAsSuch()
    {
        using var directory = new TempDirectory();
        directory.Write("f", "");
        File.CreateSymbolicLink(directory.Below("l"), "f");
        Assert.Equal(Errno.None, StatAt(directory.Descriptor, "l"u8, out FileStat stat));
        Assert.False(stat.IsFile || stat.IsDirectory);
        Assert.Equal(Errno.ENOENT, StatAt(directory.Descriptor, "none"u8, out stat));
        Assert.Equal(default, stat);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(2500)] // several buffers full
    public void ADirectoryIsReadWholeEachTime(int count)
    {
        using var directory = new TempDirectory();
        HashSet<string> expected = [.. Enumerable.Range(0, count).Select(i => $"file-with-a-name-{i}:8")];
        for (int i = 0; i < count; i++)
        {
            directory.Write($"file-with-a-name-{i}", "");
        }

        Directory.CreateDirectory(directory.Below("d"));
        File.CreateSymbolicLink(directory.Below("l"), "d");
        expected.UnionWith(["d:4", "l:10"]);
        for (int round = 0; round < 2; round++)
        {
            var sink = new Names([]);
            Assert.Equal(Errno.None, ReadDirectory(directory.Descriptor, ref sink));
            Assert.Equal(expected.Count, sink.Seen.Count);
            Assert.Equal(expected, sink.Seen.ToHashSet());
        }
    }

    [Fact]
    public void ReadingWhatIsNoDirectoryKeepsTheError()
    {
        using var directory = new TempDirectory();
        var sink = new Names([]);
        Assert.Equal(Errno.ENOTDIR, ReadDirectory(directory.Open("f", OpenMode.CreateNew), ref sink));
        Assert.Equal(Errno.EBADF, ReadDirectory(1 << 20, ref sink));
        Assert.Empty(sink.Seen);
    }

    private readonly record struct Names(List<string> Seen) : IDirectoryEntrySink
    {
        public void Add(ReadOnlySpan<byte> name, byte kind) => Seen.Add($"{Encoding.UTF8.GetString(name)}:{kind}");
    }
}
