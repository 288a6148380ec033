using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Sluice.Native;
using Sluice.Native.Codecs;

namespace Sluice.Bench.Rows;

/// <summary>
/// What a PUT of a new name cannot do without, by blocking calls on threads: XXH64 of the body, a work file, its bytes, the look for an object of that
/// name, the record, the rename, and with strict both fsyncs; or another way to do the same. The calls are libc's, through the thin layer of <see cref="Libc"/>.
/// </summary>
internal static class SyscallPut
{
    private const int PieceBytes = 1 << 20;
    private const double WarmSeconds = 0.3;
    private const int MadeAheadMax = 150_000; // more than a turn of a few seconds takes; who comes later makes his own

    private static readonly byte[] s_record = "user.slu\0"u8.ToArray();
    private static readonly byte[] s_value = new byte[120]; // a plain object's record

    /// <summary>Runs writers and prints what they did as one JSON object.</summary>
    public static int Run(string path, long sizeBytes, int writers, double seconds, long bytesMax, bool isStrict, PutWays ways)
    {
        var job = new Job(path, sizeBytes, isStrict, ways);
        Write(job, writers, WarmSeconds, bytesMax / 8);
        job.MakeAhead((int)Math.Min(MadeAheadMax, bytesMax / sizeBytes));
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        long started = Stopwatch.GetTimestamp();
        double[] micros = Write(job, writers, seconds, bytesMax);
        double elapsed = Stopwatch.GetElapsedTime(started).TotalSeconds;
        cpu = Environment.CpuUsage.TotalTime - cpu;
        Array.Sort(micros);
        double p50 = At(micros, 0.5), p99 = At(micros, 0.99), p999 = At(micros, 0.999);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"requests":{{micros.Length}},"seconds":{{elapsed}},"cpu":{{cpu.TotalSeconds}},"p50":{{p50}},"p99":{{p99}},"p999":{{p999}} }"""));
        return 0;
    }

    private static double At(double[] sorted, double share) => sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * share))];

    /// <summary>All writers until the time or the bytes are used up; the time of each PUT.</summary>
    private static double[] Write(Job job, int writers, double seconds, long bytesMax)
    {
        long left = Math.Max(writers, bytesMax / job.SizeBytes);
        long started = Stopwatch.GetTimestamp();
        var times = new List<double>[writers];
        Thread[] threads = [.. Enumerable.Range(0, writers).Select(writer => new Thread(() =>
        {
            List<double> mine = times[writer] = [];
            byte[] body = GC.AllocateArray<byte>((int)Math.Min(job.SizeBytes, PieceBytes), pinned: true);
            using XxHashStream hash = XxHashStream.New64();
            while (Stopwatch.GetElapsedTime(started).TotalSeconds < seconds && Interlocked.Decrement(ref left) >= 0)
            {
                long from = Stopwatch.GetTimestamp();
                Put(job, body, hash);
                mine.Add(Stopwatch.GetElapsedTime(from).TotalMicroseconds);
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        return [.. times.SelectMany(mine => mine)];
    }

    private static void Put(Job job, byte[] body, XxHashStream hash)
    {
        long number = Interlocked.Increment(ref job.Names);
        int objects = job.Objects[number % job.Objects.Length];
        byte[] name = Encoding.ASCII.GetBytes($"{job.Prefix}-{number:x8}");
        bool isNameless = job.Has(PutWays.Nameless);
        bool isMade = job.TryTakeMade(out byte[]? made);
        byte[] work = made ?? name;
        int file;
        Check(isMade ? Libc.OpenBeneath(job.Work, work, Libc.OpenMode.ReadWrite, out file) : isNameless ? PutCalls.OpenNameless(job.Work, out file) : Libc.OpenBeneath(job.Work, name, Libc.OpenMode.CreateNew, out file));
        Write(job, body, hash, file);
        if (Libc.OpenBeneath(objects, name, Libc.OpenMode.Read, out _) != Errno.ENOENT)
        {
            throw new IOException("a name that is new exists");
        }

        Check(Libc.SetXattr(file, s_record, s_value));
        if (job.IsStrict)
        {
            SyncContent(job, file);
        }

        Check(isNameless ? PutCalls.Link(file, objects, name) : Libc.Rename(job.Work, work, objects, name, 0));
        if (job.IsStrict)
        {
            SyncDirectory(job, objects);
        }

        Libc.Close(file);
    }

    private static void Write(Job job, byte[] body, XxHashStream hash, int file)
    {
        if (job.Has(PutWays.Allocated))
        {
            Check(PutCalls.Allocate(file, job.SizeBytes));
        }

        hash.Reset();
        for (long offset = 0; offset < job.SizeBytes; offset += body.Length)
        {
            hash.Append(body);
            int written;
            Check(job.Has(PutWays.Uncached) ? PutCalls.WriteUncached(file, body, offset, out written) : Libc.Write(file, new ReadOnlySequence<byte>(body), offset, out written));
            Check(written == body.Length ? Errno.None : Errno.ENOSPC);
            if (job.Has(PutWays.Paced))
            {
                Check(PutCalls.StartWriteBack(file, offset, body.Length));
            }
        }

        _ = hash.Digest();
    }

    private static void SyncContent(Job job, int file)
    {
        if (job.Has(PutWays.FileSystemSync))
        {
            job.FileSystemSync.Wait();
        }
        else
        {
            Check(Libc.Sync(file));
        }
    }

    private static void SyncDirectory(Job job, int objects)
    {
        if (job.Has(PutWays.SharedDirectorySync))
        {
            job.DirectorySync.Wait();
        }
        else
        {
            Check(Libc.Sync(objects));
        }
    }

    private static void Check(Errno error)
    {
        if (error != Errno.None)
        {
            throw new IOException(error.ToString());
        }
    }

    private sealed class Job
    {
        private const int Directories = 256;

        private readonly PutWays _ways;
        private readonly ConcurrentStack<byte[]> _made = new();

        public long Names;

        public Job(string path, long sizeBytes, bool isStrict, PutWays ways)
        {
            (SizeBytes, IsStrict, _ways) = (sizeBytes, isStrict, ways);
            Work = Open(Path.Combine(path, "work"));
            Objects = Has(PutWays.ManyDirectories)
                ? [.. Enumerable.Range(0, Directories).Select(i => Open(Path.Combine(path, "objects", i.ToString("x2", CultureInfo.InvariantCulture))))]
                : [Open(Path.Combine(path, "objects"))];
            DirectorySync = new GroupSync(() => Check(Libc.Sync(Objects[0])));
            FileSystemSync = new GroupSync(() => Check(Libc.SyncFileSystem(Work)));
        }

        public int Work { get; }

        public int[] Objects { get; }

        public GroupSync DirectorySync { get; }

        public GroupSync FileSystemSync { get; }

        public long SizeBytes { get; }

        public bool IsStrict { get; }

        public string Prefix { get; } = $"{Environment.ProcessId:x}-{Stopwatch.GetTimestamp():x}";

        /// <summary>Makes so many empty work files, when that is the way.</summary>
        public void MakeAhead(int count)
        {
            for (int i = 0; i < count && Has(PutWays.MadeAhead); i++)
            {
                byte[] name = Encoding.ASCII.GetBytes($"{Prefix}-made-{i:x}");
                Check(Libc.OpenBeneath(Work, name, Libc.OpenMode.CreateNew, out int file));
                Libc.Close(file);
                _made.Push(name);
            }
        }

        /// <summary>The name of a work file that was made ahead, for one taker.</summary>
        public bool TryTakeMade([NotNullWhen(true)] out byte[]? name) => _made.TryPop(out name);

        public bool Has(PutWays way) => (_ways & way) != 0;

        private static int Open(string path)
        {
            Check(Libc.OpenDirectory(Directory.CreateDirectory(path).FullName, out int directory));
            return directory;
        }
    }
}
