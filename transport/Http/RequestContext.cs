using System.IO.Pipelines;
using System.Net;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Sluice.Engine.Pooling;
using Sluice.Transport.Guard;

namespace Sluice.Transport.Http;

/// <summary>
/// One request and its response on Kestrel's features, without the weight of HttpContext. Kestrel keeps it with the connection and it is
/// reused for the next request there. Belongs to the request from <see cref="Begin"/> until the application's method returns.
/// </summary>
public sealed class RequestContext
{
    /// <summary>
    /// What all answers that are copied may have in hand together before their pieces become smaller: about what the caches of a core hold. A piece is
    /// touched by the read, the cipher and the send one after the other, and with 256 of 256 KiB each of them would find it in memory.
    /// </summary>
    private const int InHandBytesMax = 8 << 20;

    private const int PieceStepBytes = 16 << 10; // whole pages, whole TLS records
    private const int PieceBytesMin = 64 << 10; // four TLS records; below, a trip to the disk's queue costs more than the cache gives

    private readonly ClientWatch? _watch;
    private readonly CancellationToken _closed;
    private readonly int _pieceBytesMax;
    private readonly WatchedBody _body;
    private long _waitingSince; // in the watch's ticks; 0: the client is not waited for
    private long _sentAtLook; // of the watch
    private IFeatureCollection _features = null!;
    private IHttpRequestFeature _request = null!;
    private IHttpResponseFeature _response = null!;
    private IHttpResponseBodyFeature _output = null!;
    private IConnectionBodies? _bodies;
    private bool _bodiesKnown;
    private RefusalWriter? _refusals; // of the connection, which is the same for all requests of this context

    /// <summary>The context of a connection or stream, for one request after the other. With a watch, its client must not stall.</summary>
    internal RequestContext(IFeatureCollection features, ClientWatch? watch, int pieceBytesMax)
    {
        _pieceBytesMax = pieceBytesMax;
        _body = new WatchedBody(this);
        _watch = watch;
        _closed = features.Get<IConnectionLifetimeFeature>()?.ConnectionClosed ?? CancellationToken.None;
        watch?.Add(this);
    }

    /// <summary>Method in upper case, as sent.</summary>
    public string Method => _request.Method;

    /// <summary>
    /// What is read from disk and handed to the connection at once, in bytes, at least 64 KiB or what one answer may have: less, the more requests are answered now.
    /// </summary>
    public int PieceBytesMax =>
        Math.Clamp(InHandBytesMax / Math.Max(AdmittedBy?.InsideCount ?? 1, 1) & -PieceStepBytes, Math.Min(PieceBytesMin, _pieceBytesMax), _pieceBytesMax);

    /// <summary>True for a HEAD: an answer has no body.</summary>
    public bool IsHead => HttpMethods.IsHead(Method);

    /// <summary>Target as the client wrote it.</summary>
    public string RawTarget => _request.RawTarget;

    /// <summary>The target, decoded; set by the application before anything else sees the request.</summary>
    public RequestTarget Target { get; } = new();

    /// <summary>True when <see cref="Target"/> is this request's: it could be read.</summary>
    public bool HasTarget { get; internal set; }

    /// <summary>Where the request has a place among those that are answered at once; null for none. Whoever ends the request gives it back.</summary>
    internal Admission? AdmittedBy { get; set; }

    /// <summary>True for what moves an object or needs next to nothing; false for what is answered from memory: listings, control messages, lists of buckets.</summary>
    internal bool IsLight => Target.IsObject && (!HasBody || HttpMethods.IsPut(Method));

    /// <summary>The bucket of the connection's last request that named one; null before. Saves making the same name again.</summary>
    internal Engine.Buckets.BucketName? LastBucket { get; set; }

    /// <summary>Headers of the request.</summary>
    public IHeaderDictionary RequestHeaders => _request.Headers;

    /// <summary>Headers of the response; until it has started.</summary>
    public IHeaderDictionary Headers => _response.Headers;

    /// <summary>Declared length of the body in bytes; null when it is chunked or there is none.</summary>
    public long? ContentLength => _request.Headers.ContentLength;

    /// <summary>True when a body may follow the head.</summary>
    public bool HasBody => _features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? false;

    /// <summary>True when Kestrel takes the body apart and hands it on through a pipe: chunked ones, and all of HTTP/2.</summary>
    internal bool IsBodyPiped => ContentLength is null || IsHttp2;

    /// <summary>The body; owned by Kestrel, which drains what is left over.</summary>
    public PipeReader Body => _body.Of(_features.GetRequiredFeature<IRequestBodyPipeFeature>().Reader);

    /// <summary>Where the response's body goes.</summary>
    public PipeWriter Output => _output.Writer;

