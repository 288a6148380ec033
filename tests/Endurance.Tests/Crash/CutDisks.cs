using System.Diagnostics;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.Endurance.Tests.Crash;

/// <summary>
/// Small loop-mounted file systems whose power can be cut: XFS_IOC_GOINGDOWN without a flush of the log, which xfs_io sends to an ext4 as well, where it is
/// EXT4_IOC_SHUTDOWN with the same numbers. The images lie in memory, so that a cut costs little; an image is the drive, and it has no cache of its own.
/// </summary>
public sealed class CutDisks : IDisposable
{
    private const long SizeBytes = 384L << 20; // mkfs.xfs makes none below 300 MiB; sparse

    private const string MakeScript = """
        set -e
        home=$1 size=$2 i=0; shift 2
        for kind; do
            truncate -s "$size" "$home/disk$i"; mkfs.$kind -q "$home/disk$i"; mkdir "$home/mp$i"
            losetup -f --show "$home/disk$i"; i=$((i + 1))
        done
        """;

    /// <summary>
    /// Arguments: what to do, then device and mount point of each disk. A mount point is busy for some milliseconds after the death of its last user, while
    /// the kernel ends its ring.
    /// </summary>
    private const string Script = """
        verbs=$1 failed=0; shift
        one() {
            case $1 in
                cut) xfs_io -x -c shutdown "$3" ;;
                unmount) for ((n = 0; n < 3000; n++)); do umount "$3" 2> "$3.error" && return; sleep 0.01; done; cat "$3.error" >&2; return 1 ;;
                mount) mount "$2" "$3" ;;
                detach) losetup -d "$2" ;;
            esac
        }
        for verb in $verbs; do
            jobs=()
            for ((i = 1; i < $#; i += 2)); do j=$((i + 1)); one "$verb" "${!i}" "${!j}" & jobs+=($!); done
            for job in "${jobs[@]}"; do wait "$job" || failed=1; done
            ((failed == 0)) || exit 1
        done
        """;

    private readonly DirectoryInfo _home;
    private readonly string[] _devices;
    private bool _isMounted;

    private CutDisks(DirectoryInfo home, string[] devices)
    {
        (_home, _devices) = (home, devices);
        Paths = [.. Enumerable.Range(0, devices.Length).Select(i => Path.Combine(home.FullName, $"mp{i}"))];
    }

    /// <summary>Mount points.</summary>
    public IReadOnlyList<string> Paths { get; }

    /// <summary>Makes and mounts one file system for each kind: ext4 or xfs.</summary>
    public static async Task<CutDisks> MakeAsync(params string[] kinds)
    {
        string parent = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
        DirectoryInfo home = Directory.CreateDirectory(Path.Combine(parent, $"sluice-crash-{Guid.NewGuid():N}"));
        (int code, string devices, string error) =
            await SluiceProcess.RunCommandAsync(["bash", "-c", MakeScript, "make", home.FullName, $"{SizeBytes}", .. kinds]);
        Assert.True(code == 0, error);
        var disks = new CutDisks(home, devices.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        await disks.RunAsync("mount", disks.All);
        disks._isMounted = true;
        return disks;
    }

    /// <summary>The power of all of them fails and comes back. Nobody may use them.</summary>
    public Task CutAsync() => RunAsync("cut unmount mount", All);

    /// <summary>One of them fails: nothing of what is asked of it from now on is done.</summary>
    public Task ShutDownAsync(int index) => RunAsync("cut", [index]);

    /// <summary>One that failed comes back, as soon as nobody has anything open on it.</summary>
    public Task BringBackAsync(int index) => RunAsync("unmount mount", [index]);

    /// <inheritdoc/>
    public void Dispose()
    {
        RunAsync(_isMounted ? "unmount detach" : "detach", All).GetAwaiter().GetResult();
        _home.Delete(recursive: true);
    }

    private IEnumerable<int> All => Enumerable.Range(0, _devices.Length);

    private async Task RunAsync(string verbs, IEnumerable<int> disks)
    {
        long start = Stopwatch.GetTimestamp();
        (int code, _, string error) = await SluiceProcess.RunCommandAsync(["bash", "-c", Script, "disks", verbs, .. disks.SelectMany(i => new[] { _devices[i], Paths[i] })]);
        Assert.True(code == 0, $"{verbs}, after {Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s: {error}");
    }
}
