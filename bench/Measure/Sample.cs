namespace Sluice.Bench.Measure;

/// <summary>What one contender's one turn gave.</summary>
internal sealed class Sample
{
    private readonly Dictionary<Figure, double> _values = [];

    public IReadOnlyDictionary<Figure, double> Values => _values;

    /// <summary>A turn of requests; of very large ones perhaps none was whole, and what counts is the bytes.</summary>
    public static Sample OfRequests(long requests, long bytes, double seconds, double cpuSeconds)
    {
        var sample = new Sample();
        sample.Set(Figure.Requests, requests == 0 ? double.NaN : requests / seconds);
        sample.Set(Figure.Rate, bytes / seconds / (1 << 30));
        sample.Set(Figure.CpuPerRequest, cpuSeconds * 1e6 / requests);
        sample.Set(Figure.CpuPerGiB, cpuSeconds / bytes * (1 << 30));
        return sample;
    }

    /// <summary>Adds a value; one that is no finite number was not measured.</summary>
    public void Set(Figure figure, double value)
    {
        if (double.IsFinite(value))
        {
            _values[figure] = value;
        }
    }
}
