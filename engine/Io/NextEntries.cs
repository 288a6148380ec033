namespace Sluice.Engine.Io;

/// <summary>The entries of a directory that come next after a name, in byte order, up to a number of them, however many there are. Holds twice as many while it reads.</summary>
internal sealed class NextEntries(byte[] after, int countMax) : IEntrySink
{
    private readonly List<(byte[] Name, EntryKind Kind)> _entries = [];
    private bool _isCut;

    /// <inheritdoc/>
    public void Add(ReadOnlySpan<byte> name, EntryKind kind)
    {
        if (name.SequenceCompareTo(after) > 0)
        {
            _entries.Add((name.ToArray(), kind));
            if (_entries.Count == 2 * countMax)
            {
                Cut();
            }
        }
    }

    /// <summary>Answers them, and whether there are more.</summary>
    public List<(byte[] Name, EntryKind Kind)> Take(out bool isCut)
    {
        Sort();
        if (_entries.Count > countMax)
        {
            Cut();
        }

        isCut = _isCut;
        return _entries;
    }

    private void Cut()
    {
        Sort();
        _entries.RemoveRange(countMax, _entries.Count - countMax);
        _isCut = true;
    }

    private void Sort() => _entries.Sort(static (one, other) => one.Name.AsSpan().SequenceCompareTo(other.Name));
}
