using Sluice.Engine.Io;
using Sluice.Native;

namespace Sluice.Engine.Tests;

public sealed class SharedSyncTests
{
    /// <summary>What the failed one has dropped no later one brings back, and the kernel tells it once.</summary>
    [Fact]
    public async Task OneThatSucceedsBehindOneThatFailedIsNoSuccessForWhoHadChangedTheDirectoryBefore()
    {
        var running = new List<TaskCompletionSource<IoResult>>();
        var sync = new SharedSync(() =>
        {
            running.Add(new TaskCompletionSource<IoResult>());
            return new ValueTask<IoResult>(running[^1].Task);
        });
        long atFirst = sync.FailureCount;
        Task<IoResult> first = sync.RunAsync(atFirst).AsTask();
        Task<IoResult> meanwhile = sync.RunAsync(atFirst).AsTask();
        running[0].SetResult(new IoResult(Errno.ENOSPC));
        Assert.Equal(Errno.ENOSPC, (await first).Error);
        running[1].SetResult(default);
        Assert.Equal(Errno.EIO, (await meanwhile).Error);

        Task<IoResult> late = sync.RunAsync(atFirst).AsTask(); // had changed it before, and asks behind the failure
        running[2].SetResult(default);
        Assert.Equal(Errno.EIO, (await late).Error);
        Task<IoResult> fresh = sync.RunAsync(sync.FailureCount).AsTask();
        running[3].SetResult(default);
        Assert.True((await fresh).Ok);
    }
}