    /// <summary>What the connection can do for bodies beside its pipes; null when it can do nothing. The same for every request of a connection.</summary>
    public IConnectionBodies? Bodies
    {
        get
        {
            if (!_bodiesKnown)
            {
                (_bodies, _bodiesKnown) = (_features.Get<IConnectionBodies>(), true);
            }

            return _bodies;
        }
    }

    /// <summary>Cancelled when the connection is gone.</summary>
    public CancellationToken Aborted => _features.GetRequiredFeature<IHttpRequestLifetimeFeature>().RequestAborted;

    /// <summary>True once the head of the response is out: the status can no longer change.</summary>
    public bool HasStarted => _response.HasStarted;

    /// <summary>Status of the response; 200 unless set.</summary>
    public int Status
    {
        get => _response.StatusCode;
        set => _response.StatusCode = value;
    }

    /// <summary>Address of the client, for messages.</summary>
    public string RemoteAddress
    {
        get
        {
            IHttpConnectionFeature? connection = _features.Get<IHttpConnectionFeature>();
            return connection?.RemoteIpAddress is { } address ? new IPEndPoint(address, connection.RemotePort).ToString() : "";
        }
    }

    /// <summary>True when the connection is encrypted.</summary>
    public bool IsTls => _features.Get<ITlsConnectionFeature>() is not null;

    /// <summary>True when the request came over HTTP/2.</summary>
    public bool IsHttp2 => HttpProtocol.IsHttp2(_request.Protocol);

    /// <summary>How the client writes addresses here: http or https.</summary>
    public string Scheme => IsTls ? "https" : "http";

    /// <summary>The end of the connection that is ours: an address at which this client reaches us.</summary>
    public IPEndPoint LocalEndPoint
    {
        get
        {
            IHttpConnectionFeature? connection = _features.Get<IHttpConnectionFeature>();
            IPAddress address = connection?.LocalIpAddress ?? IPAddress.Loopback;
            return new IPEndPoint(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, connection?.LocalPort ?? 0);
        }
    }

    /// <summary>Sends the head; needed before a body whose length was set is written in large pieces.</summary>
    public Task StartAsync() => _output.StartAsync();

    /// <summary>
    /// Sends what was written. False when nothing more can be sent: the client is gone, and the request is aborted, since Kestrel may not know yet why its body stays
    /// short. Large answers wait here for their client.
    /// </summary>
    public ValueTask<bool> FlushAsync()
    {
        ValueTask<FlushResult> flush = Output.FlushAsync();
        return flush.IsCompletedSuccessfully ? ValueTask.FromResult(IsTaken(flush.Result)) : WaitAsync(flush);
    }

    /// <summary>Breaks the connection: the client sees that the body is short.</summary>
    public void Abort() => _features.GetRequiredFeature<IHttpRequestLifetimeFeature>().Abort();

    /// <summary>Starts over with the features of the next request; from here to <see cref="End"/> what is sent is the application's.</summary>
    internal void Begin(IFeatureCollection features)
    {
        HasTarget = false;
        if (!ReferenceEquals(features, _features)) // Kestrel's own object for the connection or stream; it answers for each request anew
        {
            _features = features;
            _request = features.GetRequiredFeature<IHttpRequestFeature>();
            _response = features.GetRequiredFeature<IHttpResponseFeature>();
            _output = features.GetRequiredFeature<IHttpResponseBodyFeature>();
        }

        _refusals ??= features.Get<RefusalWriter>();
        _refusals?.BeginAnswer();
    }

    /// <summary>True when no request will come here any more.</summary>
    internal bool IsClosed => _closed.IsCancellationRequested;

    /// <summary>From here to <see cref="EndWait"/> the request waits for its client.</summary>
    internal void BeginWait()
    {
        if (_watch is not null)
        {
            Volatile.Write(ref _waitingSince, _watch.Now);
        }
    }

    /// <summary>The client has done something.</summary>
    internal void EndWait() => Volatile.Write(ref _waitingSince, 0);

    /// <summary>Since when the client has done nothing that is waited for; null when it has, or is not waited for. For the watch.</summary>
    internal long? WaitsForClientSince(ClientWatch watch)
    {
        long since = Volatile.Read(ref _waitingSince);
        if (since == 0)
        {
            return null;
        }

        long sent = _bodies?.SentBytes ?? 0;
        if (sent == _sentAtLook)
        {
            return since;
        }

        _sentAtLook = sent; // it takes bytes, though the whole is not yet gone
        Interlocked.CompareExchange(ref _waitingSince, watch.Now, since);
        return null;
    }

    /// <summary>The response is out.</summary>
    internal void End() => _refusals?.EndAnswer();

    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<bool> WaitAsync(ValueTask<FlushResult> flush)
    {
        BeginWait();
        try
        {
            return IsTaken(await flush);
        }
        finally
        {
            EndWait();
        }
    }

    private bool IsTaken(FlushResult flushed)
    {
        if (flushed.IsCompleted)
        {
            Abort();
        }

        return !flushed.IsCompleted;
    }
}
