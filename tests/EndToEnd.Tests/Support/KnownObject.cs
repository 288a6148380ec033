namespace Sluice.EndToEnd.Tests.Support;

/// <summary>
/// One name and every generation that was ever stored under it. While a write is under way, or ended without a clear answer, the generations from the last
/// acknowledged to the last issued may all be there; at any other time exactly one may. A generation without content is a name that is deleted.
/// </summary>
public sealed class KnownObject(string bucket, string name, int number, int sizeBytesMax) : IDisposable
{
    private const int SizeBytesMin = 4 << 10;

    private readonly Lock _gate = new();
    private readonly List<Content?> _generations = [null];
    private int _acknowledged;

    /// <summary>Bucket.</summary>
    public string Bucket => bucket;

    /// <summary>Name.</summary>
    public string Name => name;

    /// <summary>Held by who writes it.</summary>
    public SemaphoreSlim Writer { get; } = new(1, 1);

    /// <summary>The last generation that was acknowledged.</summary>
    public int Acknowledged => Volatile.Read(ref _acknowledged);

    /// <summary>No write of it ended without a clear answer.</summary>
    public bool IsSettled
    {
        get
        {
            lock (_gate)
            {
                return _acknowledged == _generations.Count - 1;
            }
        }
    }

    /// <summary>What was acknowledged last; null when that was a delete.</summary>
    public Content? Present
    {
        get
        {
            lock (_gate)
            {
                return _generations[_acknowledged];
            }
        }
    }

    /// <summary>What may be there since a generation was the acknowledged one.</summary>
    public Content?[] Since(int acknowledged)
    {
        lock (_gate)
        {
            return [.. _generations.Skip(acknowledged)];
        }
    }

    /// <summary>A write of new content begins: a size between 4 KiB and the largest, small ones as frequent as large ones on a logarithmic scale.</summary>
    public Content BeginPut()
    {
        lock (_gate)
        {
            int seed = (number * 1000) + _generations.Count;
            double size = SizeBytesMin * Math.Pow((double)sizeBytesMax / SizeBytesMin, new Random(seed).NextDouble());
            var content = new Content(seed, (long)size);
            _generations.Add(content);
            return content;
        }
    }

    /// <summary>A delete begins.</summary>
    public void BeginDelete()
    {
        lock (_gate)
        {
            _generations.Add(null);
        }
    }

    /// <summary>What was begun is acknowledged.</summary>
    public void Acknowledge()
    {
        lock (_gate)
        {
            Volatile.Write(ref _acknowledged, _generations.Count - 1);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Writer.Dispose();
}
