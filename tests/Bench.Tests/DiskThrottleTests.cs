using Sluice.Bench.Machine;

namespace Sluice.Bench.Tests;

/// <summary>The speeds that disks of a row are given, in a directory in place of the kernel's.</summary>
public sealed class DiskThrottleTests
{
    [Fact]
    public async Task ADiskIsGivenASpeedForReadingAndOneForWriting()
    {
        CancellationToken token = TestContext.Current.CancellationToken;
        DirectoryInfo controller = Directory.CreateTempSubdirectory("sluice-bench-tests-");
        try
        {
            var throttle = new DiskThrottle(controller.FullName);
            Assert.Contains("no blkio.throttle (cgroup v1)", Assert.Throws<BenchException>(throttle.Require).Message);
            string reads = Path.Combine(controller.FullName, "blkio.throttle.read_bps_device");
            string writes = Path.Combine(controller.FullName, "blkio.throttle.write_bps_device");
            await File.WriteAllTextAsync(reads, "", token);
            Assert.Throws<BenchException>(throttle.Require); // reads alone are not enough
            await File.WriteAllTextAsync(writes, "", token);
            throttle.Require();
            await throttle.SetAsync("7:3", new DiskSpeed(200, 100), token);
            Assert.Equal(("7:3 200", "7:3 100"), (await File.ReadAllTextAsync(reads, token), await File.ReadAllTextAsync(writes, token)));
            await throttle.SetAsync("7:3", DiskSpeed.Unlimited, token);
            Assert.Equal("7:3 0", await File.ReadAllTextAsync(writes, token));
        }
        finally
        {
            controller.Delete(recursive: true);
        }
    }
}
