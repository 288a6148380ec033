using System.Runtime.CompilerServices;
using Sluice.Native.Memory;
using static Sluice.Native.Uring.UringAbi;

namespace Sluice.Native.Uring;

/// <summary>
/// One io_uring by raw system calls. IORING_SETUP_SINGLE_ISSUER binds it to the thread that makes it: that thread alone submits, waits and
/// registers (others get EEXIST). IORING_SETUP_DEFER_TASKRUN: completions appear only inside our own io_uring_enter(2), never in the middle
/// of a continuation.
/// </summary>
internal sealed unsafe class Ring : IDisposable
{
    private const uint FlagsNeeded = IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN
        | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;

    // Set once.
    private readonly int _descriptor;
    private readonly PageMapping _queues;
    private readonly PageMapping _entries;
    private readonly SubmissionEntry* _submissions;
    private readonly CompletionEntry* _completions;
    private readonly uint* _submissionHead, _submissionTail, _submissionFlags, _completionHead, _completionTail; // shared with the kernel
    private readonly uint _submissionMask, _completionMask;
    private readonly int _enterDescriptor; // an index when the ring's own descriptor is registered, which saves looking it up
    private readonly uint _enterFlags;

    // The owning thread only.
    private uint _localTail, _submitted, _localHead;
    private bool _disposed;

    /// <summary>
    /// A ring of that many submission and completion entries, powers of two. Throws <see cref="RingUnavailableException"/> with a sentence
    /// that names what is missing.
    /// </summary>
    public Ring(uint submissionEntries, uint completionEntries)
    {
        CheckLayout();
        _descriptor = Setup(submissionEntries, completionEntries, out SetupParameters made);
        try
        {
            Require(RingRefusal.OfFeatures(made.Features));
            nuint queueBytes = made.Completion.DroppedOrEntries + ((nuint)made.CompletionEntries * (nuint)sizeof(CompletionEntry));
            _queues = PageMapping.OfDescriptor(_descriptor, IORING_OFF_SQ_RING, Math.Max(queueBytes, made.Submission.ArrayOrFlags + (made.SubmissionEntries * 4)));
            _entries = PageMapping.OfDescriptor(_descriptor, IORING_OFF_SQES, (nuint)made.SubmissionEntries * (nuint)sizeof(SubmissionEntry));
            RequireOpcodes();
        }
        catch (Exception problem)
        {
            _entries?.Dispose();
            _queues?.Dispose();
            Libc.Close(_descriptor);
            if (problem is InsufficientMemoryException)
            {
                throw new RingUnavailableException($"io_uring cannot map its queues ({problem.Message})");
            }

            throw;
        }

        // SAFETY: the kernel gave these offsets for the mapping that they are added to, which lives as long as this object does.
        byte* queues = _queues.Start;
        _submissions = (SubmissionEntry*)_entries.Start;
        _submissionHead = (uint*)(queues + made.Submission.Head);
        _submissionTail = (uint*)(queues + made.Submission.Tail);
        _submissionFlags = (uint*)(queues + made.Submission.FlagsOrOverflow);
        _submissionMask = *(uint*)(queues + made.Submission.Mask);
        _completionHead = (uint*)(queues + made.Completion.Head);
        _completionTail = (uint*)(queues + made.Completion.Tail);
        _completionMask = *(uint*)(queues + made.Completion.Mask);
        _completions = (CompletionEntry*)(queues + made.Completion.DroppedOrEntries);
        if ((made.Flags & IORING_SETUP_NO_SQARRAY) == 0)
        {
            uint* array = (uint*)(queues + made.Submission.ArrayOrFlags);
            for (uint i = 0; i < made.SubmissionEntries; i++)
            {
                array[i] = i; // slot n of the queue is entry n, for ever
            }
        }

        _localTail = _submitted = *_submissionTail;
        _localHead = *_completionHead;
        (_enterDescriptor, _enterFlags) = RegisterOwnDescriptor();
    }

    /// <summary>The ring is entered by a registered index; false where the thread has no place for it (16 rings).</summary>
    public bool IsDescriptorRegistered => _enterFlags != 0;

    /// <summary>Its descriptor, for requests of other rings that name it. The ring closes it.</summary>
    public int Descriptor => _descriptor;

    /// <summary>Entries that were queued and not yet handed to the kernel.</summary>
    public uint QueuedCount => unchecked(_localTail - _submitted);

