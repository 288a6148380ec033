using System.Security.Cryptography;
using Sluice.Bench.Machine;
using Sluice.Bench.Measure;
using Sluice.Bench.Run;
using Sluice.Native;

namespace Sluice.Bench.Rows;

/// <summary>What a GET of a small object that nothing is in memory of asks of the file system, in other orders than ours: open, stat, record, bytes.</summary>
internal sealed class OpenRow : IRow
{
    private const int Files = 4096;
    private const int FileBytes = (int)(4 * Sizes.KiB);

    private string _home = "";
    private MemoryDirectory? _memory;
    private LoopDisk? _disk;

    public string Name => "ways/open/4KiB";

    public bool IsDefault => false;

    public string Subject => Separate;

    public string Note => $"{Files} files of an XFS in memory with nothing of them in the caches, {OpenCalls.AtOnce} at once, one ring; processor time with the kernel's workers";

    private static string Separate => "one after the other";

    public TimeSpan Estimate(BenchSettings settings) => TimeSpan.FromSeconds(3 + (settings.Rounds * 8));

    public async Task PrepareAsync(BenchWorld world)
    {
        _home = world.MakeDirectory("open");
        _memory = await MemoryDirectory.MakeAsync(Path.Combine(_home, "memory"), world.Token);
        _disk = await LoopDisk.MakeAsync(_memory.Path, "disk", new DiskShape(Sizes.GiB), world.Token);
        byte[] bytes = RandomNumberGenerator.GetBytes(FileBytes);
        for (int i = 0; i < Files; i++)
        {
            string path = Path.Combine(_disk.Path, OpenCalls.NameOf(i));
            await File.WriteAllBytesAsync(path, bytes, world.Token);
            using FileStream file = File.OpenWrite(path);
            if (Libc.SetXattr((int)file.SafeFileHandle.DangerousGetHandle(), OpenCalls.Record, bytes.AsSpan(0, OpenCalls.RecordBytes)) is var error and not Errno.None)
            {
                throw new BenchException($"{path}: {error}");
            }
        }
    }

    public Task<IReadOnlyList<IContender>> OpenAsync(BenchWorld world) => Task.FromResult<IReadOnlyList<IContender>>(
    [
        new OpenContender("one chain, a place in the ring's table", _disk!.Path, world.Settings, isChain: true),
        new OpenContender(Separate, _disk.Path, world.Settings, isChain: false),
    ]);

    public async ValueTask DisposeAsync()
    {
        if (_disk is not null)
        {
            await _disk.DisposeAsync();
        }

        if (_memory is not null)
        {
            await _memory.DisposeAsync();
        }

        BenchWorld.Remove(_home);
    }

    private sealed class OpenContender(string name, string path, BenchSettings settings, bool isChain) : IContender
    {
        public string Name => name;

        public Task WarmAsync(CancellationToken token) => MeasureAsync(token);

        public async Task<Sample> MeasureAsync(CancellationToken token)
        {
            await Machine.PageCache.DropAsync(token);
            Sample? sample = null;
            Exception? problem = null;
            var thread = new Thread(() =>
            {
                try
                {
                    SendCalls.Pin(BenchSettings.Each(settings.ServerCores).First()); // the workers that the kernel makes for it stay there too
                    using var calls = new OpenCalls(path, FileBytes, isChain);
                    sample = calls.Measure(Files);
                }
                catch (Exception failure)
                {
                    problem = failure;
                }
            });
            thread.Start();
            thread.Join();
            return sample ?? throw new BenchException($"{name}: {problem?.Message}");
        }

        public ValueTask DisposeAsync() => default;
    }
}
