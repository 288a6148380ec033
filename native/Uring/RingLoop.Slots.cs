using static Sluice.Native.Uring.UringAbi;

namespace Sluice.Native.Uring;

/// <summary>
/// Requests in flight: each has a slot, whose number is the tag that the kernel gives back. A slot is free for the next request when the last
/// completion of this one is dispatched. That is safe for <see cref="Cancel"/>, which names slots: it was queued before the next request of
/// the slot, and the kernel takes entries in their order.
/// </summary>
public sealed partial class RingLoop
{
    private const int WakeSlot = 0, CancelSlot = 1, ReservedSlots = 2;

    /// <summary>In the tag of the first of two linked requests that share a slot, and of which one completes.</summary>
    private const ulong FirstOfPair = 1UL << 32;

    /// <summary>
    /// ERESTARTSYS, the first of the numbers by which the kernel's parts ask each other to begin a call again (linux/errno.h). They are not for
    /// programs, but a kernel thread that is interrupted in an open tells it all the same.
    /// </summary>
    private const int RestartNumberMin = 512;

    // Loop thread only.
    private readonly Stack<RingCall> _calls = new();
    private RingOperation?[] _operations = new RingOperation?[256];
    private int[] _freeSlots = new int[256];
    private int _freeSlotCount;

    internal void Return(RingCall call)
    {
        if (IsCurrent) // else somebody took the result on another thread: the collector has it
        {
            _calls.Push(call);
        }
    }

    private RingCall RentCall()
    {
        RequireCurrent();
        return _calls.TryPop(out RingCall? call) ? call : new RingCall(this);
    }

    private void RequireCurrent()
    {
        if (!IsCurrent)
        {
            throw new InvalidOperationException("requests are made on the loop");
        }
    }

    private void RequireIdle(RingOperation operation)
    {
        RequireCurrent();
        if (operation.InFlight)
        {
            throw new InvalidOperationException("the operation is in flight already");
        }
    }

    /// <summary>
    /// The next entry, for an operation that is in flight from now on. Whatever can fail about the arguments is looked at before; what fails afterwards
    /// calls <see cref="Withdraw"/>.
    /// </summary>
    private ref SubmissionEntry Submit(RingOperation operation, RingOpcode opcode, int descriptor)
    {
        RequireIdle(operation);
        if (_freeSlotCount == 0)
        {
            GrowSlots();
        }

        ref SubmissionEntry entry = ref _ring.Next(); // throws when the kernel takes nothing: before a slot is taken
        int slot = _freeSlots[--_freeSlotCount];
        _operations[slot] = operation;
        operation.Slot = slot;
        operation.Pin = default;
        InFlightCount++;
        (entry.Opcode, entry.Descriptor, entry.UserTag) = (opcode, descriptor, (ulong)slot);
        return ref entry;
    }

    /// <summary>A request that no verb makes, for benches and tests. Whoever makes it keeps its memory until it completes.</summary>
    internal void Submit(RingOperation operation, in SubmissionEntry request)
    {
        ref SubmissionEntry entry = ref Submit(operation, request.Opcode, request.Descriptor);
        ulong tag = entry.UserTag;
        entry = request;
        entry.UserTag = tag;
    }

    /// <summary>An operation that was submitted just now is not in flight after all; its entry does nothing.</summary>
    private void Withdraw(RingOperation operation, ref SubmissionEntry entry)
    {
        Free(operation);
        entry = default;
        (entry.Opcode, entry.Descriptor, entry.UserTag, entry.Flags) = (RingOpcode.IORING_OP_NOP, -1, CancelSlot, IOSQE_CQE_SKIP_SUCCESS);
    }

    private void Dispatch(in CompletionEntry completion)
    {
        int slot = (int)completion.UserTag;
        if (slot < ReservedSlots)
        {
            if (slot == WakeSlot)
            {
                Woken(completion.Result);
            }

            return; // what a cancellation answers, the cancelled request tells by itself
        }

        RingOperation operation = _operations[slot]!;
        int result = completion.Result;
        if (result == -(int)Errno.ETIME && operation is RingTimeout)
        {
            result = 0; // its purpose, not a failure
        }
        else if (result <= -RestartNumberMin)
        {
            result = -(int)Errno.EINTR;
        }

        var told = new RingCompletion(result, completion.Flags, (completion.UserTag & FirstOfPair) != 0);
        if (told.HasBuffer)
        {
            ReceiveBuffers!.Taken(told.BufferId);
        }

        if (!told.HasMore)
        {
            Free(operation);
        }

        operation.Tell(told);
    }

    private void Free(RingOperation operation)
    {
        operation.Pin.Dispose();
        _operations[operation.Slot] = null;
        _freeSlots[_freeSlotCount++] = operation.Slot;
        operation.Slot = -1;
        InFlightCount--;
    }

    private void GrowSlots()
    {
        int before = _operations.Length;
        Array.Resize(ref _operations, before * 2);
        Array.Resize(ref _freeSlots, before * 2);
        for (int slot = (before * 2) - 1; slot >= before; slot--)
        {
            _freeSlots[_freeSlotCount++] = slot;
        }
    }
}
