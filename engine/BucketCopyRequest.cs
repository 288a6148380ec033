using System.Buffers;
using System.Text;
using System.Text.Json;
using Sluice.Engine.Buckets;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;

namespace Sluice.Engine;

/// <summary>Objects of a bucket that are to be copied to another one (contract: objects §7).</summary>
public sealed record BucketCopyRequest
{
    /// <summary>The bucket that is read.</summary>
    public required BucketName Bucket { get; init; }

    /// <summary>The bucket that is written; made with the properties of the other when it is not there.</summary>
    public required BucketName To { get; init; }

    /// <summary>Which objects.</summary>
    public required NameSelection Objects { get; init; }

    /// <summary>The job is <c>copy-listrange</c>, not <c>copy-bck</c>.</summary>
    public bool IsOfList { get; init; }

    /// <summary>Of a list or a template: only names that begin with this; empty for all.</summary>
    public ReadOnlyMemory<byte> Filter { get; init; }

    /// <summary>What is put before each name, behind the change of its extension; empty for nothing.</summary>
    public ReadOnlyMemory<byte> Prepend { get; init; }

    /// <summary>Extensions, without their dot, and what takes their place; an empty one goes with its dot.</summary>
    public IReadOnlyDictionary<string, string> Extensions { get => field ?? new Dictionary<string, string>(); init; }

    /// <summary>Counts, and writes nothing.</summary>
    public bool IsDryRun { get; init; }

    /// <summary>Removes objects of the destination that are the copy of none of the source's any more.</summary>
    public bool Synchronises { get; init; }

    /// <summary>Names of a list that have no object are passed over, and an object that cannot be copied does not end the job.</summary>
    public bool ContinuesOnError { get; init; }

    /// <summary>Names at once, up to <see cref="Limits.JobWorkersMax"/>; 0 for as many as suit the mountpaths, −1 for one after the other.</summary>
    public int Workers { get; init; }

    /// <summary>The name that an object's copy has, as UTF-8; its own memory.</summary>
    internal byte[] CopyNameOf(ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> extension = ExtensionOf(name);
        return Extensions.Count > 0 && extension.Length > 0 && Extensions.TryGetValue(Encoding.UTF8.GetString(extension[1..]), out string? other)
            ? [.. Prepend.Span, .. name[..^extension.Length], .. DotAnd(other)]
            : [.. Prepend.Span, .. name];
    }

    /// <summary>The names whose copy would have that name, without <see cref="Prepend"/>: of which one must have an object, or the copy is of none.</summary>
    internal IEnumerable<byte[]> OriginalsOf(byte[] copy)
    {
        if (CopyNameOf(copy).AsSpan().SequenceEqual(copy))
        {
            yield return copy;
        }

        foreach ((string old, string other) in Extensions)
        {
            byte[] ending = DotAnd(other);
            byte[] original = copy.AsSpan().EndsWith(ending) ? [.. copy.AsSpan(0, copy.Length - ending.Length), .. DotAnd(old)] : [];
            if (original.Length > 0 && CopyNameOf(original).AsSpan().SequenceEqual(copy))
            {
                yield return original;
            }
        }
    }

    /// <summary>Copies onto themselves: the same bucket and the same names.</summary>
    internal bool IsOntoItself => Bucket == To && (!IsOfList || (Prepend.IsEmpty && Extensions.Count == 0));

    /// <summary>The request as one line of JSON, a list by its number of names: what a job shows of its settings.</summary>
    internal string Settings()
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(bytes))
        {
            writer.WriteStartObject();
            writer.WriteString("to", To.ToString());
            if (Objects.List is { } list)
            {
                writer.WriteNumber("names", list.Count);
            }
            else
            {
                writer.WriteString(Objects.IsPrefix ? "prefix" : "template", Objects.Template?.ToString() ?? Encoding.UTF8.GetString(Objects.Prefix.Span));
            }

            if (!Prepend.IsEmpty)
            {
                writer.WriteString("prepend", Prepend.Span);
            }

            if (Extensions.Count > 0)
            {
                writer.WriteStartObject("ext");
                foreach ((string old, string other) in Extensions)
                {
                    writer.WriteString(old, other);
                }

                writer.WriteEndObject();
            }

            foreach ((string name, bool isOn) in new[] { ("dry_run", IsDryRun), ("synchronize", Synchronises), ("coer", ContinuesOnError) })
            {
                if (isOn)
                {
                    writer.WriteBoolean(name, true);
                }
            }

            if (Workers != 0)
            {
                writer.WriteNumber("num-workers", Workers);
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }

    private static byte[] DotAnd(string extension) => extension.Length == 0 ? [] : Encoding.UTF8.GetBytes($".{extension}");

    /// <summary>From the last dot of the last element on; empty without one.</summary>
    private static ReadOnlySpan<byte> ExtensionOf(ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> element = name[(name.LastIndexOf((byte)'/') + 1)..];
        int dot = element.LastIndexOf((byte)'.');
        return dot < 0 ? default : element[dot..];
    }
}
