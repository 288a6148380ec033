using System.Globalization;
using System.Text;
using BenchmarkDotNet.Attributes;
using Sluice.Engine.Io;
using Sluice.Engine.Listing;
using Sluice.Engine.Objects;

namespace Sluice.Bench.Kernels;

/// <summary>A page of a thousand names out of ten thousand, merged from the directories of so many mountpaths that are in the kernel's cache.</summary>
public class ListBenchmark
{
    private const int NameCount = 10_000;
    private const int PageNames = 1000;

    private readonly byte[] _objects = "o"u8.ToArray(), _after = Encoding.ASCII.GetBytes("sample-00005000.jpg");
    private readonly List<ObjectDisk> _disks = [];
    private readonly List<IDisposable> _owned = [];
    private string _home = "";

    /// <summary>How many directories the names are spread over.</summary>
    [Params(4, 1)]
    public int Mountpaths { get; set; }

    /// <summary>Makes the files. Within this process nobody would wait for a task.</summary>
    [GlobalSetup]
    public void Make() => MakeAsync().GetAwaiter().GetResult();

    /// <summary>Removes them.</summary>
    [GlobalCleanup]
    public void Remove()
    {
        foreach (IDisposable owned in _owned.AsEnumerable().Reverse())
        {
            owned.Dispose();
        }

        Directory.Delete(_home, recursive: true);
    }

    /// <summary>The page from the middle on.</summary>
    [Benchmark(Description = "page of 1000 names, mountpaths:")]
    public async Task<int> PageAsync()
    {
        int bytes = 0;
        using var walk = new DirectoryWalk(_disks, _objects, ReadOnlyMemory<byte>.Empty, _after, PageNames);
        for (int name = 0; name < PageNames; name++)
        {
            bytes += (await walk.NextAsync() ?? throw new IOException("the page is not full")).Length;
        }

        return bytes;
    }

    private async Task MakeAsync()
    {
        _home = Directory.CreateTempSubdirectory("sluice-bench-list-").FullName;
        var io = new ThreadFileIo(1);
        _owned.Add(io);
        for (int i = 0; i < Mountpaths; i++)
        {
            string path = Path.Combine(_home, i.ToString(CultureInfo.InvariantCulture));
            Directory.CreateDirectory(Path.Combine(path, "o"));
            for (int name = i; name < NameCount; name += Mountpaths)
            {
                await File.WriteAllBytesAsync(Path.Combine(path, "o", string.Create(CultureInfo.InvariantCulture, $"sample-{name:d8}.jpg")), []);
            }

            FileHandle root = FileIoBench.Checked(await io.OpenRootAsync(path));
            _owned.Add(root);
            _disks.Add(new ObjectDisk(i, path, root, io, 1));
        }
    }
}
