using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Sluice.Engine.Buckets;

/// <summary>Unified names, as clients write the place that something is to go to: <c>provider/@uuid#ns/bucket/</c>, and the object behind it (contract: native API §1).</summary>
public static class UnifiedName
{
    private const byte Slash = (byte)'/';

    /// <summary>
    /// Cuts a unified name into its bucket and what follows that, which is empty for a bucket: nothing of it is decoded or judged. It lies in the same memory. Or says in one sentence
    /// what is wrong.
    /// </summary>
    public static bool TryParse(
        ReadOnlyMemory<byte> utf8, [NotNullWhen(true)] out BucketName? bucket, out ReadOnlyMemory<byte> name, [NotNullWhen(false)] out string? problem)
    {
        bucket = null;
        problem = null;
        name = utf8;
        string provider = Next(ref name);
        string space = Next(ref name);
        string bucketName = Next(ref name);
        int hash = space.IndexOf('#', StringComparison.Ordinal);
        if (provider.Length == 0 || hash < 0 || space[0] != '@' || bucketName.Length == 0)
        {
            problem = "a unified name is PROVIDER/@UUID#NAMESPACE/BUCKET/ and the object, with @# for the global namespace";
            return false;
        }

        return BucketName.TryCreate(provider, space[1..hash], space[(hash + 1)..], bucketName, out bucket, out problem);
    }

    /// <summary>What stands before the next slash, or before the end; goes on behind it. What is not UTF-8 becomes text that no part of a bucket's name may hold.</summary>
    private static string Next(ref ReadOnlyMemory<byte> rest)
    {
        int slash = rest.Span.IndexOf(Slash);
        ReadOnlySpan<byte> part = slash < 0 ? rest.Span : rest.Span[..slash];
        rest = slash < 0 ? default : rest[(slash + 1)..];
        return Encoding.UTF8.GetString(part);
    }
}
