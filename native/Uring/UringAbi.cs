using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Sluice.Native.Uring;

/// <summary>
/// The kernel's structures and numbers (linux/io_uring.h; io_uring_setup(2), io_uring_enter(2), io_uring_register(2)), spelled as there
/// where they are constants. Only what is used is declared; sizes and offsets are checked before the first ring is made.
/// </summary>
internal static class UringAbi
{
    // io_uring_setup(2): flags, with the kernel that brought them.
    public const uint IORING_SETUP_CQSIZE = 1 << 3;
    public const uint IORING_SETUP_SUBMIT_ALL = 1 << 7; // 5.18
    public const uint IORING_SETUP_COOP_TASKRUN = 1 << 8; // 5.19
    public const uint IORING_SETUP_SINGLE_ISSUER = 1 << 12; // 6.0
    public const uint IORING_SETUP_DEFER_TASKRUN = 1 << 13; // 6.1
    public const uint IORING_SETUP_NO_SQARRAY = 1 << 16; // 6.6

    public const uint IORING_FEAT_SINGLE_MMAP = 1 << 0;
    public const uint IORING_FEAT_NODROP = 1 << 1;
    public const uint IORING_FEAT_SUBMIT_STABLE = 1 << 2;
    public const uint IORING_FEAT_EXT_ARG = 1 << 8;
    public const uint IORING_FEAT_CQE_SKIP = 1 << 11;

    public const long IORING_OFF_SQ_RING = 0;
    public const long IORING_OFF_SQES = 0x10000000;

    // io_uring_enter(2)
    public const uint IORING_ENTER_GETEVENTS = 1 << 0;
    public const uint IORING_ENTER_EXT_ARG = 1 << 3;
    public const uint IORING_ENTER_REGISTERED_RING = 1 << 4;
    public const uint IORING_SQ_CQ_OVERFLOW = 1 << 1;

    // io_uring_register(2)
    public const uint IORING_REGISTER_FILES2 = 13;
    public const uint IORING_REGISTER_FILES_UPDATE2 = 14;
    public const uint IORING_REGISTER_BUFFERS2 = 15;
    public const uint IORING_REGISTER_BUFFERS_UPDATE = 16;
    public const uint IORING_REGISTER_PROBE = 8;
    public const uint IORING_REGISTER_IOWQ_MAX_WORKERS = 19;
    public const uint IORING_REGISTER_RING_FDS = 20;
    public const uint IORING_UNREGISTER_RING_FDS = 21;
    public const uint IORING_REGISTER_PBUF_RING = 22;
    public const uint IORING_RSRC_REGISTER_SPARSE = 1 << 0;

    // sqe->flags
    public const byte IOSQE_FIXED_FILE = 1 << 0;
    public const byte IOSQE_IO_LINK = 1 << 2;
    public const byte IOSQE_ASYNC = 1 << 4;
    public const byte IOSQE_BUFFER_SELECT = 1 << 5;
    public const byte IOSQE_CQE_SKIP_SUCCESS = 1 << 6;

    // sqe->ioprio of accept, receive and send; flags of cancel and timeout
    public const ushort IORING_ACCEPT_MULTISHOT = 1 << 0;
    public const ushort IORING_RECV_MULTISHOT = 1 << 1;
    public const uint IORING_ASYNC_CANCEL_ALL = 1 << 0;
    public const uint IORING_ASYNC_CANCEL_ANY = 1 << 2;
    public const uint IORING_FSYNC_DATASYNC = 1 << 0;

    // cqe->flags
    public const uint IORING_CQE_F_BUFFER = 1 << 0;
    public const uint IORING_CQE_F_MORE = 1 << 1;
    public const uint IORING_CQE_F_SOCK_NONEMPTY = 1 << 2;
    public const uint IORING_CQE_F_NOTIF = 1 << 3;

