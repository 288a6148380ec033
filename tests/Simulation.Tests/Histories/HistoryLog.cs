using Microsoft.Extensions.Logging;

namespace Sluice.Simulation.Tests.Histories;

/// <summary>What the engines of a history have written, and where its steps begin, to be printed with a failure. Any thread.</summary>
public sealed class HistoryLog : ILogger
{
    private readonly List<string> _lines = []; // guarded by itself

    /// <summary>The last lines, oldest first.</summary>
    public IReadOnlyList<string> Last(int count)
    {
        lock (_lines)
        {
            return [.. _lines.TakeLast(count)];
        }
    }

    public void Add(string line)
    {
        lock (_lines)
        {
            _lines.Add(line);
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Add($"  {logLevel}: {formatter(state, exception)}{(exception is null ? "" : $" {exception}")}");
}
