// What a path is, for the client's verbs: the framework tells directories and links from files, but not a FIFO, which would be waited for.
using Sluice.Cli;
using Sluice.Native;

namespace Sluice.Server;

/// <summary>Kinds of local files, by stat(2).</summary>
internal static class LocalFileKinds
{
    private const int Fifo = 0x1000, CharacterDevice = 0x2000, BlockDevice = 0x6000, Socket = 0xc000; // inode(7)
    private const int TypeMask = 0xf000;

    /// <summary>What is at an absolute path; a symbolic link is followed.</summary>
    public static LocalFileKind Of(string path)
    {
        string? target;
        try
        {
            target = new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName;
        }
        catch (IOException)
        {
            return LocalFileKind.Missing; // links in a circle, or gone in between
        }

        // The directory descriptor counts for relative paths only (statx(2)).
        Errno error = Libc.StatAt(-1, System.Text.Encoding.UTF8.GetBytes(target ?? path), out FileStat stat);
        return error switch
        {
            Errno.None => (stat.Mode & TypeMask) switch
            {
                Fifo => LocalFileKind.Fifo,
                CharacterDevice or BlockDevice => LocalFileKind.Device,
                Socket => LocalFileKind.Socket,
                _ => stat.IsDirectory ? LocalFileKind.Directory : LocalFileKind.File,
            },
            Errno.ENOENT => LocalFileKind.Missing,
            _ => LocalFileKind.File, // opening it gives the reason
        };
    }
}