    // System calls, x86-64.
    public const long SYS_io_uring_setup = 425;
    public const long SYS_io_uring_enter = 426;
    public const long SYS_io_uring_register = 427;

    /// <summary>Compares sizes and offsets with the kernel's header; called before the first ring is made.</summary>
    public static void CheckLayout()
    {
        RequireSize<SubmissionEntry>(64, "struct io_uring_sqe");
        var submission = default(SubmissionEntry);
        RequireOffset(ref submission, ref submission.Descriptor, 4, "io_uring_sqe.fd");
        RequireOffset(ref submission, ref submission.Address, 16, "io_uring_sqe.addr");
        RequireOffset(ref submission, ref submission.OperationFlags, 28, "io_uring_sqe.rw_flags");
        RequireOffset(ref submission, ref submission.UserTag, 32, "io_uring_sqe.user_data");
        RequireOffset(ref submission, ref submission.BufferIndex, 40, "io_uring_sqe.buf_index");
        RequireOffset(ref submission, ref submission.Address3, 48, "io_uring_sqe.addr3");
        RequireSize<CompletionEntry>(16, "struct io_uring_cqe");
        var completion = default(CompletionEntry);
        RequireOffset(ref completion, ref completion.Flags, 12, "io_uring_cqe.flags");
        RequireSize<SetupParameters>(120, "struct io_uring_params");
        var setup = default(SetupParameters);
        RequireOffset(ref setup, ref setup.Features, 20, "io_uring_params.features");
        RequireOffset(ref setup, ref setup.Submission, 40, "io_uring_params.sq_off");
        RequireOffset(ref setup, ref setup.Completion, 80, "io_uring_params.cq_off");
        RequireSize<EnterArgument>(24, "struct io_uring_getevents_arg");
        RequireSize<KernelTimespec>(16, "struct __kernel_timespec");
        RequireSize<ProvidedBuffer>(16, "struct io_uring_buf");
        var provided = default(ProvidedBuffer);
        RequireOffset(ref provided, ref provided.Tail, 14, "io_uring_buf_ring.tail");
        RequireSize<BufferRingRegistration>(40, "struct io_uring_buf_reg");
        RequireSize<ResourceRegistration>(32, "struct io_uring_rsrc_register");
        RequireSize<ResourceUpdate>(32, "struct io_uring_rsrc_update2");
        var update = default(ResourceUpdate);
        RequireOffset(ref update, ref update.Count, 24, "io_uring_rsrc_update2.nr");
    }

    /// <summary>Throws <see cref="InvalidOperationException"/> unless a structure has the kernel's size.</summary>
    public static void RequireSize<T>(int bytes, string what)
        where T : struct => Require(Unsafe.SizeOf<T>() == bytes, what);

    /// <summary>Throws <see cref="InvalidOperationException"/> unless a member lies where the kernel has it. Works in native code, where reflection would not.</summary>
    public static void RequireOffset<T, TField>(ref T structure, ref TField field, int offset, string what)
        where T : struct
        where TField : struct =>
        Require(Unsafe.ByteOffset(ref Unsafe.As<T, byte>(ref structure), ref Unsafe.As<TField, byte>(ref field)) == offset, what);

    private static void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException($"the layout of {what} is not the kernel's");
        }
    }
}

/// <summary>enum io_uring_op: the operations that are used.</summary>
internal enum RingOpcode : byte
{
    IORING_OP_NOP = 0,
    IORING_OP_WRITEV = 2,
    IORING_OP_FSYNC = 3,
    IORING_OP_READ_FIXED = 4,
    IORING_OP_WRITE_FIXED = 5,
    IORING_OP_POLL_ADD = 6,
    IORING_OP_TIMEOUT = 11,
    IORING_OP_ACCEPT = 13,
    IORING_OP_ASYNC_CANCEL = 14,
    IORING_OP_CLOSE = 19,
    IORING_OP_STATX = 21,
    IORING_OP_READ = 22,
    IORING_OP_WRITE = 23,
    IORING_OP_SEND = 26,
    IORING_OP_RECV = 27,
    IORING_OP_OPENAT2 = 28,
    IORING_OP_RENAMEAT = 35,
    IORING_OP_UNLINKAT = 36,
    IORING_OP_MKDIRAT = 37,
    IORING_OP_LINKAT = 39,
    IORING_OP_FSETXATTR = 41,
    IORING_OP_FGETXATTR = 43,
}

