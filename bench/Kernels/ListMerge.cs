using System.Globalization;
using System.Text;
using Sluice.Bench.Run;
using Sluice.Engine.Io;
using Sluice.Engine.Listing;
using Sluice.Engine.Objects;

namespace Sluice.Bench.Kernels;

/// <summary>A page of a thousand names out of ten thousand, merged from the directories of 1 or 4 mountpaths that are in the kernel's cache.</summary>
internal static class ListMerge
{
    private const int NameCount = 10_000;
    private const int PageNames = 1000;

    public static async Task<IReadOnlyList<Kernel>> MakeAsync(BenchWorld world, string home) =>
        [await KernelAsync(world, home, 4), await KernelAsync(world, home, 1)];

    private static async Task<Kernel> KernelAsync(BenchWorld world, string home, int mountpaths)
    {
        ThreadFileIo io = world.Owned(new ThreadFileIo(1));
        var disks = new List<ObjectDisk>();
        for (int i = 0; i < mountpaths; i++)
        {
            string path = Path.Combine(home, string.Create(CultureInfo.InvariantCulture, $"{mountpaths}-{i}"));
            Directory.CreateDirectory(Path.Combine(path, "o"));
            for (int name = i; name < NameCount; name += mountpaths)
            {
                await File.WriteAllBytesAsync(Path.Combine(path, "o", string.Create(CultureInfo.InvariantCulture, $"sample-{name:d8}.jpg")), [], world.Token);
            }

            FileHandle root = world.Owned(FileIoBench.Checked(await io.OpenRootAsync(path)));
            disks.Add(new ObjectDisk(i, path, root, io, 1));
        }

        byte[] objects = "o"u8.ToArray(), after = Encoding.ASCII.GetBytes("sample-00005000.jpg");
        return new Kernel($"page of {PageNames} names, {mountpaths} mountpaths", 0, times => PagesAsync(times).GetAwaiter().GetResult());

        async Task<ulong> PagesAsync(int times)
        {
            ulong results = 0;
            for (int i = 0; i < times; i++)
            {
                using var walk = new DirectoryWalk(disks, objects, ReadOnlyMemory<byte>.Empty, after, PageNames);
                for (int name = 0; name < PageNames; name++)
                {
                    byte[] next = await walk.NextAsync() ?? throw new IOException("the page is not full");
                    results = unchecked((results * 31) + next[^5]);
                }
            }

            return results;
        }
    }
}
