using System.Text;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Placement;
using Sluice.Native;

namespace Sluice.Engine.Objects;

/// <summary>
/// The attribute <c>user.slt</c> of a member of a wide replica set: the name of its work file, '/', the name of the object. It is set before
/// the member's last fsync and stays. Under <c>%wk</c> it tells an orphan of a commit that a crash interrupted (the file still has the
/// name that the attribute says) from a head that a relaxed overwrite keeps there (it has another one); in a directory of parts it tells
/// whose the part is.
/// </summary>
public readonly record struct WorkTarget(string WorkName, ObjectName Name)
{
    private const int BytesMax = 256 + 1 + ObjectName.BytesMax; // a file's name has at most 255 bytes (ext4(5), xfs(5))

    /// <summary>Sets the attribute; the file's next fsync makes it durable.</summary>
    public static async ValueTask SetAsync(WorkFile work, ObjectName name)
    {
        byte[] value = [.. work.Name.Span, (byte)'/', .. name.Utf8.Span];
        work.Disk.Check(await work.Disk.Io.SetXattrAsync(work.File, XattrName.Target, value), "setxattr", work.Path.Span);
    }

    /// <summary>
    /// Reads the attribute of a file whose name begins with <paramref name="digest"/>; null when it has none, or one that is not ours.
    /// </summary>
    public static async ValueTask<WorkTarget?> ReadAsync(ObjectDisk disk, FileHandle file, ReadOnlyMemory<byte> path, Bucket bucket, ulong digest)
    {
        var value = new byte[BytesMax];
        IoResult<int> read = await disk.Io.GetXattrAsync(file, XattrName.Target, value);
        if (!read.Ok)
        {
            return read.Error is Errno.ENODATA or Errno.ERANGE ? null : throw disk.Fault("getxattr", read.Error, path.Span);
        }

        int slash = value.AsSpan(0, read.Value).IndexOf((byte)'/');
        return slash > 0
            && ObjectName.TryCreate(value.AsMemory(slash + 1, read.Value - slash - 1), out ObjectName name, out _)
            && bucket.DigestOf(name) == digest
                ? new WorkTarget(Encoding.ASCII.GetString(value, 0, slash), name)
                : null;
    }

    /// <summary>True when the file of that name in a work directory is what an interrupted commit left.</summary>
    public bool IsOrphan(ReadOnlySpan<byte> workName) => Encoding.ASCII.GetString(workName) == WorkName;
}
