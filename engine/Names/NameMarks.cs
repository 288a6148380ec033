using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Native;

namespace Sluice.Engine.Names;

/// <summary>
/// The marks by which a start knows what to trust: <c>.sluice/index/&lt;bid&gt;.clean</c> of a mountpath has the stamp that the bucket's index was sealed with. It is durably gone before the first
/// name changes, which needs no room on the disk, and comes back when everything is on stable storage.
/// </summary>
internal static class NameMarks
{
    private static readonly byte[] s_path = ".sluice/index"u8.ToArray();

    /// <summary>The directory, below a mountpath.</summary>
    public static ReadOnlyMemory<byte> DirectoryPath => s_path;

    /// <summary>The stamp; null when there is no mark, or none that can be read.</summary>
    public static async ValueTask<Guid?> ReadAsync(ObjectDisk disk, ulong bid)
    {
        IoResult<DirectoryLease> acquired = await disk.Directories.AcquireAsync(s_path, DirectoryUse.Existing);
        if (!acquired.Ok)
        {
            return null;
        }

        using DirectoryLease directory = acquired.Value;
        (ReadOnlyMemory<byte>? json, _) = await DocumentFiles.ReadAsync(disk.Io, directory.Handle, KindOf(bid));
        return json is { } bytes ? NameSeal.Parse(bytes.Span)?.Stamp : null;
    }

    /// <summary>Sets the mark, durably. Throws <see cref="StorageException"/>.</summary>
    public static async ValueTask SetAsync(ObjectDisk disk, ulong bid, Guid stamp)
    {
        using DirectoryLease directory = disk.Check(await disk.Directories.AcquireAsync(s_path, DirectoryUse.CreateDurable), "mkdir", s_path);
        disk.Check(await DocumentFiles.WriteAsync(disk.Io, directory.Handle, KindOf(bid), new NameSeal { Stamp = stamp }.Format()), "write", s_path);
    }

    /// <summary>Takes the mark away, if there is one; it is gone from stable storage when this returns. Throws <see cref="StorageException"/>.</summary>
    public static async ValueTask RemoveAsync(ObjectDisk disk, ulong bid)
    {
        IoResult<DirectoryLease> acquired = await disk.Directories.AcquireAsync(s_path, DirectoryUse.Existing);
        if (acquired.Error is Errno.ENOENT)
        {
            return;
        }

        using DirectoryLease directory = disk.Check(acquired, "open", s_path);
        IoResult removed = await disk.Io.UnlinkAsync(directory.Handle, Encoding.ASCII.GetBytes(KindOf(bid)), EntryKind.File);
        if (removed.Error != Errno.ENOENT)
        {
            disk.Check(removed, "unlink", s_path);
        }

        // Also when it was not there: an earlier attempt may have failed to sync.
        disk.Check(await directory.SyncAsync(), "fsync of the directory", s_path);
    }

    /// <summary>Removes a file of the directory; one that stays is no harm.</summary>
    public static async ValueTask RemoveFileAsync(ObjectDisk disk, byte[] name)
    {
        IoResult<DirectoryLease> acquired = await disk.Directories.AcquireAsync(s_path, DirectoryUse.Existing);
        if (acquired.Ok)
        {
            using DirectoryLease directory = acquired.Value;
            await disk.Io.UnlinkAsync(directory.Handle, name, EntryKind.File);
        }
    }

    /// <summary>The mark's file name and kind of document.</summary>
    public static string KindOf(ulong bid) => bid.ToString("x16", CultureInfo.InvariantCulture) + ".clean";
}

/// <summary>What a mark says.</summary>
internal sealed class NameSeal
{
    /// <summary>The stamp in the store that it speaks of.</summary>
    [JsonPropertyName("stamp")]
    public required Guid Stamp { get; set; }

    /// <summary>The JSON bytes.</summary>
    public byte[] Format() => JsonSerializer.SerializeToUtf8Bytes(this, NameSealJson.Default.NameSeal);

    /// <summary>Reads the JSON bytes; null when they are not a mark.</summary>
    public static NameSeal? Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, NameSealJson.Default.NameSeal);
        }
        catch (JsonException)
        {
            return null; // as good as none: the index is made again
        }
    }
}

/// <summary>Source-generated JSON of the marks.</summary>
[JsonSerializable(typeof(NameSeal))]
internal sealed partial class NameSealJson : JsonSerializerContext;
