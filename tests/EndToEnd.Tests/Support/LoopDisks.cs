using System.Diagnostics;
using System.Globalization;

namespace Sluice.EndToEnd.Tests.Support;

/// <summary>File systems of their own, loop-mounted; unmounted and removed on disposal. Sparse: they take what is stored in them.</summary>
public sealed class LoopDisks : IDisposable
{
    private const string FillName = "filler";

    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("sluice-e2e-");
    private readonly List<string> _mounted = [];

    /// <summary>Makes and mounts one file system for each kind given: ext4, xfs or btrfs.</summary>
    public LoopDisks(long sizeBytes, params string[] kinds)
        : this(sizeBytes, [], kinds)
    {
    }

    /// <summary>The same with flags of mkfs.</summary>
    public LoopDisks(long sizeBytes, string[] flags, params string[] kinds)
    {
        foreach (string kind in kinds)
        {
            string image = Make($"disk{Paths.Count}.img", sizeBytes, kind, flags);
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

    /// <summary>Unmounts a disk, whose files nobody has any more.</summary>
    public void Unmount(int index)
    {
        UnmountWhenClosed(Paths[index]);
        _mounted.Remove(Paths[index]);
    }

    /// <summary>The path is an empty directory from now on, while those who have files open on the disk keep them (umount(8), lazy).</summary>
    public void Lose(int index)
    {
        Run("umount", "-l", Paths[index]);
        _mounted.Remove(Paths[index]);
    }

    /// <summary>Mounts a disk; false while somebody still has the one that was lost.</summary>
    public bool TryMount(int index) => TryMount(Images[index], Paths[index]);

    /// <summary>Unmounts a disk; false while somebody has something open on it.</summary>
    public bool TryUnmount(int index)
    {
        bool isDone = TryRun("umount", Paths[index]);
        if (isDone)
        {
            _mounted.Remove(Paths[index]);
        }

        return isDone;
    }

    /// <summary>Nothing can be written to a disk any more; false while somebody has a file open for writing.</summary>
    public bool TryMakeReadOnly(int index) => TryRun("mount", "-o", "remount,ro", Paths[index]);

    /// <summary>It can be written to again.</summary>
    public void MakeWritable(int index) => Run("mount", "-o", "remount,rw", Paths[index]);

    /// <summary>Another, empty file system of the same kind is at the disk's path from now on.</summary>
    public void Swap(int index, string kind)
    {
        Lose(index);
        Assert.True(TryMount(Make($"blank{index}.img", new FileInfo(Images[index]).Length, kind), Paths[index]), "the empty disk cannot be mounted");
    }

    /// <summary>A directory of its own where the disk that was swapped is mounted; null while somebody still has it.</summary>
    public string? TryMountElsewhere(int index)
    {
        string path = Directory.CreateDirectory($"{Paths[index]}-old").FullName;
        return TryMount(Images[index], path) ? path : null;
    }

    /// <summary>Takes all the room that is left on a disk.</summary>
    public void Fill(int index)
    {
        int files = 0;
        for (long size = new DriveInfo(Paths[index]).AvailableFreeSpace; size >= 64 << 10; size /= 2)
        {
            while (TryRun("fallocate", "-l", size.ToString(CultureInfo.InvariantCulture), Path.Combine(Paths[index], $"{FillName}{files}")))
            {
                files++;
            }
        }

        Assert.True(files > 0, "nothing could be filled");
    }

    /// <summary>Gives back what <see cref="Fill"/> took.</summary>
    public void Empty(int index) => Array.ForEach(Directory.GetFiles(Paths[index], FillName + "*"), File.Delete);

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

    private static bool TryRun(string command, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    private string Make(string name, long sizeBytes, string kind, params string[] flags)
    {
        string image = Path.Combine(_home.FullName, name);
        using (FileStream file = File.Create(image))
        {
            file.SetLength(sizeBytes);
        }

        Run($"mkfs.{kind}", ["-q", .. flags, image]);
        return image;
    }

    private bool TryMount(string image, string path)
    {
        bool isDone = TryRun("mount", "-o", "loop", image, path);
        if (isDone)
        {
            _mounted.Add(path);
        }

        return isDone;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (string path in _mounted.ToArray())
        {
            UnmountWhenClosed(path);
        }

        _home.Delete(recursive: true);
    }

    /// <summary>The kernel closes the files of a ring, and those of a process that is killed, some time behind the process's end.</summary>
    private static void UnmountWhenClosed(string path)
    {
        for (var watch = Stopwatch.StartNew(); !TryRun("umount", path);)
        {
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"{path} cannot be unmounted");
        }
    }
}
