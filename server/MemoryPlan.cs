// The memory budget, cut into shares once, at start. Every size and count that depends on it is computed here and nowhere else, with the arithmetic
// beside it; docs/decisions/0005-memory-budget.md has the same as a table.
using Sluice.Engine;
using Sluice.Native.Uring;
using Sluice.Transport.Cold;
using Sluice.Transport.Uring;

namespace Sluice.Server;

/// <summary>What the budget is cut for.</summary>
internal readonly record struct MemoryDemand
{
    /// <summary>The budget in bytes; at least <see cref="Settings.SettingsTable.MemoryBytesMin"/>.</summary>
    public required long BudgetBytes { get; init; }

    /// <summary>Processors, each of which would have a loop; 0 without rings.</summary>
    public required int Processors { get; init; }

    /// <summary>Connections are on the loops, not on the system's sockets.</summary>
    public required bool HasRingNetwork { get; init; }

    /// <summary>Mountpaths, from 1.</summary>
    public required int Mountpaths { get; init; }

    /// <summary>Requests at once that somebody asked for; null: as many as there is memory for.</summary>
    public int? RequestsMax { get; init; }
}

/// <summary>
/// The plan: sixteen shares of the budget and what is cut from each. The sum of the worst cases is no more than the budget, which the constructor
/// asserts. Everything is cut from the top: what a share has is not borrowed by another.
/// <para>
/// Shares in sixteenths: runtime 2, caches 2, requests 2, connections 1, garbage 1 (these four are the managed heap), receive buffers 1, blocks 1, heads ½,
/// cold reads 1, verification ½, sockets 4, of which erasure coding has 1 where there are mountpaths for it. With the system's sockets the shares of receive buffers, blocks, heads and cold reads are the heap's.
/// </para>
/// </summary>
internal sealed record MemoryPlan
{
    /// <summary>
    /// Memory of the process that no plan bounds: code and tables that were written to, the collector's own, stacks. Idle, 7 MiB are anonymous, and 2 of
    /// them are managed.
    /// </summary>
    public const long RuntimeBytes = 5L << 20;

    /// <summary>Kernel memory of one ring: 1,024 x 64 (submissions) + 8,192 x 16 (completions) + 64 x 16 KiB (stacks of its workers) = 1.2 MiB.</summary>
    public const long RingBytes = 1536 << 10;

    /// <summary>Least memory that a loop is worth; with less, there are fewer loops than processors. Its blocks are 2 MiB then.</summary>
    public const long LoopBytesMin = 32L << 20;

    /// <summary>What the kernel lets the buffers of a socket grow to, if it is let: 4 MiB of each (tcp_wmem and what a reader that keeps up gets).</summary>
    public const long TunedSocketBytes = 8L << 20;

    /// <summary>A socket with less than this in each of its buffers is not made smaller to let others have more.</summary>
    private const long SocketBytesEnough = 64 << 10;

    /// <summary>Fewer sockets than this are not worth an exception.</summary>
    private const int TunedSocketsMin = 8;

    /// <summary>Managed memory of a request that is answered from memory: a listing's names of 2 MiB at most, what is known of them, the text, and its growing.</summary>
    public const int ControlBytes = 12 << 20;

    /// <summary>What one of the largest units is rebuilt in: 4 MiB, and 4 buffers of 256 KiB to read in.</summary>
    private const long ErasureBytesMin = 5L << 20;

    private const int KiB = 1 << 10;
    private const int MiB = 1 << 20;
    private const int PageBytes = 4 * KiB;
    private const int RingConnectionBytes = 8 * KiB;
    private const int RequestsAtLeast = 128; // 100 transfers at once, and what else there is
    private const int RequestsCeiling = 16384;
    private const int ConnectionsCeiling = 65536;
    private const int ReceiveBuffersCeiling = 512; // the kernel goes round the ring: more of them would only miss the processor's cache

