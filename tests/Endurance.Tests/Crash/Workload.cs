namespace Sluice.Endurance.Tests.Crash;

/// <summary>What the writers of a bucket do.</summary>
public enum Mix
{
    /// <summary>A new name each time, in directories of the round.</summary>
    Fresh,

    /// <summary>The same few names again and again.</summary>
    Overwrite,

    /// <summary>Names come and go.</summary>
    Delete,

    /// <summary>The same, where what is put comes in parts.</summary>
    Upload,

    /// <summary>Names come and go; what is large is split, and the job <c>rechunk</c> splits and puts together what is there.</summary>
    Split,

    /// <summary>The bucket is destroyed and made again.</summary>
    Life,

    /// <summary>The bucket turns from relaxed to strict and back: what was acknowledged before is durable from then on.</summary>
    Turn,
}

/// <summary>A bucket of the matrix and what is done to it.</summary>
public sealed record Workload(string Bucket, Mix Mix, string Properties, int FilesPerObject = 1, int SlicesPerObject = 0)
{
    private const string Mirror = "\"mirror\":{\"enabled\":true,\"copies\":2}";
    private const string Erasure = "\"ec\":{\"enabled\":true,\"data_slices\":2,\"parity_slices\":1,\"unit\":\"64KiB\",\"objsize_limit\":0}";
    private const string Combined = "\"checksum\":{\"type\":\"crc32c\"}"; // the digest of a whole that came in parts
    private const string Chunks = "\"chunks\":{\"objsize_limit\":\"32KiB\",\"chunk_size\":\"24KiB\"}"; // about half of all objects
    private const string Relaxed = "\"durability\":\"relaxed\"";

    private bool IsRelaxed => Properties.Contains(Relaxed, StringComparison.Ordinal);

    /// <summary>
    /// Whether an acknowledgement survives a power cut at once: in strict buckets, and in relaxed ones where an object lies on several mountpaths
    /// (docs/DURABILITY.md).
    /// </summary>
    public bool IsDurable => !IsRelaxed || FilesPerObject > 1;

    /// <summary>Writers of it when there are many.</summary>
    public int Writers => Mix is Mix.Life or Mix.Turn ? 1 : 2;

    /// <summary>All that fit so many mountpaths.</summary>
    public static IReadOnlyList<Workload> For(int mountpaths)
    {
        Workload[] plain =
        [
            new("plain", Mix.Fresh, "{}"),
            new("plain-r", Mix.Fresh, $"{{{Relaxed}}}"),
            new("over", Mix.Overwrite, "{}"),
            new("over-r", Mix.Overwrite, $"{{{Relaxed}}}"),
            new("del", Mix.Delete, "{}"),
            new("del-r", Mix.Delete, $"{{{Relaxed}}}"),
            new("parts", Mix.Upload, $"{{{Combined}}}"),
            new("parts-r", Mix.Upload, $"{{{Combined},{Relaxed}}}"),
            new("split", Mix.Split, $"{{{Chunks}}}"),
            new("split-r", Mix.Split, $"{{{Chunks},{Relaxed}}}"),
            new("life", Mix.Life, "{}"),
            new("turn", Mix.Turn, $"{{{Relaxed}}}"),
        ];
        Workload[] wide =
        [
            new("mirror", Mix.Delete, $"{{{Mirror}}}", 2),
            new("mirror-r", Mix.Delete, $"{{{Mirror},{Relaxed}}}", 2),
            new("ec", Mix.Delete, $"{{{Erasure}}}", 2, 3),
            new("ec-r", Mix.Delete, $"{{{Erasure},{Relaxed}}}", 2, 3),
        ];
        return mountpaths < 3 ? plain : [.. plain, .. wide];
    }
}
