using System.Buffers;
using System.Globalization;
using System.Text;
using Sluice.Engine.Io;
using Sluice.Native;
using Sluice.Native.Uring;

namespace Sluice.Bench;

/// <summary>
/// What the disk verbs of a small PUT and of a GET cost over the ring and its alternatives (docs/decisions/0003-file-io-on-the-ring.md). Each variant
/// runs twice, in the order A-B-C-C-B-A, with 1 and with 32 callers on one loop.
/// </summary>
internal static class FileIoBench
{
    private static readonly byte[] s_payload = new byte[4096];
    private static readonly byte[] s_record = new byte[120]; // a plain object's record
    private static int s_names;

    /// <summary>How a caller gets its verbs done.</summary>
    private sealed record Variant(string Name, IFileIo Io, bool OnLoop = true, bool OnWorker = false);

    public static async Task<int> RunAsync(string verb, string directory, string[] rest)
    {
        int operations = rest.Length > 0 ? int.Parse(rest[0], CultureInfo.InvariantCulture) : 20_000;
        using var loop = new RingLoop(new RingLoopOptions());
        using var ring = new UringFileIo([loop]);
        using var longWay = new UringFileIo([loop], inlineBytesMax: 0);
        using var threads = new ThreadFileIo(64);
        using FileHandle home = (await threads.OpenRootAsync(Directory.CreateDirectory(Path.Combine(directory, $"bench-{Environment.ProcessId}")).FullName)).Value;
        using FileHandle work = await MakeAsync(threads, home, "work");
        using FileHandle objects = await MakeAsync(threads, home, "objects");
        var bench = new Places(loop, work, objects);
        Variant[] variants = Variants(ring, longWay, threads);
        variants = rest.Length > 1 ? [.. variants.Where(variant => rest[1].Split('|').Contains(variant.Name))] : variants;
        try
        {
            switch (verb)
            {
                case "put" or "put-strict":
                    bool strict = verb == "put-strict";
                    await CompareAsync(variants, bench, operations, io => PutAsync(io, bench, strict));
                    return 0;
                case "get":
                    await FillAsync(threads, bench, 1000);
                    await CompareAsync(variants, bench, operations, io => GetAsync(io, bench, 1000));
                    return 0;
                case "verbs":
                    await VerbBench.RunAsync(ring, longWay, threads, loop, work, operations);
                    return 0;
                case "cold":
                    await ColdReadBench.RunAsync(ring, loop, directory);
                    return 0;
                default:
                    return 2;
            }
        }
        finally
        {
            Directory.Delete(Path.Combine(directory, $"bench-{Environment.ProcessId}"), recursive: true);
        }
    }

    private static Variant[] Variants(UringFileIo ring, UringFileIo longWay, ThreadFileIo threads) =>
    [
        new("ring", ring),
        new("ring, nothing linked", new InlineFileIo(ring, InlineVerbs.None)),
        new("ring, nothing at once", longWay),
        new("ring, fgetxattr on the loop", new InlineFileIo(ring, InlineVerbs.GetXattr)),
        new("ring, both xattr verbs on the loop", new InlineFileIo(ring, InlineVerbs.GetXattr | InlineVerbs.SetXattr)),
        new("ring, xattr and write on the loop", new InlineFileIo(ring, InlineVerbs.GetXattr | InlineVerbs.SetXattr | InlineVerbs.Write)),
        new("all on the loop, blocking", new InlineFileIo(ring, InlineVerbs.All)),
        new("workers, each verb", threads),
        new("workers, the whole request", threads, OnWorker: true),
        new("threads without a loop", threads, OnLoop: false),
        new("ring without a loop", ring, OnLoop: false),
    ];

    private static async Task CompareAsync(Variant[] variants, Places places, int operations, Func<IFileIo, ValueTask> operation)
    {
        foreach (int callers in (int[])[1, 32])
        {
            Console.WriteLine($"{callers} callers, {operations} operations a run");
            var sums = new Dictionary<string, MeasuredRun>();
            foreach (Variant variant in variants.Concat(variants.Reverse()))
            {
                await RunOnceAsync(variant, places, Math.Max(200, operations / 20), callers, operation); // warm
                await places.Loop.RunAsync(() => { places.Loop.ResetLongestIteration(); return new ValueTask<int>(0); });
                MeasuredRun run = await RunOnceAsync(variant, places, operations, callers, operation);
                sums[variant.Name] = sums.TryGetValue(variant.Name, out MeasuredRun before) ? before.With(run) : run;
                Console.WriteLine($"    {variant.Name,-36} {run}  longest pass {places.Loop.LongestIteration.TotalMilliseconds:f1} ms");
            }

            foreach (Variant variant in variants)
            {
                Console.WriteLine($"  {variant.Name,-36} {sums[variant.Name]}");
            }
        }
    }