    private readonly MemoryDemand _demand;

    /// <summary>Cuts the budget.</summary>
    public MemoryPlan(MemoryDemand demand)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(demand.BudgetBytes, Settings.SettingsTable.MemoryBytesMin);
        ArgumentOutOfRangeException.ThrowIfLessThan(demand.Mountpaths, 1);
        _demand = demand;
        LoopCount = (int)Math.Min(demand.Processors, BudgetBytes / LoopBytesMin);
        RequestsPlanned = RequestsFor(BudgetBytes);
        RequestBytes = (int)Math.Min(Share(2) / RequestsPlanned / PageBytes * PageBytes, MiB);
        RequestsMax = Math.Min(demand.RequestsMax ?? RequestsPlanned, RequestsPlanned);
        ConnectionsMax = (int)Math.Min(Share(1) / RingConnectionBytes, ConnectionsCeiling);
        if (HasRingNetwork)
        {
            ReceiveBuffersPerLoop = (int)Math.Min(FloorPow2(Share(1) / LoopCount / ReceiveBufferBytes), ReceiveBuffersCeiling);
            BlocksPerLoop = (int)Math.Min(Share(1) / LoopCount / UringTransportOptions.BlockBytes, 2 * RequestsPlanned);
            HeadsPerLoop = (int)Math.Min(Share(1) / 2 / LoopCount / UringTransportOptions.HeadBytes, RequestsPlanned);
            ColdReadsPerLoop = (int)Math.Min(Share(1) / LoopCount / ColdReadBytes, RequestsPlanned);
        }

