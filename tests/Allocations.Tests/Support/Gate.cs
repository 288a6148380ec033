using System.Globalization;
using System.Text.Json;

namespace Sluice.Allocations.Tests.Support;

/// <summary>
/// <c>bench/allocations.json</c>: a row is a number of bytes a request, or an object whose "bytes" have a "why". Every row is measured, every measured one is in it.
/// </summary>
internal sealed class Gate(ITestOutputHelper output)
{
    private readonly Dictionary<string, long> _expected = Read();
    private readonly List<string> _differing = [];

    public void Look(string row, long bytes)
    {
        bool isKnown = _expected.Remove(row, out long expected);
        string line = string.Create(CultureInfo.InvariantCulture, $"{row,-24} {bytes,5} bytes a request, the gate says {(isKnown ? expected : "nothing")}");
        output.WriteLine(line);
        if (!isKnown || bytes != expected)
        {
            _differing.Add(line);
        }
    }

    public void Close()
    {
        Assert.True(_differing.Count == 0, "bench/allocations.json says otherwise:\n" + string.Join('\n', _differing));
        Assert.Empty(_expected); // rows that nobody measures
    }

    private static Dictionary<string, long> Read()
    {
        using JsonDocument gate = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "allocations.json")));
        Dictionary<string, long> expected = [];
        foreach (JsonProperty row in gate.RootElement.EnumerateObject())
        {
            bool isExplained = row.Value.ValueKind == JsonValueKind.Object;
            long bytes = (isExplained ? row.Value.GetProperty("bytes") : row.Value).GetInt64();
            Assert.True(bytes == 0 || (isExplained && row.Value.GetProperty("why").GetString()!.Length > 0), $"{row.Name} allocates and does not say why");
            expected.Add(row.Name, bytes);
        }

        return expected;
    }
}
