using System.Diagnostics;
using System.Globalization;
using Sluice.Bench.Clients;
using Sluice.Bench.Machine;
using Sluice.Bench.Measure;
using Sluice.Bench.Run;
using Sluice.Bench.Servers;

namespace Sluice.Bench.Rows;

/// <summary>
/// A large object by one PUT and in parts, durable before the answer, on several disks of a given speed: one file has the speed of one disk, parts that of all. Both
/// are sent to one server. A turn is one object, which is removed after it, outside of what is measured.
/// </summary>
/// <param name="sizeBytes">Of the object; 1 MiB to 1 GiB, which each of the disks can hold.</param>
internal sealed class MultipartPutRow(long sizeBytes, UploadShape shape, bool isDefault) : IRow
{
    private const int Disks = 4;
    private const long DiskBytesPerSecond = 100 * Sizes.MiB; // four of them are well below what one core hashes and writes
    private const long DiskBytes = Sizes.GiB + (Sizes.GiB / 2);

    private static readonly DiskShape s_disk = new(DiskBytes) { Speed = new DiskSpeed(DiskBytesPerSecond, DiskBytesPerSecond), IsFilled = true };

    private readonly List<LoopDisk> _disks = [];
    private MemoryDirectory? _memory;
    private string _home = "";

    public string Name => string.Create(CultureInfo.InvariantCulture, $"multipart/put/{Sizes.Text(sizeBytes)}/{shape.Parts}");

    public bool IsDefault => isDefault;

    public string Subject => Parted.Name;

    public string Note => string.Create(
        CultureInfo.InvariantCulture,
        $"strict, {Disks} loop devices of {DiskBytesPerSecond / Sizes.MiB} MiB/s each; {shape.AtOnce} parts of {Sizes.Text(sizeBytes / shape.Parts)} at once, placed by name "
        + $"and so not evenly");

    private long SizeBytes => sizeBytes;

    private MultipartSide Parted => new(shape);

    public TimeSpan Estimate(BenchSettings settings)
    {
        double whole = (double)sizeBytes / DiskBytesPerSecond, parted = whole / 3;
        return TimeSpan.FromSeconds(30 + (settings.Rounds * ((2 * whole) + (3 * parted) + 6)));
    }

    public async Task PrepareAsync(BenchWorld world)
    {
        DiskThrottle.Machine.Require();
        _home = world.MakeDirectory(Name);
        _memory = await MemoryDirectory.MakeAsync(Path.Combine(_home, "memory"), world.Token);
        for (int i = 0; i < Disks; i++)
        {
            _disks.Add(await LoopDisk.MakeAsync(_memory.Path, string.Create(CultureInfo.InvariantCulture, $"disk{i}"), s_disk, world.Token));
        }

        await using SluiceServer server = Make(world.Settings);
        await server.StartAsync(world.Token);
        foreach (MultipartSide side in (MultipartSide[])[MultipartSide.Whole, Parted])
        {
            await server.MakeBucketAsync(side.Bucket, side.Properties("strict"), world.Token);
        }
    }

    public async Task<IReadOnlyList<IContender>> OpenAsync(BenchWorld world)
    {
        SluiceServer server = Make(world.Settings);
        await Opening.StartAsync(server, world.Token);
        return [new Contender(this, MultipartSide.Whole, server, ownsServer: true), new Contender(this, Parted, server, ownsServer: false)];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (LoopDisk disk in _disks)
        {
            await disk.DisposeAsync();
        }

        await (_memory?.DisposeAsync() ?? default);
        BenchWorld.Remove(_home);
    }

    private string[] Mountpaths => [.. _disks.Select(disk => Path.Combine(disk.Path, "mp"))];

    private SluiceServer Make(BenchSettings settings) => new("sluice", settings.Binary, settings.ServerCores, Mountpaths);

    /// <summary>Both have one server, which goes with the first.</summary>
    private sealed class Contender(MultipartPutRow row, MultipartSide side, SluiceServer server, bool ownsServer) : IContender
    {
        private const string Object = "o0";
        private const int WarmShareOfOneDisk = 8; // of the object: connections and code are warm then, and a turn of one disk is long

        private static readonly TimeSpan s_removalTime = TimeSpan.FromSeconds(30);

        private readonly UploadClient _client = new(server.Endpoint, side.Bucket);
        private readonly long _sizeBytes = row.SizeBytes;

        public string Name => side.Name;

        /// <summary>Parts are sent whole: a page cache that has had the object once does not wait for memory that a virtual machine has to ask for.</summary>
        public async Task WarmAsync(CancellationToken token)
        {
            await _client.PutAsync(Object, side.IsWhole ? _sizeBytes / WarmShareOfOneDisk : _sizeBytes, side.Shape, token);
            await RemoveAsync(token);
        }

        public async Task<Sample> MeasureAsync(CancellationToken token)
        {
            Sample sample = await ServedContender.MeasureAsync(server, () => _client.PutAsync(Object, _sizeBytes, side.Shape, token));
            await _client.RequirePartsAsync(Object, side.Shape.Parts, token);
            await RemoveAsync(token);
            return sample;
        }

        public async ValueTask DisposeAsync()
        {
            _client.Dispose();
            if (ownsServer)
            {
                await server.DisposeAsync();
            }
        }

        /// <summary>Comes back when the files are gone, which those of parts are a while after the answer, and nothing is left to write.</summary>
        private async Task RemoveAsync(CancellationToken token)
        {
            await _client.DeleteAsync(Object, token);
            string[] places = [.. row.Mountpaths.Select(path => SluiceServer.ObjectsOf(path, side.Bucket))];
            for (long started = Stopwatch.GetTimestamp(); places.Any(HasFile);)
            {
                if (Stopwatch.GetElapsedTime(started) > s_removalTime)
                {
                    throw new BenchException($"{server.Name}: files of {side.Bucket}/{Object} are there {s_removalTime.TotalSeconds} s behind its removal");
                }

                await Task.Delay(10, token);
            }

            await Command.RunAsync(["sync", "-f", .. row.Mountpaths], token);
        }

        private static bool HasFile(string place) => Directory.Exists(place) && Directory.EnumerateFiles(place, "*", SearchOption.AllDirectories).Any();
    }
}
