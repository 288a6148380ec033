using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;
using Sluice.Native;
using Sluice.Simulation.Tests.Faults;
using static Sluice.Engine.Tests.ErasureTests;

namespace Sluice.Engine.Tests;

/// <summary>Slices that are nobody's, since a drive did not let go of them, or who wrote them could not go on: on drives that work they are gone, and on the others when these work.</summary>
public sealed class LeftoverPartTests
{
    private const string LastOfData = ".00004"; // the end of a slice's name
    private const int Bytes = (9 * Unit) + 77;

    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ADriveThatKeepsASliceKeepsNobodyFromTheOthers(bool overwritten)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, Properties(4, 2));
        HookedFileIo hooked = await HookAsync(fixture);
        await fixture.PutAsync("o", Content(Bytes));
        string kept = Slices(fixture).Single(file => file.EndsWith(LastOfData, StringComparison.Ordinal));
        hooked.FailsUnlink = LastOfData;
        if (overwritten)
        {
            await fixture.PutAsync("o", Content(Bytes, seed: 2));
        }
        else
        {
            Assert.True((await fixture.DeleteAsync("o")).Ok);
        }

        await fixture.RepairedAsync();
        Assert.Contains(kept, Slices(fixture));
        Assert.Equal(overwritten ? 7 : 1, Slices(fixture).Length);
        hooked.FailsUnlink = null;
        await fixture.PutAsync("o", Content(Bytes, seed: 3)); // whoever changes the name has it looked at again
        await IsWholeAsync(fixture, seed: 3);
    }

    /// <summary>The object was given other custom metadata while the drive was away: newer heads speak of the same slices.</summary>
    [Fact]
    public async Task ASliceOnADriveThatComesBackIsKeptWhenNewerHeadsSpeakOfIt()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, Properties(4, 2));
        await fixture.PutAsync("o", Content(Bytes));
        string slice = Slices(fixture).Single(file => file.EndsWith(LastOfData, StringComparison.Ordinal));
        DateTime written = File.GetLastWriteTimeUtc(slice);
        string leaving = fixture.Paths.Single(path => slice.StartsWith(path + "/", StringComparison.Ordinal));
        Assert.True((await fixture.Engine.Mountpaths.DisableAsync(leaving, force: true)).Ok);
        await ResilveredAsync(fixture);
        Result<ObjectAttributes> changed = await fixture.Engine.SetCustomAsync(
            Caller.Anonymous, fixture.Bucket, ObjectName.From("o"), [new("color", "red")], replaceAll: false);
        Assert.True(changed.Ok, changed.Error?.Message);
        await fixture.RepairedAsync();
        Assert.True((await fixture.Engine.Mountpaths.EnableAsync(leaving)).Ok);
        await ResilveredAsync(fixture);
        await fixture.RepairedAsync();
        Assert.Equal(6, Slices(fixture).Length);
        Assert.Equal(written, File.GetLastWriteTimeUtc(slice)); // and was not made anew
        Assert.Equal(Content(Bytes), await fixture.GetAsync("o"));
    }

    [Fact]
    public async Task TheResilverComesToNoEndBeforeTheyAreGone()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(7, Properties(4, 2));
        HookedFileIo hooked = await HookAsync(fixture);
        await fixture.PutAsync("o", Content(Bytes));
        string kept = Slices(fixture).Single(file => file.EndsWith(LastOfData, StringComparison.Ordinal));
        string leaving = fixture.Paths.First(path => !kept.StartsWith(path + "/", StringComparison.Ordinal));
        hooked.FailsUnlink = LastOfData;
        await fixture.PutAsync("o", Content(Bytes, seed: 2));
        Assert.True((await fixture.Engine.Mountpaths.DisableAsync(leaving, force: true)).Ok);
        await ResilveredAsync(fixture);
        Assert.True(fixture.Engine.Mountpaths.Map.MisplacedPossible);
        hooked.FailsUnlink = null;
        Assert.True((await fixture.Engine.Mountpaths.EnableAsync(leaving)).Ok);
        await ResilveredAsync(fixture);
        Assert.False(fixture.Engine.Mountpaths.Map.MisplacedPossible);
        await IsWholeAsync(fixture, seed: 2);
    }

    /// <summary>A writer comes between the slices that a repair has put on another drive and the heads that were to speak of them.</summary>
    [Fact]
    public async Task WhatARepairPutElsewhereGoesWhenAWriterIsFaster()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(7, Properties(4, 2));
        HookedFileIo hooked = await HookAsync(fixture);
        await fixture.PutAsync("o", Content(Bytes));
        string leaving = fixture.Paths.First(path => Slices(fixture).Any(file => file.StartsWith(path + "/", StringComparison.Ordinal)));
        hooked.AfterRebuilding = () => fixture.PutAsync("o", Content(Bytes, seed: 2));
        Assert.True((await fixture.Engine.Mountpaths.DisableAsync(leaving, force: true)).Ok);
        await ResilveredAsync(fixture);
        Assert.Null(hooked.AfterRebuilding); // it was called
        await IsWholeAsync(fixture, seed: 2, away: leaving);
    }

    /// <summary>While a drive is away its head may be of the generation that was given up: nothing of that goes before something newer is known.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task SlicesOfACommitThatFailedGoWhenNoHeadCanComeBack(bool isAway)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(7, Properties(4, 2));
        HookedFileIo hooked = await HookAsync(fixture);
        await fixture.PutAsync("o", Content(Bytes));
        string leaving = fixture.Paths[0];
        if (isAway)
        {
            Assert.True((await fixture.Engine.Mountpaths.DisableAsync(leaving, force: true)).Ok);
            await ResilveredAsync(fixture);
        }

        hooked.FailsRenameTo = "o";
        Assert.False((await fixture.TryPutAsync("o", Content(Bytes, seed: 2))).Ok);
        hooked.FailsRenameTo = null;
        await fixture.RepairedAsync();
        Assert.Equal(isAway ? 12 : 6, On(fixture, isAway ? leaving : "").Length);
        Assert.Equal(Content(Bytes), await fixture.GetAsync("o"));
        await fixture.PutAsync("o", Content(Bytes, seed: 3));
        await IsWholeAsync(fixture, seed: 3, away: isAway ? leaving : "");
    }

    /// <summary>A DELETE stops at the last head, whose drive then leaves: the next object of that name tells nobody of the slices of the old one.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task SlicesOfADeleteThatStoppedGoWhenTheLastHeadHasLeft(bool isDeletedAgain)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(8, Properties(4, 2));
        HookedFileIo hooked = await HookAsync(fixture);
        await fixture.PutAsync("o", Content(Bytes));
        string last = "";
        Task<Result> leaving = Task.FromResult(Result.Done);
        hooked.BeforeFailing = async () =>
        {
            last = fixture.Paths.Single(path => Directory.EnumerateFiles(path, "o", SearchOption.AllDirectories).Any());
            leaving = fixture.Engine.Mountpaths.DisableAsync(last, force: true); // ends with the DELETE
            while (fixture.Engine.Mountpaths.Rows().Single(row => row.Path == last).State == ServingState.Serving)
            {
                await Task.Yield();
            }
        };
        (hooked.FailsUnlink, hooked.UnlinksBefore) = ("o", 2);
        Assert.False((await fixture.DeleteAsync("o")).Ok);
        hooked.FailsUnlink = null;
        Assert.True((await leaving.WaitAsync(s_deadline)).Ok);
        if (isDeletedAgain)
        {
            Assert.True((await fixture.DeleteAsync("o")).Ok);
            await ResilveredAsync(fixture);
            Assert.Empty(On(fixture, last));
        }

        await fixture.PutAsync("o", Content(Bytes, seed: 2));
        await ResilveredAsync(fixture);
        await IsWholeAsync(fixture, seed: 2, away: last);
    }

    /// <summary>While a mountpath is away a delete begins with a tombstone, and a start finishes what has one.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task ADeleteThatWasRefusedDoesNotComeTrueAtTheNextStart(int headsBefore)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(8, Properties(4, 2));
        HookedFileIo hooked = await HookAsync(fixture);
        await fixture.PutAsync("o", Content(Bytes));
        string away = fixture.Paths.First(path => !File.Exists(Path.Combine(path, "@ais/b/%ob/o")) && Slices(fixture).All(file => !file.StartsWith(path + "/", StringComparison.Ordinal)));
        Assert.True((await fixture.Engine.Mountpaths.DisableAsync(away, force: true)).Ok);
        await ResilveredAsync(fixture);
        (hooked.FailsUnlink, hooked.UnlinksBefore) = ("o", headsBefore);
        Assert.False((await fixture.DeleteAsync("o")).Ok);
        hooked.FailsUnlink = null;
        Assert.Equal(Content(Bytes), await fixture.GetAsync("o"));
        await fixture.RepairedAsync();
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        await IsWholeAsync(fixture, seed: 1, away);
        Assert.True((await fixture.DeleteAsync("o")).Ok);
        Assert.Null(await fixture.GetAsync("o"));
    }

    private static async Task<HookedFileIo> HookAsync(EngineFixture fixture)
    {
        HookedFileIo? hooked = null;
        await fixture.CloseAsync();
        fixture.Over = io => hooked = new HookedFileIo(io);
        await fixture.OpenAsync();
        return hooked!;
    }

    private static async Task ResilveredAsync(EngineFixture fixture)
    {
        await Task.WhenAll(fixture.Engine.Jobs.All.Select(job => job.Ended)).WaitAsync(s_deadline);
        await fixture.RepairedAsync();
    }

    private static string[] On(EngineFixture fixture, string away) => [.. Slices(fixture).Where(file => away.Length == 0 || !file.StartsWith(away + "/", StringComparison.Ordinal))];

    private static async Task IsWholeAsync(EngineFixture fixture, int seed, string away = "")
    {
        await fixture.RepairedAsync();
        string[] slices = On(fixture, away);
        Assert.True(slices.Length == 6 && slices.Select(NumberOf).Distinct().Count() == 6, string.Join('\n', slices));
        Assert.Single(slices.Select(file => Path.GetFileName(file)[..^6]).Distinct());
        Assert.Equal(Content(Bytes, seed), await fixture.GetAsync("o"));
    }

    /// <summary>Fails what it is told to, and does something when a repair has given a slice its name and goes on to heads.</summary>
    private sealed class HookedFileIo(IFileIo inner) : DelegatingFileIo(inner)
    {
        private volatile bool _isRebuilt;

        /// <summary>End of names that cannot be removed.</summary>
        public string? FailsUnlink { get; set; }

        /// <summary>So many of them can.</summary>
        public int UnlinksBefore { get; set; }

        /// <summary>A name that nothing can be renamed to.</summary>
        public string? FailsRenameTo { get; set; }

        public Func<Task>? AfterRebuilding { get; set; }

        /// <summary>Comes before the first that cannot.</summary>
        public Func<Task> BeforeFailing { get; set; } = static () => Task.CompletedTask;

        public override async ValueTask<IoResult> UnlinkAsync(FileHandle directory, ReadOnlyMemory<byte> name, EntryKind kind)
        {
            if (FailsUnlink is not { } end || !Text(name).EndsWith(end, StringComparison.Ordinal) || --UnlinksBefore >= 0)
            {
                return await base.UnlinkAsync(directory, name, kind);
            }

            Func<Task> before = BeforeFailing;
            BeforeFailing = static () => Task.CompletedTask;
            await before();
            return new IoResult(Errno.EIO);
        }

        public override async ValueTask<IoResult> RenameAsync(
            FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName, RenameMode mode)
        {
            if (FailsRenameTo == Text(toName))
            {
                return new IoResult(Errno.EIO);
            }

            IoResult renamed = await base.RenameAsync(fromDirectory, fromName, toDirectory, toName, mode);
            _isRebuilt |= AfterRebuilding is not null && toName.Length == 39; // a slice's name
            return renamed;
        }

        public override async ValueTask<IoResult<FileHandle>> OpenAsync(FileHandle directory, ReadOnlyMemory<byte> path, OpenIntent intent)
        {
            if (_isRebuilt && intent == OpenIntent.CreateNew && AfterRebuilding is { } action)
            {
                AfterRebuilding = null;
                await action();
            }

            return await base.OpenAsync(directory, path, intent);
        }

        private static string Text(ReadOnlyMemory<byte> name) => System.Text.Encoding.UTF8.GetString(name.Span);
    }
}
