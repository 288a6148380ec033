using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;

namespace Sluice.Engine.Buckets;

/// <summary>Where the bucket document is kept and bucket directories are thrown away; the mountpaths implement it.</summary>
public interface IBucketStore
{
    /// <summary>The newest valid document; an empty one of version 0 for new mountpaths; null with a sentence when none can be trusted.</summary>
    ValueTask<(BucketDocument? Document, string? Problem)> ReadAsync();

    /// <summary>Makes the document durable on a majority of its mountpaths, or throws <see cref="StorageException"/>.</summary>
    ValueTask WriteAsync(BucketDocument document);

    /// <summary>The copies that are damaged, missing or of another version than this, the newest.</summary>
    ValueTask<IReadOnlyList<DamagedDocument>> CheckAsync(long version);

    /// <summary>Renames the bucket's directories into the trash, durably; what is not there is no error.</summary>
    ValueTask TrashAsync(BucketRecord bucket);
}
