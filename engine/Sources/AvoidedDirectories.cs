using Sluice.Engine.Io;

namespace Sluice.Engine.Sources;

/// <summary>The mountpaths, by what their directories are and not by how they are called: nothing below one is promoted. For one promotion.</summary>
public sealed class AvoidedDirectories(IFileIo io, Func<object> version, Func<IEnumerable<string>> paths)
{
    private HashSet<(ulong Device, ulong Inode)> _identities = [];
    private object? _seen; // the set of mountpaths that they were read of

    /// <summary>True for the directory of a mountpath. A mountpath that joined since the last question is known.</summary>
    public async ValueTask<bool> ContainsAsync(FileStatus directory)
    {
        object now = version();
        if (!ReferenceEquals(now, Volatile.Read(ref _seen)))
        {
            HashSet<(ulong, ulong)> identities = [];
            foreach (string path in paths())
            {
                IoResult<FileHandle> opened = await io.OpenRootAsync(path);
                if (opened.Ok) // else its drive is away, and nothing can be read below it
                {
                    using FileHandle handle = opened.Value;
                    IoResult<FileStatus> status = await io.StatAsync(handle);
                    if (status.Ok)
                    {
                        identities.Add((status.Value.Device, status.Value.Inode));
                    }
                }
            }

            Volatile.Write(ref _identities, identities);
            Volatile.Write(ref _seen, now);
        }

        return Volatile.Read(ref _identities).Contains((directory.Device, directory.Inode));
    }
}
