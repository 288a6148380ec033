using System.Runtime.InteropServices;
using Sluice.Native.Memory;
using static Sluice.Native.Uring.UringAbi;

namespace Sluice.Native.Uring;

/// <summary>What the kernel keeps for the loop between requests: pages of buffers, and open files. Loop thread only.</summary>
public sealed partial class RingLoop
{
    private RegisteredBuffers _buffers = null!;
    private int[] _freePlaces = []; // of descriptors
    private int _freePlaceCount;

    /// <summary>Pieces of slabs that the kernel has pinned.</summary>
    public int RegisteredPieceCount => _buffers.PieceCount;

    /// <summary>Requests that went by a registered buffer.</summary>
    public long FixedBufferCount { get; private set; }

    /// <summary>Requests that named a lease whose buffer could not be registered, and went the plain way.</summary>
    public long PlainBufferCount { get; private set; }

    /// <summary>Why the kernel refused to register buffers last, usually ENOMEM for RLIMIT_MEMLOCK; none when it never did.</summary>
    public Errno BufferRefusal => _buffers.LastRefusal;

    /// <summary>
    /// From now on <see cref="ReadFixed"/>, <see cref="WriteFixed"/> and <see cref="Read"/> register a slab's buffers in pieces as they first meet them; false
    /// when the table (<see cref="RingLoopOptions.RegisteredBufferCount"/>, one place for each 256 KiB or larger buffer) has not enough places left.
    /// </summary>
    public bool RegisterBuffers(BufferSlab slab)
    {
        RequireCurrent();
        return _buffers.TryAdd(slab);
    }

    /// <summary>Ends what <see cref="RegisterBuffers"/> began; before the slab is disposed, or its memory stays until the loop ends.</summary>
    public void UnregisterBuffers(BufferSlab slab)
    {
        RequireCurrent();
        _buffers.Remove(slab);
    }

    /// <summary>
    /// Reads a file at <paramref name="offset"/> into a piece of a lease, by its registered buffer where there is one. The result may be short; 0 is the
    /// file's end. The lease's owner keeps it until the completion.
    /// </summary>
    public void ReadFixed(RingOperation operation, int descriptor, BufferLease lease, Range range, long offset) =>
        Transfer(operation, (RingOpcode.IORING_OP_READ_FIXED, RingOpcode.IORING_OP_READ), descriptor, lease, range, offset);

    /// <summary>Writes a piece of a lease at <paramref name="offset"/>, as <see cref="ReadFixed"/> reads. The result may be short.</summary>
    public void WriteFixed(RingOperation operation, int descriptor, BufferLease lease, Range range, long offset) =>
        Transfer(operation, (RingOpcode.IORING_OP_WRITE_FIXED, RingOpcode.IORING_OP_WRITE), descriptor, lease, range, offset);

    /// <summary>As <see cref="ReadFixed"/>, awaited: bytes, or minus the error number.</summary>
    public ValueTask<int> ReadFixedAsync(int descriptor, BufferLease lease, Range range, long offset)
    {
        RingCall call = RentCall();
        ValueTask<int> task = call.Task;
        ReadFixed(call, descriptor, lease, range, offset);
        return task;
    }

    /// <summary>As <see cref="WriteFixed"/>, awaited: bytes, or minus the error number.</summary>
    public ValueTask<int> WriteFixedAsync(int descriptor, BufferLease lease, Range range, long offset)
    {
        RingCall call = RentCall();
        ValueTask<int> task = call.Task;
        WriteFixed(call, descriptor, lease, range, offset);
        return task;
    }

