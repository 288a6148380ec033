namespace Sluice.Endurance.Tests.Crash;

/// <summary>What a state that was found says of the store.</summary>
public enum Verdict
{
    /// <summary>It may be.</summary>
    Fine,

    /// <summary>What was acknowledged, and durable by its bucket's word, is gone; or what had gone is back.</summary>
    Lost,

    /// <summary>Nobody ever asked for it.</summary>
    Unknown,
}

/// <summary>
/// What one name may be after a crash. A state is the number of a PUT, or <see cref="Absent"/>. Each attempt adds one; an acknowledgement demands that this state or
/// that of a later attempt is there. One writer at a time.
/// </summary>
public sealed class NameHistory
{
    /// <summary>The state of a name that does not exist.</summary>
    public const int Absent = 0;

    private readonly List<int> _states = [Absent]; // the first one is what was found after the last crash: durable
    private readonly HashSet<int> _old = []; // states that were once and may never be again
    private int _acknowledged;
    private int _durable;
    private int _numbers;

    /// <summary>What it is now, if all attempts were acknowledged.</summary>
    public int Now => _states[^1];

    /// <summary>A DELETE was attempted that a crash may have stopped half-way.</summary>
    public bool MayBeHalfDeleted => _states.IndexOf(Absent, _durable + 1) >= 0;

    /// <summary>A PUT is attempted; answers its number.</summary>
    public int Put() => Attempt(++_numbers);

    /// <summary>A DELETE is attempted.</summary>
    public void Delete() => Attempt(Absent);

    /// <summary>Any state is attempted.</summary>
    public int Attempt(int state)
    {
        _states.Add(state);
        return state;
    }

    /// <summary>The last attempt was acknowledged; it survives a power cut if <paramref name="isDurable"/>, else a kill only.</summary>
    public void Acknowledge(bool isDurable)
    {
        _acknowledged = _states.Count - 1;
        if (isDurable)
        {
            _durable = _acknowledged;
        }
    }

    /// <summary>All that was acknowledged survives power cuts from now on.</summary>
    public void Flushed() => _durable = _acknowledged;

    /// <summary>Judges what was found after a crash.</summary>
    public Verdict Judge(int found, bool isAfterPowerCut)
    {
        int demanded = isAfterPowerCut ? _durable : _acknowledged;
        return _states.IndexOf(found, demanded) >= 0 ? Verdict.Fine
            : found == Absent || _states.Contains(found) || _old.Contains(found) ? Verdict.Lost
            : Verdict.Unknown;
    }

    /// <summary>What was found is what it is from now on.</summary>
    public void Settle(int found)
    {
        _old.UnionWith(_states);
        _states.Clear();
        _states.Add(found);
        (_acknowledged, _durable) = (0, 0);
    }

    /// <inheritdoc/>
    public override string ToString() => $"attempts {string.Join(' ', _states.TakeLast(12))}, acknowledged {_states[_acknowledged]}, durable {_states[_durable]}";
}
