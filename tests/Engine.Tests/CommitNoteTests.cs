using Sluice.Engine.Io;
using Sluice.Engine.Tests.Support;
using Sluice.Native;
using Sluice.Simulation.Tests.Faults;

namespace Sluice.Engine.Tests;

/// <summary>
/// A commit that could not look everywhere leaves a note for the next start: an empty file in the work directory. On a server that is not restarted it goes when the name has been
/// brought to what it is to be.
/// </summary>
public sealed class CommitNoteTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TheNoteOfAnUncertainCommitGoesWhenTheNameIsRepaired(bool byResilver)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3, """{"mirror":{"enabled":true,"copies":2}}""");
        FailingOpens? opens = null;
        await fixture.CloseAsync();
        fixture.Over = io => opens = new FailingOpens(io);
        await fixture.OpenAsync();
        await fixture.PutAsync("o", "first");
        opens!.Left = byResilver ? 1000 : 1; // the look before the commit fails, or the repair after it too
        await fixture.PutAsync("o", "second");
        await fixture.RepairedAsync();
        opens.Left = 0;
        if (byResilver)
        {
            string noted = Assert.Single(fixture.WorkFiles());
            Assert.True((await fixture.Engine.Mountpaths.DisableAsync(fixture.Paths.First(noted.StartsWith), force: false)).Ok); // with it the note would leave
            await Task.WhenAll(fixture.Engine.Jobs.All.Select(job => job.Ended));
        }

        Assert.Equal(0, fixture.WorkFileCount());
        Assert.Equal("second", await fixture.GetTextAsync("o"));
    }

    /// <summary>An object's file cannot be opened so many times.</summary>
    private sealed class FailingOpens(IFileIo inner) : DelegatingFileIo(inner)
    {
        private int _left;

        public int Left { set => Volatile.Write(ref _left, value); }

        public override ValueTask<IoResult<FileHandle>> OpenAsync(FileHandle directory, ReadOnlyMemory<byte> path, OpenIntent intent) =>
            intent == OpenIntent.Read && path.Span.EndsWith("/%ob/o"u8) && Interlocked.Decrement(ref _left) >= 0
                ? new(IoResult<FileHandle>.Failed(Errno.EIO)) : base.OpenAsync(directory, path, intent);
    }
}
