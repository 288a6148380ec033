using System.Buffers;
using static Sluice.Native.Uring.UringAbi;

namespace Sluice.Native.Uring;

/// <summary>
/// Requests about files; each is the system call of its name. All on the loop's thread. Those that take a name answer why it cannot be
/// passed on; nothing was submitted then. The kernel tries reads, writes on XFS and cached opens without waiting and completes them with
/// the submission; everything else goes to a kernel worker (io-wq), which may wait.
/// </summary>
public sealed partial class RingLoop
{
    private const uint AT_SYMLINK_NOFOLLOW = 0x100, AT_REMOVEDIR = 0x200;
    private const uint DirectoryMode = 0x1ed; // 0755

    /// <summary>openat2(2) below a directory, as <see cref="Libc.OpenBeneath"/>; completes with a descriptor, which the operation owns.</summary>
    public unsafe Errno Open(RingFileOperation operation, int directory, ReadOnlySpan<byte> path, Libc.OpenMode mode)
    {
        Errno error = operation.TryName(path, out byte* text);
        if (error == Errno.None)
        {
            // SAFETY: name and argument are the operation's own memory, which lives until it has completed.
            *operation.How = Libc.HowToOpen(mode);
            ref SubmissionEntry entry = ref SubmitFile(operation, RingOpcode.IORING_OP_OPENAT2, directory);
            (entry.Address, entry.Length, entry.Offset) = ((ulong)text, (uint)sizeof(LibcImports.OpenHow), (ulong)operation.How);
        }

        return error;
    }

    /// <summary>statx(2) of one name in a directory; a symbolic link is not followed. The answer is <see cref="RingFileOperation.Status"/>.</summary>
    public unsafe Errno StatAt(RingFileOperation operation, int directory, ReadOnlySpan<byte> name)
    {
        Errno error = operation.TryName(name, out byte* text);
        if (error == Errno.None)
        {
            // SAFETY: as in Open.
            ref SubmissionEntry entry = ref SubmitFile(operation, RingOpcode.IORING_OP_STATX, directory);
            (entry.Address, entry.Length, entry.Offset) = ((ulong)text, Libc.BasicStats, (ulong)operation.StatusMemory);
            entry.OperationFlags = AT_SYMLINK_NOFOLLOW;
        }

        return error;
    }

    /// <summary>
    /// pread(2). May be short; 0 is the end of the file. Into a lease of a slab that the loop knows (<see cref="RegisterBuffers"/>) by the registered buffer.
    /// </summary>
    public void Read(RingFileOperation operation, int file, Memory<byte> buffer, long offset)
    {
        RequireIdle(operation);
        bool isFixed = TryFindPlace(buffer, out ushort place);
        ref SubmissionEntry entry = ref SubmitBuffer(operation, isFixed ? RingOpcode.IORING_OP_READ_FIXED : RingOpcode.IORING_OP_READ, file, buffer, offset);
        entry.BufferIndex = place;
    }

    /// <summary>pwritev(2) of the first <see cref="RingFileOperation.PiecesMax"/> pieces. May be short.</summary>
    public unsafe void Write(RingFileOperation operation, int file, in ReadOnlySequence<byte> data, long offset)
    {
        if (data.IsSingleSegment)
        {
            SubmitBuffer(operation, RingOpcode.IORING_OP_WRITE, file, data.First, offset);
            return;
        }

        RequireOffset(offset);
        int pieces = operation.Pieces(data, out LibcImports.IoVector* vectors);
        ref SubmissionEntry entry = ref SubmitFile(operation, RingOpcode.IORING_OP_WRITEV, file);
        // SAFETY: the vectors are the operation's own memory, the pieces are pinned until it has completed.
        (entry.Address, entry.Length, entry.Offset) = ((ulong)vectors, (uint)pieces, (ulong)offset);
    }

