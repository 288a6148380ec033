using Sluice.Engine.Buckets;
using Sluice.Simulation.Tests.Disk;
using Sluice.Simulation.Tests.Faults;
using Sluice.Simulation.Tests.Matrix;

namespace Sluice.Simulation.Tests;

/// <summary>
/// A flush runs while a relaxed write has its record set and is not visible yet. What becomes visible behind the flush's syncfs is not durable by it, so the mark that the flush
/// leaves must be older: else nobody verifies the object after a power cut, and bytes are served that nobody wrote.
/// </summary>
public sealed class FlushMarkTests
{
    private const int Seeds = 40;

    [Fact]
    public async Task AFlushBetweenRecordAndRenameDoesNotVouchForTheObject()
    {
        for (int seed = 0; seed < Seeds; seed++)
        {
            BeforeVerb? disk = null;
            var session = new Session(new SimulatedHost(1, io => disk = new BeforeVerb(io)), Durability.Relaxed);
            Assert.Null(await session.Host.OpenAsync());
            await session.CreateBucketAsync();
            await session.PutAsync("x", 3000, Session.ManyPairs('a'));
            await session.FlushAsync();
            await session.PutAsync("y", 700); // something to flush
            disk!.Arm(DiskVerb.SetXattr, () => session.Host.Engine.FlushAsync().AsTask());
            await session.PutAsync("x", 9000, Session.ManyPairs('b'));
            Assert.False(disk.IsArmed);
            session.Host.Crash(new Crash(CrashKind.CutUnordered, seed));
            Assert.Null(await session.Host.OpenAsync());
            Assert.Empty(await new Survey(session.Host, session.Oracle, CrashKind.CutUnordered).RunAsync());
            Assert.Null(await session.Host.CloseAsync());
        }
    }
}
