using System.Globalization;

namespace Sluice.Endurance.Tests.Crash;

/// <summary>What was asked for and what was acknowledged, in order, in a file outside the mounts: kept when a run finds something.</summary>
public sealed class Ledger : IDisposable
{
    private readonly Lock _gate = new();
    private readonly StreamWriter _writer;

    /// <summary>Makes the file.</summary>
    public Ledger(string path)
    {
        Path = path;
        _writer = new StreamWriter(path);
    }

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>One line; threads may call at the same time.</summary>
    public void Write(int round, string what, string address, int state)
    {
        string line = string.Create(CultureInfo.InvariantCulture, $"{round} {what} {address} {state}");
        lock (_gate)
        {
            _writer.WriteLine(line);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();
}
