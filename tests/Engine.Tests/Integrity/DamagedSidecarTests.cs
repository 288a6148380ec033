using Sluice.Engine.Tests.Scrub;

namespace Sluice.Engine.Tests.Integrity;

/// <summary>The record of an object names its sidecar, whatever became of that one: it goes with the object, and no file is left that nobody can tell the owner of.</summary>
public sealed class DamagedSidecarTests
{
    [Theory]
    [InlineData("overwritten")]
    [InlineData("deleted")]
    public async Task ADamagedSidecarGoesWithItsObject(string how)
    {
        await using ScrubBench bench = await ScrubBench.NewAsync();
        await bench.PutAsync("o", [1], ScrubBench.Pairs(1000));
        await bench.Fixture.Engine.FlushAsync();
        ScrubBench.Flip(Assert.Single(bench.Sidecars()), 30, 1);
        await bench.Fixture.CloseAsync();
        await bench.Fixture.OpenAsync(); // what is known of it comes from the disk
        Assert.Equal(["sidecar o"], await bench.FindingsAsync());
        if (how == "deleted")
        {
            Assert.True((await bench.Fixture.DeleteAsync("o")).Ok);
        }
        else
        {
            await bench.PutAsync("o", [2]);
        }

        await bench.Fixture.Engine.FlushAsync();
        Assert.Empty(bench.Sidecars());
        Assert.Empty(await bench.FindingsAsync());
    }
}
