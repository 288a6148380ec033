using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;
using Sluice.Simulation.Tests.Faults;
using static Sluice.Engine.Tests.Chunks.UploadBench;

namespace Sluice.Engine.Tests.Chunks;

/// <summary>A chunk that goes from one mountpath to another while they are listed may be seen on neither: it is removed all the same, and not left without its note.</summary>
public sealed class UploadRemovalTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AChunkThatAListingMissesIsRemoved(bool isObject)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2);
        await fixture.CloseAsync();
        fixture.Over = io => new MissingOnce(io, "00002");
        await fixture.OpenAsync();
        string upload = await BeginAsync(fixture, "x");
        for (int part = 1; part <= 3; part++)
        {
            await PartAsync(fixture, "x", upload, part, [1, 2, 3]);
        }

        if (isObject)
        {
            await CompleteAsync(fixture, "x", upload, 3);
            Assert.True((await fixture.DeleteAsync("x")).Ok);
        }
        else
        {
            Assert.True((await fixture.Io.OnItsThreadAsync(() => fixture.Engine.AbortUploadAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From("x"), upload))).Ok);
        }

        await NothingIsLeftAsync(fixture);
    }

    /// <summary>The first listing that meets a name passes over it.</summary>
    private sealed class MissingOnce(IFileIo inner, string missing) : DelegatingFileIo(inner)
    {
        private int _missed;

        public override ValueTask<IoResult> ListAsync(FileHandle directory, IEntrySink sink) => base.ListAsync(directory, new Sink(this, sink, missing));

        private sealed class Sink(MissingOnce owner, IEntrySink inner, string missing) : IEntrySink
        {
            public void Add(ReadOnlySpan<byte> name, EntryKind kind)
            {
                if (!name.SequenceEqual(System.Text.Encoding.ASCII.GetBytes(missing)) || Interlocked.Exchange(ref owner._missed, 1) == 1)
                {
                    inner.Add(name, kind);
                }
            }
        }
    }
}
