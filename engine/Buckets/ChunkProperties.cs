using System.Globalization;
using System.Text.Json;
using Sluice.Contract;

namespace Sluice.Engine.Buckets;

/// <summary>The section <c>chunks</c> of a bucket's properties: which objects are split into chunks while they are stored (docs/decisions/0016-splitting.md).</summary>
public sealed record ChunkProperties
{
    /// <summary>Smallest and largest chunk in bytes.</summary>
    public const long ChunkBytesMin = 1 << 10, ChunkBytesMax = 5L << 30;

    /// <summary>Range of <see cref="MonolithicBytesMax"/>.</summary>
    public const long MonolithicBytesLeast = 1L << 30, MonolithicBytesMost = 1L << 40;

    private const int CheckpointEveryMax = 1 << 10;
    private const int ChunksOfOneSize = 400; // of a body whose length is not known: then they are twice as large

    /// <summary>What a bucket has when nothing is said.</summary>
    public static ChunkProperties Default { get; } = new();

    /// <summary><c>chunks.objsize_limit</c>: larger objects are split, in bytes; 0 for those above <see cref="MonolithicBytesMax"/> alone.</summary>
    public long SizeLimitBytes { get; init; } = 64 << 20;

    /// <summary><c>chunks.chunk_size</c>: bytes of a chunk, the last one shorter.</summary>
    public long ChunkBytes { get; init; } = 64 << 20;

    /// <summary><c>chunks.max_monolithic_size</c>: larger objects are split whatever the limit says, in bytes.</summary>
    public long MonolithicBytesMax { get; init; } = MonolithicBytesMost;

    /// <summary><c>chunks.checkpoint_every</c>: of the contract; kept, and of no meaning here, where each chunk that is stored is known by its file.</summary>
    public int CheckpointEvery { get; init; }

    /// <summary>The largest object that is one file, in bytes. One that would be a single chunk is not split.</summary>
    public long WholeBytesMax => Math.Max(SizeLimitBytes == 0 ? MonolithicBytesMax : Math.Min(SizeLimitBytes, MonolithicBytesMax), ChunkBytes);

    /// <summary>
    /// Bytes of the next chunk of an object that is split: as many as <see cref="ChunkBytes"/>, and more where there would be more than <see cref="Limits.ChunksMax"/> of them.
    /// </summary>
    /// <param name="sizeBytes">Size of the object; null while it is not known.</param>
    /// <param name="number">The chunk's number, from 1.</param>
    public long BytesOf(long? sizeBytes, int number) => sizeBytes is { } size
        ? Math.Max(ChunkBytes, ((size - 1) / Limits.ChunksMax) + 1)
        : Math.Max(ChunkBytes, Math.Min(ChunkBytesMax, ChunkBytes << Math.Min(20, (number - 1) / ChunksOfOneSize)));

    /// <summary>Applies one property of the section.</summary>
    internal static Result<ChunkProperties> Apply(ChunkProperties to, JsonProperty property)
    {
        const string Section = "chunks";
        return property.Name switch
        {
            "objsize_limit" => PropertyValues.Integer(Section, property, 0, MonolithicBytesMost, bytes => to with { SizeLimitBytes = bytes }),
            "chunk_size" => PropertyValues.Integer(Section, property, ChunkBytesMin, ChunkBytesMax, bytes => to with { ChunkBytes = bytes }),
            "max_monolithic_size" =>
                PropertyValues.Integer(Section, property, MonolithicBytesLeast, MonolithicBytesMost, bytes => to with { MonolithicBytesMax = bytes }),
            "checkpoint_every" => PropertyValues.Integer(Section, property, 0, CheckpointEveryMax, every => to with { CheckpointEvery = (int)every }),
            "flags" => PropertyValues.Integer(Section, property, 0, 0, _ => to),
            _ => PropertyValues.Refused($"property \"{Section}.{PropertyValues.Printable(property.Name)}\" {PropertyValues.NotBuilt}"),
        };
    }

    /// <summary>What must hold of one property by another, when all that was given is applied.</summary>
    internal Result<ChunkProperties> Checked() => SizeLimitBytes <= MonolithicBytesMax
        ? this
        : PropertyValues.Refused("property \"chunks.objsize_limit\" must not be more than chunks.max_monolithic_size");

    /// <summary>Writes the section.</summary>
    internal void WriteJson(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("objsize_limit", Text(SizeLimitBytes));
        writer.WriteString("chunk_size", Text(ChunkBytes));
        writer.WriteString("max_monolithic_size", Text(MonolithicBytesMax));
        writer.WriteNumber("checkpoint_every", CheckpointEvery);
        writer.WriteNumber("flags", 0);
        writer.WriteEndObject();
    }

    /// <summary>In a unit where that is exact: what is shown is what is kept.</summary>
    private static string Text(long bytes)
    {
        string text = SizeText.Format(bytes);
        return SizeText.TryParse(text, out long shown) && shown == bytes ? text : bytes.ToString(CultureInfo.InvariantCulture);
    }
}
