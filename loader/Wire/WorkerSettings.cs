using Sluice.Loader.Content;
using Sluice.Loader.Flags;
using Sluice.Loader.Http;
using Sluice.Loader.Statistics;
using Sluice.Loader.Work;

namespace Sluice.Loader.Wire;

/// <summary>What all workers of one loop share.</summary>
internal sealed class WorkerSettings
{
    /// <summary>Pieces of a large body that are sent at once: few system calls, and it stays in the second-level cache.</summary>
    private const int PieceBytes = 256 << 10;

    /// <summary>Holds a head and a small body, so that most answers are one receive.</summary>
    private const int ReceiveBytes = 2 * ResponseHead.HeadBytesMax;

    private const int VerifiedReceiveBytes = 64 << 10;
    private const int SinkBytes = 128 << 10;
    private const int DiscardBytes = 4 << 20;

    public WorkerSettings(LoadOptions options, WorkSource source, LoadStatistics statistics, ErrorLog errors)
    {
        (Options, Source, Statistics, Errors) = (options, source, statistics, errors);
        bool isMultipart = options.PercentMultipart > 0;
        bool puts = options.PercentPut > 0 || options.PercentUpdate > 0;
        SendBufferBytes = Math.Max(
            RequestWriter.HeadBytesMax + (puts ? (int)Math.Min(PieceBytes, options.BytesMax) : 0),
            isMultipart ? RequestWriter.CompleteBytesMax((int)Math.Clamp(options.BytesMax, 1, options.MultipartChunks)) : 0);
        UploadIdBytes = isMultipart ? RequestWriter.UploadIdBytesMax : 0;
        ReceiveBufferBytes = options.Verify ? VerifiedReceiveBytes : ReceiveBytes;
        TimeoutNanoseconds = options.Timeout == TimeSpan.Zero ? long.MaxValue : (long)options.Timeout.TotalNanoseconds;
        Sink = Pinned(SinkBytes);
        Unwritten = options.Discard ? Pinned(DiscardBytes) : default;
        Range = options.ReadsRange ? (options.ReadOffset, options.ReadLength) : null;
    }

    public LoadOptions Options { get; }

    public WorkSource Source { get; }

    public LoadStatistics Statistics { get; }

    public ErrorLog Errors { get; }

    public int SendBufferBytes { get; }

    public int ReceiveBufferBytes { get; }

    /// <summary>Room for the id of an upload; 0 when there are none.</summary>
    public int UploadIdBytes { get; }

    /// <summary>Makes links to every gateway, closed, of a worker that reads ranges for another one.</summary>
    public Func<IReadOnlyList<(Link Link, RequestWriter Requests)>> NewLinks { get; init; } = static () => throw new InvalidOperationException("no links for ranges");

    public long TimeoutNanoseconds { get; }

    /// <summary>Where bodies are copied that nobody looks at: all workers receive into the same memory, which so stays in the cache.</summary>
    public Memory<byte> Sink { get; }

    /// <summary>Stands for memory where the kernel drops bodies; it is never touched, and so never backed by pages.</summary>
    public Memory<byte> Unwritten { get; }

    /// <summary>The range that is read; null for whole objects.</summary>
    public (long Offset, long Length)? Range { get; }

    /// <summary>Algorithm of what is PUT.</summary>
    public BodyDigest? NewDigest() => BodyDigest.TryCreate(Options.ChecksumType);

    /// <summary>Memory that the collector does not move, so that the kernel may use it without a handle for each request.</summary>
    public static Memory<byte> Pinned(int bytes) =>
        System.Runtime.InteropServices.MemoryMarshal.CreateFromPinnedArray(GC.AllocateUninitializedArray<byte>(bytes, pinned: true), 0, bytes);
}

/// <summary>Whom a worker belongs to. Called on the loop.</summary>
internal interface IWorkerHost
{
    /// <summary>Nanoseconds of a monotonic clock.</summary>
    long Now();

    /// <summary>A random number below a bound.</summary>
    int Below(int bound);

    /// <summary>The worker is connected, or could not be, and waits for its first operation.</summary>
    void Ready(Worker worker);

    /// <summary>The worker has nothing to do.</summary>
    void Free(Worker worker);

    /// <summary>The worker could not connect and wants to be free again, but not at once.</summary>
    void Rest(Worker worker);

    /// <summary>The worker wants <see cref="Worker.Prepare"/> to be called soon; others come first.</summary>
    void PrepareSoon(Worker worker);

    /// <summary>The worker has closed its connections for good.</summary>
    void Stopped(Worker worker);
}
