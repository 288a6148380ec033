using System.Buffers;
using System.Text;
using Sluice.Engine.Io;
using Sluice.Engine.Tests.Support;
using Sluice.Native;
using Sluice.Native.Memory;

namespace Sluice.Engine.Tests;

/// <summary>The disk verbs answer alike, whoever makes them: threads, or the ring called from a loop, from elsewhere, or with nothing done at once.</summary>
public sealed class FileIoTests : IDisposable
{
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("sluice-io-");

    public static TheoryData<FileIoKind> Kinds => [.. Enum.GetValues<FileIoKind>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public Task WhatIsWrittenInPiecesIsReadBackAtAnyOffset(FileIoKind kind) => OnAsync(kind, async (io, root) =>
    {
        using FileHandle file = (await io.OpenAsync(root, Name("f"), OpenIntent.CreateNew)).Value;
        string text = string.Concat(Enumerable.Range(0, 300).Select(i => $"{i:d3}"));
        Assert.True((await io.WriteFullyAsync(file, Pieces(Enumerable.Range(0, 300).Select(i => $"{i:d3}")), 5)).Ok);
        var buffer = new byte[2000];
        Assert.Equal(905, (await io.ReadFullyAsync(file, buffer, 0)).Value);
        Assert.Equal("\0\0\0\0\0" + text, Encoding.ASCII.GetString(buffer, 0, 905));
        Assert.Equal(3, (await io.ReadFullyAsync(file, buffer.AsMemory(0, 3), 8)).Value);
        Assert.Equal("001", Encoding.ASCII.GetString(buffer, 0, 3));
        Assert.Equal(0, (await io.ReadAsync(file, buffer, 905)).Value);
        Assert.Equal(0, (await io.WriteAsync(file, ReadOnlySequence<byte>.Empty, 0)).Value);
        Assert.Equal(Errno.EINVAL, (await io.ReadAsync(file, buffer, -1)).Error);
        Assert.Equal(Errno.EINVAL, (await io.WriteAsync(file, new ReadOnlySequence<byte>(buffer), -1)).Error);
        Assert.True((await io.SyncAsync(file)).Ok);
        Assert.True((await io.SyncFileSystemAsync(file)).Ok);
        Assert.Equal(905, (await io.StatAsync(file)).Value.SizeBytes);
    });

    [Theory]
    [MemberData(nameof(Kinds))]
    public Task NamesThatLeadOutOrAreNoNamesAreRefused(FileIoKind kind) => OnAsync(kind, async (io, root) =>
    {
        File.CreateSymbolicLink(Below("link"), "/etc");
        Directory.CreateDirectory(Below("d/e"));
        await File.WriteAllTextAsync(Below("f"), "x");
        Assert.Equal(Errno.ELOOP, await OpenErrorAsync(io, root, "link", OpenIntent.Read));
        Assert.Equal(Errno.ELOOP, await OpenErrorAsync(io, root, "link/passwd", OpenIntent.Read));
        Assert.Equal(Errno.EXDEV, await OpenErrorAsync(io, root, "../x", OpenIntent.Read));
        Assert.Equal(Errno.EXDEV, await OpenErrorAsync(io, root, "/etc/passwd", OpenIntent.Read));
        Assert.Equal(Errno.EISDIR, await OpenErrorAsync(io, root, "d", OpenIntent.Read));
        Assert.Equal(Errno.EISDIR, await OpenErrorAsync(io, root, "d", OpenIntent.ReadWrite));
        Assert.Equal(Errno.ENOTDIR, await OpenErrorAsync(io, root, "f", OpenIntent.Directory));
        Assert.Equal(Errno.ENOTDIR, await OpenErrorAsync(io, root, "f/g", OpenIntent.Read));
        Assert.Equal(Errno.EEXIST, await OpenErrorAsync(io, root, "f", OpenIntent.CreateNew));
        Assert.Equal(Errno.ENOENT, await OpenErrorAsync(io, root, "absent", OpenIntent.Read));
        Assert.Equal(Errno.EINVAL, await OpenErrorAsync(io, root, "a\0b", OpenIntent.Read));
        Assert.Equal(Errno.ENAMETOOLONG, await OpenErrorAsync(io, root, new string('n', 256), OpenIntent.Read));
        Assert.Equal(Errno.ENAMETOOLONG, await OpenErrorAsync(io, root, new string('n', 5000), OpenIntent.Read));
        Assert.Equal(Errno.ENOENT, await OpenErrorAsync(io, root, string.Join('/', Enumerable.Repeat("absent", 500)), OpenIntent.Read));
        foreach (string name in (string[])["", ".", "..", "d/e", "/f", "a\0b"])
        {
            Assert.Equal(Errno.EINVAL, (await io.MakeDirectoryAsync(root, Name(name))).Error);
            Assert.Equal(Errno.EINVAL, (await io.UnlinkAsync(root, Name(name), EntryKind.File)).Error);
            Assert.Equal(Errno.EINVAL, (await io.LinkAsync(root, Name("f"), root, Name(name))).Error);
            Assert.Equal(Errno.EINVAL, (await io.RenameAsync(root, Name(name), root, Name("g"), RenameMode.Replace)).Error);
        }

        Assert.Equal(Errno.EINVAL, (await io.StatAtAsync(root, Name("d/.."))).Error);
    });

    [Theory]
    [MemberData(nameof(Kinds))]
    public Task EntriesAreMadeMovedLinkedListedAndRemoved(FileIoKind kind) => OnAsync(kind, async (io, root) =>
    {
        Assert.True((await io.MakeDirectoryAsync(root, Name("d"))).Ok);
        Assert.Equal(Errno.EEXIST, (await io.MakeDirectoryAsync(root, Name("d"))).Error);
        using FileHandle directory = (await io.OpenAsync(root, Name("d"), OpenIntent.Directory)).Value;
        using (FileHandle file = (await io.OpenAsync(root, Name("a"), OpenIntent.CreateNew)).Value)
        {
            Assert.True((await io.LinkAsync(root, Name("a"), directory, Name("b"))).Ok);
            Assert.Equal(2U, (await io.StatAsync(file)).Value.Links);
        }

        FileStatus status = (await io.StatAtAsync(root, Name("a"))).Value;
        Assert.Equal(status, (await io.StatAtAsync(root, Name("d/b"))).Value);
        Assert.Equal(EntryKind.File, status.Kind);
        Assert.Equal(Errno.EEXIST, (await io.RenameAsync(root, Name("a"), directory, Name("b"), RenameMode.NoReplace)).Error);
        Assert.Equal(Errno.ENOENT, (await io.RenameAsync(root, Name("a"), directory, Name("c"), RenameMode.Exchange)).Error);
        Assert.True((await io.RenameAsync(root, Name("a"), directory, Name("c"), RenameMode.Replace)).Ok);
        Assert.Equal(Errno.EISDIR, (await io.UnlinkAsync(root, Name("d"), EntryKind.File)).Error);
        Assert.Equal(Errno.ENOTEMPTY, (await io.UnlinkAsync(root, Name("d"), EntryKind.Directory)).Error);
        Assert.Equal(Errno.ENOTDIR, (await io.UnlinkAsync(directory, Name("c"), EntryKind.Directory)).Error);
        var sink = new Names();
        Assert.True((await io.ListAsync(directory, sink)).Ok);
        Assert.Equal(["b File", "c File"], sink.All.Order());
        Assert.True((await io.UnlinkAsync(directory, Name("b"), EntryKind.File)).Ok);
        Assert.True((await io.UnlinkAsync(directory, Name("c"), EntryKind.File)).Ok);
        Assert.Equal(Errno.ENOENT, (await io.StatAtAsync(directory, Name("c"))).Error);
        Assert.True((await io.SyncAsync(directory)).Ok);
        Assert.True((await io.UnlinkAsync(root, Name("d"), EntryKind.Directory)).Ok);
        var none = new Names();
        Assert.True((await io.ListAsync(directory, none)).Ok, "a directory that was removed has no entries");
        Assert.Empty(none.All);
        Assert.True((await io.StatFileSystemAsync(root)).Value.SizeBytes > 0);
        Assert.Equal(Errno.ENOENT, (await io.OpenRootAsync(Below("absent"))).Error);
    });

    [Theory]
    [MemberData(nameof(Kinds))]
    public Task AttributesAreSetReplacedAndSizedLikeTheKernelSays(FileIoKind kind) => OnAsync(kind, async (io, root) =>
    {
        using FileHandle file = (await io.OpenAsync(root, Name("f"), OpenIntent.CreateNew)).Value;
        var value = new byte[64];
        Assert.Equal(Errno.ENODATA, (await io.GetXattrAsync(file, XattrName.Record, value)).Error);
        Assert.True((await io.SetXattrAsync(file, XattrName.Record, Name("one"))).Ok);
        Assert.True((await io.SetXattrAndSyncAsync(file, XattrName.Target, Name("other"))).Ok);
        Assert.True((await io.SetXattrAndSyncAsync(file, XattrName.Record, Name("longer than one"))).Ok);
        Assert.Equal(15, (await io.GetXattrAsync(file, XattrName.Record, value)).Value);
        Assert.Equal("longer than one", Encoding.ASCII.GetString(value, 0, 15));
        Assert.Equal(5, (await io.GetXattrAsync(file, XattrName.Target, value)).Value);
        Assert.Equal(Errno.ERANGE, (await io.GetXattrAsync(file, XattrName.Record, value.AsMemory(0, 3))).Error);
        Assert.Equal(15, (await io.GetXattrAsync(file, XattrName.Record, Memory<byte>.Empty)).Value);

        // 65,536 bytes are the kernel's limit, a file system's is less: the answer is the file system's, alone and before an fsync.
        Errno alone = (await io.SetXattrAsync(file, XattrName.Record, new byte[65_536])).Error;
        Assert.NotEqual(Errno.None, alone);
        Assert.NotEqual(Errno.EIO, alone);
        Assert.Equal(alone, (await io.SetXattrAndSyncAsync(file, XattrName.Record, new byte[65_536])).Error);
        Assert.Equal(15, (await io.GetXattrAsync(file, XattrName.Record, value)).Value);
    });

    [Theory]
    [MemberData(nameof(Kinds))]
    public Task AWholeFileIsMadeInOneGoOrSaysWhatOfItFailed(FileIoKind kind) => OnAsync(kind, async (io, root) =>
    {
        var file = new WholeFile
        {
            Directory = root, Name = Name("w"), Data = Name("bytes"), Attribute = XattrName.Record, Value = Name("record"), IsSynced = true,
        };
        Assert.Equal(WholeFileResult.Done, await io.MakeAsync(file));
        Assert.Equal("bytes record", await ContentAsync(io, root, "w"));
        Assert.Equal(new WholeFileResult(WholeFileStep.Create, Errno.EEXIST), await io.MakeAsync(file));
        Assert.Equal("bytes record", await ContentAsync(io, root, "w"));

        WholeFile moved = file with { Name = Name("x"), Data = Name("other"), IsSynced = false, TargetDirectory = root, TargetName = Name("y"), Mode = RenameMode.NoReplace };
        Assert.Equal(WholeFileResult.Done, await io.MakeAsync(moved));
        Assert.Equal("other record", await ContentAsync(io, root, "y"));
        Assert.Equal(Errno.ENOENT, (await io.StatAtAsync(root, Name("x"))).Error);
        Assert.Equal(new WholeFileResult(WholeFileStep.Rename, Errno.EEXIST), await io.MakeAsync(moved with { Data = Name("newer") }));
        Assert.Equal("other record", await ContentAsync(io, root, "y"));
        Assert.Equal("newer record", await ContentAsync(io, root, "x"));
        Assert.Equal(WholeFileResult.Done, await io.MakeAsync(moved with { Name = Name("z"), Data = Memory<byte>.Empty, Mode = RenameMode.Exchange }));
        Assert.Equal(" record", await ContentAsync(io, root, "y"));
        Assert.Equal("other record", await ContentAsync(io, root, "z"));
        Assert.Equal(new WholeFileResult(WholeFileStep.Rename, Errno.EINVAL), await io.MakeAsync(moved with { Name = Name("v"), TargetName = Name("a/b") }));

        WholeFileResult refused = await io.MakeAsync(moved with { Name = Name("u"), Value = new byte[65_536] });
        Assert.Equal((WholeFileStep.Seal, false), (refused.Step, refused.Ok));
        Assert.Equal(5, (await io.StatAtAsync(root, Name("u"))).Value.SizeBytes);
    });

    [Theory]
    [MemberData(nameof(Kinds))]
    public Task MoreWholeFilesThanThreadsCanQueueAreMade(FileIoKind kind) => OnAsync(kind, async (io, root) =>
    {
        const int Files = 5000; // more than IoWorkers queues
        WholeFileResult[] made = await Task.WhenAll(Enumerable.Range(0, Files).Select(i => io.MakeAsync(new WholeFile
        {
            Directory = root, Name = Name($"w{i}"), Data = Name($"{i}"), Attribute = XattrName.Record, Value = Name("r"), TargetDirectory = root, TargetName = Name($"n{i}"),
        }).AsTask()));
        Assert.All(made, result => Assert.Equal(WholeFileResult.Done, result));
        var names = new Names();
        Assert.True((await io.ListAsync(root, names)).Ok);
        Assert.Equal(Enumerable.Range(0, Files).Select(i => $"n{i} File").Order(), names.All.Order());
    });

    [Theory]
    [MemberData(nameof(Kinds))]
    public Task AWrongWayIsRefusedByItsDescriptor(FileIoKind kind) => OnAsync(kind, async (io, root) =>
    {
        await File.WriteAllTextAsync(Below("f"), "x");
        using FileHandle file = (await io.OpenAsync(root, Name("f"), OpenIntent.Read)).Value;
        Assert.Equal(Errno.EBADF, (await io.WriteAsync(file, new ReadOnlySequence<byte>(new byte[1]), 0)).Error);
        Assert.Equal(Errno.EISDIR, (await io.ReadAsync(root, new byte[1], 0)).Error);
    });

    [Theory]
    [MemberData(nameof(Kinds))]
    public Task ALockIsHeldByOneAndEndsWithItsHandle(FileIoKind kind) => OnAsync(kind, async (io, root) =>
    {
        FileHandle one = (await io.OpenAsync(root, Name("lock"), OpenIntent.CreateNew)).Value;
        using FileHandle other = (await io.OpenAsync(root, Name("lock"), OpenIntent.ReadWrite)).Value;
        Assert.True((await io.LockAsync(one)).Ok);
        Assert.Equal(Errno.EAGAIN, (await io.LockAsync(other)).Error);
        one.Dispose();
        Assert.True((await io.LockAsync(other)).Ok);
    });

    [Theory]
    [MemberData(nameof(Kinds))]
    public Task AColdReadHasTheSameBytesAlignedOrNotWithANameOrWithout(FileIoKind kind) => OnAsync(kind, async (io, root) =>
    {
        var content = new byte[(1 << 20) + 5000];
        new Random(1).NextBytes(content);
        await File.WriteAllBytesAsync(Below("f"), content);
        using var slab = new BufferSlab(1 << 20, 1);
        Assert.True(slab.TryRent(out BufferLease lease));
        using (lease)
        {
            using FileHandle file = (await io.OpenAsync(root, Name("f"), OpenIntent.Read)).Value;
            await CompareAsync(io, file, content, lease.Memory);
            await CompareAsync(io, file, content, lease.Memory[1..70_000]);
            await CompareAsync(io, file, content, new byte[1000]);
            Assert.True((await io.UnlinkAsync(root, Name("f"), EntryKind.File)).Ok);
            await CompareAsync(io, file, content, lease.Memory);
            Assert.Equal(0, (await io.ReadColdAsync(file, lease.Memory, 2 << 20)).Value);
        }
    });

    [Theory]
    [MemberData(nameof(Kinds))]
    public Task ManyVerbsAtTheSameTimeAnswerEachItsOwn(FileIoKind kind) => OnAsync(kind, async (io, root) =>
    {
        async Task<bool> MineAsync(int i)
        {
            using FileHandle file = (await io.OpenAsync(root, Name($"f{i}"), OpenIntent.CreateNew)).Value;
            byte[] mine = Name(new string((char)('a' + (i % 26)), 100 + i));
            Assert.True((await io.WriteFullyAsync(file, new ReadOnlySequence<byte>(mine), 0)).Ok);
            Assert.True((await io.SetXattrAndSyncAsync(file, XattrName.Record, mine.AsMemory(0, 8))).Ok);
            Assert.True((await io.RenameAsync(root, Name($"f{i}"), root, Name($"g{i}"), RenameMode.NoReplace)).Ok);
            using FileHandle again = (await io.OpenAsync(root, Name($"g{i}"), OpenIntent.Read)).Value;
            byte[] read = (await io.ReadFileAsync(again, 1000)).Value;
            return read.AsSpan().SequenceEqual(mine) && (await io.StatAtAsync(root, Name($"g{i}"))).Value.SizeBytes == mine.Length;
        }

        Assert.All(await Task.WhenAll(Enumerable.Range(0, 200).Select(MineAsync)), Assert.True);
    });

    public void Dispose() => _home.Delete(recursive: true);

    private static byte[] Name(string name) => Encoding.ASCII.GetBytes(name);

    private static async Task<Errno> OpenErrorAsync(IFileIo io, FileHandle root, string path, OpenIntent intent) =>
        (await io.OpenAsync(root, Name(path), intent)).Error;

    private static async Task<string> ContentAsync(IFileIo io, FileHandle root, string name)
    {
        using FileHandle file = (await io.OpenAsync(root, Name(name), OpenIntent.Read)).Value;
        var record = new byte[64];
        int bytes = (await io.GetXattrAsync(file, XattrName.Record, record)).Value;
        return $"{Encoding.ASCII.GetString((await io.ReadFileAsync(file, 64)).Value)} {Encoding.ASCII.GetString(record, 0, bytes)}";
    }

    private static async Task CompareAsync(IFileIo io, FileHandle file, byte[] content, Memory<byte> buffer)
    {
        int at = 0;
        while (at < content.Length)
        {
            int read = (await io.ReadColdAsync(file, buffer, at)).Value;
            Assert.InRange(read, 1, Math.Min(buffer.Length, content.Length - at));
            Assert.True(buffer.Span[..read].SequenceEqual(content.AsSpan(at, read)), $"other bytes from {at}");
            at += read;
        }
    }

    private static ReadOnlySequence<byte> Pieces(IEnumerable<string> texts)
    {
        Piece? first = null, last = null;
        foreach (string text in texts)
        {
            last = last is null ? new Piece(Name(text), 0) : last.Then(Name(text));
            first ??= last;
        }

        return new ReadOnlySequence<byte>(first!, 0, last!, last!.Memory.Length);
    }

    private string Below(string path) => Path.Combine(_home.FullName, path);

    private async Task OnAsync(FileIoKind kind, Func<IFileIo, FileHandle, Task> test)
    {
        using var tested = new TestedFileIo(kind);
        await tested.OnItsThreadAsync(async () =>
        {
            using FileHandle root = (await tested.Io.OpenRootAsync(_home.FullName)).Value;
            await test(tested.Io, root);
            return true;
        });
        Assert.Equal(0, tested.OpenCount);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(byte[] bytes, long before) => (Memory, RunningIndex) = (bytes, before);

        public Piece Then(byte[] bytes)
        {
            var next = new Piece(bytes, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }

    private sealed class Names : IEntrySink
    {
        public List<string> All { get; } = [];

        public void Add(ReadOnlySpan<byte> name, EntryKind kind) => All.Add($"{Encoding.ASCII.GetString(name)} {kind}");
    }
}
