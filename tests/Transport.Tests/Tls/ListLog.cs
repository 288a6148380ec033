using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Sluice.Transport.Tests.Tls;

/// <summary>Keeps what is logged, each event as "Level: message".</summary>
public sealed class ListLog : ILogger
{
    private readonly ConcurrentQueue<string> _lines = new();

    public IReadOnlyList<string> Lines => [.. _lines];

    /// <summary>Those of one level.</summary>
    public IReadOnlyList<string> Of(LogLevel level) => [.. _lines.Where(line => line.StartsWith($"{level}: ", StringComparison.Ordinal))];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue($"{logLevel}: {formatter(state, exception)}");
}
