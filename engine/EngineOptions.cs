using Microsoft.Extensions.Logging;
using Sluice.Engine.Health;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Names;
using Sluice.Engine.Objects;
using Sluice.Engine.Space;

namespace Sluice.Engine;

/// <summary>What an engine is opened with; parsed and validated before it gets here.</summary>
public sealed record EngineOptions
{
    /// <summary>Paths of the mountpaths, absolute.</summary>
    public required IReadOnlyList<string> Mountpaths { get; init; }

    /// <summary>Accept several mountpaths on one file system: for trying out, since they fail together.</summary>
    public bool AllowSharedDisk { get; init; }

    /// <summary>Accept a mountpath that was recorded at another path.</summary>
    public bool AllowMoved { get; init; }

    /// <summary>Start without mountpaths of the set that are missing or fail; they are compared with the others when they come back.</summary>
    public bool AllowDegraded { get; init; }

    /// <summary>Uuids of mountpaths that are gone for good.</summary>
    public IReadOnlyList<string> ForgetMountpaths { get; init; } = [];

    /// <summary>Directories of the server, absolute paths, below which files may be promoted to objects. None: nothing is promoted.</summary>
    public IReadOnlyList<string> PromoteRoots { get; init; } = [];

    /// <summary>Memory budget in bytes, from which the caches are cut.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Files that may be kept open between requests: half of what the process may open.</summary>
    public int OpenFilesMax { get; init; } = 4096;

    /// <summary>Buffers of a block that blocks are verified in, all mountpaths together; four for each are enough.</summary>
    public int VerifyBuffersMax { get; init; } = BlockBuffers.CountMax * Limits.MountpathsMax;

    /// <summary>
    /// Bytes for erasure coding, at least 5 MiB: parity of uploads that are coming in, units that were rebuilt for readers.
    /// </summary>
    public long ErasureBytes { get; init; } = 32 << 20;

    /// <summary>Bytes of a request's body that are waited for before they are written, up to <see cref="Limits.BodyReadBytes"/>.</summary>
    public int BodyReadBytes { get; init; } = Limits.BodyReadBytes;

    /// <summary>How long a relaxed write may wait for its flush. Zero: only when asked (tests).</summary>
    public TimeSpan FlushInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long an upload in parts may lie unused before it is removed, since the engine's opening at the earliest. Zero: it stays.</summary>
    public TimeSpan UploadAge { get; init; }

    /// <summary>How drives are watched.</summary>
    public HealthOptions Health { get; init; } = new();

    /// <summary>How full mountpaths may be.</summary>
    public SpaceMarks Space { get; init; } = SpaceMarks.Default;

    /// <summary>What jobs may move of each mountpath while clients want something, in bytes a second; 0: jobs never wait for clients.</summary>
    public long JobBytesPerSecond { get; init; } = JobBudget.MountpathBytesPerSecond;

    /// <summary>
    /// The caches' sizes, an eighth of the memory together, at about 1 KiB an entry with name, record and table: three quarters of that are for metadata, a
    /// quarter for open files, if the process may open so many.
    /// </summary>
    internal CacheSizes CacheSizes => new(
        (int)Math.Clamp(MemoryBytes / 8 / 4 * 3 / Limits.CacheEntryBytes, 1024, 4 << 20),
        (int)Math.Clamp(MemoryBytes / 8 / 4 / Limits.CacheEntryBytes, Limits.Shards, Math.Clamp(OpenFilesMax, Limits.Shards, 1 << 20)));
}

/// <summary>The world that an engine lives in. Simulations bring their own, from one seed.</summary>
public sealed class EngineEnvironment
{
    /// <summary>Disks.</summary>
    public required IFileIo Io { get; init; }

    /// <summary>Clock and timers.</summary>
    public required TimeProvider Time { get; init; }

    /// <summary>Log.</summary>
    public required ILogger Log { get; init; }

    /// <summary>Source of identities: mountpath and cluster uuids, the instance of the process.</summary>
    public Func<Guid> NewGuid { get; init; } = Guid.NewGuid;

    /// <summary>Where indexes of names are kept; without it listings walk the directories.</summary>
    public INameStores? NameStores { get; init; }

    /// <summary>
    /// Runs the body of a job beside the requests: on the thread pool, since a job on a ring loop would keep requests waiting. A simulation
    /// runs it on its one thread.
    /// </summary>
    public Func<Func<Task>, Task> Background { get; init; } = static work => Task.Run(work);
}

/// <summary>One mountpath as the engine reports it.</summary>
public sealed record MountpathStatus
{
    /// <summary>As configured.</summary>
    public required string Path { get; init; }

    /// <summary>Its identity.</summary>
    public required string Uuid { get; init; }

    /// <summary>Kind of file system: ext4, xfs, or the magic number.</summary>
    public required string FileSystem { get; init; }

    /// <summary>Size in bytes; 0 when it cannot be asked.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Bytes free.</summary>
    public required long FreeBytes { get; init; }

    /// <summary>It is open, and no disk error has been seen since it was.</summary>
    public required bool Healthy { get; init; }

    /// <summary>What it is there for.</summary>
    public required ServingState State { get; init; }

    /// <summary>Why it is out of service; empty when it is in it.</summary>
    public required string Reason { get; init; }
}

/// <summary>What the engine says of itself.</summary>
public sealed record EngineStatus
{
    /// <summary>Identity of the cluster.</summary>
    public required string ClusterUuid { get; init; }

    /// <summary>Identity of this node.</summary>
    public required string NodeId { get; init; }

    /// <summary>When the cluster was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When this engine was opened.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>Version of the mountpath set, from 1.</summary>
    public required long MapVersion { get; init; }

    /// <summary>The mountpaths.</summary>
    public required IReadOnlyList<MountpathStatus> Mountpaths { get; init; }

    /// <summary>What an operator should look at; empty when nothing is wrong.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>Counters since start, by name.</summary>
    public required IReadOnlyDictionary<string, long> Counters { get; init; }
}
