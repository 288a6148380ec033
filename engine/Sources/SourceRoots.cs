using System.Text;
using Sluice.Contract;
using Sluice.Engine.Io;
using Sluice.Native;

namespace Sluice.Engine.Sources;

/// <summary>A file or directory that is open to be promoted. Its owner disposes it.</summary>
/// <param name="Directory">The directory; of a file the one that holds it.</param>
/// <param name="Name">The file's name in it; empty for a directory.</param>
/// <param name="SizeBytes">The file's size when it was looked at; 0 for a directory.</param>
internal sealed record Source(FileHandle Directory, byte[] Name, long SizeBytes) : IDisposable
{
    /// <summary>True for a directory.</summary>
    public bool IsDirectory => Name.Length == 0;

    /// <inheritdoc/>
    public void Dispose() => Directory.Dispose();
}

/// <summary>
/// The directories of the server whose files may be promoted. What lies below one is opened component by component, each relative to the directory before it: no
/// symbolic link is followed and no mount entered (<see cref="IFileIo"/>), so that nothing that is renamed or linked meanwhile leads out of a root.
/// </summary>
internal sealed class SourceRoots(IFileIo io, IReadOnlyList<string> roots)
{
    private static readonly Failure s_closed = new(
        ErrorCode.AccessDenied, "promote is not allowed: the server was started without --promote-root DIR, which names a directory whose files may become objects");

    /// <summary>Opens a file or directory by its absolute path. Refuses what no root allows, what is of another kind, and what lies in a mountpath.</summary>
    public async ValueTask<Result<Source>> OpenAsync(ReadOnlyMemory<byte> path, AvoidedDirectories avoided)
    {
        if (roots.Count == 0)
        {
            return s_closed;
        }

        Result<List<byte[]>> parts = PartsOf(path);
        if (!parts.Ok)
        {
            return parts.Error!;
        }

        if (RootOf(parts.Value) is not var (root, depth))
        {
            return new Failure(ErrorCode.AccessDenied, $"{SourceProblem.Shown(path.Span)} does not lie below a directory that the server's --promote-root allows");
        }

        if (await InMountpathAsync(root, avoided) is { } refused)
        {
            return refused;
        }

        IoResult<FileHandle> opened = await io.OpenRootAsync(root);
        return opened.Ok ? await DescendAsync(opened.Value, path, parts.Value[depth..], avoided) : SourceProblem.Of(opened.Error, path.Span);
    }

    /// <summary>The components of an absolute path; several slashes are one.</summary>
    private static Result<List<byte[]>> PartsOf(ReadOnlyMemory<byte> path)
    {
        if (path.IsEmpty || path.Span[0] != (byte)'/')
        {
            return new Failure(ErrorCode.BadRequest, $"the source must be an absolute path of the server, not {SourceProblem.Shown(path.Span)}");
        }

        if (path.Span.Contains((byte)0))
        {
            return new Failure(ErrorCode.BadRequest, $"{SourceProblem.Shown(path.Span)} has a NUL byte");
        }

        List<byte[]> parts = [];
        foreach (Range range in path.Span.Split((byte)'/'))
        {
            ReadOnlySpan<byte> part = path.Span[range];
            if (part.SequenceEqual("."u8) || part.SequenceEqual(".."u8))
            {
                return new Failure(ErrorCode.BadRequest, $"{SourceProblem.Shown(path.Span)} has a \".\" or \"..\" element");
            }

            if (!part.IsEmpty)
            {
                parts.Add(part.ToArray());
            }
        }

        return parts;
    }

    /// <summary>The innermost root that has the path, and the number of its components; null when none has.</summary>
    private (string Root, int Depth)? RootOf(List<byte[]> parts)
    {
        (string Root, int Depth)? innermost = null;
        foreach (string root in roots)
        {
            byte[][] own = [.. root.Split('/', StringSplitOptions.RemoveEmptyEntries).Select(Encoding.UTF8.GetBytes)];
            bool isBelow = own.Length <= parts.Count && own.Select((part, i) => part.AsSpan().SequenceEqual(parts[i])).All(static same => same);
            if (isBelow && own.Length >= (innermost?.Depth ?? 0))
            {
                innermost = (root, own.Length);
            }
        }

        return innermost;
    }

