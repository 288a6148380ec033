using System.Collections.Concurrent;

namespace Sluice.Engine.Names;

/// <summary>What one read of an index takes: the changes in memory, newest first, over what is stored, and their merge.</summary>
internal sealed class ReadBuffers
{
    private const int PoolMax = 32; // of pages of 10,000 names some 400 KiB each, twice: 25 MB at most
    private static readonly ConcurrentQueue<ReadBuffers> s_pool = new();

    /// <summary>Empty ones, that go back with <see cref="Return"/>.</summary>
    public static ReadBuffers Rent()
    {
        ReadBuffers buffers = s_pool.TryDequeue(out ReadBuffers? pooled) ? pooled : new();
        buffers.Clear();
        return buffers;
    }

    /// <summary>For the next who wants some.</summary>
    public static void Return(ReadBuffers buffers)
    {
        if (s_pool.Count < PoolMax)
        {
            s_pool.Enqueue(buffers);
        }
    }

    /// <summary>The newest changes.</summary>
    public NameRows Active { get; } = new();

    /// <summary>Those that are being taken over.</summary>
    public NameRows Frozen { get; } = new();

    /// <summary>The store's rows.</summary>
    public NameRows Stored { get; } = new();

    /// <summary>The answer: without names that are gone. May be empty and cut; it goes on from <see cref="Next"/> then.</summary>
    public NameRows Merged { get; } = new();

    /// <summary>Where to go on when <see cref="Merged"/> is cut.</summary>
    public byte[] Next { get; private set; } = [];

    /// <summary>All are empty.</summary>
    public void Clear()
    {
        Active.Clear();
        Frozen.Clear();
        Stored.Clear();
        Merged.Clear();
    }

    /// <summary>Fills <see cref="Merged"/>, up to where one of the three is cut.</summary>
    public void Merge()
    {
        ReadOnlySpan<NameRows> sources = [Active, Frozen, Stored];
        Span<int> at = [0, 0, 0];
        while (true)
        {
            int first = -1;
            for (int i = 0; i < sources.Length; i++)
            {
                if (at[i] == sources[i].Count)
                {
                    if (sources[i].IsCut)
                    {
                        CutBehind(sources[i].NameAt(at[i] - 1));
                        return;
                    }

                    continue;
                }

                first = first < 0 || sources[i].NameAt(at[i]).SequenceCompareTo(sources[first].NameAt(at[first])) < 0 ? i : first;
            }

            if (first < 0)
            {
                return;
            }

            ReadOnlySpan<byte> name = sources[first].NameAt(at[first]);
            long value = sources[first].ValueAt(at[first]);
            for (int i = 0; i < sources.Length; i++)
            {
                at[i] += at[i] < sources[i].Count && sources[i].NameAt(at[i]).SequenceEqual(name) ? 1 : 0;
            }

            if (value != NameValue.Gone)
            {
                Merged.Add(name, value);
            }
        }
    }

    private void CutBehind(ReadOnlySpan<byte> last)
    {
        Merged.IsCut = true;
        Next = [.. last, 0];
    }
}
