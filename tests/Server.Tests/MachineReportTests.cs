// Machines made of files: /proc and the two kinds of cgroup files.
using Sluice.Server.Settings;
using Sluice.Server.Tests.Support;

namespace Sluice.Server.Tests;

public sealed class MachineReportTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Theory]
    [InlineData("0::/", "sys/fs/cgroup/memory.max", "1073741824")]
    [InlineData("0::/a/b", "sys/fs/cgroup/a/b/memory.max", "1073741824")]
    [InlineData("0::/a/b", "sys/fs/cgroup/a/memory.max", "1073741824")]
    [InlineData("0::/not/mounted/here", "sys/fs/cgroup/memory.max", "1073741824")]
    [InlineData("0::/../escaped", "sys/fs/cgroup/memory.max", "1073741824")]
    [InlineData("9:name=systemd:/\n4:memory:/a\n0::/", "sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1073741824")]
    [InlineData("4:hugetlb,memory:/a", "sys/fs/cgroup/memory/memory.limit_in_bytes", "1073741824")]
    [InlineData("4:cpu:/\n0::/x", "sys/fs/cgroup/unified/x/memory.max", "1073741824")]
    public void LimitOfAGroupOrOfOneAboveItIsFound(string groups, string file, string limit)
    {
        _folder.Write("proc/self/cgroup", groups + "\n");
        _folder.Write(file, limit + "\n");

        Assert.Equal(1L << 30, MachineReport.Read(_folder.Path).CgroupMemoryBytes);
    }

    [Theory]
    [InlineData("0::/a", "sys/fs/cgroup/a/memory.max", "max")]
    [InlineData("4:memory:/a", "sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712")]
    [InlineData("4:memory:/a", "sys/fs/cgroup/memory/a/memory.limit_in_bytes", "nonsense")]
    [InlineData("4:cpu:/a", "sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1073741824")]
    [InlineData("garbage", "sys/fs/cgroup/memory.max", "1073741824")]
    public void NoLimitIsNull(string groups, string file, string limit)
    {
        _folder.Write("proc/self/cgroup", groups + "\n");
        _folder.Write(file, limit + "\n");

        Assert.Null(MachineReport.Read(_folder.Path).CgroupMemoryBytes);
    }

    [Fact]
    public void LeastOfNestedLimitsHolds()
    {
        _folder.Write("proc/self/cgroup", "0::/a/b\n");
        _folder.Write("sys/fs/cgroup/a/memory.max", "500000000\n");
        _folder.Write("sys/fs/cgroup/a/b/memory.max", "900000000\n");

        Assert.Equal(500_000_000, MachineReport.Read(_folder.Path).CgroupMemoryBytes);
    }

    [Theory]
    [InlineData("max", 4000)]
    [InlineData("2097152000", 2000)]
    [InlineData("8388608000", 4000)]
    public void DefaultMemoryIsAQuarterOfMachineOrGroupWhicheverIsLess(string limit, long usableMiB)
    {
        _folder.Write("proc/meminfo", "MemTotal:        4096000 kB\nMemFree:          100 kB\n");
        _folder.Write("proc/self/cgroup", "0::/\n");
        _folder.Write("sys/fs/cgroup/memory.max", limit);
        MachineReport machine = MachineReport.Read(_folder.Path);

        Assert.Equal(usableMiB << 20, machine.UsableMemoryBytes);
        Assert.Equal((usableMiB << 20) / 4, SettingsReader.Read(_folder.Sources() with { Machine = machine }).Settings!.MemoryBytes);
    }

    [Fact]
    public void SmallMachineGetsTheLeastBudget() => Assert.Equal(
        SettingsTable.MemoryBytesMin,
        SettingsReader.Read(_folder.Sources() with { Machine = TestMachine.With(memoryMiB: 100) }).Settings!.MemoryBytes);

    [Theory]
    [InlineData("1024                 524288               files", 1024L)]
    [InlineData("unlimited            unlimited            files", null)]
    public void OpenFileLimitIsTheSoftOne(string limits, long? expected)
    {
        _folder.Write("proc/self/limits", $"Limit   Soft Limit  Hard Limit  Units\nMax open files            {limits}\n");

        Assert.Equal(expected, MachineReport.Read(_folder.Path).OpenFilesMax);
    }

    [Theory]
    [InlineData("8388608              9999999              bytes", "CapEff:\t0000000000000000", 8L << 20)]
    [InlineData("8388608              9999999              bytes", "CapEff:\t000001ffffffbfff", 8L << 20)] // all capabilities but that one
    [InlineData("8388608              9999999              bytes", "CapEff:\t0000000000004000", null)]
    [InlineData("8388608              9999999              bytes", "Name:\tsluice", 8L << 20)]
    [InlineData("unlimited            unlimited            bytes", "CapEff:\t0000000000000000", null)]
    public void LimitOfPinnedMemoryIsTheSoftOneWhereItHolds(string limits, string status, long? expected)
    {
        _folder.Write("proc/self/limits", $"Limit   Soft Limit  Hard Limit  Units\nMax locked memory         {limits}\n");
        _folder.Write("proc/self/status", status + "\nThreads:\t1\n");

        Assert.Equal(expected, MachineReport.Read(_folder.Path).LockedBytesMax);
    }

    [Fact]
    public void ProcessorThatHasAllIsNoProblem()
    {
        _folder.Write("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu avx sse2\n");

        Assert.Null(MachineReport.Read(_folder.Path, Processor()).CpuProblem);
    }

    [Theory]
    [InlineData(1, "ecx", 1, "pclmulqdq")]
    [InlineData(1, "ecx", 12, "fma")]
    [InlineData(7, "ebx", 5, "avx2")]
    [InlineData(unchecked((int)0x80000001), "ecx", 5, "lzcnt")]
    public void MissingProcessorFeatureIsSaidInOneSentence(int leaf, string register, int bit, string name)
    {
        _folder.Write("proc/cpuinfo", $"flags\t\t: fpu avx {name}\n");

        Assert.Equal(
            $"the processor lacks {name}, which the published binary needs (x86-64-v3 and pclmulqdq)",
            MachineReport.Read(_folder.Path, Processor(leaf, register, bit)).CpuProblem);
    }

    [Fact]
    public void ProcessorWithoutExtendedLeavesLacksWhatTheyTell()
    {
        // A processor answers for a leaf it lacks with its last basic one: all bits set here.
        MachineReport machine = MachineReport.Read(
            _folder.Path,
            leaf => leaf switch { 0 => new CpuLeaf(1, 0, 0, 0), unchecked((int)0x80000000) => new CpuLeaf(1, -1, -1, -1), _ => new CpuLeaf(-1, -1, -1, -1) });

        Assert.Equal(["lahf-sahf", "avx2", "bmi1", "bmi2", "lzcnt"], machine.MissingCpuFeatures);
    }

    [Fact]
    public void KernelThatDoesNotKeepAvxRegistersIsAProblem()
    {
        _folder.Write("proc/cpuinfo", "flags\t\t: fpu sse2 xavx\n");

        Assert.Equal(["avx registers kept by the kernel"], MachineReport.Read(_folder.Path, Processor()).MissingCpuFeatures);
    }

    [Fact]
    public void MachineWithoutFilesIsReportedWithoutGuesses()
    {
        MachineReport machine = MachineReport.Read(_folder.Path, _ => default);

        Assert.Equal(0, machine.MemoryBytes);
        Assert.Null(machine.CgroupMemoryBytes);
        Assert.Null(machine.OpenFilesMax);
        Assert.Null(machine.LockedBytesMax);
        Assert.Empty(machine.Kernel);
        Assert.Equal(CpuFeatures.Needed, machine.MissingCpuFeatures);
    }

    [Fact]
    public void ThisMachineIsRead()
    {
        MachineReport machine = MachineReport.Read();

        Assert.InRange(machine.MemoryBytes, 64L << 20, 1L << 50);
        Assert.NotEmpty(machine.Kernel);
        Assert.True(machine.Cores > 0);
        Assert.Equal(!System.Runtime.Intrinsics.X86.Lzcnt.IsSupported, machine.MissingCpuFeatures.Contains("lzcnt"));
        Assert.Equal(!System.Runtime.Intrinsics.X86.Avx2.IsSupported, machine.MissingCpuFeatures.Contains("avx2"));
    }

    /// <summary>A processor with every feature but one bit.</summary>
    private static Func<int, CpuLeaf> Processor(int withoutLeaf = 0, string register = "", int bit = 0) => leaf =>
    {
        int cleared = leaf == withoutLeaf ? ~(1 << bit) : -1;
        return (leaf & int.MaxValue) == 0
            ? new CpuLeaf(leaf | 0x20, 0, 0, 0)
            : new CpuLeaf(-1, register == "ebx" ? cleared : -1, register == "ecx" ? cleared : -1, -1);
    };

    public void Dispose() => _folder.Dispose();
}
