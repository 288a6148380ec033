using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
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
            BeforeRecord? disk = null;
            var session = new Session(new SimulatedHost(1, io => disk = new BeforeRecord(io)), Durability.Relaxed);
            Assert.Null(await session.Host.OpenAsync());
            await session.CreateBucketAsync();
            await session.PutAsync("x", 3000, Session.ManyPairs('a'));
            await session.FlushAsync();
            await session.PutAsync("y", 700); // something to flush
            bool hasFlushed = false;
            disk!.Action = async () =>
            {
                await session.Host.Engine.FlushAsync();
                hasFlushed = true;
            };
            await session.PutAsync("x", 9000, Session.ManyPairs('b'));
            Assert.True(hasFlushed);
            session.Host.Crash(new Crash(CrashKind.CutUnordered, seed));
            Assert.Null(await session.Host.OpenAsync());
            Assert.Empty(await new Survey(session.Host, session.Oracle, CrashKind.CutUnordered).RunAsync());
            Assert.Null(await session.Host.CloseAsync());
        }
    }

    /// <summary>Something else happens, once, right before a record is set.</summary>
    private sealed class BeforeRecord(IFileIo inner) : DelegatingFileIo(inner)
    {
        public Func<Task>? Action { get; set; }

        public override async ValueTask<IoResult> SetXattrAsync(FileHandle file, XattrName name, ReadOnlyMemory<byte> value)
        {
            if (name == XattrName.Record && Action is { } action)
            {
                Action = null;
                await action();
            }

            return await base.SetXattrAsync(file, name, value);
        }
    }
}
