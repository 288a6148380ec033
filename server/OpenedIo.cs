using Microsoft.Extensions.Logging;
using Sluice.Engine.Io;
using Sluice.Native.Uring;
using Sluice.Server.Settings;

namespace Sluice.Server;

/// <summary>
/// What the setting <c>io</c> came to on this machine: the file I/O, and the ring loops, which the network shares where the setting says so.
/// Disposed after everything that uses it.
/// </summary>
public sealed class OpenedIo : IDisposable
{
    private const int IoWorkers = 64; // blocking calls on disks at once: an fsync takes milliseconds, and 64 of them share one journal commit

    private readonly IDisposable _files;

    private OpenedIo(IoBackend backend, IReadOnlyList<RingLoop> loops)
    {
        Backend = backend;
        Loops = loops;
        if (loops.Count > 0)
        {
            var ring = new UringFileIo(loops);
            (Files, _files) = (ring, ring);
        }
        else
        {
            var threads = new ThreadFileIo(IoWorkers);
            (Files, _files) = (threads, threads);
        }
    }

    /// <summary>What is in use; never <see cref="IoBackend.Auto"/>.</summary>
    public IoBackend Backend { get; }

    /// <summary>Its name, as the setting and <c>/v1/health</c> have it.</summary>
    public string Name => SettingParsers.NameOf(Backend);

    /// <summary>One loop a processor, or fewer where memory is short; none with <see cref="IoBackend.Threads"/>.</summary>
    public IReadOnlyList<RingLoop> Loops { get; }

    /// <summary>The disk verbs.</summary>
    public IFileIo Files { get; }

    /// <summary>
    /// Opens what was asked for. <see cref="IoBackend.Auto"/> takes threads where io_uring is not to be had, and says so once; what was asked
    /// for by name is had, or <see cref="RingUnavailableException"/> says why not. There is one loop a processor unless <paramref name="loopCount"/> says how many.
    /// </summary>
    public static OpenedIo Open(IoBackend asked, RingLoopOptions options, ILogger log, int? loopCount = null)
    {
        if (asked == IoBackend.Threads)
        {
            return new OpenedIo(IoBackend.Threads, []);
        }

        var loops = new List<RingLoop>();
        try
        {
            for (int i = 0; i < (loopCount ?? Environment.ProcessorCount); i++)
            {
                loops.Add(new RingLoop(options with { Name = $"{options.Name}-{i}" }));
            }
        }
        catch (RingUnavailableException refused)
        {
            loops.ForEach(loop => loop.Dispose());
            if (asked != IoBackend.Auto)
            {
                throw;
            }

            log.LogWarning("{Problem}; threads do the disk I/O instead", refused.Message);
            return new OpenedIo(IoBackend.Threads, []);
        }

        return new OpenedIo(asked == IoBackend.Auto ? IoBackend.Uring : asked, loops);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _files.Dispose();
        foreach (RingLoop loop in Loops)
        {
            loop.Dispose();
        }
    }
}
