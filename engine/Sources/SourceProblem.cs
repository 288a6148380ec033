using System.Text;
using Sluice.Contract;
using Sluice.Native;

namespace Sluice.Engine.Sources;

/// <summary>Why a file of the server does not become an object, as a sentence for who asked.</summary>
internal static class SourceProblem
{
    /// <summary>What stands there is neither a file nor a directory.</summary>
    public static Failure OtherKind(ReadOnlySpan<byte> path) =>
        new(ErrorCode.BadRequest, $"{Shown(path)} is neither a regular file nor a directory: symbolic links, devices, sockets and pipes are not promoted");

    /// <summary>It is one of ours.</summary>
    public static Failure InMountpath(ReadOnlySpan<byte> path) =>
        new(ErrorCode.AccessDenied, $"{Shown(path)} lies in a mountpath of this server: nothing below one is promoted");

    /// <summary>Its bytes are not those that were there when it was opened.</summary>
    public static Failure Changed(ReadOnlySpan<byte> path) => new(ErrorCode.BadBody, $"{Shown(path)} was changed while it was read; nothing is stored of it");

    /// <summary>It could not be opened, listed or read.</summary>
    public static Failure Of(Errno error, ReadOnlySpan<byte> path) => error switch
    {
        Errno.ENOENT or Errno.ENOTDIR => new Failure(ErrorCode.ObjectNotFound, $"{Shown(path)} does not exist on the server"),
        Errno.EACCES or Errno.EPERM => new Failure(ErrorCode.AccessDenied, $"{Shown(path)} may not be read by the server: its permissions forbid it"),
        Errno.ELOOP => OtherKind(path),
        Errno.EXDEV => new Failure(ErrorCode.AccessDenied, $"{Shown(path)} is a mount point below the promote root: a further --promote-root allows it"),
        Errno.ENAMETOOLONG => new Failure(ErrorCode.InvalidObjectName, $"{Shown(path)} is a path that is too long"),
        Errno.EMFILE or Errno.ENFILE or Errno.ENOMEM => new Failure(ErrorCode.Unavailable, "the server has no descriptors or memory left for this; try again"),
        _ => new Failure(ErrorCode.StorageFailed, $"{Shown(path)} cannot be read: {error}"),
    };

    /// <summary>A path in quotes, on one line, whatever its bytes are.</summary>
    public static string Shown(ReadOnlySpan<byte> path)
    {
        string text = Encoding.UTF8.GetString(path);
        return $"\"{string.Concat(text.Select(static c => char.IsControl(c) || c == '"' ? '?' : c))}\"";
    }
}
