using Sluice.Engine.Buckets;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Names;

/// <summary>What who changes a name on a mountpath tells the index of it; nothing where there is none, or of files of uploads.</summary>
internal static class NameHooks
{
    /// <summary>Before the change. Throws <see cref="Io.StorageException"/>: then nothing may change.</summary>
    public static ValueTask BeginNameAsync(this ObjectDisk disk, Bucket bucket, ObjectName name) =>
        disk.Names is not { } names || name.IsHidden ? default : names.Of(bucket).BeginAsync();

    /// <summary>A head stands under the name now; readers are still kept out.</summary>
    public static void NameStands(this ObjectDisk disk, Bucket bucket, ObjectName name, ObjectMetadata metadata)
    {
        if (disk.Names is { } names && !name.IsHidden)
        {
            names.Of(bucket).Set(name.Utf8.Span, NameValue.Of(metadata));
        }
    }

    /// <summary>None stands there any more; likewise.</summary>
    public static void NameIsGone(this ObjectDisk disk, Bucket bucket, ObjectName name)
    {
        if (disk.Names is { } names && !name.IsHidden)
        {
            names.Of(bucket).Set(name.Utf8.Span, NameValue.Gone);
        }
    }

    /// <summary>A change failed, and nobody knows what stands there.</summary>
    public static void DoubtNames(this ObjectDisk disk, Bucket bucket, string reason) => disk.Names?.Of(bucket).Doubt(reason);
}
