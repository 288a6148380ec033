using System.Globalization;

namespace Sluice.Simulation.Tests.Disk;

/// <summary>How metadata reaches the medium.</summary>
public enum JournalMode
{
    /// <summary>
    /// One log for the file system, as on XFS and ext4: what survives is a prefix of all metadata operations, and an fsync forces the log
    /// up to the last operation on the inode it is given.
    /// </summary>
    Ordered,

    /// <summary>
    /// No more than POSIX and the atomicity of one rename: operations on different names reach the medium in any order, an fsync carries
    /// only what touches its inode.
    /// </summary>
    Unordered,
}

/// <summary>How the engine ends.</summary>
public enum CrashKind
{
    /// <summary>The process is killed; the kernel and all it holds live on.</summary>
    Kill,

    /// <summary>The power goes: <see cref="JournalMode.Ordered"/>.</summary>
    CutOrdered,

    /// <summary>The power goes: <see cref="JournalMode.Unordered"/>.</summary>
    CutUnordered,
}

/// <summary>One crash: its kind, and the seed that picks which changes that nobody synced reached the medium all the same.</summary>
public readonly record struct Crash(CrashKind Kind, int Seed)
{
    /// <summary>The first seeds are not random: nothing more survives; all metadata and no data; all metadata and torn data; everything.</summary>
    public const int FixedSeeds = 4;

    public JournalMode Mode => Kind == CrashKind.CutUnordered ? JournalMode.Unordered : JournalMode.Ordered;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Kind}:{Seed}");
}

/// <summary>The choices of one power cut, drawn in journal order so that a seed replays them.</summary>
public sealed class CrashChoice(Crash crash)
{
    private const int PageBytes = 4096;
    private readonly Random _random = new(unchecked(crash.Seed * 7919 + 17));

    /// <summary>How many of <paramref name="count"/> operations of an ordered log survive.</summary>
    public int Prefix(int count) => crash.Seed switch
    {
        0 => 0,
        < Crash.FixedSeeds => count,
        _ => _random.Next(count + 1),
    };

    /// <summary>Whether one operation survives by itself.</summary>
    public bool Survives() => crash.Seed switch
    {
        0 => false,
        < Crash.FixedSeeds => true,
        _ => _random.Next(2) == 0,
    };

    /// <summary>
    /// What the medium has of data that was not synced: seen on XFS and ext4 are the old size, zeros, and a part up to a page boundary.
    /// </summary>
    public byte[] Data(byte[] durable, byte[] written)
    {
        int fate = crash.Seed switch
        {
            0 => 0,
            1 => 1,
            2 => 2,
            3 => 5,
            _ => _random.Next(6),
        };
        int pages = (written.Length + PageBytes - 1) / PageBytes;
        int kept = Math.Min(written.Length, PageBytes * (crash.Seed == 2 ? pages / 2 : _random.Next(pages + 1)));
        switch (fate)
        {
            case 0:
                return durable;
            case 1: // size 0, or what the size was when it was last synced
                return _random.Next(2) == 0 || crash.Seed == 1 ? [] : new byte[written.Length];
            case 2: // zeros from a page on
            {
                var torn = new byte[written.Length];
                written.AsSpan(0, kept).CopyTo(torn);
                return torn;
            }

            case 3: // cut off at a page
                return written[..kept];
            case 4: // any page may be missing
            {
                var holes = new byte[written.Length];
                for (int at = 0; at < written.Length; at += PageBytes)
                {
                    if (_random.Next(2) == 0)
                    {
                        written.AsSpan(at, Math.Min(PageBytes, written.Length - at)).CopyTo(holes.AsSpan(at));
                    }
                }

                return holes;
            }

            default:
                return [.. written];
        }
    }
}
