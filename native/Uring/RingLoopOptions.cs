namespace Sluice.Native.Uring;

/// <summary>Sizes of a loop.</summary>
public sealed record RingLoopOptions
{
    /// <summary>Most places for registered buffers that the kernel takes.</summary>
    public const int RegisteredBuffersMax = RegisteredBuffers.CountMax;

    /// <summary>Name of its thread.</summary>
    public string Name { get; init; } = "ring";

    /// <summary>Requests that are queued between two system calls at most before one is made early: a power of two.</summary>
    public uint SubmissionEntries { get; init; } = 1024;

    /// <summary>Completions that fit before the kernel keeps some back: a power of two, eight for each submission entry by default.</summary>
    public uint CompletionEntries { get; init; } = 8192;

    /// <summary>Provided receive buffers; a power of two, 0 for none.</summary>
    public int ReceiveBufferCount { get; init; }

    /// <summary>Size of each in bytes.</summary>
    public int ReceiveBufferBytes { get; init; } = 16 << 10;

    /// <summary>Places for registered buffers (<see cref="RingLoop.RegisterBuffers"/>); 0 to <see cref="RegisteredBuffersMax"/>.</summary>
    public int RegisteredBufferCount { get; init; }

    /// <summary>Places for registered descriptors (<see cref="RingLoop.TryRegisterDescriptor"/>); 0 to RLIMIT_NOFILE.</summary>
    public int RegisteredDescriptorCount { get; init; }

    /// <summary>
    /// Kernel threads for requests that block (fsync, rename, cold reads). The kernel's default is 8 on two cores: 32 queued fsyncs then gave
    /// 10.8 k/s, with 64 workers 19.4 k/s.
    /// </summary>
    public uint BlockingWorkersMax { get; init; } = 64;

    /// <summary>How often an <see cref="IRingTicker"/> is called; above 0.</summary>
    public TimeSpan TickInterval { get; init; } = TimeSpan.FromMilliseconds(100);
}
