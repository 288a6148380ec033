using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Sluice.Native;
using Sluice.Native.Codecs;

namespace Sluice.Bench.Rows;

/// <summary>
/// What a PUT of a new name cannot do without, by blocking calls on threads: XXH64 of the body, a work file, its bytes, the look for an object of that
/// name, the record, the rename, and with strict both fsyncs. The calls are libc's, through the thin layer of <see cref="Libc"/>.
/// </summary>
internal static class SyscallPut
{
    private const int PieceBytes = 1 << 20;
    private const double WarmSeconds = 0.3;

    private static readonly byte[] s_record = "user.slu\0"u8.ToArray();
    private static readonly byte[] s_value = new byte[120]; // a plain object's record

    /// <summary>Runs writers and prints what they did as one JSON object.</summary>
    public static int Run(string path, long sizeBytes, int writers, double seconds, long bytesMax, bool isStrict)
    {
        string[] folders = [Path.Combine(path, "work"), Path.Combine(path, "objects")];
        Array.ForEach(folders, folder => Directory.CreateDirectory(folder));
        Check(Libc.OpenDirectory(folders[0], out int work));
        Check(Libc.OpenDirectory(folders[1], out int objects));
        var job = new Job(work, objects, sizeBytes, isStrict, $"{Environment.ProcessId:x}-{Stopwatch.GetTimestamp():x}");
        Write(job, writers, WarmSeconds, bytesMax / 8);
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
            var body = new byte[Math.Min(job.SizeBytes, PieceBytes)];
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
        byte[] name = Encoding.ASCII.GetBytes($"{job.Prefix}-{Interlocked.Increment(ref job.Names):x8}");
        Check(Libc.OpenBeneath(job.Work, name, Libc.OpenMode.CreateNew, out int file));
        hash.Reset();
        for (long offset = 0; offset < job.SizeBytes; offset += body.Length)
        {
            hash.Append(body);
            Check(Libc.Write(file, new ReadOnlySequence<byte>(body), offset, out int written));
            Check(written == body.Length ? Errno.None : Errno.ENOSPC);
        }

        _ = hash.Digest();
        if (Libc.OpenBeneath(job.Objects, name, Libc.OpenMode.Read, out _) != Errno.ENOENT)
        {
            throw new IOException("a name that is new exists");
        }

        Check(Libc.SetXattr(file, s_record, s_value));
        Check(job.IsStrict ? Libc.Sync(file) : Errno.None);
        Check(Libc.Rename(job.Work, name, job.Objects, name, 0));
        Check(job.IsStrict ? Libc.Sync(job.Objects) : Errno.None);
        Libc.Close(file);
    }

    private static void Check(Errno error)
    {
        if (error != Errno.None)
        {
            throw new IOException(error.ToString());
        }
    }

    private sealed class Job(int work, int objects, long sizeBytes, bool isStrict, string prefix)
    {
        public long Names;

        public int Work => work;

        public int Objects => objects;

        public long SizeBytes => sizeBytes;

        public bool IsStrict => isStrict;

        public string Prefix => prefix;
    }
}
