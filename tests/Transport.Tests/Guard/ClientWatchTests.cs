// Which clients the watch breaks, and which not, by a clock that the test moves.
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Sluice.Cli.Tests.Support;
using Sluice.Engine.Io;
using Sluice.Native.Memory;
using Sluice.Transport.Guard;
using Sluice.Transport.Http;

namespace Sluice.Transport.Tests.Guard;

public sealed class ClientWatchTests : IDisposable
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan s_look = s_timeout / 8;

    private readonly ManualClock _clock = new();
    private readonly ClientWatch _watch;

    public ClientWatchTests()
    {
        _watch = new ClientWatch(s_timeout, _clock);
        _clock.Advance(s_look);
    }

    [Fact]
    public void ABodyThatStallsIsBroken()
    {
        var client = new Client(_watch);
        _ = client.Context.Body.ReadAsync().AsTask();
        Pass(s_timeout);
        Assert.Equal(0, client.Aborts);

        Pass(2 * s_look);

        Assert.True(client.Aborts > 0);
        Assert.True(_watch.BrokenCount > 0);
    }

    [Fact]
    public async Task ABodyThatTricklesIsNot()
    {
        var client = new Client(_watch);
        for (int i = 0; i < 10; i++)
        {
            ValueTask<ReadResult> read = client.Context.Body.ReadAsync();
            Assert.False(read.IsCompleted);
            Pass(s_timeout);
            await client.Body.Writer.WriteAsync(new byte[1]);
            client.Context.Body.AdvanceTo((await read).Buffer.End);
        }

        Assert.Equal(0, client.Aborts);
    }

    [Fact]
    public void AnAnswerThatNobodyTakesIsBroken()
    {
        var client = new Client(_watch);
        _ = client.FlushAsync();

        Pass(s_timeout + (2 * s_look));

        Assert.True(client.Aborts > 0);
    }

    [Fact]
    public void AnAnswerThatIsTakenByteByByteIsNotUntilItStalls()
    {
        var client = new Client(_watch);
        _ = client.FlushAsync();
        for (int i = 0; i < 10; i++)
        {
            Pass(s_timeout - s_look);
            client.SentBytes++;
        }

        Assert.Equal(0, client.Aborts);
        Pass(s_timeout + (3 * s_look));
        Assert.True(client.Aborts > 0);
    }

    [Fact]
    public void ARequestThatDoesNotWaitForItsClientIsNotBroken()
    {
        var client = new Client(_watch);
        Pass(10 * s_timeout);
        Assert.Equal(0, client.Aborts);
    }

    [Fact]
    public void AClosedConnectionIsForgotten()
    {
        var client = new Client(_watch);
        _ = client.FlushAsync();
        Assert.Equal(1, _watch.WatchedCount);
        client.Close();

        Pass(s_timeout * 2);

        Assert.Equal((0, 0), (_watch.WatchedCount, client.Aborts));
    }

    [Fact]
    public void AContextThatItsOwnerHasForgottenIsForgotten()
    {
        // As streams of HTTP/2 are: their connection lives on.
        var connection = new Client(_watch);
        Forget(connection);
        Assert.Equal(101, _watch.WatchedCount);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();

        Pass(s_look);

        Assert.Equal(1, _watch.WatchedCount);
        GC.KeepAlive(connection);
    }

    [Fact]
    public void ADisposedWatchLooksNoMore()
    {
        var client = new Client(_watch);
        _ = client.FlushAsync();
        _watch.Dispose();
        Pass(10 * s_timeout);
        Assert.Equal(0, client.Aborts);
    }

    [Fact]
    public void AClientThatIsNotWatchedIsNotBroken()
    {
        var client = new Client(watch: null); // the twin of those above: what breaks them is the watch
        _ = client.FlushAsync();
        Pass(10 * s_timeout);
        Assert.Equal(0, client.Aborts);
    }

    public void Dispose() => _watch.Dispose();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Forget(Client connection)
    {
        for (int i = 0; i < 100; i++)
        {
            connection.AnotherContext();
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnAnswerWhoseClientIsGoneIsAborted(bool isWaitedFor)
    {
        var client = new Client(_watch);
        if (isWaitedFor)
        {
            Task<bool> flush = client.FlushAsync();
            Assert.Equal(0, client.Aborts);
            client.Leave();
            Assert.False(await flush);
        }
        else
        {
            client.Leave();
            client.Context.Output.GetMemory(10);
            client.Context.Output.Advance(10);
            Assert.False(await client.Context.FlushAsync());
        }

        Assert.Equal(1, client.Aborts);
    }

    private void Pass(TimeSpan time)
    {
        for (TimeSpan passed = TimeSpan.Zero; passed < time; passed += s_look)
        {
            _clock.Advance(s_look);
        }
    }

    /// <summary>A connection with one request, whose client does nothing by itself.</summary>
    private sealed class Client : IConnectionBodies, IConnectionLifetimeFeature, IHttpRequestLifetimeFeature, IRequestBodyPipeFeature
    {
        private readonly CancellationTokenSource _closed = new();
        private readonly Pipe _answer = new(new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 1, useSynchronizationContext: false));
        private readonly FeatureCollection _features = new();
        private readonly ClientWatch? _watch;

        public Client(ClientWatch? watch)
        {
            _watch = watch;
            ConnectionClosed = _closed.Token;
            _features.Set<IConnectionBodies>(this);
            _features.Set<IConnectionLifetimeFeature>(this);
            _features.Set<IHttpRequestLifetimeFeature>(this);
            _features.Set<IRequestBodyPipeFeature>(this);
            _features.Set<IHttpRequestFeature>(new HttpRequestFeature());
            _features.Set<IHttpResponseFeature>(new HttpResponseFeature());
            _features.Set<IHttpResponseBodyFeature>(new Answer(_answer.Writer));
            Context = AnotherContext();
            _ = Context.Bodies; // as who sends an answer does
        }

        public RequestContext Context { get; }

        public Pipe Body { get; } = new();

        public int Aborts { get; private set; }

        public bool IsOnLoop => false;

        public bool TryAddToHead(ReadOnlyMemory<byte> lines) => false;

        public bool EndHead() => false;

        public long SentBytes { get; set; }

        public bool IsShortOfBlocks => false;

        public CancellationToken ConnectionClosed { get; set; }

        public CancellationToken RequestAborted { get; set; }

        public PipeReader Reader => Body.Reader;

        public RequestContext AnotherContext()
        {
            var context = new RequestContext(_features, _watch, pieceBytesMax: 1 << 20);
            context.Begin(_features);
            return context;
        }

        public Task<bool> FlushAsync()
        {
            Context.Output.GetMemory(10);
            Context.Output.Advance(10);
            ValueTask<bool> flush = Context.FlushAsync();
            Assert.False(flush.IsCompleted);
            return flush.AsTask();
        }

        public void Close() => _closed.Cancel();

        public void Leave() => _answer.Reader.Complete();

        public void Abort() => Aborts++;

        public bool TryWriteFile(PipeWriter body, FileHandle file, long offset, int count, IReadFaults? faults) => false;

        public bool TryWriteLease(PipeWriter body, BufferLease owned, int start, int count) => false;

        public void BeginBody(long lengthBytes)
        {
            // There are no blocks here.
        }
    }

    private sealed class Answer(PipeWriter writer) : IHttpResponseBodyFeature
    {
        public Stream Stream => writer.AsStream();

        public PipeWriter Writer => writer;

        public Task CompleteAsync() => Task.CompletedTask;

        public void DisableBuffering()
        {
            // Nothing is buffered.
        }

        public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task StartAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;
    }
}
