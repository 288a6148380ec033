using Sluice.Engine.Tests.Support;

namespace Sluice.Engine.Tests;

/// <summary>
/// What can be wrong with mountpaths, one test each, with the sentence that an operator reads: it names the path and what to do. A wrong
/// set changes nothing on any of them.
/// </summary>
public sealed class MountpathTests : IDisposable
{
    private readonly MountpathFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task AMissingDirectoryIsRefused()
    {
        string path = _fixture.At("a", make: false);
        Assert.Equal(
            $"mountpath {path} does not exist: make the directory, or mount the drive there", await RefusedAsync(path));
        Assert.False(Directory.Exists(path));
    }

    [Fact]
    public async Task AFileIsRefused()
    {
        string path = _fixture.At("a", make: false);
        await File.WriteAllTextAsync(path, "");
        Assert.Equal($"mountpath {path} is not a directory", await RefusedAsync(path));
    }

    [Fact]
    public async Task NoMountpathIsRefused() => Assert.Equal("no mountpath is given", await RefusedAsync());

    [Fact]
    public async Task TheSameDirectoryTwiceIsRefusedByWhateverName()
    {
        string path = _fixture.At("a");
        string link = _fixture.At("link", make: false);
        Directory.CreateSymbolicLink(link, path);
        Assert.Equal($"mountpaths {path} and {link} are the same directory", await RefusedAsync(path, link));
        Assert.Empty(Directory.EnumerateFileSystemEntries(path));
    }

    [Fact]
    public async Task NestedDirectoriesAreRefused()
    {
        (string outer, string inner) = (_fixture.At("a"), _fixture.At("a/inner"));
        string sentence = "lie inside one another: give each drive a directory of its own";
        Assert.Equal($"mountpaths {outer} and {inner} {sentence}", await RefusedAsync(outer, inner));
        Assert.Equal($"mountpaths {inner} and {outer} {sentence}", await RefusedAsync(inner, outer));
        Assert.Equal([inner], Directory.EnumerateFileSystemEntries(outer));
    }

    [Fact]
    public async Task OneFileSystemTwiceIsRefusedUnlessAllowedAndThenWarnedOf()
    {
        (string a, string b) = (_fixture.At("a"), _fixture.At("b"));
        string what = $"mountpaths {a} and {b} are on the same file system: they would fail together";
        EngineOptions strict = new() { Mountpaths = [a, b], MemoryBytes = 16 << 20, FlushInterval = TimeSpan.Zero };
        Assert.Equal($"{what}; use one for each drive, or --allow-shared-disk to try things out", await _fixture.RefusedAsync(strict));
        Assert.Equal([what], await _fixture.AcceptedAsync(MountpathFixture.Options(a, b)));
        Assert.Empty(await _fixture.AcceptedAsync(MountpathFixture.Options(_fixture.At("alone"))));
    }

    [Fact]
    public async Task AKnownMountpathThatIsEmptyNowIsRefused()
    {
        (string a, string b) = await FormedAsync();
        string uuid = MountpathFixture.UuidOf(b);
        Directory.Delete(b, recursive: true);
        Directory.CreateDirectory(b);
        Assert.Equal(
            $"mountpath {b} is empty, but mountpath {uuid} was there: is its drive mounted? If it is gone for good, say --forget-mountpath {uuid}",
            await RefusedAsync(a, b));
        Assert.Empty(Directory.EnumerateFileSystemEntries(b));
        EngineOptions forgetting = new()
        {
            Mountpaths = [a, b], AllowSharedDisk = true, MemoryBytes = 16 << 20, FlushInterval = TimeSpan.Zero, ForgetMountpaths = [uuid],
        };
        Assert.Contains($"mountpath {b} ({uuid}) is forgotten; what it held is gone", await _fixture.AcceptedAsync(forgetting));
        Assert.NotEqual(uuid, MountpathFixture.UuidOf(b));
    }

    [Fact]
    public async Task AMountpathThatIsNotGivenAnyMoreIsMissed()
    {
        (string a, string b) = await FormedAsync();
        string uuid = MountpathFixture.UuidOf(b);
        Assert.Equal(
            $"mountpath {b} ({uuid}) belongs to the set and is not given: add --mountpath {b}, --allow-degraded to start without it, or if its drive is gone for good, --forget-mountpath {uuid}",
            await RefusedAsync(a));
    }

