using System.Buffers;
using Sluice.Native;

namespace Sluice.Engine.Io;

/// <summary>
/// The disk verbs as system calls that may wait, and the rules that hold whoever makes them: what a component is, what may be opened for
/// reading, how answers are told. Shared by every <see cref="IFileIo"/> that talks to the kernel, so that they refuse alike.
/// </summary>
internal static class BlockingVerbs
{
    private static readonly byte[] s_record = "user.slu\0"u8.ToArray();
    private static readonly byte[] s_target = "user.slt\0"u8.ToArray();
    private static readonly byte[] s_quarantine = "user.slq\0"u8.ToArray();

    /// <summary>
    /// renameat2, linkat and the like take one component relative to an open directory, so that nothing can lead out of it: '/', "." and
    /// ".." are refused here, whatever the caller was.
    /// </summary>
    public static bool IsComponent(ReadOnlySpan<byte> name) =>
        !name.IsEmpty && !name.Contains((byte)'/') && !name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8);

    /// <summary>The attribute's name as the kernel takes it, with its NUL.</summary>
    public static ReadOnlySpan<byte> Text(XattrName name) => name switch
    {
        XattrName.Record => s_record,
        XattrName.Target => s_target,
        XattrName.Quarantine => s_quarantine,
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "not an attribute of ours"),
    };

    public static Libc.OpenMode ModeOf(OpenIntent intent) => intent switch
    {
        OpenIntent.Read => Libc.OpenMode.Read,
        OpenIntent.ReadWrite => Libc.OpenMode.ReadWrite,
        OpenIntent.CreateNew => Libc.OpenMode.CreateNew,
        _ => Libc.OpenMode.Directory,
    };

    public static Errno Open(FileHandle directory, ReadOnlySpan<byte> path, OpenIntent intent, out int descriptor)
    {
        Errno error = Libc.OpenBeneath(directory.Descriptor, path, ModeOf(intent), out descriptor);
        return error != Errno.None ? error : Judge(ref descriptor, intent);
    }

    /// <summary>
    /// open(2) gives a directory to a reader without a word; the interface promises a regular file. What is refused is closed. Does not
    /// wait: the inode of an open file is in memory, and nothing was written.
    /// </summary>
    public static Errno Judge(ref int descriptor, OpenIntent intent)
    {
        if (intent is not (OpenIntent.Read or OpenIntent.ReadWrite))
        {
            return Errno.None;
        }

        Errno error = Libc.Stat(descriptor, out FileStat stat);
        error = error != Errno.None ? error : stat.IsFile ? Errno.None : stat.IsDirectory ? Errno.EISDIR : Errno.ELOOP;
        if (error != Errno.None)
        {
            Libc.Close(descriptor);
            descriptor = -1;
        }

        return error;
    }

    /// <summary>
    /// statx(2) has no RESOLVE flags: the directory is opened beneath first, then the last component is asked for. A path of one component
    /// needs no more than that.
    /// </summary>
    public static IoResult<FileStatus> StatAt(FileHandle directory, ReadOnlySpan<byte> path)
    {
        int slash = path.LastIndexOf((byte)'/');
        ReadOnlySpan<byte> leaf = path[(slash + 1)..];
        if (!IsComponent(leaf))
        {
            return IoResult<FileStatus>.Failed(Errno.EINVAL);
        }

        if (slash < 0)
        {
            return Told(Libc.StatAt(directory.Descriptor, leaf, out FileStat direct), direct);
        }

        Errno error = Libc.OpenBeneath(directory.Descriptor, path[..slash], Libc.OpenMode.Directory, out int parent);
        if (error != Errno.None)
        {
            return IoResult<FileStatus>.Failed(error);
        }

        error = Libc.StatAt(parent, leaf, out FileStat stat);
        Libc.Close(parent);
        return Told(error, stat);
    }

    public static IoResult<FileStatus> Stat(FileHandle file) => Told(Libc.Stat(file.Descriptor, out FileStat stat), stat);

    public static IoResult<FileSystemStatus> StatFileSystem(FileHandle file)
    {
        Errno error = Libc.StatFileSystem(file.Descriptor, out FileSystemStat stat);
        return error != Errno.None ? IoResult<FileSystemStatus>.Failed(error) : new IoResult<FileSystemStatus>(new FileSystemStatus
        {
            Magic = stat.Magic,
            SizeBytes = stat.SizeBytes,
            FreeBytes = stat.FreeBytes,
            InodeCount = stat.Files,
            FreeInodeCount = stat.FreeFiles,
            ReadOnly = stat.ReadOnly,
        });
    }

    public static IoResult<int> Read(FileHandle file, Span<byte> buffer, long offset) =>
        Counted(Libc.Read(file.Descriptor, buffer, offset, out int count), count);

    public static IoResult<int> Write(FileHandle file, in ReadOnlySequence<byte> data, long offset) =>
        Counted(Libc.Write(file.Descriptor, data, offset, out int count), count);

    public static IoResult<int> GetXattr(FileHandle file, XattrName name, Span<byte> value) =>
        Counted(Libc.GetXattr(file.Descriptor, Text(name), value, out int count), count);

    public static IoResult SetXattr(FileHandle file, XattrName name, ReadOnlySpan<byte> value) =>
        new(Libc.SetXattr(file.Descriptor, Text(name), value));

    public static IoResult SetXattrAndSync(FileHandle file, XattrName name, ReadOnlySpan<byte> value)
    {
        IoResult set = SetXattr(file, name, value);
        return set.Ok ? new IoResult(Libc.Sync(file.Descriptor)) : set;
    }

    public static IoResult Rename(
        FileHandle fromDirectory, ReadOnlySpan<byte> fromName, FileHandle toDirectory, ReadOnlySpan<byte> toName, RenameMode mode) =>
        new(IsComponent(fromName) && IsComponent(toName)
            ? Libc.Rename(fromDirectory.Descriptor, fromName, toDirectory.Descriptor, toName, (uint)mode)
            : Errno.EINVAL);

    public static WholeFileResult Make(in WholeFile file)
    {
        Errno error = Libc.OpenBeneath(file.Directory.Descriptor, file.Name.Span, Libc.OpenMode.CreateNew, out int descriptor);
        if (error != Errno.None)
        {
            return new WholeFileResult(WholeFileStep.Create, error);
        }

        WholeFileResult filled = Fill(descriptor, file);
        Libc.Close(descriptor);
        return filled.Ok && file.TargetDirectory is { } target
            ? new WholeFileResult(WholeFileStep.Rename, Rename(file.Directory, file.Name.Span, target, file.TargetName.Span, file.Mode).Error)
            : filled;
    }

    public static IoResult MakeDirectory(FileHandle directory, ReadOnlySpan<byte> name) =>
        new(IsComponent(name) ? Libc.MakeDirectory(directory.Descriptor, name) : Errno.EINVAL);

    public static IoResult Unlink(FileHandle directory, ReadOnlySpan<byte> name, EntryKind kind) =>
        new(IsComponent(name) ? Libc.Unlink(directory.Descriptor, name, kind == EntryKind.Directory) : Errno.EINVAL);

    public static IoResult List(FileHandle directory, IEntrySink sink)
    {
        var adapter = new SinkAdapter(sink);
        Errno error = Libc.ReadDirectory(directory.Descriptor, ref adapter);
        return new IoResult(error == Errno.ENOENT ? Errno.None : error); // the directory was removed behind its opening: it is empty
    }

    public static IoResult ListPart(FileHandle directory, DirectoryPart part)
    {
        var adapter = new PartAdapter(directory.Descriptor, part, stackalloc byte[DirectoryPart.ValueBytesMax]);
        long position = part.Position;
        Errno error = Libc.ReadDirectory(directory.Descriptor, ref position, ref adapter);
        part.Position = error == Errno.ENOENT ? -1 : position; // removed behind its opening: it is empty
        return new IoResult(error == Errno.ENOENT ? Errno.None : error);
    }

    public static IoResult<FileStatus> Told(Errno error, in FileStat stat) =>
        error != Errno.None ? IoResult<FileStatus>.Failed(error) : new IoResult<FileStatus>(new FileStatus
        {
            Kind = stat.IsFile ? EntryKind.File : stat.IsDirectory ? EntryKind.Directory : EntryKind.Other,
            SizeBytes = stat.Size,
            Inode = stat.Inode,
            Device = stat.Device,
            Links = stat.Links,
            AccessedNs = stat.AccessedNs,
            ModifiedNs = stat.ModifiedNs,
            ChangedNs = stat.ChangedNs,
        });

    private static WholeFileResult Fill(int descriptor, in WholeFile file)
    {
        for (int done = 0; done < file.Data.Length;)
        {
            Errno error = Libc.Write(descriptor, new ReadOnlySequence<byte>(file.Data[done..]), done, out int count);
            if (error != Errno.None || count == 0)
            {
                return new WholeFileResult(WholeFileStep.Write, error != Errno.None ? error : Errno.ENOSPC); // as FileIoVerbs.WriteFullyAsync
            }

            done += count;
        }

        Errno refused = Libc.SetXattr(descriptor, Text(file.Attribute), file.Value.Span);
        refused = refused == Errno.None && file.IsSynced ? Libc.Sync(descriptor) : refused;
        return refused == Errno.None ? WholeFileResult.Done : new WholeFileResult(WholeFileStep.Seal, refused);
    }

    private static IoResult<int> Counted(Errno error, int count) => error == Errno.None ? new IoResult<int>(count) : IoResult<int>.Failed(error);

    private static EntryKind KindOf(byte kind) => kind switch
    {
        Libc.KindFile => EntryKind.File,
        Libc.KindDirectory => EntryKind.Directory,
        _ => EntryKind.Other,
    };

    private readonly ref struct PartAdapter(int directory, DirectoryPart part, Span<byte> buffer) : IDirectoryEntrySink
    {
        private readonly Span<byte> _buffer = buffer;

        public void Add(ReadOnlySpan<byte> name, byte kind)
        {
            if (kind != Libc.KindFile)
            {
                part.Add(name, KindOf(kind), default, Errno.None);
                return;
            }

            Errno error = Libc.OpenBeneath(directory, name, Libc.OpenMode.Read, out int descriptor);
            int count = 0;
            if (error == Errno.None)
            {
                error = Libc.GetXattr(descriptor, Text(part.Attribute), _buffer, out count);
                Errno judged = error == Errno.ENODATA ? Judge(ref descriptor, OpenIntent.Read) : Errno.None; // a directory by now has none
                error = judged != Errno.None ? judged : error;
                if (judged == Errno.None)
                {
                    Libc.Close(descriptor);
                }
            }

            part.Add(name, EntryKind.File, _buffer[..count], error);
        }
    }

    private readonly struct SinkAdapter(IEntrySink sink) : IDirectoryEntrySink
    {
        public void Add(ReadOnlySpan<byte> name, byte kind) => sink.Add(name, KindOf(kind));
    }
}
