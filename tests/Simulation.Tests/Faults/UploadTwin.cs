using System.Globalization;
using System.Text;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;

namespace Sluice.Simulation.Tests.Faults;

/// <summary>A file of an upload on a mountpath: where its directory is, below that, and its number; 0 is the note.</summary>
public readonly record struct UploadFile(FileHandle Root, string Directory, int Number);

/// <summary>Knows the files of uploads by the directories that they are in, and finds the other mountpaths' files of the same upload.</summary>
public abstract class UploadTwin(IFileIo inner) : DelegatingFileIo(inner)
{
    private const string Uploads = "/%ob/%c/";
    private const int IdDigits = 16;
    private const int NumberDigits = 5;

    private readonly Lock _gate = new();
    private readonly SortedSet<string> _mountpaths = new(StringComparer.Ordinal); // guarded by _gate
    private readonly Dictionary<FileHandle, (FileHandle Root, string Path)> _directories = []; // guarded by _gate

    public override async ValueTask<IoResult<FileHandle>> OpenRootAsync(string path)
    {
        IoResult<FileHandle> opened = await base.OpenRootAsync(path);
        lock (_gate)
        {
            _mountpaths.Add(path);
        }

        return opened;
    }

    public override async ValueTask<IoResult<FileHandle>> OpenAsync(FileHandle directory, ReadOnlyMemory<byte> path, OpenIntent intent)
    {
        IoResult<FileHandle> opened = await base.OpenAsync(directory, path, intent);
        if (opened.Ok && intent == OpenIntent.Directory)
        {
            lock (_gate)
            {
                _directories[opened.Value] = (directory, Encoding.Latin1.GetString(path.Span));
            }
        }

        return opened;
    }

    /// <summary>The file of an upload with that name in an open directory; null for every other file.</summary>
    protected UploadFile? FileIn(FileHandle directory, ReadOnlyMemory<byte> name)
    {
        lock (_gate)
        {
            return _directories.TryGetValue(directory, out (FileHandle Root, string Path) known) ? FileAt(known.Root, $"{known.Path}/{Encoding.Latin1.GetString(name.Span)}") : null;
        }
    }

    /// <summary>The same by its path below a mountpath.</summary>
    protected static UploadFile? FileAt(FileHandle root, string path)
    {
        int at = path.IndexOf(Uploads, StringComparison.Ordinal);
        int slash = at + Uploads.Length + IdDigits;
        return at >= 0 && path.Length == slash + 1 + NumberDigits && path[slash] == '/'
            && int.TryParse(path.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? new UploadFile(root, path[..slash], number)
            : null;
    }

    /// <summary>The path of the bucket whose objects lie in an open directory, those of uploads left out; null for other directories.</summary>
    protected string? BucketOf(FileHandle directory)
    {
        lock (_gate)
        {
            string path = _directories.TryGetValue(directory, out (FileHandle Root, string Path) known) ? known.Path + '/' : "";
            int at = path.IndexOf("/%ob/", StringComparison.Ordinal);
            return at < 0 || path.Contains(Uploads, StringComparison.Ordinal) ? null : path[..at];
        }
    }

    protected static string DirectoryOf(string bucket, ulong uploadId) => bucket + Uploads + uploadId.ToString("x16", CultureInfo.InvariantCulture);

    protected static byte[] NameOf(int number) => Encoding.ASCII.GetBytes(number.ToString("d5", CultureInfo.InvariantCulture));

    /// <summary>Opens a file of an upload on the first mountpath, by its path, that has it; the caller closes it.</summary>
    protected async ValueTask<FileHandle?> FindAsync(string directory, int number)
    {
        FileHandle? found = null;
        await OnEachAsync(directory, async open => found ??= await Inner.OpenAsync(open, NameOf(number), OpenIntent.Read) is { Ok: true } file ? file.Value : null);
        return found;
    }

    /// <summary>How many mountpaths have that file of an upload.</summary>
    protected async ValueTask<int> CountAsync(string directory, int number)
    {
        int count = 0;
        await OnEachAsync(directory, async open => count += (await Inner.StatAtAsync(open, NameOf(number))).Ok ? 1 : 0);
        return count;
    }

    /// <summary>Removes files of an upload from all mountpaths, durably.</summary>
    protected ValueTask RemoveAsync(string directory, IReadOnlyList<int> numbers) => OnEachAsync(directory, async open =>
    {
        foreach (int number in numbers)
        {
            await Inner.UnlinkAsync(open, NameOf(number), EntryKind.File);
        }

        await Inner.SyncAsync(open);
    });

    /// <summary>The record of a file; null when it has none, or is a directory or not there.</summary>
    protected async ValueTask<ObjectMetadata?> RecordOfAsync(FileHandle directory, ReadOnlyMemory<byte> name)
    {
        IoResult<FileHandle> opened = await Inner.OpenAsync(directory, name, OpenIntent.Read);
        if (!opened.Ok)
        {
            return null;
        }

        using FileHandle file = opened.Value;
        var record = new byte[Engine.Limits.RecordInlineBytesMax];
        IoResult<int> got = await Inner.GetXattrAsync(file, XattrName.Record, record);
        return got.Ok && MetadataRecord.TryParse(record.AsSpan(0, got.Value), out ObjectMetadata? metadata, out _) ? metadata : null;
    }

    private async ValueTask OnEachAsync(string directory, Func<FileHandle, Task> work)
    {
        string[] mountpaths;
        lock (_gate)
        {
            mountpaths = [.. _mountpaths];
        }

        foreach (string mountpath in mountpaths)
        {
            using FileHandle root = (await Inner.OpenRootAsync(mountpath)).Value;
            IoResult<FileHandle> opened = await Inner.OpenAsync(root, Encoding.Latin1.GetBytes(directory), OpenIntent.Directory);
            if (opened.Ok)
            {
                using FileHandle open = opened.Value;
                await work(open);
            }
        }
    }
}
