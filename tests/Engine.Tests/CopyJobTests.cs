using Sluice.Engine.Buckets;
using Sluice.Engine.Jobs;
using Sluice.Engine.Tests.Support;

namespace Sluice.Engine.Tests;

/// <summary>The jobs over copies: a bucket's number of copies goes up and down under reads and writes, and copies that nobody waited for are made.</summary>
public sealed class CopyJobTests
{
    private const int Objects = 30;
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("strict")]
    [InlineData("relaxed")]
    public async Task TheNumberOfCopiesGoesUpAndDownWhileObjectsAreWritten(string durability)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(4, $$"""{"durability":"{{durability}}"}""");
        await PutAllAsync(fixture, "before");
        foreach (int copies in (int[])[2, 4, 3, 1])
        {
            Task<Job> changed = ChangeAsync(fixture, copies);
            await PutAllAsync(fixture, $"with {copies}", overwritten: Objects / 2);
            Job job = await changed;
            await job.Ended.WaitAsync(s_deadline);
            Assert.Equal((JobKinds.MakeCopies, "", false), (job.Kind, job.Error, job.IsAborted));
            await RepairedAsync(fixture);
            for (int i = 0; i < Objects; i++)
            {
                Assert.Equal(copies, Copies(fixture, $"n{i}"));
                Assert.StartsWith(i < Objects / 2 ? $"with {copies}" : "before", await fixture.GetTextAsync($"n{i}"), StringComparison.Ordinal);
            }

            Assert.Equal(copies, fixture.Engine.HeadBucket(Caller.Anonymous, fixture.Bucket).Value.Properties.Spread);
        }

        await fixture.Engine.FlushAsync();
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        Assert.Equal(1, fixture.Engine.HeadBucket(Caller.Anonymous, fixture.Bucket).Value.Properties.Spread);
        Assert.True((await fixture.DeleteAsync("n1")).Ok);
        Assert.Equal(0, Copies(fixture, "n1"));
    }

    [Fact]
    public async Task AJobThatTheEndCutShortGoesOnAfterwards()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3);
        await PutAllAsync(fixture, "content");
        await ChangeAsync(fixture, 2);
        await fixture.CloseAsync(); // which aborts it
        await fixture.OpenAsync();
        foreach (Job job in fixture.Engine.Jobs.All)
        {
            await job.Ended.WaitAsync(s_deadline);
        }

        Assert.All(Enumerable.Range(0, Objects), i => Assert.Equal(2, Copies(fixture, $"n{i}")));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(512)]
    public async Task CopiesThatNobodyWaitedForAreMadeInTheBackground(int burst)
    {
        await using EngineFixture fixture =
            await EngineFixture.NewAsync(3, $$$"""{"mirror":{"enabled":true,"sync":false,"burst_buffer":{{{burst}}}}}""");
        await PutAllAsync(fixture, "one");
        await PutAllAsync(fixture, "another, longer one");
        Job job = Assert.Single(fixture.Engine.Jobs.All);
        Assert.Equal((JobKinds.PutCopies, true), (job.Kind, job.IsRunning));
        using (var deadline = new CancellationTokenSource(s_deadline))
        {
            while (Enumerable.Range(0, Objects).Any(i => Copies(fixture, $"n{i}") != 2))
            {
                deadline.Token.ThrowIfCancellationRequested();
                await Task.Yield();
            }
        }

        Assert.All(await Task.WhenAll(Enumerable.Range(0, Objects).Select(i => fixture.GetTextAsync($"n{i}"))), text => Assert.Equal("another, longer one", text![..19]));
        await PutAllAsync(fixture, "the last");
        await fixture.CloseAsync(); // makes those that are left
        Assert.All(Enumerable.Range(0, Objects), i => Assert.Equal(2, Copies(fixture, $"n{i}")));
        await fixture.OpenAsync();
    }

    private static async Task PutAllAsync(EngineFixture fixture, string content, int overwritten = Objects)
    {
        for (int i = 0; i < overwritten; i++)
        {
            await fixture.PutAsync($"n{i}", $"{content} {i}");
        }
    }

    private static async Task<Job> ChangeAsync(EngineFixture fixture, int copies)
    {
        Result<BucketChange> changed = await fixture.Engine.MakeCopiesAsync(Caller.Anonymous, fixture.Bucket, copies);
        Assert.True(changed.Ok, changed.Error?.Message);
        return changed.Value.Job!;
    }

    private static async Task RepairedAsync(EngineFixture fixture)
    {
        using var deadline = new CancellationTokenSource(s_deadline);
        while (fixture.Engine.Repairs.Count > 0)
        {
            deadline.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private static int Copies(EngineFixture fixture, string name) => fixture.Paths.Count(path => File.Exists(Path.Combine(path, "@ais/b/%ob", name)));
}