    /// <summary>fgetxattr(2); the name ends with NUL. Completes with the length.</summary>
    public unsafe void GetXattr(RingFileOperation operation, int file, ReadOnlySpan<byte> terminatedName, Memory<byte> value)
    {
        byte* name = AttributeName(operation, terminatedName);
        MemoryHandle pin = value.Pin();
        ref SubmissionEntry entry = ref SubmitFile(operation, RingOpcode.IORING_OP_FGETXATTR, file);
        // SAFETY: the name is the operation's own memory, the value is pinned until it has completed and its length bounds what the kernel does there.
        operation.Pin = pin;
        (entry.Address, entry.Offset, entry.Length) = ((ulong)name, (ulong)pin.Pointer, (uint)value.Length);
    }

    /// <summary>fsetxattr(2): creates or replaces; the name ends with NUL.</summary>
    public unsafe void SetXattr(RingFileOperation operation, int file, ReadOnlySpan<byte> terminatedName, ReadOnlyMemory<byte> value)
    {
        byte* name = AttributeName(operation, terminatedName);
        MemoryHandle pin = value.Pin();
        ref SubmissionEntry entry = ref SubmitFile(operation, RingOpcode.IORING_OP_FSETXATTR, file);
        // SAFETY: the name is the operation's own memory, the value is pinned until it has completed and its length bounds what the kernel does there.
        operation.Pin = pin;
        (entry.Address, entry.Offset, entry.Length) = ((ulong)name, (ulong)pin.Pointer, (uint)value.Length);
    }

    /// <summary>
    /// fsetxattr(2) and then fsync(2), linked: one kernel worker does both, one after the other, and each completes. The kernel does not
    /// take a refused attribute for a failure that ends the chain (seen on 6.18), so that the fsync may say 0 after it: ask both. False when the
    /// queue has no room for both at once; nothing was submitted then.
    /// </summary>
    public unsafe bool TrySetXattrThenSync(
        RingFileOperation set, RingFileOperation sync, int file, ReadOnlySpan<byte> terminatedName, ReadOnlyMemory<byte> value)
    {
        if (!TryMakeRoomForTwo())
        {
            return false;
        }

        byte* name = AttributeName(set, terminatedName);
        MemoryHandle pin = value.Pin();
        ref SubmissionEntry entry = ref SubmitFile(set, RingOpcode.IORING_OP_FSETXATTR, file);
        entry.Flags |= IOSQE_IO_LINK;
        // SAFETY: as in SetXattr.
        set.Pin = pin;
        (entry.Address, entry.Offset, entry.Length) = ((ulong)name, (ulong)pin.Pointer, (uint)value.Length);
        SubmitFile(sync, RingOpcode.IORING_OP_FSYNC, file);
        return true;
    }

    /// <summary>A chain that is submitted in two halves is none.</summary>
    private bool TryMakeRoomForTwo()
    {
        if (_ring.QueuedCount + 2 > _options.SubmissionEntries)
        {
            _ring.Submit();
        }

        return _ring.QueuedCount + 2 <= _options.SubmissionEntries;
    }

    /// <summary>fsync(2).</summary>
    public void Sync(RingFileOperation operation, int file) => SubmitFile(operation, RingOpcode.IORING_OP_FSYNC, file);

    /// <summary>mkdirat(2), mode 0755.</summary>
    public unsafe Errno MakeDirectory(RingFileOperation operation, int directory, ReadOnlySpan<byte> name)
    {
        Errno error = operation.TryName(name, out byte* text);
        if (error == Errno.None)
        {
            // SAFETY: as in Open.
            ref SubmissionEntry entry = ref SubmitFile(operation, RingOpcode.IORING_OP_MKDIRAT, directory);
            (entry.Address, entry.Length) = ((ulong)text, DirectoryMode);
        }

        return error;
    }