    /// <summary>
    /// A cleared entry. A full queue is submitted first, without reaping, so this is safe inside a continuation. The reference is good
    /// until the next call.
    /// </summary>
    public ref SubmissionEntry Next()
    {
        // Acquire: pairs with the kernel's release of the head, after which it does not read the entry any more.
        if (unchecked(_localTail - Volatile.Read(ref *_submissionHead)) > _submissionMask)
        {
            MakeRoom();
        }

        ref SubmissionEntry entry = ref _submissions[_localTail & _submissionMask];
        unchecked
        {
            _localTail++;
        }

        entry = default;
        return ref entry;
    }

    /// <summary>
    /// One system call: hands over what was queued, lets the kernel run what it deferred, and sleeps until there is a completion or
    /// <paramref name="timeout"/> (null: for ever; zero: not at all) is over.
    /// </summary>
    public void SubmitAndWait(TimeSpan? timeout)
    {
        // Acquire: pairs with the kernel's release of the tail.
        bool idle = Volatile.Read(ref *_completionTail) == _localHead;
        if (!idle || timeout == TimeSpan.Zero)
        {
            Enter(0, IORING_ENTER_GETEVENTS, null, 0);
            return;
        }

        if (timeout is null)
        {
            Enter(1, IORING_ENTER_GETEVENTS, null, 0);
            return;
        }

        long nanoseconds = timeout.Value.Ticks * 100;
        var timespec = new KernelTimespec { Seconds = nanoseconds / 1_000_000_000, Nanoseconds = nanoseconds % 1_000_000_000 };
        var argument = new EnterArgument { Timespec = (ulong)&timespec };
        // SAFETY: both structures are on this stack while the call lasts.
        Enter(1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument, (nuint)sizeof(EnterArgument));
    }

    /// <summary>Hands over what was queued, without waiting and without running deferred work.</summary>
    public void Submit()
    {
        if (QueuedCount > 0)
        {
            Enter(0, 0, null, 0);
        }
    }

    /// <summary>Takes the next completion; false when there is none. The slot is free before the caller acts on it.</summary>
    public bool TryTake(out CompletionEntry completion)
    {
        // Acquire: pairs with the kernel's release of the tail; the entry is complete.
        if (_localHead == Volatile.Read(ref *_completionTail))
        {
            completion = default;
            return false;
        }

        completion = _completions[_localHead & _completionMask];
        unchecked
        {
            _localHead++;
        }

        Volatile.Write(ref *_completionHead, _localHead); // release: the kernel may overwrite the entry that was copied
        return true;
    }

    /// <summary>True when completions did not fit and wait in the kernel; the next <see cref="SubmitAndWait"/> brings them.</summary>
    public bool Overflowed => (Volatile.Read(ref *_submissionFlags) & IORING_SQ_CQ_OVERFLOW) != 0;

    /// <summary>io_uring_register(2). Answers the error instead of throwing.</summary>
    public Errno TryRegister(uint operation, void* argument, uint count) => // SAFETY: the caller's structures, as the operation has them
        UringImports.io_uring_register(SYS_io_uring_register, _descriptor, operation, argument, count) >= 0 ? Errno.None : Libc.LastError();

    /// <summary>IORING_REGISTER_FILES2: a table with that many places for open files, all empty.</summary>
    public Errno TryMakeFileTable(int places)
    {
        var registration = new ResourceRegistration { Count = (uint)places, Flags = IORING_RSRC_REGISTER_SPARSE };
        // SAFETY: one structure on this stack; the last argument is its size.
        return TryRegister(IORING_REGISTER_FILES2, &registration, (uint)sizeof(ResourceRegistration));
    }

    /// <summary>
    /// IORING_REGISTER_IOWQ_MAX_WORKERS for requests that block: 0 changes nothing. Answers the limit that held before. Workers for sockets, which
    /// are not bounded by it, stay as they are.
    /// </summary>
    public Errno TryLimitWorkers(uint countMax, out uint before)
    {
        uint* workers = stackalloc uint[2] { countMax, 0 };
        // SAFETY: two counts, as the call asks; it answers in their place.
        Errno error = TryRegister(IORING_REGISTER_IOWQ_MAX_WORKERS, workers, 2);
        before = workers[0];
        return error;
    }

