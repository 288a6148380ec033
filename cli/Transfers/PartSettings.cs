namespace Sluice.Cli.Transfers;

/// <summary>When and how something large is transferred in parts.</summary>
public sealed record PartSettings
{
    /// <summary>Most parts of an object (contract: objects §8).</summary>
    public const int CountMax = 9999;

    /// <summary>Above this one connection takes long enough for several to be worth it.</summary>
    public const long ThresholdDefaultBytes = 64L << 20;

    /// <summary>Small enough to be sent again without regret, and a file's digest is read back from the page cache.</summary>
    public const long PartDefaultBytes = 16L << 20;

    /// <summary>A few connections fill a network.</summary>
    public const int ParallelDefault = 4;

    /// <summary>A part of standard input is in memory while it is sent.</summary>
    private const long InputPartMaxBytes = 1L << 30;

    /// <summary>So many parts of standard input have one size, then it is doubled: 16 MiB become 1 TiB before the numbers end.</summary>
    private const int InputPartsOfOneSize = 1600;

    private const long GrownUnitBytes = 1L << 20;

    /// <summary>Larger ones are transferred in parts.</summary>
    public long ThresholdBytes { get; init; } = ThresholdDefaultBytes;

    /// <summary>Bytes of a part, unless that made too many.</summary>
    public long PartBytes { get; init; } = PartDefaultBytes;

    /// <summary>Parts at a time.</summary>
    public int Parallel { get; init; } = ParallelDefault;

    /// <summary>The upload to go on with; null to begin one.</summary>
    public string? ResumeId { get; init; }

    /// <summary>False when an upload that fails is aborted.</summary>
    public bool KeepsFailed { get; init; } = true;

    /// <summary>Bytes of each part but the last, for that many in all: <see cref="PartBytes"/>, or as much more as it takes.</summary>
    public long PartBytesOf(long sizeBytes)
    {
        long least = (sizeBytes + CountMax - 1) / CountMax;
        return least <= PartBytes ? PartBytes : (least + GrownUnitBytes - 1) / GrownUnitBytes * GrownUnitBytes;
    }

    /// <summary>Bytes of a part of standard input, whose end nobody knows.</summary>
    public int InputPartBytes(int number) =>
        (int)Math.Min(Math.Min(PartBytes, InputPartMaxBytes) << ((number - 1) / InputPartsOfOneSize), InputPartMaxBytes);
}
