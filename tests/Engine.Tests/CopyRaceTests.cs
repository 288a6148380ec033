using Sluice.Engine.Tests.Support;
using Sluice.Simulation.Tests.Faults;

namespace Sluice.Engine.Tests;

/// <summary>No lock is held while a copy is read. A writer who comes in between leaves nothing damaged.</summary>
public sealed class CopyRaceTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnObjectThatIsOverwrittenOrDeletedWhileItIsCopiedIsNotDamaged(bool isDeleted)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3, """{"mirror":{"enabled":true,"copies":3}}""");
        await fixture.PutAsync("o", "first");
        await fixture.CloseAsync();
        File.Delete(Path.Combine(fixture.Paths[1], "@ais/b/%ob/o"));
        BeforeVerb? before = null;
        fixture.Over = io => before = new BeforeVerb(io);
        await fixture.OpenAsync();
        before!.Arm(DiskVerb.Create, async () => // the work file of the copy; its sources were found, and are opened next
        {
            if (isDeleted)
            {
                Assert.True((await fixture.DeleteAsync("o")).Ok);
            }
            else
            {
                await fixture.PutAsync("o", "second");
            }
        });
        Assert.Equal("first", await fixture.GetTextAsync("o")); // a copy is missing, which a reader finds out
        await fixture.RepairedAsync();
        Assert.False(before.IsArmed);
        Assert.Equal(0, (await fixture.Engine.StatusAsync()).Counters["damaged.count"]);
        Assert.Equal(isDeleted ? null : "second", await fixture.GetTextAsync("o"));
        Assert.Equal(isDeleted ? 0 : 3, fixture.Paths.Count(path => File.Exists(Path.Combine(path, "@ais/b/%ob/o"))));
    }
}
