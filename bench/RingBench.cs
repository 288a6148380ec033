using System.Diagnostics;
using System.Globalization;
using System.Net;
using Sluice.Native;
using Sluice.Native.Uring;

namespace Sluice.Bench;

/// <summary>
/// What a ring costs by itself: a request that does nothing, waking a loop from another thread by eventfd and by IORING_OP_MSG_RING, and a small
/// message over a connection whose descriptors are registered or not. Times are of this machine; the ratios are what counts, so whatever is
/// compared runs A-B-B-A.
/// </summary>
internal static class RingBench
{
    private const RingOpcode IORING_OP_MSG_RING = (RingOpcode)40; // Linux 5.18

    public static int Run()
    {
        Print("nop, one at a time", Nops(1_000_000));
        Print("nop, 64 at a time", NopsAtOnce(4_000_000, 64));
        const int Wakes = 200_000;
        PrintPair("wake by eventfd", () => WakesByEvent(Wakes), "wake by MSG_RING", () => WakesByMessage(Wakes));
        const int Messages = 300_000;
        PrintPair("64 bytes, descriptor", () => Echo(Messages, isRegistered: false), "64 bytes, registered", () => Echo(Messages, isRegistered: true));
        return 0;
    }

    private static (double Wall, double Cpu) Nops(int count)
    {
        using var loop = new RingLoop(new RingLoopOptions());
        return loop.RunAsync(async () =>
        {
            await NopsAsync(count / 10);
            var meter = new Meter();
            await NopsAsync(count);
            return meter.Per(count);
        }).GetAwaiter().GetResult();

        async ValueTask NopsAsync(int total)
        {
            for (int i = 0; i < total; i++)
            {
                await loop.NopAsync();
            }
        }
    }

    private static (double Wall, double Cpu) NopsAtOnce(int count, int atOnce)
    {
        using var loop = new RingLoop(new RingLoopOptions());
        return loop.RunAsync(async () =>
        {
            await RunAsync(count / 10);
            var meter = new Meter();
            await RunAsync(count);
            return meter.Per(count);
        }).GetAwaiter().GetResult();

        Task RunAsync(int total)
        {
            var batch = new NopBatch(loop, total, atOnce);
            return batch.Done.Task;
        }
    }

    /// <summary>Two loops that post to each other: each post wakes a sleeping loop. CPU of both threads for each.</summary>
    private static (double Wall, double Cpu) WakesByEvent(int count)
    {
        using var one = new RingLoop(new RingLoopOptions());
        using var other = new RingLoop(new RingLoopOptions());
        var ended = new TaskCompletionSource<(double, double)>();
        int left = 0;
        Meter meter = default;
        double before = other.RunAsync(static () => ValueTask.FromResult(Meter.ThreadCpu())).GetAwaiter().GetResult();
        Action<object?> toOne = null!;
        Action<object?> toOther = _ => one.Post(toOne, null);
        toOne = _ =>
        {
            if (left-- > 0)
            {
                other.Post(toOther, null);
                return;
            }

            (double wall, double cpu) = meter.Per(count);
            _ = FinishAsync(wall, cpu);
        };
        one.Post(
            _ =>
            {
                left = count / 2;
                meter = new Meter();
                toOne(null);
            }, null);
        return ended.Task.GetAwaiter().GetResult();

        async Task FinishAsync(double wall, double cpu)
        {
            double after = await other.RunAsync(static () => ValueTask.FromResult(Meter.ThreadCpu()));
            ended.SetResult((wall, cpu + ((after - before) / count)));
        }
    }

