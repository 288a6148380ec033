using System.Globalization;
using System.Net;
using Sluice.Native.Uring;

namespace Sluice.Allocations.Tests.Support;

/// <summary>A row's requests to a server of this process, whose loop is counted.</summary>
internal sealed class MeasuredRequests(Row row, IPEndPoint server, RingLoop loop, Func<ValueTask>? settle = null) : IMeasured, IDisposable
{
    private readonly MeasuringClient _client = new(server);
    private int _sent;

    public void Run(int count)
    {
        for (int i = 0; i < count; i++)
        {
            byte[] request = row.Requests[_sent++ % row.Requests.Length];
            if (row.NumberAt > 0)
            {
                _sent.TryFormat(request.AsSpan(row.NumberAt, Row.NumberDigits), out _, "d8", CultureInfo.InvariantCulture);
            }

            _client.Exchange(request, row.Status, row.IsHead);
        }
    }

    public void Settle() => loop.RunAsync(async () =>
    {
        await (settle?.Invoke() ?? default);
        return true;
    }).GetAwaiter().GetResult();

    public long AllocatedBytes() => loop.RunAsync(() => ValueTask.FromResult(GC.GetAllocatedBytesForCurrentThread())).GetAwaiter().GetResult();

    public void Dispose() => _client.Dispose();
}
