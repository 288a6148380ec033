using System.Buffers;
using System.Text;
using Sluice.Engine.Io;
using Sluice.Native;
using Sluice.Native.Uring;

namespace Sluice.Bench;

/// <summary>One verb at a time, with one and with 32 callers on a loop: what a trip to a kernel worker costs, and what stays at home.</summary>
internal static class VerbBench
{
    public static async Task RunAsync(UringFileIo ring, UringFileIo longWay, ThreadFileIo threads, RingLoop loop, FileHandle directory, int operations)
    {
        byte[] name = Encoding.ASCII.GetBytes("one");
        using FileHandle file = FileIoBench.Checked(await threads.OpenAsync(directory, name, OpenIntent.CreateNew));
        FileIoBench.Require((await threads.WriteFullyAsync(file, new ReadOnlySequence<byte>(new byte[64 << 10]), 0)).Ok);
        FileIoBench.Require((await threads.SetXattrAsync(file, XattrName.Record, new byte[120])).Ok);
        byte[] four = new byte[4096], sixtyFour = new byte[64 << 10], value = new byte[256];
        (string Name, Func<ValueTask> Verb)[] verbs =
        [
            ("nop", async () => await loop.NopAsync()),
            ("read 4 KiB, at once", async () => await ring.ReadAsync(file, four, 0)),
            ("read 4 KiB, ring", async () => await longWay.ReadAsync(file, four, 0)),
            ("read 64 KiB, at once", async () => await ring.ReadAsync(file, sixtyFour, 0)),
            ("read 64 KiB, ring", async () => await longWay.ReadAsync(file, sixtyFour, 0)),
            ("write 4 KiB, ring", async () => await ring.WriteAsync(file, new ReadOnlySequence<byte>(four), 0)),
            ("write 4 KiB, blocking", () => Blocking(Libc.Write(file.Descriptor, new ReadOnlySequence<byte>(four), 0, out _))),
            ("fgetxattr, ring", async () => await ring.GetXattrAsync(file, XattrName.Record, value)),
            ("fgetxattr, worker", async () => await threads.GetXattrAsync(file, XattrName.Record, value)),
            ("fgetxattr, blocking", () => Blocking(Libc.GetXattr(file.Descriptor, "user.slu\0"u8, value, out _))),
            ("statx, at once", async () => await ring.StatAsync(file)),
            ("statx of a name, ring", async () => await ring.StatAtAsync(directory, name)),
            ("open cached, at once, and close", async () => (await ring.OpenAsync(directory, name, OpenIntent.Read)).Value.Dispose()),
            ("open cached, at once, close by ring", async () => (await ring.OpenAsync(directory, name, OpenIntent.ReadWrite)).Value.Dispose()),
            ("open cached, ring, and close", async () => (await longWay.OpenAsync(directory, name, OpenIntent.Read)).Value.Dispose()),
            ("open of a new name (ENOENT)", async () => await ring.OpenAsync(directory, "absent"u8.ToArray(), OpenIntent.Read)),
        ];
        foreach (int callers in (int[])[1, 32])
        {
            Console.WriteLine($"{callers} callers");
            foreach ((string title, Func<ValueTask> verb) in verbs)
            {
                await ManyAsync(loop, operations / 10, callers, verb);
                MeasuredRun run = await MeasuredRun.OfAsync(operations, () => ManyAsync(loop, operations, callers, verb));
                Console.WriteLine($"  {title,-36} {run}");
            }
        }
    }

    private static Task ManyAsync(RingLoop loop, int operations, int callers, Func<ValueTask> verb)
    {
        int left = operations;
        return Task.WhenAll(Enumerable.Range(0, callers).Select(_ => loop.RunAsync(CallAsync)));

        async ValueTask<int> CallAsync()
        {
            while (--left >= 0)
            {
                await verb();
            }

            return 0;
        }
    }

    private static ValueTask Blocking(Errno error)
    {
        FileIoBench.Require(error == Errno.None);
        return default;
    }
}
