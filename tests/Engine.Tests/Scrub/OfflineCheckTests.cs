using Microsoft.Extensions.Logging.Abstractions;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Scrub;
using Sluice.Engine.Tests.Support;
using Sluice.Native;
using Sluice.Simulation.Tests.Faults;

namespace Sluice.Engine.Tests.Scrub;

/// <summary>What <c>sluice fsck</c> does without <c>--repair</c>: it reads.</summary>
public sealed class OfflineCheckTests
{
    /// <summary>A bucket was destroyed, and its directories could not be moved yet; with <c>--repair</c> they are.</summary>
    [Fact]
    public async Task WithoutRepairNothingIsChanged()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2);
        await fixture.PutAsync("o", ScrubBench.Content(5000, seed: 1));
        await fixture.CloseAsync();
        fixture.Over = io => new NoBucketMoves(io);
        await fixture.OpenAsync();
        Assert.True((await fixture.Engine.DestroyBucketAsync(Caller.Anonymous, fixture.Bucket)).Ok);
        await fixture.CloseAsync();
        fixture.Over = static io => io;
        Dictionary<string, byte[]> before = Tree(fixture);
        Assert.Contains(before.Keys, static path => path.EndsWith("/@ais/b/%ob/o", StringComparison.Ordinal));

        await CheckAsync(fixture, repair: false);
        Assert.Equal(before, Tree(fixture));
        await CheckAsync(fixture, repair: true);
        Assert.DoesNotContain(Tree(fixture).Keys, static path => path.Contains("/@ais/b/", StringComparison.Ordinal));
        await fixture.OpenAsync();
    }

    private static async Task CheckAsync(EngineFixture fixture, bool repair)
    {
        var environment = new EngineEnvironment { Io = fixture.Io.Io, Time = TimeProvider.System, Log = NullLogger.Instance };
        Result<Job> done = await ObjectEngine.CheckAsync(fixture.Options, environment, new ScrubSettings(repair, 0), static _ => { }, CancellationToken.None);
        Assert.True(done.Ok, done.Error?.Message);
        Assert.Equal(0, done.Value.FindingCount);
    }

    private static Dictionary<string, byte[]> Tree(EngineFixture fixture) => fixture.Paths
        .SelectMany(path => Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories))
        .Order(StringComparer.Ordinal).ToDictionary(path => path, File.ReadAllBytes);

    private sealed class NoBucketMoves(IFileIo inner) : DelegatingFileIo(inner)
    {
        public override ValueTask<IoResult> RenameAsync(
            FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName, RenameMode mode) =>
            fromName.Span.SequenceEqual("b"u8) ? new(new IoResult(Errno.EIO)) : base.RenameAsync(fromDirectory, fromName, toDirectory, toName, mode);
    }
}