    /// <summary>renameat2(2); <paramref name="flags"/>: 0 replace, 1 RENAME_NOREPLACE, 2 RENAME_EXCHANGE.</summary>
    public Errno Rename(RingFileOperation operation, int fromDirectory, ReadOnlySpan<byte> from, int toDirectory, ReadOnlySpan<byte> to, uint flags) =>
        SubmitNames(operation, RingOpcode.IORING_OP_RENAMEAT, fromDirectory, from, toDirectory, to, flags);

    /// <summary>linkat(2); a symbolic link is linked itself, not followed.</summary>
    public Errno Link(RingFileOperation operation, int fromDirectory, ReadOnlySpan<byte> from, int toDirectory, ReadOnlySpan<byte> to) =>
        SubmitNames(operation, RingOpcode.IORING_OP_LINKAT, fromDirectory, from, toDirectory, to, 0);

    /// <summary>unlinkat(2), of a file or of an empty directory.</summary>
    public unsafe Errno Unlink(RingFileOperation operation, int directory, ReadOnlySpan<byte> name, bool isDirectory)
    {
        Errno error = operation.TryName(name, out byte* text);
        if (error == Errno.None)
        {
            // SAFETY: as in Open.
            ref SubmissionEntry entry = ref SubmitFile(operation, RingOpcode.IORING_OP_UNLINKAT, directory);
            (entry.Address, entry.OperationFlags) = ((ulong)text, isDirectory ? AT_REMOVEDIR : 0);
        }

        return error;
    }

    /// <summary>
    /// close(2) on a kernel worker: the last close of a file that has no name frees its blocks, and of one that was written may have
    /// to wait for its inode. With ECANCELED, when the loop ends, the descriptor is still open.
    /// </summary>
    public void Close(RingFileOperation operation, int file) => SubmitFile(operation, RingOpcode.IORING_OP_CLOSE, file).Flags |= IOSQE_ASYNC;

    private static void RequireOffset(long offset) =>
        ArgumentOutOfRangeException.ThrowIfNegative(offset); // -1 would stand for the file's own position

    private static unsafe byte* AttributeName(RingFileOperation operation, ReadOnlySpan<byte> terminatedName)
    {
        Libc.RequireTerminated(terminatedName);
        // SAFETY: the name is the operation's own memory, which lives until it has completed.
        _ = operation.TryName(terminatedName[..^1], out byte* name);
        return name;
    }

    private ref SubmissionEntry SubmitFile(RingFileOperation operation, RingOpcode opcode, int descriptor)
    {
        ref SubmissionEntry entry = ref Submit(operation, opcode, descriptor);
        entry.Flags = operation.MayWaitAtOnce ? IOSQE_ASYNC : (byte)0;
        return ref entry;
    }

    /// <summary>Everything that may throw comes before the submission, which cannot be taken back.</summary>
    private unsafe ref SubmissionEntry SubmitBuffer(RingFileOperation operation, RingOpcode opcode, int file, ReadOnlyMemory<byte> buffer, long offset)
    {
        RequireOffset(offset);
        MemoryHandle pin = buffer.Pin();
        ref SubmissionEntry entry = ref SubmitFile(operation, opcode, file);
        // SAFETY: pinned until the completion, and the length bounds what the kernel does there.
        operation.Pin = pin;
        (entry.Address, entry.Length, entry.Offset) = ((ulong)pin.Pointer, (uint)buffer.Length, (ulong)offset);
        return ref entry;
    }

    private unsafe Errno SubmitNames(
        RingFileOperation operation, RingOpcode opcode, int fromDirectory, ReadOnlySpan<byte> from, int toDirectory, ReadOnlySpan<byte> to, uint flags)
    {
        Errno error = operation.TryNames(from, to, out byte* source, out byte* target);
        if (error == Errno.None)
        {
            // SAFETY: as in Open.
            ref SubmissionEntry entry = ref SubmitFile(operation, opcode, fromDirectory);
            (entry.Address, entry.Offset, entry.Length, entry.OperationFlags) = ((ulong)source, (ulong)target, (uint)toDirectory, flags);
        }

        return error;
    }
}
