using Sluice.Engine.Objects;

namespace Sluice.Engine.Chunks;

/// <summary>An object that is open, in one file, in slices or in chunks, and its bytes as a body. It stays as it was when its name is overwritten or deleted meanwhile. Its owner disposes it once.</summary>
/// <param name="stored">The object.</param>
/// <param name="body">Its bytes, each compared with its digest; disposed with this.</param>
/// <param name="reader">What holds its files; disposed with this.</param>
internal sealed class ObjectContent(StoredObject stored, ObjectBody body, IDisposable reader) : IDisposable
{
    /// <summary>The object.</summary>
    public StoredObject Stored => stored;

    /// <summary>Its bytes; what cannot be read is thrown as <see cref="UnreadableException"/>.</summary>
    public ObjectBody Body => body;

    /// <summary>Digest of all its bytes; <see cref="Checksum.None"/> when none is kept.</summary>
    public Checksum Checksum => stored.Metadata.Chunked?.Checksum ?? stored.Metadata.Checksum;

    /// <inheritdoc/>
    public void Dispose()
    {
        body.Dispose();
        reader.Dispose();
    }
}
