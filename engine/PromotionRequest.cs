using System.Buffers;
using System.Text;
using System.Text.Json;
using Sluice.Engine.Buckets;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;

namespace Sluice.Engine;

/// <summary>A file of the server, or the files of a directory, that are to become objects (contract: objects §5).</summary>
public sealed record PromotionRequest
{
    /// <summary>The bucket that gets the objects.</summary>
    public required BucketName Bucket { get; init; }

    /// <summary>Absolute path of the file or directory, as UTF-8, below one of <see cref="EngineOptions.PromoteRoots"/>.</summary>
    public required ReadOnlyMemory<byte> Source { get; init; }

    /// <summary>
    /// Of a directory: what is put before each file's path below it. Of a file: the object's name; where it is empty or ends with a slash, the last part of the path follows.
    /// </summary>
    public ReadOnlyMemory<byte> Prefix { get; init; }

    /// <summary>Of a directory: files of the directories below it, too.</summary>
    public bool IsRecursive { get; init; }

    /// <summary>Replaces objects that are there; without it those stay, and their files are passed over.</summary>
    public bool Overwrites { get; init; }

    /// <summary>Removes each file when its object is durable, if it is still the file that was read. Directories stay.</summary>
    public bool DeletesSource { get; init; }

    /// <summary>Name of the object of a file that lies at <paramref name="path"/> below the directory; its own memory.</summary>
    internal byte[] NameBelow(ReadOnlySpan<byte> path) => [.. Prefix.Span, .. path];

    /// <summary>Name of the object of a single file whose path ends with <paramref name="baseName"/>; its own memory.</summary>
    internal byte[] NameOfFile(ReadOnlySpan<byte> baseName) =>
        Prefix.IsEmpty || Prefix.Span[^1] == (byte)'/' ? NameBelow(baseName) : Prefix.ToArray();

    /// <summary>The request as one line of JSON: what a job shows of its settings.</summary>
    internal string Settings()
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(bytes))
        {
            writer.WriteStartObject();
            writer.WriteString("src", Source.Span);
            if (!Prefix.IsEmpty)
            {
                writer.WriteString("obj", Prefix.Span);
            }

            foreach ((string name, bool isSet) in (ReadOnlySpan<(string, bool)>)[("rcr", IsRecursive), ("ovw", Overwrites), ("dls", DeletesSource)])
            {
                if (isSet)
                {
                    writer.WriteBoolean(name, true);
                }
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }
}

/// <summary>What became of a promotion that was not refused: it goes on as a job, or is done.</summary>
public sealed record Promotion
{
    /// <summary>The job; null when it is done.</summary>
    public Job? Job { get; init; }

    /// <summary>The object of a file that was promoted at once; null with a job, and where an object was there that was to stay.</summary>
    public ObjectAttributes? Stored { get; init; }
}
