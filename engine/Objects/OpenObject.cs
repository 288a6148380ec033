using Sluice.Engine.Buckets;
using Sluice.Engine.ErasureCoding;
using Sluice.Engine.Io;
using Sluice.Native;

namespace Sluice.Engine.Objects;

/// <summary>
/// An open object file together with what it is; the two are of one generation. The value of the cache of open files. Of a mirrored object
/// it is the first of a chain of copies that are open, all of one generation and so of the same bytes: where reading one fails, another goes
/// on at the same place. Of an erasure-coded one with a replica it is the head, with the slices, and the replica is its copy, which is read while it is good.
/// </summary>
public sealed class OpenObject : IReadFaults, IDisposable
{
    private readonly OpenObject? _next;
    private OpenObject _first;
    private volatile bool _isSuspect;

    /// <summary>Takes over the file, and the <paramref name="copies"/> that follow it.</summary>
    public OpenObject(StoredObject stored, FileHandle file, OpenObject? copies = null)
    {
        (Stored, File, _next, _first) = (stored, file, copies, this);
        for (OpenObject? copy = copies; copy is not null; copy = copy._next)
        {
            copy._first = this;
        }
    }

    /// <summary>What it is.</summary>
    public StoredObject Stored { get; }

    /// <summary>The file.</summary>
    public FileHandle File { get; }

    /// <summary>The open slices of an erasure-coded object, whose head the file is; null of any other, and where nobody reads it.</summary>
    internal StripedObject? Striped { get; init; }

    /// <summary>Its bucket, for who looks elsewhere for what no open file has; null where nobody does.</summary>
    internal Bucket? Bucket { get; init; }

    /// <summary>The next copy; null behind the last.</summary>
    public OpenObject? Next => _next;

    /// <summary>Entries of a cache that it counts as: what the object does, and one for each further open file.</summary>
    public int CacheWeight => Stored.CacheWeight + CopyCount() + (Striped?.Geometry.SliceCount ?? 0);

    /// <summary>Reading it has failed, or its bytes were not what its record says: not read any more while another copy is good.</summary>
    public bool IsSuspect => _isSuspect;

    /// <summary>Takes holds on all files of the chain, which this is the first of; false when they are closed already.</summary>
    public bool TryHold()
    {
        for (OpenObject? copy = this; copy is not null; copy = copy._next)
        {
            if (!copy.File.TryHold())
            {
                Release(until: copy);
                return false;
            }
        }

        return true;
    }

    /// <summary>Ends <see cref="TryHold"/>.</summary>
    public void Release() => Release(until: null);

    /// <summary>Closes all files of the chain; those that are held stay open until they are released.</summary>
    public void Dispose()
    {
        for (OpenObject? copy = this; copy is not null; copy = copy._next)
        {
            copy.File.Dispose();
        }
    }

    /// <summary>
    /// The copy of the chain to be read from now: the one whose mountpath has the fewest bytes in reading, the first of several. One whose
    /// beginning is in memory does not care how busy its mountpath is.
    /// </summary>
    public OpenObject LeastBusy()
    {
        if (_next is null || Striped is not null)
        {
            return _next is { _isSuspect: false } replica ? replica : this;
        }

        OpenObject? best = null;
        for (OpenObject? copy = this; copy is not null; copy = copy._next)
        {
            if (copy._isSuspect)
            {
                continue;
            }

            if (copy.Stored.Disk.ReadingBytes == 0 || copy.IsInMemory())
            {
                return copy;
            }

            best = best is null || copy.Stored.Disk.ReadingBytes < best.Stored.Disk.ReadingBytes ? copy : best;
        }

        return best ?? this;
    }

    /// <summary>True when a copy of the chain, or an open slice, is on that mountpath.</summary>
    public bool IsOn(ObjectDisk disk) => Stored.Disk == disk || Striped?.IsOn(disk) == true || (_next is not null && _next.IsOn(disk));

    /// <summary>Itself while it is good, else another copy that is; itself when there is none.</summary>
    public OpenObject Usable() => _isSuspect ? Another() ?? this : this;

    /// <summary>Reading it failed: the copy to read instead, from the same place; null when none is left.</summary>
    public OpenObject? Suspect()
    {
        if (!_isSuspect)
        {
            _isSuspect = true;
            _first.Striped?.LoseReplica("it failed, or is not what its record says");
        }

        return Another();
    }

    /// <inheritdoc/>
    public void ReadFailed(Errno error) => Stored.ReadFailed(error);

    /// <inheritdoc/>
    public void EndsAt(long offset) => Stored.EndsAt(offset);

    /// <inheritdoc/>
    public IReadFaults? HoldAnother(out FileHandle? file)
    {
        OpenObject? other = Suspect();
        file = other is { Striped: null } && other.File.TryHold() ? other.File : null; // slices have the bytes at other places
        return file is null ? null : other;
    }

    /// <inheritdoc/>
    public FileHandle? RebuiltWith => _first != this && _first.Striped is not null ? _first.File : null;

    /// <inheritdoc/>
    /// <remarks>
    /// A replica's bytes come from the slices, else from copies that are not open: a small object of an erasure-coded bucket is opened once, and its other heads are
    /// looked for only when that one fails.
    /// </remarks>
    public ValueTask<bool> RebuildAsync(Memory<byte> bytes, long offset) =>
        _first.Striped is { } striped ? ReadSlicesAsync(striped, bytes, offset)
        : Bucket is null ? new(false) : Stored.Disk.Readers.RescueRangeAsync(Bucket, Stored, bytes, offset);

    private static async ValueTask<bool> ReadSlicesAsync(StripedObject striped, Memory<byte> bytes, long offset) => (await StripedReads.ReadAsync(striped, bytes, offset)).Ok;

    private bool IsInMemory() => PageCache.IsResident(File.Descriptor, 0, Math.Min(Stored.Metadata.SizeBytes, Limits.BlockBytes));

    private OpenObject? Another()
    {
        for (OpenObject? copy = _first; copy is not null; copy = copy._next)
        {
            if (!copy._isSuspect)
            {
                return copy;
            }
        }

        return null;
    }

    private int CopyCount()
    {
        int copies = 0;
        for (OpenObject? copy = _next; copy is not null; copy = copy._next)
        {
            copies++;
        }

        return copies;
    }

    private void Release(OpenObject? until)
    {
        for (OpenObject? copy = this; copy != until; copy = copy!._next)
        {
            copy!.File.DangerousRelease();
        }
    }
}
