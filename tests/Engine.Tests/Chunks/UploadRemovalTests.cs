using System.Collections.Concurrent;
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

    /// <summary>A chunk is away while its upload is aborted, or freed by an overwrite when its note cannot be read: it goes when it is back, and no client sees the upload meanwhile.</summary>
    [Theory]
    [InlineData("aborted", false)]
    [InlineData("aborted", true)]
    [InlineData("replaced", false)]
    [InlineData("replaced", true)]
    public async Task AChunkThatIsAwayIsRemovedWhenItIsBack(string how, bool stops)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(4);
        UnreadableNotes? notes = null;
        await fixture.CloseAsync();
        fixture.Over = io => notes = new UnreadableNotes(io);
        await fixture.OpenAsync();
        (string upload, string away) = ("", "");
        for (int attempt = 0; away.Length == 0; attempt++) // a chunk that lies where neither its note nor its object does
        {
            upload = await BeginAsync(fixture, $"x{attempt}");
            await PartAsync(fixture, $"x{attempt}", upload, 1, [1, 2, 3]);
            await PartAsync(fixture, $"x{attempt}", upload, 2, [4, 5, 6]);
            string head = "";
            if (how == "replaced")
            {
                await CompleteAsync(fixture, $"x{attempt}", upload, 2);
                head = fixture.Paths.Single(path => File.Exists(Path.Combine(path, "@ais/b/%ob", $"x{attempt}")));
            }

            string chunk = PathOf(upload, "00002"); // the first one lies beside its object
            away = chunk != PathOf(upload, "00000") && chunk != head ? chunk : "";
            await EndAsync($"x{attempt}", away);
        }

        await NothingIsLeftAsync(fixture);

        async Task EndAsync(string name, string leaving)
        {
            if (leaving.Length > 0)
            {
                Assert.True((await fixture.Engine.Mountpaths.DisableAsync(leaving, force: true)).Ok);
                await Task.WhenAll(fixture.Engine.Jobs.All.Select(job => job.Ended));
            }

            notes!.AreUnreadable = how == "replaced" && leaving.Length > 0;
            Result ended = how == "replaced"
                ? await fixture.DeleteAsync(name)
                : await fixture.Io.OnItsThreadAsync(() => fixture.Engine.AbortUploadAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From(name), upload));
            Assert.True(ended.Ok, ended.Error?.Message);
            await SettledAsync(fixture);
            notes.AreUnreadable = false;
            if (leaving.Length == 0)
            {
                return;
            }

            Assert.Empty((await fixture.Io.OnItsThreadAsync(() => fixture.Engine.ListUploadsAsync(Caller.Anonymous, fixture.Bucket))).Value);
            if (stops)
            {
                await fixture.CloseAsync();
                await fixture.OpenAsync();
            }

            Assert.True((await fixture.Engine.Mountpaths.EnableAsync(leaving)).Ok);
            await Task.WhenAll(fixture.Engine.Jobs.All.Select(job => job.Ended));
        }

        string PathOf(string id, string number) => fixture.Paths.Single(path => File.Exists(Path.Combine(path, "@ais/b/%ob/%c", id, number)));
    }

    /// <summary>A disk that does not give the bytes of notes, though it opens them.</summary>
    private sealed class UnreadableNotes(IFileIo inner) : DelegatingFileIo(inner)
    {
        private readonly ConcurrentDictionary<FileHandle, bool> _notes = new();

        public bool AreUnreadable { get; set; }

        public override async ValueTask<IoResult<FileHandle>> OpenAsync(FileHandle directory, ReadOnlyMemory<byte> path, OpenIntent intent)
        {
            bool isNote = path.Span.EndsWith("/00000"u8);
            IoResult<FileHandle> opened = await base.OpenAsync(directory, path, intent);
            if (isNote && opened.Ok)
            {
                _notes[opened.Value] = true;
            }

            return opened;
        }

        public override ValueTask<IoResult<int>> ReadAsync(FileHandle file, Memory<byte> buffer, long offset) =>
            AreUnreadable && _notes.ContainsKey(file) ? new(IoResult<int>.Failed(Native.Errno.EIO)) : base.ReadAsync(file, buffer, offset);
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
