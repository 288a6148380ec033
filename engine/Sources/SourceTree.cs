using System.Runtime.CompilerServices;
using Sluice.Engine.Io;

namespace Sluice.Engine.Sources;

/// <summary>What a walk met. Holds the directory that has it open until it is disposed, once, by whoever it was given to.</summary>
public sealed class SourceEntry : IDisposable
{
    /// <summary>Path below the directory that is walked.</summary>
    public required byte[] Path { get; init; }

    /// <summary>What it is, as the directory says.</summary>
    public required EntryKind Kind { get; init; }

    /// <summary>The directory that has it; null when there is a problem.</summary>
    public FileHandle? Directory { get; init; }

    /// <summary>Why a directory was not walked; null of anything else.</summary>
    public Failure? Problem { get; init; }

    /// <summary>Its name in its directory.</summary>
    public ReadOnlyMemory<byte> Name => Path.AsMemory(Path.AsSpan().LastIndexOf((byte)'/') + 1);

    /// <inheritdoc/>
    public void Dispose() => Directory?.DangerousRelease();
}

/// <summary>
/// All that lies below a directory of the server and is no directory, in bounded memory: of each directory the next <see cref="Limits.WalkEntriesMax"/> entries are kept, and a
/// larger one is read again from there. What is made or removed meanwhile may be met or not. Mountpaths and other file systems are told as problems and not entered.
/// </summary>
public static class SourceTree
{
    /// <summary>Walks the directory, and those below it when <paramref name="isRecursive"/>, in no order. Throws <see cref="OperationCanceledException"/> when cancelled.</summary>
    public static async IAsyncEnumerable<SourceEntry> EntriesAsync(
        IFileIo io, FileHandle root, bool isRecursive, AvoidedDirectories avoided, int entriesMax, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var open = new Stack<(byte[] Path, byte[] After)>();
        open.Push(([], []));
        while (open.TryPop(out (byte[] Path, byte[] After) at))
        {
            cancellation.ThrowIfCancellationRequested();
            bool isTop = at.Path.Length == 0;
            Result<FileHandle> opened = isTop ? root : await SourceRoots.OpenBelowAsync(io, root, at.Path, avoided);
            if (!opened.Ok)
            {
                yield return new SourceEntry { Path = at.Path, Kind = EntryKind.Directory, Problem = opened.Error };
                continue;
            }

            FileHandle directory = opened.Value;
            try
            {
                var next = new NextEntries(at.After, entriesMax);
                IoResult listed = await io.ListAsync(directory, next);
                if (!listed.Ok)
                {
                    yield return new SourceEntry { Path = at.Path, Kind = EntryKind.Directory, Problem = SourceProblem.Of(listed.Error, at.Path) };
                    continue;
                }

                List<(byte[] Name, EntryKind Kind)> entries = next.Take(out bool isCut);
                if (isCut)
                {
                    open.Push((at.Path, entries[^1].Name));
                }

                foreach ((byte[] name, EntryKind kind) in entries)
                {
                    cancellation.ThrowIfCancellationRequested();
                    byte[] path = isTop ? name : [.. at.Path, (byte)'/', .. name];
                    if (kind != EntryKind.Directory)
                    {
                        Invariant.That(directory.TryHold(), "the directory is open while it is walked");
                        yield return new SourceEntry { Path = path, Kind = kind, Directory = directory };
                    }
                    else if (isRecursive)
                    {
                        open.Push((path, []));
                    }
                }
            }
            finally
            {
                if (!isTop)
                {
                    directory.Dispose();
                }
            }
        }
    }
}