    /// <summary>Closes the ring; the kernel cancels what is in flight. On the owning thread.</summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        if (_enterFlags != 0)
        {
            // The registration holds the ring as a descriptor does: without this it would live as long as its thread.
            var update = new OwnDescriptor { Offset = (uint)_enterDescriptor };
            _ = TryRegister(IORING_UNREGISTER_RING_FDS, &update, 1); // SAFETY: one structure on this stack
        }

        Libc.Close(_descriptor);
        _entries.Dispose();
        _queues.Dispose();
    }

    private static int Setup(uint submissionEntries, uint completionEntries, out SetupParameters made)
    {
        foreach (uint optional in (ReadOnlySpan<uint>)[IORING_SETUP_NO_SQARRAY, 0])
        {
            var parameters = new SetupParameters { CompletionEntries = completionEntries, Flags = FlagsNeeded | optional };
            // SAFETY: the parameters are a local of the size that the kernel expects.
            long descriptor = UringImports.io_uring_setup(SYS_io_uring_setup, submissionEntries, &parameters);
            made = parameters;
            if (descriptor >= 0)
            {
                return (int)descriptor;
            }

            Errno error = Libc.LastError();
            if (error != Errno.EINVAL)
            {
                throw new RingUnavailableException(RingRefusal.OfSetup(error));
            }
        }

        throw new RingUnavailableException(RingRefusal.OfSetup(Errno.EINVAL));
    }

    private void RequireOpcodes()
    {
        byte* probe = stackalloc byte[RingRefusal.ProbeBytes]; // struct io_uring_probe
        var bytes = new Span<byte>(probe, RingRefusal.ProbeBytes);
        bytes.Clear();
        // SAFETY: the buffer has room for the number of opcodes that is passed.
        Errno error = TryRegister(IORING_REGISTER_PROBE, probe, RingRefusal.ProbeOpcodes);
        Require(error == Errno.None ? RingRefusal.OfOpcodes(bytes) : $"io_uring cannot be asked what it can do (IORING_REGISTER_PROBE: {error})");
    }

    private static void Require(string? refusal)
    {
        if (refusal is not null)
        {
            throw new RingUnavailableException(refusal);
        }
    }

    /// <summary>IORING_REGISTER_RING_FDS: the kernel need not look the descriptor up in every io_uring_enter(2).</summary>
    private (int Descriptor, uint Flags) RegisterOwnDescriptor()
    {
        var update = new OwnDescriptor { Offset = uint.MaxValue, Value = (ulong)_descriptor };
        // SAFETY: one structure on this stack, into which the index is written.
        return TryRegister(IORING_REGISTER_RING_FDS, &update, 1) == Errno.None ? ((int)update.Offset, IORING_ENTER_REGISTERED_RING) : (_descriptor, 0);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void MakeRoom()
    {
        for (int attempt = 0; attempt < 3; attempt++)
        {
            Enter(0, attempt == 0 ? 0 : IORING_ENTER_GETEVENTS, null, 0);
            if (unchecked(_localTail - Volatile.Read(ref *_submissionHead)) <= _submissionMask)
            {
                return;
            }
        }

        throw new IOException("io_uring takes no more requests: the kernel has no memory for them");
    }

    private void Enter(uint wait, uint flags, void* argument, nuint argumentBytes)
    {
        Volatile.Write(ref *_submissionTail, _localTail); // release: the entries are written before the kernel sees the tail
        // SAFETY: the argument is null or a structure of that many bytes on the caller's stack.
        long taken = UringImports.io_uring_enter(
            SYS_io_uring_enter, _enterDescriptor, QueuedCount, wait, flags | _enterFlags, argument, argumentBytes);
        if (taken >= 0)
        {
            unchecked
            {
                _submitted += (uint)taken;
            }

            return;
        }

        // None of these has consumed an entry. EINTR: a signal. EAGAIN: no memory for requests just now. EBUSY: completions wait in the kernel,
        // reap first. ETIME: the timeout. EBADR, among the others: completions are lost for good, and with them the requests' memory.
        Errno error = Libc.LastError();
        if (error is not (Errno.EINTR or Errno.EAGAIN or Errno.EBUSY or Errno.ETIME))
        {
            throw new IOException($"io_uring_enter failed: {error}");
        }
    }

    /// <summary>struct io_uring_rsrc_update: 16 bytes.</summary>
    private struct OwnDescriptor
    {
        public uint Offset;
        public uint Reserved;
        public ulong Value;
    }
}
