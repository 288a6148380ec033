// What is requested, when it is due, and when it is over.
using System.Text;
using System.Text.Json.Nodes;
using Sluice.Contract;
using Sluice.Loader.Flags;
using Sluice.Loader.Names;
using Sluice.Loader.Run;
using Sluice.Loader.Work;

namespace Sluice.Loader.Tests;

public sealed class WorkTests
{
    private const long Second = 1_000_000_000;

    [Theory]
    [InlineData(0, 0, 0, 0)]
    [InlineData(30, 0, 0, 50)]
    [InlineData(100, 0, 0, 0)]
    [InlineData(5, 0, 0, 100)]
    [InlineData(30, 50, 0, 0)]
    [InlineData(100, 100, 0, 0)]
    [InlineData(0, 0, 60, 60)]
    [InlineData(0, 100, 100, 100)]
    public void PercentagesAreIndependent(int put, int multipart, int stream, int update)
    {
        var chooser = new OperationChooser(put, multipart, stream, update, 42);
        const int Draws = 200_000;
        Choice[] choices = [.. Enumerable.Range(0, Draws).Select(_ => chooser.Next())];
        // A correlated draw would make it 0 or everything.
        ShareIs(choices, Choice.Multipart, put / 100.0 * (multipart / 100.0));
        ShareIs(choices, Choice.Put, put / 100.0 * (1 - (multipart / 100.0)));
        double gets = 1 - (put / 100.0);
        ShareIs(choices, Choice.Stream, gets * (stream / 100.0));
        ShareIs(choices, Choice.Update, gets * (1 - (stream / 100.0)) * (update / 100.0));
    }

    private static void ShareIs(Choice[] choices, Choice choice, double expected) =>
        Assert.InRange(choices.Count(each => each == choice) / (double)choices.Length, expected - 0.01, expected + 0.01);

    [Fact]
    public void TheSameSeedMakesTheSameRun()
    {
        string Run(ulong seed)
        {
            WorkSource source = Source(Options with { PercentPut = 50, PercentUpdate = 20, BytesMin = 1, BytesMax = 1000, Seed = seed }, 10);
            var operation = new Operation();
            var text = new StringBuilder();
            for (int i = 0; i < 100; i++)
            {
                Assert.True(source.TryNext(operation));
                text.Append($"{operation.IsPut} {operation.IsUpdate} {operation.PutBytes} {Encoding.ASCII.GetString(operation.Name)}\n");
                source.Stored(operation);
            }

            return text.ToString();
        }

        Assert.Equal(Run(7), Run(7));
        Assert.NotEqual(Run(7), Run(8));
    }

    [Fact]
    public void PutsEndAtTheirCount() => Assert.Equal(5, Count(Source(Options with { PercentPut = 100, PutsMax = 5, BytesMax = 10 }, 0)));

    [Fact]
    public void PutsEndAtTheirBytes() =>
        Assert.Equal(3, Count(Source(Options with { PercentPut = 100, PutBytesMax = 25, BytesMin = 10, BytesMax = 10 }, 0)));

    [Fact]
    public void ReadsEndAfterTheirPasses() => Assert.Equal(30, Count(Source(Options with { Epochs = 3, ShuffleMax = 100 }, 10)));

    [Fact]
    public void OneNameIsAPassToo() => Assert.Equal(3, Count(Source(Options with { Epochs = 3, ShuffleMax = 100 }, 1)));

    [Fact]
    public void AStoppedSourceGivesNothing()
    {
        WorkSource source = Source(Options, 10);
        source.Stop();
        Assert.False(source.TryNext(new Operation()));
    }

    [Fact]
    public void AMixOverAnEmptyBucketBeginsWithPuts()
    {
        WorkSource source = Source(Options with { PercentPut = 1, BytesMax = 10 }, 0);
        var operation = new Operation();
        Assert.True(source.TryNext(operation));
        Assert.True(operation.IsPut);
        string name = Encoding.ASCII.GetString(operation.Name);
        source.Stored(operation);
        while (operation.IsPut)
        {
            Assert.True(source.TryNext(operation));
        }

        Assert.Equal(name, Encoding.ASCII.GetString(operation.Name));
    }

    [Fact]
    public void PutsInPartsAreDrawnWhereThereIsNothingToGetAndCountAsPuts()
    {
        LoadOptions options = Options with { PercentPut = 100, PercentMultipart = 50, MultipartChunks = 4, PutsMax = 1000, BytesMin = 1, BytesMax = 10 };
        WorkSource source = Source(options, 0);
        var operation = new Operation();
        int multipart = 0;
        int all = 0;
        for (; source.TryNext(operation); all++)
        {
            Assert.True(operation.IsPut);
            Assert.Equal(Math.Min(4, operation.PutBytes), operation.Parts);
            multipart += operation.Kind == OperationKind.Multipart ? 1 : 0;
            source.Stored(operation);
        }

        Assert.Equal(1000, all);
        Assert.InRange(multipart, 400, 600);
        Assert.Equal(multipart, source.MultipartStored);
    }

    [Fact]
    public void PartsAreTheObjectAndDifferByAByteAtMost()
    {
        var operation = new Operation { PutBytes = 11, Parts = 4 };
        Assert.Equal([(0, 3), (3, 3), (6, 3), (9, 2)], Enumerable.Range(1, 4).Select(operation.PartAt));
        operation = new Operation { PutBytes = 5L << 40, Parts = 9999 };
        long end = 0;
        for (int number = 1; number <= 9999; number++)
        {
            (long offset, long bytes) = operation.PartAt(number);
            Assert.Equal(end, offset);
            Assert.InRange(bytes, (5L << 40) / 9999, ((5L << 40) / 9999) + 1);
            end += bytes;
        }

        Assert.Equal(5L << 40, end);
    }