    /// <summary>
    /// Gives a descriptor a place in the table (<see cref="RingLoopOptions.RegisteredDescriptorCount"/>); false when it is full or the kernel refuses. It
    /// pays little: see docs/decisions/0004-ring-loop.md.
    /// </summary>
    public bool TryRegisterDescriptor(int descriptor, out RegisteredDescriptor registered)
    {
        RequireCurrent();
        registered = default;
        if (_freePlaceCount == 0 || descriptor < 0) // a negative one would empty the place
        {
            return false;
        }

        int place = _freePlaces[_freePlaceCount - 1];
        if (UpdatePlace(place, descriptor) != Errno.None)
        {
            return false;
        }

        _freePlaceCount--;
        registered = new RegisteredDescriptor(place);
        return true;
    }

    /// <summary>Empties a place, once. Requests in flight keep the open file until they complete.</summary>
    public void Unregister(RegisteredDescriptor registered)
    {
        RequireCurrent();
        _ = UpdatePlace(registered.Place, -1); // emptying a place cannot fail for want of anything
        _freePlaces[_freePlaceCount++] = registered.Place;
    }

    /// <summary>As the verb for descriptors.</summary>
    public void ReceiveMultishot(RingOperation operation, RegisteredDescriptor socket)
    {
        ushort group = ReceiveGroup();
        ref SubmissionEntry entry = ref Submit(operation, RingOpcode.IORING_OP_RECV, socket.Place);
        entry.Flags = IOSQE_FIXED_FILE;
        SetMultishot(ref entry, group);
    }

    /// <summary>As the verb for descriptors.</summary>
    public void Send(RingOperation operation, RegisteredDescriptor socket, ReadOnlyMemory<byte> data)
    {
        ref SubmissionEntry entry = ref Submit(operation, RingOpcode.IORING_OP_SEND, socket.Place);
        entry.Flags = IOSQE_FIXED_FILE;
        SetBuffer(operation, ref entry, data);
        entry.OperationFlags = MSG_NOSIGNAL | MSG_WAITALL;
    }

    private void Transfer(
        RingOperation operation, (RingOpcode Fixed, RingOpcode Plain) opcodes, int descriptor, BufferLease lease, Range range, long offset)
    {
        RequireIdle(operation);
        Memory<byte> memory = lease.Memory[range];
        bool isFixed = TryFindPlace(lease.Slab, lease.Index, out ushort place);
        ref SubmissionEntry entry = ref Submit(operation, isFixed ? opcodes.Fixed : opcodes.Plain, descriptor);
        SetBuffer(operation, ref entry, memory);
        entry.Offset = (ulong)offset;
        entry.BufferIndex = isFixed ? place : (ushort)0;
    }

    private bool TryFindPlace(BufferSlab slab, int bufferIndex, out ushort place)
    {
        bool isFixed = _buffers.TryFind(slab, bufferIndex, out place);
        FixedBufferCount += isFixed ? 1 : 0;
        PlainBufferCount += isFixed ? 0 : 1;
        return isFixed;
    }

    /// <summary>The same for memory that may be of any kind; what is of no slab that has places is not counted.</summary>
    private bool TryFindPlace(Memory<byte> buffer, out ushort place)
    {
        place = 0;
        return _buffers.IsInUse
            && MemoryMarshal.TryGetMemoryManager<byte, BufferSlot>(buffer, out BufferSlot? slot)
            && _buffers.Knows(slot.Slab)
            && TryFindPlace(slot.Slab, slot.Index, out place);
    }

    private void OpenRegistrations()
    {
        _buffers = new RegisteredBuffers(_ring, _options.RegisteredBufferCount);
        int count = _options.RegisteredDescriptorCount;
        if (count > 0 && _ring.TryMakeFileTable(count) == Errno.None)
        {
            _freePlaces = [.. Enumerable.Range(0, count).Reverse()];
            _freePlaceCount = count;
        }
    }

    private unsafe Errno UpdatePlace(int place, int descriptor)
    {
        var update = new ResourceUpdate { Offset = (uint)place, Values = (ulong)&descriptor, Count = 1 };
        // SAFETY: both are on this stack; the last argument is the structure's size.
        return _ring.TryRegister(IORING_REGISTER_FILES_UPDATE2, &update, (uint)sizeof(ResourceUpdate));
    }
}
