namespace Sluice.Bench.Machine;

/// <summary>A directory in memory, for the images of disks that are not to share one drive. Needs root. Disposing unmounts it.</summary>
internal sealed class MemoryDirectory : IAsyncDisposable
{
    private MemoryDirectory(string path) => Path = path;

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>Makes the directory and mounts a tmpfs there.</summary>
    public static async Task<MemoryDirectory> MakeAsync(string path, CancellationToken token)
    {
        Directory.CreateDirectory(path);
        await Command.RunAsync(["mount", "-t", "tmpfs", "-o", "size=90%", "sluice-bench", path], token);
        return new MemoryDirectory(path);
    }

    public async ValueTask DisposeAsync() => await Command.RunAsync(["umount", Path], CancellationToken.None);
}
