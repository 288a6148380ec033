using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Sluice.Engine;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Mountpaths;
using Sluice.Transport.Api;

namespace Sluice.Transport.Tests.Api;

public sealed class JobSnapshotTests
{
    [Fact]
    public async Task AJobThatEndsWhileItIsWrittenIsToldAsRunning()
    {
        using JsonDocument told = await SnapshotOfOneThatEndsAfterAsync(pieces: 1);
        Assert.StartsWith("0001-01-01", told.RootElement.GetProperty("end-time").GetString(), StringComparison.Ordinal);
        Assert.Equal("reading", told.RootElement.GetProperty("ext").GetProperty("detail").GetString());
        Assert.Equal("", told.RootElement.GetProperty("err").GetString());
    }

    [Fact]
    public async Task AJobThatHasEndedIsToldWithWhatItEndedWith()
    {
        using JsonDocument told = await SnapshotOfOneThatEndsAfterAsync(pieces: 0);
        Assert.DoesNotContain("0001-01-01", told.RootElement.GetProperty("end-time").GetString(), StringComparison.Ordinal);
        Assert.Equal("3 findings", told.RootElement.GetProperty("ext").GetProperty("detail").GetString());
        Assert.Contains("is gone", told.RootElement.GetProperty("err").GetString(), StringComparison.Ordinal);
    }

    /// <summary>A job ends when so many pieces of its snapshot are written; 0: before.</summary>
    private static async Task<JsonDocument> SnapshotOfOneThatEndsAfterAsync(int pieces)
    {
        using var io = new ThreadFileIo();
        var environment = new EngineEnvironment { Io = io, Time = TimeProvider.System, Log = NullLogger.Instance };
        var table = new JobTable(
            environment, new JobBudget(environment.Time, () => 0, 0), new JobMarkers(io, () => new MountpathUse([]), environment.Log));
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Result<Job> started = await table.StartAsync(
            JobKinds.Scrub,
            JobTarget.All,
            async context =>
            {
                context.Detail = "reading";
                begun.SetResult();
                await end.Task;
                context.Detail = "3 findings";
                context.Fail("an object is gone");
            },
            WhenRunning.Refuse);
        Assert.True(started.Ok, started.Error?.Message);
        Job job = started.Value;
        await begun.Task;
        void End()
        {
            end.TrySetResult();
            job.Ended.Wait();
        }

        if (pieces == 0)
        {
            End();
        }

        var output = new PieceWriter(pieces, End);
        using (var writer = new Utf8JsonWriter(output))
        {
            JobApi.WriteSnapshot(writer, job);
        }

        await job.Ended;
        await table.CloseAsync();
        return JsonDocument.Parse(output.Written);
    }

    /// <summary>Takes what is written in pieces of 256 bytes or what is asked for, and calls when so many are full.</summary>
    private sealed class PieceWriter(int callAfter, Action call) : IBufferWriter<byte>
    {
        private readonly ArrayBufferWriter<byte> _all = new();
        private int _pieces;

        public ReadOnlyMemory<byte> Written => _all.WrittenMemory;

        public void Advance(int count) => _all.Advance(count);

        public Memory<byte> GetMemory(int sizeHint = 0)
        {
            if (_pieces++ == callAfter && callAfter > 0)
            {
                call();
            }

            int count = Math.Max(sizeHint, 256);
            return _all.GetMemory(count)[..count];
        }

        public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
    }
}