    private static Task<MeasuredRun> RunOnceAsync(Variant variant, Places places, int operations, int callers, Func<IFileIo, ValueTask> operation) =>
        MeasuredRun.OfAsync(operations, async () =>
        {
            int left = operations;
            Task[] all = [.. Enumerable.Range(0, callers).Select(_ => variant.OnLoop
                ? places.Loop.RunAsync(() => CallAsync()) as Task
                : Task.Run(async () => await CallAsync()))];
            await Task.WhenAll(all);

            async ValueTask<int> CallAsync()
            {
                while (Interlocked.Decrement(ref left) >= 0)
                {
                    if (variant.OnWorker)
                    {
                        await OnWorkerAsync(variant.Io, places, operation);
                    }
                    else
                    {
                        await operation(variant.Io);
                    }
                }

                return 0;
            }
        });

    /// <summary>One hop there, by a verb that costs nothing; the awaits of the operation are complete at once there; one hop back, by the loop's context.</summary>
    private static async ValueTask OnWorkerAsync(IFileIo io, Places places, Func<IFileIo, ValueTask> operation)
    {
        await io.StatAsync(places.Work).ConfigureAwait(false);
        await operation(io).ConfigureAwait(false);
    }

    /// <summary>The verbs of a small PUT of a new name, as engine/Objects makes them when its directories are open.</summary>
    private static async ValueTask PutAsync(IFileIo io, Places places, bool strict)
    {
        byte[] name = Encoding.ASCII.GetBytes($"n{Interlocked.Increment(ref s_names):x8}");
        using FileHandle file = Checked(await io.OpenAsync(places.Work, name, OpenIntent.CreateNew));
        IoResult written = await io.WriteFullyAsync(file, new ReadOnlySequence<byte>(s_payload), 0);
        IoResult<FileHandle> before = await io.OpenAsync(places.Objects, name, OpenIntent.Read);
        Require(written.Ok && before.Error == Errno.ENOENT);
        Require((strict ? await io.SetXattrAndSyncAsync(file, XattrName.Record, s_record) : await io.SetXattrAsync(file, XattrName.Record, s_record)).Ok);
        Require((await io.RenameAsync(places.Work, name, places.Objects, name, RenameMode.Replace)).Ok);
        Require(!strict || (await io.SyncAsync(places.Objects)).Ok);
    }

    /// <summary>A GET whose object is in no cache of ours, and whose inode and pages are in the kernel's.</summary>
    private static async ValueTask GetAsync(IFileIo io, Places places, int objects)
    {
        byte[] name = Encoding.ASCII.GetBytes($"o{Interlocked.Increment(ref s_names) % objects:x8}");
        using FileHandle file = Checked(await io.OpenAsync(places.Objects, name, OpenIntent.Read));
        Require((await io.StatAsync(file)).Value.SizeBytes == s_payload.Length);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(s_payload.Length);
        Require((await io.GetXattrAsync(file, XattrName.Record, buffer)).Value == s_record.Length);
        Require((await io.ReadFullyAsync(file, buffer.AsMemory(0, s_payload.Length), 0)).Value == s_payload.Length);
        ArrayPool<byte>.Shared.Return(buffer);
    }

    private static async Task FillAsync(IFileIo io, Places places, int objects)
    {
        for (int i = 0; i < objects; i++)
        {
            using FileHandle file = Checked(await io.OpenAsync(places.Objects, Encoding.ASCII.GetBytes($"o{i:x8}"), OpenIntent.CreateNew));
            Require((await io.WriteFullyAsync(file, new ReadOnlySequence<byte>(s_payload), 0)).Ok);
            Require((await io.SetXattrAsync(file, XattrName.Record, s_record)).Ok);
        }
    }

    private static async Task<FileHandle> MakeAsync(IFileIo io, FileHandle home, string name)
    {
        Require((await io.MakeDirectoryAsync(home, Encoding.ASCII.GetBytes(name))).Ok);
        return Checked(await io.OpenAsync(home, Encoding.ASCII.GetBytes(name), OpenIntent.Directory));
    }

    public static T Checked<T>(IoResult<T> result) => result.Ok ? result.Value : throw new IOException(result.Error.ToString());

    public static void Require(bool holds)
    {
        if (!holds)
        {
            throw new IOException("a verb did not do what it should");
        }
    }

    private sealed record Places(RingLoop Loop, FileHandle Work, FileHandle Objects);
}
