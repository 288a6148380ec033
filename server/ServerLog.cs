// The log: one line an event on standard error, for people or for machines. Whatever a message holds, an event stays one line (or, in text,
// one line and the indented lines of its exception), so that nobody can write lines of ours by way of a name or a header.
using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Sluice.Server.Settings;

namespace Sluice.Server;

/// <summary>Writes log events to a stream. Events of all threads come out whole, one after another; writing one never throws.</summary>
public sealed class ServerLog : ILoggerProvider
{
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Lock _gate = new();
    private readonly LogFormat _format;
    private readonly LogLevel _least;
    private readonly TimeProvider _time;

    // Under the gate.
    private readonly Stream _stream;
    private readonly ArrayBufferWriter<byte> _line = new(1024);

    /// <summary>A log that writes to <paramref name="stream"/>, which stays the caller's.</summary>
    public ServerLog(Stream stream, LogFormat format, LogLevel least, TimeProvider time)
    {
        _stream = stream;
        _format = format;
        _least = least;
        _time = time;
    }

    /// <summary>A factory over a log on standard error. Disposing it disposes nothing but itself.</summary>
    public static ILoggerFactory OnStandardError(LogFormat format, LogLevel least)
    {
        var log = new ServerLog(Console.OpenStandardError(), format, least, TimeProvider.System);
        return new LoggerFactory([log], new LoggerFilterOptions { MinLevel = least });
    }

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new CategoryLogger(this, categoryName);

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    /// <summary>The level's name in the log, as the setting spells it.</summary>
    internal static string NameOf(LogLevel level) => SettingParsers.NameOf(level);

    private void Write(LogLevel level, string category, string message, Exception? exception)
    {
        lock (_gate)
        {
            try
            {
                _line.ResetWrittenCount();
                string timestamp = _time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
                if (_format == LogFormat.Json)
                {
                    PutJson(timestamp, level, category, message, exception);
                }
                else
                {
                    PutText(timestamp, level, category, message, exception);
                }

                _stream.Write(_line.WrittenSpan);
                _stream.Flush();
            }
            catch (IOException)
            {
                // Standard error is gone (a closed pipe, a full disk). There is no other place to say so, and requests must go on.
            }
        }
    }

    private void PutJson(string timestamp, LogLevel level, string category, string message, Exception? exception)
    {
        using (var json = new Utf8JsonWriter(_line, s_options))
        {
            json.WriteStartObject();
            json.WriteString("timestamp", timestamp);
            json.WriteString("level", NameOf(level));
            json.WriteString("category", category);
            json.WriteString("message", WellFormed(message));
            if (exception is not null)
            {
                json.WriteString("exception", WellFormed(exception.ToString()));
            }

            json.WriteEndObject();
        }

        _line.Write("\n"u8);
    }

    private void PutText(string timestamp, LogLevel level, string category, string message, Exception? exception)
    {
        var text = new StringBuilder();
        text.Append(timestamp).Append(' ').Append(NameOf(level).PadRight(8)).Append(' ').Append(category).Append(": ");
        AppendEscaped(text, message);
        text.Append('\n');
        foreach (string line in exception?.ToString().ReplaceLineEndings("\n").Split('\n') ?? [])
        {
            AppendEscaped(text.Append("    "), line);
            text.Append('\n');
        }

        Encoding.UTF8.GetBytes(text.ToString(), _line);
    }

    /// <summary>Control characters as \n, \t or \uXXXX: a terminal obeys none of them, and a line stays a line.</summary>
    private static void AppendEscaped(StringBuilder text, string message)
    {
        foreach (char c in message)
        {
            _ = c switch
            {
                '\n' => text.Append("\\n"),
                '\r' => text.Append("\\r"),
                '\t' => text.Append("\\t"),
                _ when char.IsControl(c) || c is '\u2028' or '\u2029' => text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => text.Append(c),
            };
        }
    }

    /// <summary>Halves of surrogate pairs become U+FFFD, as UTF-8 cannot hold them.</summary>
    private static string WellFormed(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    private sealed class CategoryLogger(ServerLog log, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= log._least && logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                log.Write(logLevel, category, formatter(state, exception), exception);
            }
        }
    }
}