    /// <summary>A refusal when the root is a mountpath, or lies below one.</summary>
    private async ValueTask<Failure?> InMountpathAsync(string root, AvoidedDirectories avoided)
    {
        (ulong, ulong) below = default;
        for (string at = root; ; at += "/..")
        {
            IoResult<FileHandle> opened = await io.OpenRootAsync(at);
            if (!opened.Ok)
            {
                return SourceProblem.Of(opened.Error, Encoding.UTF8.GetBytes(root));
            }

            using FileHandle handle = opened.Value;
            IoResult<FileStatus> status = await io.StatAsync(handle);
            if (!status.Ok)
            {
                return SourceProblem.Of(status.Error, Encoding.UTF8.GetBytes(root));
            }

            if (await avoided.ContainsAsync(status.Value))
            {
                return SourceProblem.InMountpath(Encoding.UTF8.GetBytes(root));
            }

            if (below == (status.Value.Device, status.Value.Inode))
            {
                return null; // "/.." is "/"
            }

            below = (status.Value.Device, status.Value.Inode);
        }
    }

    /// <summary>Takes over <paramref name="owned"/>.</summary>
    private async ValueTask<Result<Source>> DescendAsync(FileHandle owned, ReadOnlyMemory<byte> path, List<byte[]> parts, AvoidedDirectories avoided)
    {
        FileHandle directory = owned;
        bool isTaken = false;
        try
        {
            for (int i = 0; i < parts.Count; i++)
            {
                bool isLast = i == parts.Count - 1;
                IoResult<FileStatus> status = await io.StatAtAsync(directory, parts[i]);
                if (!status.Ok)
                {
                    return SourceProblem.Of(status.Error, path.Span);
                }

                if (status.Value.Kind == EntryKind.Other)
                {
                    return isLast ? SourceProblem.OtherKind(path.Span)
                        : new Failure(ErrorCode.BadRequest, $"{SourceProblem.Shown(path.Span)} goes through {SourceProblem.Shown(parts[i])}, which is no directory: symbolic links are not followed");
                }

                if (status.Value.Kind == EntryKind.File)
                {
                    isTaken = isLast;
                    return isLast ? new Source(directory, parts[i], status.Value.SizeBytes) : SourceProblem.Of(Errno.ENOTDIR, path.Span);
                }

                Result<FileHandle> next = await OpenDirectoryAsync(io, directory, parts[i], path, avoided);
                if (!next.Ok)
                {
                    return next.Error!;
                }

                directory.Dispose();
                directory = next.Value;
            }

            isTaken = true;
            return new Source(directory, [], 0);
        }
        finally
        {
            if (!isTaken)
            {
                directory.Dispose();
            }
        }
    }

    /// <summary>Opens a directory below an open one, by a path each of whose directories may have been replaced since it was walked. The caller owns the handle.</summary>
    public static async ValueTask<Result<FileHandle>> OpenBelowAsync(IFileIo io, FileHandle directory, ReadOnlyMemory<byte> path, AvoidedDirectories avoided)
    {
        FileHandle? above = null;
        for (int begin = 0; ;)
        {
            int slash = path.Span[begin..].IndexOf((byte)'/');
            ReadOnlyMemory<byte> part = slash < 0 ? path[begin..] : path.Slice(begin, slash);
            Result<FileHandle> opened = await OpenDirectoryAsync(io, above ?? directory, part, path, avoided);
            above?.Dispose();
            if (!opened.Ok || slash < 0)
            {
                return opened;
            }

            above = opened.Value;
            begin += slash + 1;
        }
    }

    /// <summary>Opens a directory in an open one, unless it is a mountpath. The caller owns the handle; <paramref name="shown"/> is its path in a refusal.</summary>
    private static async ValueTask<Result<FileHandle>> OpenDirectoryAsync(
        IFileIo io, FileHandle directory, ReadOnlyMemory<byte> name, ReadOnlyMemory<byte> shown, AvoidedDirectories avoided)
    {
        IoResult<FileHandle> opened = await io.OpenAsync(directory, name, OpenIntent.Directory);
        if (!opened.Ok)
        {
            return SourceProblem.Of(opened.Error, shown.Span);
        }

        bool isTaken = false;
        try
        {
            IoResult<FileStatus> status = await io.StatAsync(opened.Value);
            Failure? refused = !status.Ok ? SourceProblem.Of(status.Error, shown.Span)
                : await avoided.ContainsAsync(status.Value) ? SourceProblem.InMountpath(shown.Span) : null;
            isTaken = refused is null;
            return isTaken ? opened.Value : refused!;
        }
        finally
        {
            if (!isTaken)
            {
                opened.Value.Dispose();
            }
        }
    }
}