    [Fact]
    public async Task SwappedMountpathsAreRefusedUnlessAllowed()
    {
        (string a, string b) = await FormedAsync();
        Directory.Move(a, _fixture.At("c", make: false));
        Directory.Move(b, a);
        Directory.Move(_fixture.At("c", make: false), b);
        Assert.Equal(
            $"mountpath {a} holds the drive that was at {b}: swapped or moved? Mount it where it was, or say --allow-moved", await RefusedAsync(a, b));
        EngineOptions moved = new()
        {
            Mountpaths = [a, b], AllowSharedDisk = true, AllowMoved = true, MemoryBytes = 16 << 20, FlushInterval = TimeSpan.Zero,
        };
        await _fixture.AcceptedAsync(moved);
        await _fixture.AcceptedAsync(MountpathFixture.Options(a, b)); // the new places are known now
        await _fixture.AcceptedAsync(MountpathFixture.Options(b, a)); // and their order never mattered
    }

    [Fact]
    public async Task ACopyOfAMountpathIsRefused()
    {
        (string a, string b) = await FormedAsync();
        string copy = _fixture.At("copy");
        Copy(a, copy);
        string uuid = MountpathFixture.UuidOf(a);
        Assert.Equal(
            $"mountpaths {a} and {copy} have the same identity {uuid}: one is a copy of the other; remove it", await RefusedAsync(a, b, copy));
    }

    [Fact]
    public async Task AMountpathOfAnotherClusterIsRefused()
    {
        string a = _fixture.At("a");
        string other = _fixture.At("other");
        await _fixture.AcceptedAsync(MountpathFixture.Options(a));
        await _fixture.AcceptedAsync(MountpathFixture.Options(other));
        string sentence = await RefusedAsync(a, other);
        Assert.Matches($"^mountpath {a} belongs to cluster c[0-9a-f]+, {other} to cluster c[0-9a-f]+$", sentence);
    }

    [Fact]
    public async Task AForgottenMountpathDoesNotComeBackByItself()
    {
        (string a, string b) = await FormedAsync();
        string uuid = MountpathFixture.UuidOf(b);
        EngineOptions forgetting = new()
        {
            Mountpaths = [a], AllowSharedDisk = true, MemoryBytes = 16 << 20, FlushInterval = TimeSpan.Zero, ForgetMountpaths = [uuid],
        };
        await _fixture.AcceptedAsync(forgetting);
        Assert.Equal(
            $"mountpath {b} (identity {uuid}) was taken out of this cluster; empty it before it is used again", await RefusedAsync(a, b));
    }

    [Fact]
    public async Task AMountpathThatIsToBeForgottenAndGivenIsRefused()
    {
        (string a, string b) = await FormedAsync();
        string uuid = MountpathFixture.UuidOf(b);
        EngineOptions both = new()
        {
            Mountpaths = [a, b], AllowSharedDisk = true, MemoryBytes = 16 << 20, FlushInterval = TimeSpan.Zero, ForgetMountpaths = [uuid],
        };
        Assert.Equal($"mountpath {b} ({uuid}) is to be forgotten and is given all the same", await _fixture.RefusedAsync(both));
    }

    [Fact]
    public async Task ADirectoryWithForeignFilesIsRefused()
    {
        string path = _fixture.At("a");
        await File.WriteAllTextAsync(Path.Combine(path, "precious"), "not ours");
        Assert.Equal($"mountpath {path} has no identity and is not empty: give an empty directory", await RefusedAsync(path));
        Assert.Equal("not ours", await File.ReadAllTextAsync(Path.Combine(path, "precious")));
        Assert.Single(Directory.EnumerateFileSystemEntries(path));
    }

