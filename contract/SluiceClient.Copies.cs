// Copies of many objects (contract: objects §7).
using System.Text.Json;

namespace Sluice.Contract;

/// <summary>How objects are copied to another bucket.</summary>
public sealed record BucketCopy
{
    /// <summary>Which objects, and how many at once.</summary>
    public required ObjectSelection Objects { get; init; }

    /// <summary>Put before each name.</summary>
    public string Prepend { get; init; } = "";

    /// <summary>Extensions, and what takes their place.</summary>
    public IReadOnlyDictionary<string, string> Extensions { get; init; } = new Dictionary<string, string>();

    /// <summary>Counts, and writes nothing.</summary>
    public bool IsDryRun { get; init; }

    /// <summary>Removes what the source does not have any more.</summary>
    public bool Synchronises { get; init; }
}

public sealed partial class SluiceClient
{
    /// <summary>Gives a bucket another name; it has it when this returns. Answers the id of the job that did it.</summary>
    public Task<string> RenameBucketAsync(BucketAddress bucket, BucketAddress to, CancellationToken token) =>
        TextAsync(Request(HttpMethod.Post, ToTarget(bucket, to), ControlBody.Write(Actions.RenameBucket, Null)), token);

    /// <summary>
    /// Starts the job that copies objects of a bucket to another one, which is made when it is not there, and answers its id: <c>copy-bck</c> for all of the bucket or a prefix, <c>copy-listrange</c>
    /// for a list or a template.
    /// </summary>
    public Task<string> CopyBucketAsync(BucketAddress bucket, BucketAddress to, BucketCopy copy, CancellationToken token)
    {
        bool isOfList = copy.Objects.Names is not null || copy.Objects.Template is not null;
        string target = isOfList ? BucketTarget(bucket) : ToTarget(bucket, to);
        return TextAsync(Request(HttpMethod.Post, target, ControlBody.Write(isOfList ? Actions.CopyObjects : Actions.CopyBucket, writer =>
        {
            writer.WriteStartObject();
            if (isOfList)
            {
                writer.WritePropertyName("tobck");
                to.Write(writer);
                copy.Objects.WriteMembers(writer);
            }
            else
            {
                copy.Objects.WriteHow(writer);
                writer.WriteString("prefix", copy.Objects.Prefix ?? "");
            }

            writer.WriteString("prepend", copy.Prepend);
            writer.WriteStartObject("ext");
            foreach ((string old, string other) in copy.Extensions)
            {
                writer.WriteString(old, other);
            }

            writer.WriteEndObject();
            writer.WriteBoolean("dry_run", copy.IsDryRun);
            writer.WriteBoolean("synchronize", copy.Synchronises);
            writer.WriteEndObject();
        })), token);
    }

    private static string ToTarget(BucketAddress bucket, BucketAddress to) => $"{BucketTarget(bucket)}&{QueryNames.BucketTo}={PercentEncoding.Escape(to.UnifiedName, keepSlash: true)}";
}
