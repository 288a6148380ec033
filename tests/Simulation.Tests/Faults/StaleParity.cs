using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Native;

namespace Sluice.Simulation.Tests.Faults;

/// <summary>
/// Parity slices of an object that was overwritten with one as long are those of the object before, and say that they are the new one's, digests and all: whoever
/// rebuilds a lost slice decodes with a stale one.
/// </summary>
public sealed class StaleParity(IFileIo inner, int dataSlices) : DelegatingFileIo(inner)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(ulong Digest, int Number), Stale> _removed = []; // guarded by _gate
    private readonly Dictionary<FileHandle, Stale> _open = []; // guarded by _gate

    public override async ValueTask<IoResult> UnlinkAsync(FileHandle directory, ReadOnlyMemory<byte> name, EntryKind kind)
    {
        if (PartName.TryRead(PartKind.Slice, name.Span, out PartName part) && part.Number > dataSlices && await ReadAsync(directory, name) is { } stale)
        {
            lock (_gate)
            {
                _removed[(part.Digest, part.Number)] = stale;
            }
        }

        return await base.UnlinkAsync(directory, name, kind);
    }

    public override async ValueTask<IoResult<FileHandle>> OpenAsync(FileHandle directory, ReadOnlyMemory<byte> path, OpenIntent intent)
    {
        IoResult<FileHandle> opened = await base.OpenAsync(directory, path, intent);
        if (opened.Ok && intent == OpenIntent.Read && PartName.TryRead(PartKind.Slice, path.Span[(path.Span.LastIndexOf((byte)'/') + 1)..], out PartName part))
        {
            long length = (await StatAsync(opened.Value)).Value.SizeBytes;
            lock (_gate)
            {
                if (_removed.TryGetValue((part.Digest, part.Number), out Stale? stale) && stale.Record.Generation < part.Generation && stale.Bytes.Length == length)
                {
                    _open[opened.Value] = stale;
                }
            }
        }

        return opened;
    }

    public override ValueTask<IoResult<int>> ReadAsync(FileHandle file, Memory<byte> buffer, long offset)
    {
        if (StaleOf(file) is not { } stale)
        {
            return base.ReadAsync(file, buffer, offset);
        }

        int count = (int)Math.Clamp(stale.Bytes.Length - offset, 0, buffer.Length);
        stale.Bytes.AsSpan((int)offset, count).CopyTo(buffer.Span);
        return new(new IoResult<int>(count));
    }

    public override async ValueTask<IoResult<int>> GetXattrAsync(FileHandle file, XattrName name, Memory<byte> value)
    {
        IoResult<int> got = await base.GetXattrAsync(file, name, value);
        if (!got.Ok || name != XattrName.Record || StaleOf(file) is not { } stale
            || !MetadataRecord.TryParse(value.Span[..got.Value], out ObjectMetadata? record, out _))
        {
            return got;
        }

        byte[] changed = MetadataRecord.Format(new ObjectMetadata
        {
            Kind = record.Kind,
            SizeBytes = record.SizeBytes,
            Bid = record.Bid,
            Generation = record.Generation,
            Checksum = record.Checksum,
            BlockDigests = stale.Record.BlockDigests,
            Slices = record.Slices,
        });
        changed.CopyTo(value);
        return new IoResult<int>(changed.Length);
    }

    private Stale? StaleOf(FileHandle file)
    {
        lock (_gate)
        {
            return _open.GetValueOrDefault(file);
        }
    }

    private async ValueTask<Stale?> ReadAsync(FileHandle directory, ReadOnlyMemory<byte> name)
    {
        IoResult<FileHandle> opened = await base.OpenAsync(directory, name, OpenIntent.Read);
        if (!opened.Ok)
        {
            return null;
        }

        using FileHandle file = opened.Value;
        var bytes = new byte[(await StatAsync(file)).Value.SizeBytes];
        var record = new byte[Engine.Limits.RecordInlineBytesMax];
        IoResult read = await this.ReadFullyAsync(file, bytes, 0) is { Ok: true } done ? IoResult.Done : new IoResult(Errno.EIO);
        IoResult<int> got = await base.GetXattrAsync(file, XattrName.Record, record);
        return read.Ok && got.Ok && MetadataRecord.TryParse(record.AsSpan(0, got.Value), out ObjectMetadata? metadata, out _) ? new Stale(bytes, metadata) : null;
    }

    private sealed record Stale(byte[] Bytes, ObjectMetadata Record);
}