    [Fact]
    public void AnUpdatePutsInOnePiece()
    {
        WorkSource source = Source(Options with { PercentUpdate = 100, PercentMultipart = 100, MultipartChunks = 3, BytesMin = 7, BytesMax = 7 }, 3);
        var operation = new Operation();
        Assert.True(source.TryNext(operation));
        Assert.True(source.TryUpdate(operation));
        Assert.Equal(OperationKind.Put, operation.Kind);
    }

    [Fact]
    public void OnlyNamesOfLoadersAreVerifiedUnlessAllAreTold()
    {
        var operation = new Operation();
        Assert.True(Source(Options with { Verify = true }, 1).TryNext(operation));
        Assert.False(operation.IsOwn);
        Assert.True(Source(Options with { Verify = true, VerifyAllNames = true }, 1).TryNext(operation));
        Assert.True(operation.IsOwn);
    }

    [Fact]
    public void AnUpdatePutsTheSameName()
    {
        WorkSource source = Source(Options with { PercentUpdate = 100, PutsMax = 1, BytesMin = 7, BytesMax = 7 }, 3);
        var operation = new Operation();
        Assert.True(source.TryNext(operation));
        Assert.True(operation is { IsPut: false, IsUpdate: true });
        string name = Encoding.ASCII.GetString(operation.Name);
        Assert.True(source.TryUpdate(operation));
        Assert.True(operation is { IsPut: true, IsUpdate: false, IsNew: false, PutBytes: 7 });
        Assert.Equal(name, Encoding.ASCII.GetString(operation.Name));
        Assert.True(source.TryNext(operation));
        Assert.False(source.TryUpdate(operation));
    }

    [Fact]
    public void LoopsTakeTurnsWithoutDrift()
    {
        OpenLoopSchedule[] loops = [.. Enumerable.Range(0, 3).Select(loop => new OpenLoopSchedule(100, 7, 3, loop, 1000))];
        long[] due = [.. loops.SelectMany(Due).Order()];
        Assert.Equal([.. Enumerable.Range(0, due.Length).Select(i => 100 + (i * Second / 7))], due);
        Assert.Equal(7 * 50 + 1, due.Length);

        static IEnumerable<long> Due(OpenLoopSchedule schedule)
        {
            schedule.Advance(100 + (50 * Second));
            while (schedule.TryTake(out long due))
            {
                yield return due;
            }
        }
    }

    [Fact]
    public void WhatDoesNotFitTheBacklogIsDroppedAndCountedAndTheOldestStay()
    {
        var schedule = new OpenLoopSchedule(0, 10, 1, 0, 4);
        schedule.Advance(Second - 1);
        Assert.Equal((4, 4, 6L), (schedule.Backlog, schedule.BacklogMax, schedule.Dropped));
        Assert.Equal(Second, schedule.NextDue);
        Assert.True(schedule.TryTake(out long due));
        Assert.Equal(0, due);
        schedule.Advance(Second);
        for (long expected = Second / 10; expected < 4 * Second / 10; expected += Second / 10)
        {
            Assert.True(schedule.TryTake(out due));
            Assert.Equal(expected, due);
        }

        Assert.True(schedule.TryTake(out due));
        Assert.Equal(Second, due);
        Assert.False(schedule.TryTake(out _));
    }

    [Fact]
    public void OnlyMirrorAndErasureCodingThatDifferAreApplied()
    {
        JsonObject wanted = JsonNode.Parse("""{"mirror":{"enabled":true,"copies":2},"ec":{"enabled":false},"access":"0"}""")!.AsObject();
        JsonObject present = JsonNode.Parse("""{"mirror":{"enabled":false},"ec":{"enabled":false}}""")!.AsObject();
        Assert.Equal("""{"mirror":{"enabled":true,"copies":2}}""", BucketSetup.Changes(wanted, present).ToJsonString());
        Assert.Empty(BucketSetup.Changes(wanted, wanted));
    }

    [Fact]
    public void TheConfigurationHasTheContractsKeysInOrderWithoutEmptyOnes()
    {
        string text = Configuration.Text(
            Options with { PercentPut = 100, BytesMin = 1, BytesMax = 2, PutBytesMax = 1 << 30, Workers = 4, StatisticsInterval = TimeSpan.FromSeconds(10), Cleanup = true }, "");
        string[] keys = [.. JsonNode.Parse(text)!.AsObject().Select(pair => pair.Key)];
        Assert.Equal(
            ["proxy", "bucket", "duration", "# workers", "stats interval", "% PUT", "minimum object size (bytes)", "maximum object size (bytes)", "PUT upper bound", "reader-type", "cleanup", "seed"],
            keys);
        Assert.Contains("\"duration\": \"-\"", text, StringComparison.Ordinal);
        Assert.Contains("\"PUT upper bound\": \"1GiB\"", text, StringComparison.Ordinal);
    }

    private static LoadOptions Options
    {
        get
        {
            Assert.True(BucketAddress.TryParse("ais://b", out BucketAddress? bucket, out _));
            return new LoadOptions { Endpoint = "http://h:1", Bucket = bucket, Seed = 1, RandomNames = true, ShuffleMax = 1000 };
        }
    }

    private static WorkSource Source(LoadOptions options, int names)
    {
        var table = new NameTable();
        for (int i = 0; i < names; i++)
        {
            table.TryAdd(Encoding.ASCII.GetBytes($"listed-{i}"));
        }

        return new WorkSource(options, table, options.PercentPut < 100 ? NameGetter.For(options, names) : null);
    }

    private static int Count(WorkSource source)
    {
        var operation = new Operation();
        int count = 0;
        while (source.TryNext(operation))
        {
            count++;
        }

        return count;
    }
}
