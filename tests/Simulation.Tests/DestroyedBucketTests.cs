using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Native;
using Sluice.Simulation.Tests.Faults;
using Sluice.Simulation.Tests.Matrix;

namespace Sluice.Simulation.Tests;

/// <summary>A bucket is destroyed while somebody makes a copy of an object in it.</summary>
public sealed class DestroyedBucketTests
{
    private const int MomentsMax = 24;

    /// <summary>At whatever moment of a repair that is, no directory of the bucket is left, or made anew.</summary>
    [Fact]
    public async Task ARepairThatIsOvertakenByTheDestructionLeavesNothing()
    {
        int overtaken = 0;
        for (int moment = 1; moment <= MomentsMax; moment++)
        {
            BeforeVerb? disk = null;
            var session = new Session(new SimulatedHost(3, io => disk = new BeforeVerb(io)), Durability.Strict);
            Assert.Null(await session.Host.OpenAsync());
            ObjectEngine engine = session.Host.Engine;
            await session.CreateBucketAsync();
            await session.PutAsync("dir/x", 5000);
            Assert.True((await engine.MakeCopiesAsync(Caller.Anonymous, Session.Bucket, 2)).Ok);
            await session.EndOfJobsAsync();
            await LoseCopyAsync(session);
            Task destroyed = Task.CompletedTask;
            disk!.Arm(
                DiskVerb.GetXattr,
                () =>
                {
                    destroyed = session.DestroyBucketAsync(); // may have to wait until the repair has left the bucket
                    return Task.CompletedTask;
                },
                moment);
            Result repaired = await engine.MakeWholeAsync(Caller.Anonymous, Session.Bucket, ObjectName.From("dir/x"));
            overtaken += repaired.Error is { Code: ErrorCode.BucketNotFound } ? 1 : 0;
            await destroyed.WaitAsync(TimeSpan.FromSeconds(30));
            if (engine.HeadBucket(Caller.Anonymous, Session.Bucket).Ok)
            {
                await session.DestroyBucketAsync(); // the repair has fewer moments than this
            }

            Assert.DoesNotContain(session.Host.Disk.Tree(), entry => entry.Path.Contains("/@ais/b", StringComparison.Ordinal));
            Assert.Null(await session.Host.CloseAsync());
        }

        Assert.True(overtaken > 0, "no repair was overtaken");
    }

    private static async Task LoseCopyAsync(Session session)
    {
        string path = session.Host.Disk.Tree().Select(entry => entry.Path).Last(path => path.EndsWith("/@ais/b/%ob/dir/x", StringComparison.Ordinal));
        int mountpath = path.IndexOf("/@ais", StringComparison.Ordinal);
        using FileHandle root = (await session.Host.Disk.OpenRootAsync(path[..mountpath])).Value;
        using FileHandle directory = (await session.Host.Disk.OpenAsync(root, "@ais/b/%ob/dir"u8.ToArray(), OpenIntent.Directory)).Value;
        Assert.True((await session.Host.Disk.UnlinkAsync(directory, "x"u8.ToArray(), EntryKind.File)).Ok);
    }
}
