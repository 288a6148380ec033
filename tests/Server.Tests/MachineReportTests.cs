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

    [Fact]
    public void MissingProcessorFeatureIsSaidInOneSentence()
    {
        string all = string.Join(' ', CpuFeatures.Needed);
        _folder.Write("proc/cpuinfo", $"processor\t: 0\nflags\t\t: fpu {all} sse2\n");
        Assert.Null(MachineReport.Read(_folder.Path).CpuProblem);

        string some = string.Join(' ', CpuFeatures.Needed.Except(["avx2", "pclmulqdq"]));
        _folder.Write("proc/cpuinfo", $"flags\t\t: fpu {some}\n");
        Assert.Equal(
            "the processor lacks avx2, pclmulqdq, which the published binary needs (x86-64-v3 and pclmulqdq)",
            MachineReport.Read(_folder.Path).CpuProblem);
    }

    [Fact]
    public void MachineWithoutFilesIsReportedWithoutGuesses()
    {
        MachineReport machine = MachineReport.Read(_folder.Path);

        Assert.Equal(0, machine.MemoryBytes);
        Assert.Null(machine.CgroupMemoryBytes);
        Assert.Null(machine.OpenFilesMax);
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
    }

    public void Dispose() => _folder.Dispose();
}
