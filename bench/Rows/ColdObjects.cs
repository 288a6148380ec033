using System.Globalization;
using System.Text;
using Sluice.Bench.Machine;
using Sluice.Bench.Run;
using Sluice.Bench.Servers;
using Sluice.Native;

namespace Sluice.Bench.Rows;

/// <summary>
/// The objects of a cold row, on one disk or several: stored by our server, and there for nginx and fio by links to the same files. One disk is the measured
/// directory itself; several are loop devices in memory, each with its own speed, because nothing else gives this machine more drives.
/// </summary>
internal sealed class ColdObjects : IAsyncDisposable
{
    public const string Bucket = "cold";

    /// <summary>Speed of each of several disks: well below what memory gives, so that the limit is what is felt.</summary>
    public const long LoopBytesPerSecond = 200 * Sizes.MiB;

    private readonly string _home;
    private readonly List<LoopDisk> _disks = [];
    private MemoryDirectory? _memory;

    private ColdObjects(string home) => _home = home;

    /// <summary>Directories, one a disk.</summary>
    public List<string> Places { get; } = [];

    /// <summary>Where our server has its objects.</summary>
    public IReadOnlyList<string> Mountpaths => [.. Places.Select(place => Path.Combine(place, "mp"))];

    /// <summary>A directory with a link to each object, for nginx.</summary>
    public string Links => Path.Combine(_home, "links");

    /// <summary>Paths of the objects of one disk.</summary>
    public IReadOnlyList<string> FilesOf(int disk) => [.. Directory.EnumerateFiles(SluiceServer.ObjectsOf(Mountpaths[disk], Bucket)).Order(StringComparer.Ordinal)];

    public static async Task<ColdObjects> MakeAsync(BenchWorld world, string home, int disks, int count, long sizeBytes)
    {
        var objects = new ColdObjects(home);
        try
        {
            await objects.MakePlacesAsync(disks, count * sizeBytes, world.Token);
            await using var server = new SluiceServer("filler", world.Settings.Binary, world.Settings.ServerCores, objects.Mountpaths);
            await server.StartAsync(world.Token);
            await server.MakeBucketAsync(Bucket, """{"durability":"relaxed"}""", world.Token);
            await Connecting.FillAsync(server.Endpoint, Bucket, count, sizeBytes, world.Token);
            Directory.CreateDirectory(objects.Links);
            for (int disk = 0; disk < disks; disk++)
            {
                foreach (string file in objects.FilesOf(disk))
                {
                    Directory.CreateDirectory(Path.Combine(objects.Places[disk], "fio"));
                    File.CreateSymbolicLink(Path.Combine(objects.Links, Path.GetFileName(file)), file);
                }
            }

            return objects;
        }
        catch
        {
            await objects.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Deals the files of a disk out to readers: a directory a reader, with a hard link a file, since fio reads directories and takes no long lists. Answers the
    /// directories; made once for each number of readers.
    /// </summary>
    public IReadOnlyList<string> Deal(int disk, int readers)
    {
        IReadOnlyList<string> files = FilesOf(disk);
        int used = Math.Min(readers, files.Count);
        string hand0 = Path.Combine(Places[disk], "fio", readers.ToString(CultureInfo.InvariantCulture));
        string[] hands = [.. Enumerable.Range(0, used).Select(reader => string.Create(CultureInfo.InvariantCulture, $"{hand0}-{reader}"))];
        if (hands.Length > 0 && !Directory.Exists(hands[0]))
        {
            foreach (string hand in hands)
            {
                Directory.CreateDirectory(hand);
            }

            for (int i = 0; i < files.Count; i++)
            {
                Link(files[i], hands[i % used]);
            }
        }

        return hands;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (LoopDisk disk in _disks)
        {
            await disk.DisposeAsync();
        }

        await (_memory?.DisposeAsync() ?? default);
    }

    private async Task MakePlacesAsync(int disks, long bytes, CancellationToken token)
    {
        if (disks == 1)
        {
            Places.Add(Directory.CreateDirectory(Path.Combine(_home, "disk")).FullName);
            return;
        }

        _memory = await MemoryDirectory.MakeAsync(Path.Combine(_home, "memory"), token);
        for (int i = 0; i < disks; i++)
        {
            // Sparse: three times an even share, and what an XFS needs for itself.
            var shape = new DiskShape((3 * bytes / disks) + Sizes.GiB) { Speed = new DiskSpeed(LoopBytesPerSecond, WriteBytesPerSecond: 0) };
            _disks.Add(await LoopDisk.MakeAsync(_memory.Path, string.Create(CultureInfo.InvariantCulture, $"disk{i}"), shape, token));
            Places.Add(_disks[^1].Path);
        }
    }

    private static void Link(string file, string directory)
    {
        byte[] name = Encoding.ASCII.GetBytes(Path.GetFileName(file));
        Errno error = Libc.OpenDirectory(Path.GetDirectoryName(file)!, out int from);
        if (error == Errno.None)
        {
            error = Libc.OpenDirectory(directory, out int to);
            error = error == Errno.None ? Libc.Link(from, name, to, name) : error;
            Libc.Close(to);
            Libc.Close(from);
        }

        if (error != Errno.None)
        {
            throw new BenchException($"link(2) of {file} into {directory}: {error}");
        }
    }
}