/// <summary>struct io_uring_sqe: 64 bytes, its unions reduced to the members that are used.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
internal struct SubmissionEntry
{
    [FieldOffset(0)]
    public RingOpcode Opcode;
    [FieldOffset(1)]
    public byte Flags;
    [FieldOffset(2)]
    public ushort Priority; // accept, receive and send keep flags of their own here
    [FieldOffset(4)]
    public int Descriptor;
    [FieldOffset(8)]
    public ulong Offset; // or addr2: a second address
    [FieldOffset(16)]
    public ulong Address;
    [FieldOffset(24)]
    public uint Length;
    [FieldOffset(28)]
    public uint OperationFlags; // msg_flags, accept_flags, poll32_events, cancel_flags, statx_flags, rename_flags, ...
    [FieldOffset(32)]
    public ulong UserTag;
    [FieldOffset(40)]
    public ushort BufferIndex; // or buf_group
    [FieldOffset(44)]
    public uint FileIndex; // an open into the table of files: place + 1
    [FieldOffset(48)]
    public ulong Address3;
}

/// <summary>struct io_uring_cqe: 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct CompletionEntry
{
    public ulong UserTag;
    public int Result;
    public uint Flags;
}

/// <summary>struct io_sqring_offsets and struct io_cqring_offsets: 40 bytes each; the fifth and sixth member differ.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct QueueOffsets
{
    public uint Head;
    public uint Tail;
    public uint Mask;
    public uint Entries;
    public uint FlagsOrOverflow;
    public uint DroppedOrEntries;
    public uint ArrayOrFlags;
    public uint Reserved;
    public ulong UserAddress;
}

/// <summary>struct io_uring_params: 120 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SetupParameters
{
    public uint SubmissionEntries;
    public uint CompletionEntries;
    public uint Flags;
    public uint ThreadCpu;
    public uint ThreadIdle;
    public uint Features;
    public uint WorkQueueDescriptor;
    public InlineReserved Reserved;
    public QueueOffsets Submission;
    public QueueOffsets Completion;
}

/// <summary>resv[3] of struct io_uring_params.</summary>
[InlineArray(3)]
internal struct InlineReserved
{
    private uint _first;
}

/// <summary>struct io_uring_getevents_arg: 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct EnterArgument
{
    public ulong SignalMask;
    public uint SignalMaskBytes;
    public uint MinimumWait;
    public ulong Timespec;
}

/// <summary>struct __kernel_timespec: 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KernelTimespec
{
    public long Seconds;
    public long Nanoseconds;
}

/// <summary>struct io_uring_buf: 16 bytes. In entry 0 the last member is the ring's tail, which only the application writes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ProvidedBuffer
{
    public ulong Address;
    public uint Length;
    public ushort Id;
    public ushort Tail;
}

/// <summary>struct io_uring_buf_reg: 40 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct BufferRingRegistration
{
    public ulong Address;
    public uint Entries;
    public ushort Group;
    public ushort Flags;
    public fixed ulong Reserved[3];
}

/// <summary>struct io_uring_rsrc_register: 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ResourceRegistration
{
    public uint Count;
    public uint Flags;
    public ulong Reserved;
    public ulong Values;
    public ulong Tags;
}

/// <summary>struct io_uring_rsrc_update2: 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ResourceUpdate
{
    public uint Offset;
    public uint Reserved;
    public ulong Values;
    public ulong Tags;
    public uint Count;
    public uint Reserved2;
}
