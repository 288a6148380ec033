using Sluice.Allocations.Tests.Support;

namespace Sluice.Allocations.Tests;

/// <summary>
/// GET and PUT allocate what <c>bench/allocations.json</c> says, to the byte, in the steady state: not more, and not less either, so that what was
/// won is written down. The suite runs alone in its process, which is counted whole. Which types a row allocates is told by the runtime's event
/// AllocationTick: DOTNET_EnableEventPipe=1 DOTNET_EventPipeConfig=Microsoft-Windows-DotNETRuntime:0x1:5.
/// </summary>
public sealed class AllocationTests(ITestOutputHelper output)
{
    private static object? s_kept;

    [Fact]
    public async Task GetAndPutAllocateExactlyWhatTheGateSays()
    {
        await using MeasuredServer server = await MeasuredServer.StartAsync();
        var gate = new Gate(output);
        foreach (Row row in Rows.All)
        {
            using MeasuredRequests requests = server.Requests(row);
            gate.Look(row.Name, Measurement.BytesOf(row, requests));
        }

        foreach (bool puts in (ReadOnlySpan<bool>)[false, true])
        {
            var row = new Row(puts ? "load_put_4k" : "load_get_4k");
            using var loader = new MeasuredLoader(puts);
            gate.Look(row.Name, Measurement.BytesOf(row, loader));
        }

        gate.Close();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task OneObjectOfTwentyFourBytesARequestIsNoticed(int objects)
    {
        s_kept = null;
        await using TwinServer server = await TwinServer.StartAsync(() =>
        {
            for (int i = 0; i < objects; i++)
            {
                s_kept = new object(); // header, type, and the least a heap object has room for: 3 x 8 bytes
            }
        });
        var row = new Row("twin", Row.Request("GET", "/"));
        using MeasuredRequests requests = server.Requests(row);
        Assert.Equal(24 * objects, Measurement.BytesOf(row, requests));
        Assert.Equal(objects == 0, s_kept is null);
    }
}
