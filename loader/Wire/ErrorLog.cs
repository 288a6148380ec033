using System.Text;
using Sluice.Loader.Work;

namespace Sluice.Loader.Wire;

/// <summary>
/// Sentences about failed requests, kept for whoever prints them: a loop must not wait for a terminal. Bounded: what exceeds it is only
/// counted. Any thread.
/// </summary>
internal sealed class ErrorLog
{
    /// <summary>Sentences kept between two prints: a screen.</summary>
    private const int LinesMax = 20;

    private readonly Lock _gate = new();
    private readonly List<string> _lines = [];
    private long _more;

    /// <summary>Keeps <c>KIND failed: NAME: REASON</c>, or counts it.</summary>
    public void Add(OperationKind kind, ReadOnlySpan<byte> name, string reason)
    {
        lock (_gate)
        {
            if (_lines.Count == LinesMax)
            {
                _more++;
                return;
            }

            _lines.Add($"{kind.Label()} failed: {Uri.UnescapeDataString(Encoding.ASCII.GetString(name))}: {Printable(reason)}");
        }
    }

    /// <summary>Prints what has come together and forgets it.</summary>
    public void Flush(TextWriter output)
    {
        string[] lines;
        long more;
        lock (_gate)
        {
            (lines, more) = ([.. _lines], _more);
            _lines.Clear();
            _more = 0;
        }

        foreach (string line in lines)
        {
            output.WriteLine(line);
        }

        if (more > 0)
        {
            output.WriteLine($"... and {more} more failed");
        }
    }

    /// <summary>A server's words reach a terminal: control characters do not.</summary>
    private static string Printable(string text) => string.Create(text.Length, text, static (into, from) =>
    {
        for (int i = 0; i < into.Length; i++)
        {
            into[i] = char.IsControl(from[i]) ? ' ' : from[i];
        }
    });
}
