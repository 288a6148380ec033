using System.Buffers;
using Sluice.Engine.Io;
using Sluice.Native;
using Sluice.Simulation.Tests.Disk;
using Sluice.Simulation.Tests.Faults;
using Sluice.Transport.Tests.Guard;

namespace Sluice.Simulation.Tests.Health;

/// <summary>What is wrong with one drive.</summary>
public sealed class Sickness
{
    /// <summary>What writes answer; none: they work.</summary>
    public Errno Write { get; set; }

    /// <summary>What opening and making files answers.</summary>
    public Errno Open { get; set; }

    /// <summary>So many are opened before.</summary>
    public int OpensFirst { get; set; }

    /// <summary>What reads answer.</summary>
    public Errno Read { get; set; }

    /// <summary>What a look at the root answers.</summary>
    public Errno Stat { get; set; }

    /// <summary>After so many of these it is well again.</summary>
    public int Times { get; set; } = int.MaxValue;

    /// <summary>What a flush takes.</summary>
    public TimeSpan Flush { get; set; }

    /// <summary>A flush does not answer before this does.</summary>
    public TaskCompletionSource? Hang { get; set; }

    /// <summary>Flushes that hang, or did.</summary>
    public int HangCount { get; internal set; }

    internal bool StrikesOpen() => OpensFirst-- <= 0 && Strikes(Open);

    internal bool Strikes(Errno error)
    {
        bool strikes = error != Errno.None && Times > 0;
        Times -= strikes ? 1 : 0;
        return strikes;
    }
}

/// <summary>Drives each of which may be sick in its own way, by the path of its mountpath; a slow one moves the clock.</summary>
public sealed class SickDisks(SimulatedDisk disk, ManualTime time) : DelegatingFileIo(disk)
{
    private readonly Dictionary<ulong, Sickness> _sick = [];

    /// <summary>What is wrong with it; nothing at first.</summary>
    public Sickness this[string mountpath]
    {
        get => Of(disk.FileSystem(mountpath).Device);
        set => _sick[disk.FileSystem(mountpath).Device] = value;
    }

    public override ValueTask<IoResult<FileHandle>> OpenRootAsync(string path)
    {
        Sickness sick = this[path];
        return sick.StrikesOpen() ? new(IoResult<FileHandle>.Failed(sick.Open)) : base.OpenRootAsync(path);
    }

    public override async ValueTask<IoResult<FileHandle>> OpenAsync(FileHandle directory, ReadOnlyMemory<byte> path, OpenIntent intent)
    {
        Sickness sick = await OfAsync(directory);
        return sick.StrikesOpen() ? IoResult<FileHandle>.Failed(sick.Open) : await base.OpenAsync(directory, path, intent);
    }

    public override async ValueTask<IoResult<int>> ReadAsync(FileHandle file, Memory<byte> buffer, long offset)
    {
        Sickness sick = await OfAsync(file);
        return sick.Strikes(sick.Read) ? IoResult<int>.Failed(sick.Read) : await base.ReadAsync(file, buffer, offset);
    }

    public override async ValueTask<IoResult<int>> WriteAsync(FileHandle file, ReadOnlySequence<byte> data, long offset)
    {
        Sickness sick = await OfAsync(file);
        return sick.Strikes(sick.Write) ? IoResult<int>.Failed(sick.Write) : await base.WriteAsync(file, data, offset);
    }

    public override async ValueTask<IoResult<FileStatus>> StatAsync(FileHandle file)
    {
        Sickness sick = await OfAsync(file);
        return sick.Strikes(sick.Stat) ? IoResult<FileStatus>.Failed(sick.Stat) : await base.StatAsync(file);
    }

    public override async ValueTask<IoResult> SyncAsync(FileHandle file)
    {
        Sickness sick = await OfAsync(file);
        time.Advance(sick.Flush);
        if (sick.Hang is { } hang)
        {
            sick.HangCount++;
            await hang.Task;
        }

        return await base.SyncAsync(file);
    }

    private async ValueTask<Sickness> OfAsync(FileHandle file) => Of((await Inner.StatAsync(file)).Value.Device);

    private Sickness Of(ulong device) => _sick.TryGetValue(device, out Sickness? sick) ? sick : _sick[device] = new Sickness();
}
