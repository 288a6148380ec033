using System.Globalization;
using System.Runtime.InteropServices;

[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]

namespace Sluice.Native.Tests.Support;

/// <summary>System calls that only tests need: to make descriptors of each kind, to send signals, to lower limits.</summary>
internal static class Kernel
{
    private const int RLIMIT_NOFILE = 7, RLIMIT_MEMLOCK = 8, LINUX_CAPABILITY_VERSION_3 = 0x20080522, CAP_IPC_LOCK = 14;
    private const int O_RDWR = 2, O_CLOEXEC = 0x80000, AF_UNIX = 1, SOCK_STREAM = 1;

    /// <summary>A pipe: what is written to the second is read from the first.</summary>
    public static (int Read, int Write) Pipe()
    {
        int[] ends = new int[2];
        Require(pipe2(ends, O_CLOEXEC));
        return (ends[0], ends[1]);
    }

    /// <summary>Two connected sockets, which block.</summary>
    public static (int One, int Other) SocketPair()
    {
        int[] ends = new int[2];
        Require(socketpair(AF_UNIX, SOCK_STREAM | O_CLOEXEC, 0, ends));
        return (ends[0], ends[1]);
    }

    /// <summary>A named pipe, open both ways: reading blocks until somebody writes.</summary>
    public static int OpenFifo(string path)
    {
        MakeFifo(path);
        return Require(open(path, O_RDWR | O_CLOEXEC, 0));
    }

    public static void MakeFifo(string path) => Require(mkfifo(path, Convert.ToInt32("600", 8)));

    public static void Write(int descriptor, byte[] bytes) => Assert.Equal(bytes.Length, (int)write(descriptor, bytes, bytes.Length));

    public static int Duplicate(int descriptor) => dup(descriptor);

    /// <summary>A connection that waits in a listener that does not block; negative when there is none.</summary>
    public static int Accept(int listener) => accept4(listener, 0, 0, O_CLOEXEC);

    /// <summary>Writes a file's pages to its disk and drops them.</summary>
    public static void DropPages(int file)
    {
        const int POSIX_FADV_DONTNEED = 4;
        Require(fsync(file));
        Assert.Equal(0, posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED));
    }

    public static int ThreadId() => gettid();

    /// <summary>Sends a signal to one thread of this process.</summary>
    public static void Signal(int thread, int signal) => Require(tgkill(Environment.ProcessId, thread, signal));

    /// <summary>Runs with another limit of open files (soft), and restores it.</summary>
    public static void WithDescriptorLimit(ulong limit, Action action) => WithLimit(RLIMIT_NOFILE, limit, action);

    /// <summary>
    /// Runs with a limit of locked memory in bytes, on a thread of its own that lacks CAP_IPC_LOCK, as do the threads that it makes: capabilities
    /// are the thread's, limits the process's.
    /// </summary>
    public static void WithLockedMemoryLimit(ulong limit, Action action) => WithLimit(RLIMIT_MEMLOCK, limit, () =>
    {
        Exception? problem = null;
        var thread = new Thread(() =>
        {
            try
            {
                DropLockCapability();
                action();
            }
            catch (Exception caught)
            {
                problem = caught;
            }
        });
        thread.Start();
        thread.Join();
        if (problem is not null)
        {
            throw new InvalidOperationException("on the thread without CAP_IPC_LOCK", problem);
        }
    });

    /// <summary>Open descriptors, those not counted that only the collector has not closed yet.</summary>
    public static int DescriptorCount()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return Directory.GetFileSystemEntries("/proc/self/fd").Length;
    }

    /// <summary>Names of this process's threads; io_uring's blocking workers are called "iou-wrk-" and their owner.</summary>
    public static List<string> ThreadNames()
    {
        List<string> names = [];
        foreach (string task in Directory.GetDirectories("/proc/self/task"))
        {
            try
            {
                names.Add(File.ReadAllText(task + "/comm").TrimEnd('\n'));
            }
            catch (IOException)
            {
                // It has ended meanwhile.
            }
        }

        return names;
    }

    public static int WorkerCount(int owner)
    {
        string name = "iou-wrk-" + owner.ToString(CultureInfo.InvariantCulture);
        return ThreadNames().Count(thread => thread == name);
    }

    /// <summary>Waits for a condition; false when it does not come within half a minute.</summary>
    public static bool Eventually(Func<bool> condition) => SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(30));

    private static void WithLimit(int resource, ulong limit, Action action)
    {
        Limit before = default;
        Require(prlimit(0, resource, 0, ref before));
        var lower = before with { Soft = Math.Min(limit, before.Hard) };
        Require(setrlimit(resource, ref lower));
        try
        {
            action();
        }
        finally
        {
            Require(setrlimit(resource, ref before));
        }
    }

    private static void DropLockCapability()
    {
        var header = new CapabilityHeader { Version = LINUX_CAPABILITY_VERSION_3 };
        var sets = new uint[6]; // effective, permitted, inheritable; each in two halves
        Require(capget(ref header, sets));
        sets[0] &= ~(1u << CAP_IPC_LOCK);
        Require(capset(ref header, sets));
    }

    private static int Require(int result) => result >= 0 ? result : throw new InvalidOperationException($"errno {Marshal.GetLastPInvokeError()}");

    [DllImport("libc", SetLastError = true)]
    private static extern int pipe2(int[] ends, int flags);

    [DllImport("libc", SetLastError = true)]
    private static extern int socketpair(int family, int type, int protocol, int[] ends);

    [DllImport("libc", SetLastError = true)]
    private static extern int mkfifo([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int mode);

    [DllImport("libc", SetLastError = true)]
    private static extern int open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, int mode);

    [DllImport("libc", SetLastError = true)]
    private static extern nint write(int descriptor, byte[] bytes, nint count);

    [DllImport("libc", SetLastError = true)]
    private static extern int dup(int descriptor);

    [DllImport("libc", SetLastError = true)]
    private static extern int accept4(int listener, nint address, nint addressBytes, int flags);

    [DllImport("libc", SetLastError = true)]
    private static extern int fsync(int descriptor);

    [DllImport("libc", EntryPoint = "posix_fadvise64")]
    private static extern int posix_fadvise(int descriptor, long offset, long bytes, int advice);

    [DllImport("libc")]
    private static extern int gettid();

    [DllImport("libc", SetLastError = true)]
    private static extern int tgkill(int process, int thread, int signal);

    [DllImport("libc", SetLastError = true)]
    private static extern int setrlimit(int resource, ref Limit limit);

    [DllImport("libc", SetLastError = true)]
    private static extern int prlimit(int process, int resource, nint change, ref Limit before);

    [DllImport("libc", SetLastError = true)]
    private static extern int capget(ref CapabilityHeader header, uint[] sets);

    [DllImport("libc", SetLastError = true)]
    private static extern int capset(ref CapabilityHeader header, uint[] sets);

    [StructLayout(LayoutKind.Sequential)]
    private record struct Limit(ulong Soft, ulong Hard);

    [StructLayout(LayoutKind.Sequential)]
    private struct CapabilityHeader
    {
        public uint Version;
        public int Process;
    }
}
