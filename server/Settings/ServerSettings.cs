// What the server runs with, after every source was read and every value checked. Nothing behind this type parses a setting again.
using System.Net;
using Microsoft.Extensions.Logging;
using Sluice.Engine.Space;
using Sluice.Transport.Tls;

namespace Sluice.Server.Settings;

/// <summary>What talks to the disks and to the network.</summary>
public enum IoBackend
{
    /// <summary>The ring where this kernel has it and lets us, else threads.</summary>
    Auto,

    /// <summary>io_uring for both, on one loop a processor.</summary>
    Uring,

    /// <summary>io_uring for the disks, the runtime's own sockets for the network.</summary>
    Sockets,

    /// <summary>Threads with blocking system calls for the disks, the runtime's own sockets for the network.</summary>
    Threads,
}

/// <summary>How log lines are written.</summary>
public enum LogFormat
{
    /// <summary>For people: one line an event.</summary>
    Text,

    /// <summary>For machines: one JSON object a line.</summary>
    Json,
}

/// <summary>The effective settings of <c>sluice serve</c>. Immutable.</summary>
public sealed record ServerSettings
{
    /// <summary>Mountpaths, absolute and without symbolic links, in the order given, none twice. Empty when none was given.</summary>
    public required IReadOnlyList<string> Mountpaths { get; init; }

    /// <summary>Address and port to serve on; port 0 asks the kernel for a free one.</summary>
    public required IPEndPoint Listen { get; init; }

    /// <summary>Absolute paths of the files of TLS; null to serve without it.</summary>
    public required TlsFiles? Tls { get; init; }

    /// <summary>Accept several mountpaths on one file system.</summary>
    public required bool AllowSharedDisk { get; init; }

    /// <summary>Keep indexes of names.</summary>
    public required bool KeepsNames { get; init; }

    /// <summary>Accept mountpaths that were recorded at other paths.</summary>
    public required bool AllowMoved { get; init; }

    /// <summary>Start without mountpaths of the set that are missing or fail.</summary>
    public required bool AllowDegraded { get; init; }

    /// <summary>How full mountpaths may be.</summary>
    public required SpaceMarks SpaceMarks { get; init; }

    /// <summary>How often each mountpath is looked at; above zero.</summary>
    public required TimeSpan HealthInterval { get; init; }

    /// <summary>Uuids of mountpaths that are gone for good, lower case with dashes.</summary>
    public required IReadOnlyList<string> ForgetMountpaths { get; init; }

    /// <summary>Directories whose files may be promoted, absolute paths. Empty when none was given: nothing is promoted.</summary>
    public required IReadOnlyList<string> PromoteRoots { get; init; }

    /// <summary>Memory budget in bytes, at least <see cref="SettingsTable.MemoryBytesMin"/>.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Requests that are answered at once, from 1; null: as many as the memory is for.</summary>
    public required int? RequestsMax { get; init; }

    /// <summary>What talks to the disks and to the network.</summary>
    public required IoBackend Io { get; init; }

    /// <summary>How log lines are written.</summary>
    public required LogFormat LogFormat { get; init; }

    /// <summary>Least level that is logged.</summary>
    public required LogLevel LogLevel { get; init; }

    /// <summary>How long requests in flight may go on after the first signal.</summary>
    public required TimeSpan DrainDeadline { get; init; }

    /// <summary>How long a client may do nothing before its connection is broken; above zero.</summary>
    public required TimeSpan ClientTimeout { get; init; }

    /// <summary>How long a relaxed write may wait for its flush; above zero.</summary>
    public required TimeSpan FlushInterval { get; init; }

    /// <summary>How long an upload in parts may lie unused before it is removed; zero keeps it.</summary>
    public required TimeSpan UploadAge { get; init; }
}
