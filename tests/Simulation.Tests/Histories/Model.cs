using Sluice.Simulation.Tests.Matrix;

namespace Sluice.Simulation.Tests.Histories;

/// <summary>What became of a write.</summary>
public enum WriteFate
{
    /// <summary>It has not been answered, or was refused in a way that leaves open whether it happened.</summary>
    Unsure,

    /// <summary>It was acknowledged.</summary>
    Acknowledged,

    /// <summary>It did not happen.</summary>
    Withdrawn,
}

/// <summary>A write of the present step; a null state is a delete.</summary>
public sealed class ModelWrite(ObjectState? state)
{
    public ObjectState? State { get; } = state;

    public WriteFate Fate { get; set; }
}

/// <summary>
/// What one name may be, twice: to who reads it now, and to who reads it when everything that was not synced is lost. Null is absence. Writes of one step
/// run at the same time, so any of them may have been the last; the first reader after them finds out which, and from then on it is that one.
/// </summary>
public sealed class NameModel
{
    private readonly List<ModelWrite> _writes = [];
    private HashSet<ObjectState?> _acknowledged = [null];

    /// <summary>What a reader may find.</summary>
    public HashSet<ObjectState?> Visible { get; private set; } = [null];

    /// <summary>What a reader may find after a power cut.</summary>
    public HashSet<ObjectState?> Medium { get; private set; } = [null];

    /// <summary>The step whose write was acknowledged last; 0 when that is not on the medium for sure, or there is none.</summary>
    public int WrittenIn { get; private set; }

    /// <summary>Something that it is stored with may be missing: a copy, a slice.</summary>
    public bool IsDegraded { get; set; }

    /// <summary>The disk has lost it, and caches may still have it: what one reader finds says nothing of the next.</summary>
    public bool IsDoubtful { get; private set; }

    /// <summary>Somebody writes it in this step.</summary>
    public bool IsWritten => _writes.Count > 0;

    /// <summary>Somebody has deleted it in this step.</summary>
    public bool IsDeleted => _writes.Exists(write => write is { State: null, Fate: not WriteFate.Withdrawn });

    public ModelWrite Begin(ObjectState? state)
    {
        var write = new ModelWrite(state);
        _writes.Add(write);
        return write;
    }

    /// <summary>A reader may find that, also while the writes of this step are under way.</summary>
    public bool MayBe(ObjectState? state) => Visible.Contains(state) || _writes.Exists(write => write.State == state && write.Fate != WriteFate.Withdrawn);

    /// <summary>All that a reader may find.</summary>
    public IEnumerable<ObjectState?> Possible => Visible.Concat(_writes.Select(write => write.State)).Distinct();

    /// <summary>The step is over, or the machine. <paramref name="isDurable"/> says of the acknowledged writes whether a power cut spares them.</summary>
    public void Settle(int step, bool isDurable)
    {
        List<ObjectState?> acknowledged = [.. _writes.Where(write => write.Fate == WriteFate.Acknowledged).Select(write => write.State)];
        List<ObjectState?> unsure = [.. _writes.Where(write => write.Fate == WriteFate.Unsure).Select(write => write.State)];
        _writes.Clear();
        if (acknowledged.Count > 0)
        {
            _acknowledged = [.. acknowledged];
            Visible = [.. acknowledged];
            Medium = isDurable ? [.. acknowledged] : [.. Medium, .. acknowledged];
            (WrittenIn, IsDoubtful) = (step, false);
        }

        Visible.UnionWith(unsure);
        Medium.UnionWith(unsure);
    }

    /// <summary>A reader has found that, with no write under way.</summary>
    public void Observe(ObjectState? state, bool isDurable)
    {
        if (IsDoubtful || IsWritten)
        {
            return;
        }

        Visible = [state];
        if (isDurable && _acknowledged.Contains(state))
        {
            Medium = [state];
        }
    }

    /// <summary>What is to be read now is on the medium.</summary>
    public void Flush() => Medium = [.. Visible];

    /// <summary>The disk may have lost the name.</summary>
    public void Doubt(IEnumerable<ObjectState?> older)
    {
        Visible = [.. Visible, .. older, null];
        Medium = [.. Medium, .. older, null];
        IsDoubtful = true;
    }

    /// <summary>The machine has ended, after <see cref="Settle"/>.</summary>
    public void End(bool hasPower)
    {
        if (!hasPower)
        {
            WrittenIn = Medium.Count == 1 ? WrittenIn : 0;
            Visible = [.. Medium];
        }
        else if (Visible.Count > 1)
        {
            WrittenIn = 0;
        }

        IsDoubtful = false;
    }
}

/// <summary>What one bucket may be.</summary>
public sealed class BucketModel(BucketPlan plan)
{
    private SortedDictionary<string, NameModel>? _former; // before its destruction

    public BucketPlan Plan { get; } = plan;

    /// <summary>Its names; null while there is no such bucket.</summary>
    public SortedDictionary<string, NameModel>? Names { get; private set; }

    /// <summary>What is known of its names; nothing while there is no such bucket.</summary>
    public IEnumerable<NameModel> All => (IEnumerable<NameModel>?)Names?.Values ?? [];

    /// <summary>The next start may find it made or destroyed: that was asked for, and not acknowledged.</summary>
    public bool MayTurn { get; set; }

    /// <summary>What is acknowledged from here on is on the medium, whatever the object is stored with.</summary>
    public bool IsStrict { get; set; }

    public void Make() => (Names, MayTurn, IsStrict) = (new SortedDictionary<string, NameModel>(StringComparer.Ordinal), false, Plan.IsStrict);

    public void Destroy() => (_former, Names, MayTurn) = (Names, null, false);

    /// <summary>It is there all the same: a destruction that was refused did not last, or a making that was refused or cut off did happen.</summary>
    public void Revive()
    {
        if (_former is null)
        {
            Make();
        }

        (Names, MayTurn) = (_former ?? Names, false);
    }

    /// <summary>Whoever makes it makes an empty one.</summary>
    public void Forget() => _former = null;

    /// <summary>The name, which nobody may have written yet.</summary>
    public NameModel Of(string name)
    {
        SortedDictionary<string, NameModel> names = Names ?? throw new InvalidOperationException("there is no bucket");
        return names.TryGetValue(name, out NameModel? model) ? model : names[name] = new NameModel();
    }
}
