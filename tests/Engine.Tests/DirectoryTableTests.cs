using System.Text;
using Sluice.Engine.Io;
using Sluice.Engine.Tests.Support;
using Sluice.Native;
using Sluice.Simulation.Tests.Faults;

namespace Sluice.Engine.Tests;

/// <summary>
/// The table that all making and removing of directories goes through: leased ones stay, empty ones go, whatever is asked at the same time,
/// and it keeps no more open than it may.
/// </summary>
public sealed class DirectoryTableTests : IAsyncLifetime
{
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("sluice-table-");
    private readonly TestedFileIo _tested = new(TestedFileIo.Default);
    private FileHandle _root = null!;

    public async ValueTask InitializeAsync() => _root = (await _tested.Io.OpenRootAsync(_home.FullName)).Value;

    public ValueTask DisposeAsync()
    {
        _root.Dispose();
        Assert.Equal(0, _tested.OpenCount);
        _tested.Dispose();
        _home.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task DirectoriesAreMadeWithTheirAncestorsAndOpenedOnce()
    {
        using var table = new DirectoryTable(_tested.Io, _root);
        using DirectoryLease one = await AcquireAsync(table, "a/b/c", DirectoryUse.CreateDurable);
        using DirectoryLease two = await AcquireAsync(table, "a/b/c", DirectoryUse.Existing);
        Assert.Same(one.Handle, two.Handle);
        Assert.True(Directory.Exists(Path.Combine(_home.FullName, "a/b/c")));
        Assert.Equal(3, table.OpenCount);
        Assert.True((await one.SyncAsync()).Ok);
    }

    [Fact]
    public async Task WhatIsNotThereOrNoDirectoryIsRefused()
    {
        using var table = new DirectoryTable(_tested.Io, _root);
        await File.WriteAllTextAsync(Path.Combine(_home.FullName, "f"), "");
        Assert.Equal(Errno.ENOENT, (await table.AcquireAsync(Bytes("none"), DirectoryUse.Existing)).Error);
        Assert.Equal(Errno.ENOTDIR, (await table.AcquireAsync(Bytes("f"), DirectoryUse.Existing)).Error);
        Assert.Equal(Errno.ENOTDIR, (await table.AcquireAsync(Bytes("f/below"), DirectoryUse.CreateDurable)).Error);
        Assert.Equal(0, table.OpenCount);
    }

    [Fact]
    public async Task PruningRemovesEmptyDirectoriesUpToTheStopAndNoOthers()
    {
        using var table = new DirectoryTable(_tested.Io, _root);
        (await AcquireAsync(table, "top/a/b/c", DirectoryUse.Create)).Dispose();
        (await AcquireAsync(table, "top/a/other", DirectoryUse.Create)).Dispose();
        await table.PruneAsync(Bytes("top/a/b/c"), Bytes("top"));
        Assert.False(Directory.Exists(Path.Combine(_home.FullName, "top/a/b")));
        Assert.True(Directory.Exists(Path.Combine(_home.FullName, "top/a/other")));
        await table.PruneAsync(Bytes("top/a/other"), Bytes("top"));
        Assert.False(Directory.Exists(Path.Combine(_home.FullName, "top/a")));
        Assert.True(Directory.Exists(Path.Combine(_home.FullName, "top")));
        await table.PruneAsync(Bytes("top/never/was"), Bytes("top"));
        Assert.True(Directory.Exists(Path.Combine(_home.FullName, "top")));
    }

    [Fact]
    public async Task ALeasedDirectoryIsNotPruned()
    {
        using var table = new DirectoryTable(_tested.Io, _root);
        DirectoryLease lease = await AcquireAsync(table, "top/a", DirectoryUse.Create);
        await table.PruneAsync(Bytes("top/a"), Bytes("top"));
        Assert.True(Directory.Exists(Path.Combine(_home.FullName, "top/a")));
        lease.Dispose();
        lease.Dispose(); // a lease ends once
        Assert.Throws<ObjectDisposedException>(() => lease.Handle);
        await table.PruneAsync(Bytes("top/a"), Bytes("top"));
        Assert.False(Directory.Exists(Path.Combine(_home.FullName, "top/a")));
    }

    [Fact]
    public async Task OpenDirectoriesAreBoundedButForThoseInUse()
    {
        using var table = new DirectoryTable(_tested.Io, _root, openMax: 8);
        for (int i = 0; i < 100; i++)
        {
            (await AcquireAsync(table, $"d{i}", DirectoryUse.CreateDurable)).Dispose();
            Assert.InRange(table.OpenCount, 1, 8);
        }

        List<DirectoryLease> leases = [];
        for (int i = 0; i < 20; i++)
        {
            leases.Add(await AcquireAsync(table, $"d{i}", DirectoryUse.Existing));
        }

        Assert.Equal(20, table.OpenCount);
        leases.ForEach(lease => lease.Dispose());
        (await AcquireAsync(table, "d99", DirectoryUse.Existing)).Dispose();
        Assert.InRange(table.OpenCount, 1, 8);
    }

    [Fact]
    public async Task WhatWasRenamedAwayIsForgottenAndItsLeasesStayValid()
    {
        using var table = new DirectoryTable(_tested.Io, _root);
        DirectoryLease lease = await AcquireAsync(table, "b/objects", DirectoryUse.CreateDurable);
        (await AcquireAsync(table, "bb", DirectoryUse.CreateDurable)).Dispose();
        table.ForgetBelow(Bytes("b"));
        Directory.Move(Path.Combine(_home.FullName, "b"), Path.Combine(_home.FullName, "trash"));
        Assert.Equal(1, table.OpenCount); // "bb" is not below "b"
        Assert.True((await lease.SyncAsync()).Ok);
        using DirectoryLease again = await AcquireAsync(table, "b/objects", DirectoryUse.Create);
        Assert.NotSame(lease.Handle, again.Handle);
        Assert.True(Directory.Exists(Path.Combine(_home.FullName, "b/objects")));
        lease.Dispose();
    }

    [Fact]
    public async Task EntriesThatAreNotDurableAreKnownUntilTheyAreFlushed()
    {
        using var table = new DirectoryTable(_tested.Io, _root);
        (await AcquireAsync(table, "a/b", DirectoryUse.Create)).Dispose();
        IReadOnlyList<object> volatileEntries = table.VolatileEntries();
        Assert.Equal(2, volatileEntries.Count);
        (await AcquireAsync(table, "later", DirectoryUse.Create)).Dispose();
        table.MarkDurable(volatileEntries);
        Assert.Single(table.VolatileEntries()); // it came after the flush began
        (await AcquireAsync(table, "later", DirectoryUse.CreateDurable)).Dispose();
        Assert.Empty(table.VolatileEntries());
    }

    [Fact]
    public async Task MakingUsingAndPruningAtTheSameTimeNeverLosesALeasedDirectory()
    {
        using var table = new DirectoryTable(_tested.Io, _root, openMax: 4);
        (await AcquireAsync(table, "top", DirectoryUse.Create)).Dispose();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            for (int i = 0; i < 150; i++)
            {
                string path = $"top/{random.Next(2)}/{random.Next(2)}";
                byte[] file = Bytes($"w{worker}");
                using (DirectoryLease lease = await AcquireAsync(table, path, DirectoryUse.Create))
                {
                    IoResult<FileHandle> made = await _tested.Io.OpenAsync(lease.Handle, file, OpenIntent.CreateNew);
                    Assert.True(made.Ok, $"{made.Error} in {path}, which is leased");
                    made.Value.Dispose();
                    Assert.True((await lease.SyncAsync()).Ok);
                    Assert.True((await _tested.Io.UnlinkAsync(lease.Handle, file, EntryKind.File)).Ok);
                }

                await table.PruneAsync(Bytes(path), Bytes("top"));
            }
        })));
        foreach (string path in (string[])["top/0/0", "top/0/1", "top/1/0", "top/1/1"])
        {
            await table.PruneAsync(Bytes(path), Bytes("top"));
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(_home.FullName, "top")));
    }

    private static byte[] Bytes(string path) => Encoding.UTF8.GetBytes(path);

    /// <summary>A mountpath that leaves closes its root under who opens a directory.</summary>
    [Fact]
    public async Task WhoWaitsForADirectoryWhoseOpeningThrowsIsLetGo()
    {
        var io = new ThrowsFirst(_tested.Io);
        var table = new DirectoryTable(io, _root);
        Task<DirectoryLease> first = AcquireAsync(table, "a", DirectoryUse.Create);
        Task<DirectoryLease> second = AcquireAsync(table, "a", DirectoryUse.Create);
        Assert.False(first.IsCompleted || second.IsCompleted);
        io.Go.SetResult();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => first);
        (await second.WaitAsync(TimeSpan.FromSeconds(30))).Dispose();
        table.Dispose(); // when nobody is at work with it
    }

    private static async Task<DirectoryLease> AcquireAsync(DirectoryTable table, string path, DirectoryUse use)
    {
        IoResult<DirectoryLease> acquired = await table.AcquireAsync(Bytes(path), use);
        Assert.True(acquired.Ok, $"{path}: {acquired.Error}");
        return acquired.Value;
    }

    private sealed class ThrowsFirst(IFileIo inner) : DelegatingFileIo(inner)
    {
        private bool _hasThrown;

        public TaskCompletionSource Go { get; } = new();

        public override async ValueTask<IoResult<FileHandle>> OpenAsync(FileHandle directory, ReadOnlyMemory<byte> path, OpenIntent intent)
        {
            if (_hasThrown)
            {
                return await base.OpenAsync(directory, path, intent);
            }

            _hasThrown = true;
            await Go.Task;
            throw new ObjectDisposedException(nameof(FileHandle));
        }
    }
}