    [Fact]
    public async Task ADamagedIdentityIsRefused()
    {
        (string a, string b) = await FormedAsync();
        string file = Path.Combine(b, ".sluice/identity");
        string text = await File.ReadAllTextAsync(file);
        await File.WriteAllTextAsync(file, text.Replace("\"format\": 1", "\"format\": 2", StringComparison.Ordinal));
        Assert.Equal($"mountpath {b}: .sluice/identity cannot be used: its checksum does not match; or --allow-degraded to start without it", await RefusedAsync(a, b));
        await File.WriteAllTextAsync(file, "");
        Assert.Equal($"mountpath {b}: .sluice/identity cannot be used: it is no document of ours; or --allow-degraded to start without it", await RefusedAsync(a, b));
    }

    [Fact]
    public async Task AMountpathThatAnotherEngineUsesIsRefused()
    {
        string path = _fixture.At("a");
        Result<ObjectEngine> first = await _fixture.OpenAsync(MountpathFixture.Options(path));
        Assert.True(first.Ok);
        Result<ObjectEngine> second = await _fixture.OpenAsync(MountpathFixture.Options(path));
        Assert.Equal($"mountpath {path} is in use by another process", second.Error?.Message);
        await first.Value.DisposeAsync();
        await _fixture.AcceptedAsync(MountpathFixture.Options(path));
    }

    [Fact]
    public async Task AReadOnlyFileSystemIsRefused()
    {
        using LoopMount mount = LoopMount.New("ext4");
        mount.Remount("ro");
        Assert.Equal(
            $"mountpath {mount.MountPoint} is on a file system that is mounted read-only: remount it for writing", await RefusedAsync(mount.MountPoint));
        mount.Remount("rw");
        await _fixture.AcceptedAsync(MountpathFixture.Options(mount.MountPoint)); // lost+found is not foreign
    }

    /// <summary>The kernel refuses it (EBUSY) while somebody has a file open for writing; an engine at rest has none.</summary>
    [Theory]
    [InlineData("ext4")]
    [InlineData("xfs")]
    public async Task AFileSystemInServiceCanBeRemountedReadOnly(string kind)
    {
        using LoopMount mount = LoopMount.New(kind);
        for (int start = 0; start < 2; start++)
        {
            Result<ObjectEngine> opened = await _fixture.OpenAsync(MountpathFixture.Options(mount.MountPoint));
            Assert.True(opened.Ok, opened.Error?.Message);
            mount.Remount("ro");
            mount.Remount("rw");
            await opened.Value.DisposeAsync();
        }
    }

    [Fact]
    public async Task AFileSystemWithoutExtendedAttributesIsRefused()
    {
        using LoopMount mount = LoopMount.NewWithoutXattrs();
        string sentence = await RefusedAsync(mount.MountPoint);
        Assert.Equal(
            $"mountpath {mount.MountPoint} is on a file system without user extended attributes (0x858458f6, EOPNOTSUPP): use ext4 or XFS", sentence);
    }

    [Fact]
    public async Task TwoFileSystemsNeedNoPermissionAndSayWhatTheyAre()
    {
        using LoopMount ext4 = LoopMount.New("ext4");
        using LoopMount xfs = LoopMount.New("xfs");
        EngineOptions options = new() { Mountpaths = [ext4.MountPoint, xfs.MountPoint], MemoryBytes = 16 << 20, FlushInterval = TimeSpan.Zero };
        Result<ObjectEngine> opened = await _fixture.OpenAsync(options);
        Assert.True(opened.Ok, opened.Error?.Message);
        EngineStatus status = await opened.Value.StatusAsync();
        await opened.Value.DisposeAsync();
        Assert.Empty(status.Warnings);
        Assert.Equal(["ext4", "xfs"], status.Mountpaths.Select(mountpath => mountpath.FileSystem));
        Assert.All(status.Mountpaths, mountpath => Assert.InRange(mountpath.FreeBytes, 1, mountpath.SizeBytes));
    }

    private Task<string> RefusedAsync(params string[] paths) => _fixture.RefusedAsync(MountpathFixture.Options(paths));

    /// <summary>A set of two that has run and was left cleanly.</summary>
    private async Task<(string A, string B)> FormedAsync()
    {
        (string a, string b) = (_fixture.At("a"), _fixture.At("b"));
        await _fixture.AcceptedAsync(MountpathFixture.Options(a, b));
        return (a, b);
    }

    private static void Copy(string from, string to) => Children.Run("cp", "-a", from + "/.", to);
}
