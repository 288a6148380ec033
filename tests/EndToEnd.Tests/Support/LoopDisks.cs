using System.Diagnostics;

namespace Sluice.EndToEnd.Tests.Support;

/// <summary>File systems of their own, loop-mounted; unmounted and removed on disposal. Sparse: they take what is stored in them.</summary>
public sealed class LoopDisks : IDisposable
{
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("sluice-e2e-");
    private readonly List<string> _mounted = [];

    /// <summary>Makes and mounts one file system for each kind given: ext4 or xfs.</summary>
    public LoopDisks(long sizeBytes, params string[] kinds)
        : this(sizeBytes, [], kinds)
    {
    }

    /// <summary>The same with flags of mkfs.</summary>
    public LoopDisks(long sizeBytes, string[] flags, params string[] kinds)
    {
        foreach (string kind in kinds)
        {
            string image = Path.Combine(_home.FullName, $"disk{Paths.Count}.img");
            using (FileStream file = File.Create(image))
            {
                file.SetLength(sizeBytes);
            }

            Run($"mkfs.{kind}", ["-q", .. flags, image]);
            string path = Path.Combine(_home.FullName, $"mp{Paths.Count}");
            Directory.CreateDirectory(path);
            Images.Add(image);
            Paths.Add(path);
            Mount(Paths.Count - 1);
        }
    }

    /// <summary>Image files.</summary>
    public List<string> Images { get; } = [];

    /// <summary>Mount points.</summary>
    public List<string> Paths { get; } = [];

    /// <summary>Mounts a disk.</summary>
    public void Mount(int index)
    {
        Run("mount", "-o", "loop", Images[index], Paths[index]);
        _mounted.Add(Paths[index]);
    }

    /// <summary>Unmounts a disk.</summary>
    public void Unmount(int index)
    {
        Run("umount", Paths[index]);
        _mounted.Remove(Paths[index]);
    }

    /// <summary>The path is an empty directory from now on, while those who have files open on the disk keep them (umount(8), lazy).</summary>
    public void Lose(int index)
    {
        Run("umount", "-l", Paths[index]);
        _mounted.Remove(Paths[index]);
    }

    /// <summary>Mounts a disk; false while somebody still has the one that was lost.</summary>
    public bool TryMount(int index)
    {
        using Process process = Process.Start(
            new ProcessStartInfo("mount", ["-o", "loop", Images[index], Paths[index]]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        process.WaitForExit();
        if (process.ExitCode == 0)
        {
            _mounted.Add(Paths[index]);
        }

        return process.ExitCode == 0;
    }

    /// <summary>A power cut: the log and the cache of an xfs are dropped, nothing is written any more.</summary>
    public void CutPower(int index) => Run("xfs_io", "-x", "-c", "shutdown", Paths[index]);

    /// <summary>An ext4 that has met an error in its journal: read-only from now on, whoever has files open for writing.</summary>
    public void TurnReadOnly(int index) => Run("mount", "-o", "remount,abort", Paths[index]);

    /// <summary>Runs a command; throws with its output when it fails.</summary>
    public static void Run(string command, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{command} {string.Join(' ', arguments)}: {error}");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (string path in _mounted.ToArray())
        {
            Run("umount", path);
        }

        _home.Delete(recursive: true);
    }
}
