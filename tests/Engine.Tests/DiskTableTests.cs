using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;
using Sluice.Engine.Tests.Support;

namespace Sluice.Engine.Tests;

/// <summary>A set of disks that changes while it is used: what the new set places where, and when a disk that left is nobody's any more.</summary>
public sealed class DiskTableTests : IDisposable
{
    private readonly TestedFileIo _io = new(TestedFileIo.Default, workers: 1);
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("sluice-disks-");
    private readonly List<ObjectDisk> _disks = [];
    private readonly List<FileHandle> _roots = [];

    public void Dispose()
    {
        _disks.ForEach(disk => disk.Dispose());
        _roots.ForEach(root => root.Dispose());
        _io.Dispose();
        _home.Delete(recursive: true);
    }

    [Fact]
    public async Task TakingADiskOutMovesOnlyWhatItHeld()
    {
        DiskTable table = await NewAsync(5);
        ulong[] digests = [.. Enumerable.Range(0, 1000).Select(i => Hrw.Mix((ulong)i))];
        ObjectDisk[] before = [.. digests.Select(digest => table.Current.HomeOf(digest)!)];
        _disks[2].State = ServingState.Faulted;
        DiskSet after = table.Replace(_disks.Where(disk => disk.IsOpen), searchAll: true);
        Assert.Equal(4, after.Serving.Count);
        for (int i = 0; i < digests.Length; i++)
        {
            ObjectDisk home = after.HomeOf(digests[i])!;
            Assert.NotEqual(_disks[2], home);
            Assert.True(before[i] == home || before[i] == _disks[2]);
            Assert.Equal(home, after.Ranked(digests[i])[0]);
        }
    }

    /// <summary>One that is being emptied is read; one that has just come back only writers look at. Neither gets anything new.</summary>
    [Theory]
    [InlineData(ServingState.Draining, true)]
    [InlineData(ServingState.Joining, false)]
    public async Task ADiskThatComesOrGoesGetsNothingNew(ServingState state, bool isRead)
    {
        DiskTable table = await NewAsync(3);
        _disks[0].State = state;
        DiskSet set = table.Replace(_disks, searchAll: false);
        Assert.True(set.SearchAll, "what lies on it is found only by searching");
        Assert.DoesNotContain(_disks[0], set.Ranked(7));
        Assert.Equal(isRead, set.ReadOrder(7).Contains(_disks[0]));
        Assert.Contains(_disks[0], set.WriteOrder(7));
    }

    [Fact]
    public async Task WithoutADiskThatServesThereIsNoHome()
    {
        DiskTable table = await NewAsync(1);
        _disks[0].State = ServingState.Faulted;
        DiskSet set = table.Replace([], searchAll: true);
        Assert.Null(set.HomeOf(7));
        Assert.Empty(set.ReadOrder(7));
    }

    [Fact]
    public async Task AnOldSetIsLeftWhenItsLastUserHasGone()
    {
        DiskTable table = await NewAsync(2);
        DiskUse brief = table.Enter();
        DiskUse upload = table.Enter(DiskUseKind.Upload);
        DiskSet next = table.Replace(_disks, searchAll: false);
        DiskUse late = table.Enter();
        Assert.Equal(next, late.Set);
        Task briefLeft = table.OlderLeftAsync(next, DiskUseKind.Brief);
        Task allLeft = table.OlderLeftAsync(next, DiskUseKind.Upload);
        Assert.False(briefLeft.IsCompleted);
        brief.Dispose();
        await briefLeft.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.False(allLeft.IsCompleted, "an upload goes on");
        upload.Dispose();
        await allLeft.WaitAsync(TimeSpan.FromSeconds(10)); // though somebody is in the new set
        late.Dispose();
    }

    [Fact]
    public async Task ManyUsersAndManyChangesEndWithNobodyInside()
    {
        DiskTable table = await NewAsync(2);
        using var stop = new CancellationTokenSource();
        Task[] users = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                using DiskUse use = table.Enter();
                Assert.Equal(2, use.Set.Open.Count);
            }
        }))];
        for (int i = 0; i < 200; i++)
        {
            await table.OlderLeftAsync(table.Replace(_disks, searchAll: false), DiskUseKind.Upload).WaitAsync(TimeSpan.FromSeconds(10));
        }

        await stop.CancelAsync();
        await Task.WhenAll(users);
        Assert.Equal(201, table.Current.Version);
    }

    private async Task<DiskTable> NewAsync(int count)
    {
        for (int i = 0; i < count; i++)
        {
            string path = _home.CreateSubdirectory($"mp{i}").FullName;
            FileHandle root = (await _io.Io.OpenRootAsync(path)).Value;
            _roots.Add(root);
            _disks.Add(new ObjectDisk(i, path, root, _io.Io, 1) { IdDigest = Hrw.IdDigest([(byte)i]) });
        }

        return new DiskTable(new DiskSet(_disks, searchAll: false));
    }
}