    /// <summary>The same between two bare rings: the message is an entry of the sender's queue, a completion in the receiver's. A thread needs a ring to send.</summary>
    private static (double Wall, double Cpu) WakesByMessage(int count)
    {
        using var ready = new Barrier(2);
        int[] descriptors = new int[2];
        var results = new (double Wall, double Cpu)[2];
        Thread[] threads = [.. Enumerable.Range(0, 2).Select(index => new Thread(() =>
        {
            using var ring = new Ring(8, 16);
            descriptors[index] = ring.Descriptor;
            ready.SignalAndWait();
            var meter = new Meter();
            for (int i = 0; i < count / 2; i++)
            {
                if (index == 0)
                {
                    Send(ring, descriptors[1]);
                }

                while (!Received(ring))
                {
                    ring.SubmitAndWait(null);
                }

                if (index == 1)
                {
                    Send(ring, descriptors[0]);
                }
            }

            ring.SubmitAndWait(TimeSpan.Zero);
            results[index] = meter.Per(count);
            ready.SignalAndWait();
        }))];
        Array.ForEach(threads, static thread => thread.Start());
        Array.ForEach(threads, static thread => thread.Join());
        return (Math.Max(results[0].Wall, results[1].Wall), results[0].Cpu + results[1].Cpu);

        static void Send(Ring ring, int target)
        {
            ref SubmissionEntry entry = ref ring.Next();
            (entry.Opcode, entry.Descriptor, entry.Offset, entry.UserTag) = (IORING_OP_MSG_RING, target, 1, 2); // offset: the tag there
            entry.Flags = UringAbi.IOSQE_CQE_SKIP_SUCCESS;
        }

        static bool Received(Ring ring)
        {
            while (ring.TryTake(out CompletionEntry completion))
            {
                if (completion.UserTag == 1)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>A message to and fro over loopback, both ends on one loop, by send and multishot receive; for each way.</summary>
    private static (double Wall, double Cpu) Echo(int count, bool isRegistered)
    {
        using var loop = new RingLoop(new RingLoopOptions { ReceiveBufferCount = 8, ReceiveBufferBytes = 4096, RegisteredDescriptorCount = 2 });
        Require(Sockets.Listen(new IPEndPoint(IPAddress.Loopback, 0), 1, out int listener));
        _ = Sockets.Connect(Sockets.LocalEndPoint(listener)!, out int near);
        var accept = new Accepted();
        loop.Post(_ => loop.AcceptMultishot(accept, listener), null);
        int far = accept.Socket.Task.GetAwaiter().GetResult();
        Sockets.SetNoDelay(near);
        Sockets.SetNoDelay(far);
        (double, double) result = loop.RunAsync(async () =>
        {
            loop.Cancel(accept);
            var one = new End(loop, near, isRegistered);
            var other = new End(loop, far, isRegistered) { Peer = one };
            one.Peer = other;
            await one.RunAsync(count / 20);
            var meter = new Meter();
            await one.RunAsync(count / 2);
            (double, double) measured = meter.Per(count);
            Sockets.Shutdown(near);
            Sockets.Shutdown(far);
            return measured;
        }).GetAwaiter().GetResult();
        loop.Dispose();
        Array.ForEach([near, far, listener], Libc.Close);
        return result;
    }

    private static void Require(Errno error)
    {
        if (error != Errno.None)
        {
            throw new IOException(error.ToString());
        }
    }

    private static void PrintPair(string nameA, Func<(double, double)> a, string nameB, Func<(double, double)> b)
    {
        Print(nameA, a());
        Print(nameB, b());
        Print(nameB, b());
        Print(nameA, a());
    }

    private static void Print(string name, (double Wall, double Cpu) nanoseconds) => Console.WriteLine(
        string.Create(CultureInfo.InvariantCulture, $"{name,-22} {nanoseconds.Wall,8:0} ns   {nanoseconds.Cpu,8:0} ns of CPU   {1e9 / nanoseconds.Wall,10:0} a second"));

    /// <summary>Time and CPU of this thread since it was made, in nanoseconds.</summary>
    private readonly struct Meter
    {
        private readonly long _began = Stopwatch.GetTimestamp();
        private readonly double _cpu = ThreadCpu();

        public Meter()
        {
        }

        /// <summary>Nanoseconds that this thread has run (proc(5), schedstat).</summary>
        public static double ThreadCpu() => double.Parse(File.ReadAllText("/proc/thread-self/schedstat").Split(' ')[0], CultureInfo.InvariantCulture);

        public (double Wall, double Cpu) Per(int count) => (Stopwatch.GetElapsedTime(_began).TotalNanoseconds / count, (ThreadCpu() - _cpu) / count);
    }

    /// <summary>So many at once, each made again when it completes.</summary>
    private sealed class NopBatch
    {
        private readonly RingLoop _loop;
        private int _toBegin, _toEnd;

        public NopBatch(RingLoop loop, int total, int atOnce)
        {
            (_loop, _toBegin, _toEnd) = (loop, total, total);
            for (int i = 0; i < atOnce; i++)
            {
                Next(new Nop(this));
            }
        }

        public TaskCompletionSource Done { get; } = new();

        private void Next(Nop nop)
        {
            if (_toBegin > 0)
            {
                _toBegin--;
                _loop.Submit(nop, new SubmissionEntry { Opcode = RingOpcode.IORING_OP_NOP, Descriptor = -1 });
            }
        }

        private sealed class Nop(NopBatch batch) : RingOperation
        {
            protected override void Completed(RingCompletion completion)
            {
                batch.Next(this);
                if (--batch._toEnd == 0)
                {
                    batch.Done.SetResult();
                }
            }
        }
    }

    private sealed class Accepted : RingOperation
    {
        public TaskCompletionSource<int> Socket { get; } = new();

        protected override void Completed(RingCompletion completion) => Socket.TrySetResult(completion.Result);
    }

    /// <summary>One end of the connection: what it receives it sends back, until it has done so often enough.</summary>
    private sealed class End(RingLoop loop, int socket, bool isRegistered) : RingOperation
    {
        private readonly Sending _sending = new();
        private TaskCompletionSource _done = new();
        private RegisteredDescriptor _registered;
        private int _left;

        public End? Peer { get; set; }

        public Task RunAsync(int count)
        {
            Arm();
            Peer!.Arm();
            (_left, _done) = (count, new TaskCompletionSource());
            Send();
            return _done.Task;
        }

        protected override void Completed(RingCompletion completion)
        {
            if (completion.HasBuffer)
            {
                loop.ReceiveBuffers!.Return(completion.BufferId);
            }

            if (completion.Result <= 0)
            {
                return;
            }

            if (_left > 0 && --_left == 0)
            {
                _done.SetResult();
                return;
            }

            Send();
        }

        private void Arm()
        {
            if (InFlight)
            {
                return;
            }

            if (!isRegistered)
            {
                loop.ReceiveMultishot(this, socket);
                return;
            }

            if (!loop.TryRegisterDescriptor(socket, out _registered))
            {
                throw new IOException("the kernel registers no descriptors");
            }

            loop.ReceiveMultishot(this, _registered);
        }

        private void Send()
        {
            if (isRegistered)
            {
                loop.Send(_sending, _registered, _sending.Bytes);
            }
            else
            {
                loop.Send(_sending, socket, _sending.Bytes);
            }
        }

        private sealed class Sending : RingOperation
        {
            public byte[] Bytes { get; } = new byte[64];

            protected override void Completed(RingCompletion completion)
            {
                // The other end's receive tells that it arrived.
            }
        }
    }
}
