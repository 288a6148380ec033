using Sluice.Engine.Objects;
using Sluice.Simulation.Tests.Disk;

namespace Sluice.Simulation.Tests.Matrix;

/// <summary>What one object is: everything that a client can see of it.</summary>
public sealed class ObjectState(byte[] content, int version, IReadOnlyList<KeyValuePair<string, string>> custom)
{
    public byte[] Content { get; } = content;

    public int Version { get; } = version;

    public IReadOnlyList<KeyValuePair<string, string>> Custom { get; } = custom;

    public Checksum Checksum { get; } = Digest.Of(ChecksumType.XxHash2, content);

    /// <summary>True when the object's record does not fit its attribute.</summary>
    public bool HasSidecar => Custom.Sum(pair => pair.Key.Length + pair.Value.Length) > 800;

    public override string ToString() => $"version {Version}, {Content.Length} bytes, {Custom.Count} pairs";
}

/// <summary>
/// The states of one name in the order they were asked for; null is absence. What was asked for last may not have been acknowledged.
/// </summary>
public sealed class History<T>
    where T : class
{
    private readonly List<T?> _states = [null];
    private int _acknowledged;
    private int _flushed;

    public T? Last => _states[^1];

    /// <summary>Every state that was ever asked for.</summary>
    public IReadOnlyList<T?> All => _states;

    public void Begin(T? state) => _states.Add(state);

    public void Acknowledge() => _acknowledged = _states.Count - 1;

    /// <summary>What is acknowledged now will be durable.</summary>
    public Action BeginFlush()
    {
        int acknowledged = _acknowledged;
        return () => _flushed = Math.Max(_flushed, acknowledged);
    }

    /// <summary>States that may be seen after a crash.</summary>
    public IReadOnlyList<T?> Allowed(bool acknowledgedSurvives) => _states[(acknowledgedSurvives ? _acknowledged : _flushed)..];

    /// <summary>The refused request left what was there: it never happened.</summary>
    public void Withdraw() => _states.RemoveRange(_acknowledged + 1, _states.Count - _acknowledged - 1);
}

/// <summary>One life of the bucket, from its making to its destruction.</summary>
public sealed class BucketLife
{
    public SortedDictionary<string, History<ObjectState>> Objects { get; } = new(StringComparer.Ordinal);

    /// <summary>Names that an object had and was to get: it is under one of them at least.</summary>
    public List<(string From, string To)> Moved { get; } = [];

    /// <summary>What is acknowledged is on the medium.</summary>
    public bool Strict { get; set; }

    public History<ObjectState> Of(string name) =>
        Objects.TryGetValue(name, out History<ObjectState>? history) ? history : Objects[name] = new History<ObjectState>();
}

/// <summary>What was asked for and what was acknowledged, kept outside of the machine that crashes.</summary>
public sealed class Oracle
{
    /// <summary>The one bucket; bucket verbs are durable when they answer, whatever the bucket's durability.</summary>
    public History<BucketLife> Bucket { get; } = new();

    /// <summary>States of an object that may be seen after a crash.</summary>
    public static IReadOnlyList<ObjectState?> Allowed(BucketLife life, string name, CrashKind kind) =>
        life.Of(name).Allowed(life.Strict || kind == CrashKind.Kill);
}