        VerifyBuffers = (int)Math.Min(Share(1) / 2 / Limits.BlockBytes, (long)Engine.Objects.BlockBuffers.CountMax * demand.Mountpaths);
        ErasureBytes = demand.Mountpaths < 2 ? ErasureBytesMin : Math.Max(Share(1), ErasureBytesMin);
        (TunedSockets, SocketBytes, SharedSocketBytes) = CutSockets();
        Check();
    }

    /// <summary>The budget in bytes.</summary>
    public long BudgetBytes => _demand.BudgetBytes;

    /// <summary>Connections are on the loops.</summary>
    public bool HasRingNetwork => _demand.HasRingNetwork && LoopCount > 0;

    /// <summary>Loops; 0 without rings.</summary>
    public int LoopCount { get; }

    /// <summary>
    /// Requests at once that the memory is for: 128 at 64 MiB, and twice as many for each fourfold of the budget, so that both the count and what each
    /// request has grow as its square root; from 16 GiB on, where each has the 1 MiB that is enough for any line, as the budget does.
    /// </summary>
    public int RequestsPlanned { get; }

    /// <summary>
    /// Managed memory of one request that is answered or waits, in bytes: arrays where a slab is spent, buffers of the system's sockets, windows of
    /// HTTP/2. From 64 KiB to 1 MiB, in pages.
    /// </summary>
    public int RequestBytes { get; }

    /// <summary>Requests at once: what is planned, or fewer if somebody asked for fewer.</summary>
    public int RequestsMax { get; }

    /// <summary>
    /// Requests that are answered from memory at once. They have no share of their own: half of what requests and garbage have, at least one. The least
    /// budget is for one of them whose names are of usual length.
    /// </summary>
    public int ControlsMax => (int)Math.Clamp(Share(3) / 2 / ControlBytes, 1, RequestsMax);

    /// <summary>Requests that may wait: as many as are answered.</summary>
    public int WaitingMax => RequestsMax;

    /// <summary>
    /// Managed memory of an idle connection: Kestrel's, ours, and the pools'. Measured over 2,000 of them: 4 KiB on a ring, 10 to 13 KiB on the system's
    /// sockets, for which the heap has the share of the ring's receive buffers, too.
    /// </summary>
    public int ConnectionBytes => HasRingNetwork ? RingConnectionBytes : 2 * RingConnectionBytes;

    /// <summary>Connections at once.</summary>
    public int ConnectionsMax { get; }

    /// <summary>Bytes of an answer that are read at once, a power of two as arrays are; two pieces are a request's share: one is read, one is sent.</summary>
    public int PieceBytes => (int)Math.Min(FloorPow2(RequestBytes / 2), 256 * KiB);

    /// <summary>Bytes of a body that are waited for before they are written; all of them are a request's share.</summary>
    public int BodyReadBytes => Math.Min(RequestBytes, Limits.BodyReadBytes);

    /// <summary>Provided receive buffers of a loop, of <see cref="ReceiveBufferBytes"/>: a power of two.</summary>
    public int ReceiveBuffersPerLoop { get; }

    /// <summary>Blocks of a loop, of <see cref="UringTransportOptions.BlockBytes"/>.</summary>
    public int BlocksPerLoop { get; }

    /// <summary>Buffers for heads of a loop, of <see cref="UringTransportOptions.HeadBytes"/>.</summary>
    public int HeadsPerLoop { get; }

    /// <summary>Bytes of arrays that may stand in for heads on a loop, and lie with connections whose response nobody takes: half of the requests' share.</summary>
    public long ArrayBytesPerLoop => HasRingNetwork ? (long)RequestsPlanned * RequestBytes / 2 / LoopCount : 0;

    /// <summary>Buffers for cold reads of a loop, of <see cref="ColdReadBytes"/>: what is kept free for them.</summary>
    public int ColdReadsPerLoop { get; }

    /// <summary>Places for buffers of cold reads that a loop has the kernel keep: each loop may have each buffer.</summary>
    public int RegisteredBuffersPerLoop => HasRingNetwork ? Math.Min(ColdReads(machineBytes: 0).BufferCount, RingLoopOptions.RegisteredBuffersMax) : 0;

    /// <summary>
    /// The same memory as the transport takes it, for all loops together: sixteen buffers or more, of 1 MiB if there is memory for so many, since smaller
    /// reads cost more; an eighth of them, up to eight, are those that are held only while a disk works. <paramref name="machineBytes"/> is the memory of
    /// the machine: what the process does not take is the page cache's, half of which is expected to be there for objects.
    /// </summary>
    public ColdReadOptions ColdReads(long machineBytes)
    {
        long share = Math.Max((long)LoopCount * ColdReadsPerLoop, 2) * ColdReadBytes; // two of a slab that nobody uses are addresses
        int bufferBytes = (int)Math.Clamp(FloorPow2(share / 16), ColdReadBytes, MiB);
        int buffers = (int)(share / bufferBytes);
        int scratch = Math.Clamp(buffers / 8, 1, 8);
        return new()
        {
            BufferBytes = bufferBytes,
            BufferCount = buffers - scratch,
            ScratchCount = scratch,
            CacheBytes = Math.Max(0, machineBytes - BudgetBytes) / 2,
        };
    }

    /// <summary>Buffers that blocks are verified in, all mountpaths together, of <see cref="Limits.BlockBytes"/>.</summary>
    public int VerifyBuffers { get; }

    /// <summary>
    /// Memory for erasure coding in bytes: parity of uploads that are coming in, and units that were rebuilt, of which at least one of the largest. With one
    /// mountpath, where nothing is coded, it is addresses alone.
    /// </summary>
    public long ErasureBytes { get; }

    /// <summary>Sockets whose buffers are left to the kernel.</summary>
    public int TunedSockets { get; }

    /// <summary>Least size of each of the two buffers of any other socket, in bytes.</summary>
    public int SocketBytes { get; }

    /// <summary>What those sockets share beyond that, in bytes: the first to come have more of it.</summary>
    public long SharedSocketBytes { get; }

    /// <summary>Memory for cached metadata, in bytes.</summary>
    public long CacheBytes => Share(2);

    /// <summary>Limit of the managed heap, in bytes.</summary>
    public long HeapBytes => Share(6) + (HasRingNetwork ? 0 : Share(3) + (Share(1) / 2));

    /// <summary>Size of a provided receive buffer.</summary>
    public static int ReceiveBufferBytes => 16 * KiB;

    /// <summary>Size of a buffer for cold reads.</summary>
    public static int ColdReadBytes => 256 * KiB;

    /// <summary>What each part takes at most, in bytes; the sum is no more than the budget.</summary>
    public IReadOnlyList<KeyValuePair<string, long>> WorstCases =>
    [
        new("runtime", RuntimeBytes + (LoopCount * RingBytes)),
        new("heap", HeapBytes),
        new("receive", (long)LoopCount * ReceiveBuffersPerLoop * ReceiveBufferBytes),
        new("blocks", (long)LoopCount * BlocksPerLoop * UringTransportOptions.BlockBytes),
        new("heads", (long)LoopCount * HeadsPerLoop * UringTransportOptions.HeadBytes),
        new("cold", (long)LoopCount * ColdReadsPerLoop * ColdReadBytes),
        new("verify", (long)VerifyBuffers * Limits.BlockBytes),
        new("erasure", _demand.Mountpaths < 2 ? 0 : ErasureBytes),
        new("sockets", (TunedSockets * TunedSocketBytes) + (2L * SocketBytes * RequestsPlanned) + SharedSocketBytes),
    ];

    private static int RequestsFor(long budget)
    {
        long least = Settings.SettingsTable.MemoryBytesMin;
        long slowly = (long)(RequestsAtLeast * Math.Sqrt((double)budget / least));
        return (int)Math.Min(Math.Max(slowly, budget / 16 * 2 / MiB), RequestsCeiling);
    }

    private static long FloorPow2(long value) => 1L << System.Numerics.BitOperations.Log2((ulong)value);

    /// <summary>So many sixteenths.</summary>
    private long Share(int sixteenths) => BudgetBytes / 16 * sixteenths;

    /// <summary>
    /// A request fills one direction of its socket, and one that waits fills another's: 2 buffers for each request. Half of the share is for sockets that
    /// the kernel tunes, if that is enough for some; half of the rest is shared by whoever comes first, if every socket has enough then.
    /// </summary>
    private (int TunedSockets, int SocketBytes, long SharedBytes) CutSockets()
    {
        long share = Share(4) - (_demand.Mountpaths < 2 ? 0 : ErasureBytes);
        int tuned = (int)Math.Min(share / 2 / TunedSocketBytes, ConnectionsMax);
        tuned = tuned < TunedSocketsMin ? 0 : tuned;
        long rest = share - (tuned * TunedSocketBytes), each = rest / (2 * RequestsPlanned);
        long least = Math.Min(each, Math.Max(each / 2, SocketBytesEnough));
        return (tuned, (int)Math.Min(least, TunedSocketBytes / 2), rest - (2 * RequestsPlanned * least));
    }

    private void Check()
    {
        Invariant.That(WorstCases.Sum(part => part.Value) <= BudgetBytes, "what the parts take at most is within the budget");
        Invariant.That(CacheBytes + ((long)RequestsPlanned * RequestBytes) + ((long)ConnectionsMax * ConnectionBytes) < HeapBytes, "the heap has room for garbage");
        Invariant.That(RequestsMax >= 1 && VerifyBuffers >= 1 && ConnectionsMax >= RequestsMax + WaitingMax, "whoever is let in finds what he needs");
        Invariant.That(2 * PieceBytes <= RequestBytes && BodyReadBytes <= RequestBytes, "a request's buffers fit its share");
        Invariant.That(!HasRingNetwork || (BlocksPerLoop >= 2 && HeadsPerLoop >= 2 && ReceiveBuffersPerLoop >= 16 && ColdReadsPerLoop >= 2));
    }
}
