// Log lines: an event is a line, whatever its message holds.
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Sluice.Server.Settings;

namespace Sluice.Server.Tests;

public sealed partial class ServerLogTests
{
    [Theory]
    [InlineData("plain")]
    [InlineData("quote \" backslash \\ slash /")]
    [InlineData("lines\nand\r\ntabs\t")]
    [InlineData("nul \0 escape \u001b[31m bell \a c1 \u0085 separator \u2028")]
    [InlineData("ärger 日本 😀")]
    [InlineData("")]
    public void JsonLineParsesBackToTheSameMessage(string message)
    {
        string text = Write(LogFormat.Json, LogLevel.Trace, log => log.LogInformation("{Message}", message));

        Assert.Equal(text.Length - 1, text.IndexOf('\n', StringComparison.Ordinal));
        using JsonDocument json = JsonDocument.Parse(text);
        Assert.Equal(message, json.RootElement.GetProperty("message").GetString());
        Assert.Equal("info", json.RootElement.GetProperty("level").GetString());
        Assert.Equal("Sluice.Test", json.RootElement.GetProperty("category").GetString());
        Assert.Equal("2025-03-04T05:06:07.089Z", json.RootElement.GetProperty("timestamp").GetString());
        Assert.False(json.RootElement.TryGetProperty("exception", out _));
    }

    [Fact]
    public void HalfOfASurrogatePairDoesNotBreakALine()
    {
        foreach (LogFormat format in Enum.GetValues<LogFormat>())
        {
            string text = Write(format, LogLevel.Trace, log => log.LogInformation("{Message}", "a\ud800b"));
            Assert.Contains("a\ufffdb", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void TextLineHasTimestampLevelCategoryAndMessage() => Assert.Equal(
        "2025-03-04T05:06:07.089Z warn     Sluice.Test: mountpath /data/3 is slow\n",
        Write(LogFormat.Text, LogLevel.Trace, log => log.LogWarning("mountpath {Path} is slow", "/data/3")));

    [Fact]
    public void TextMessageCannotBeginALineNorSpeakToATerminal() => Assert.Equal(
        "2025-03-04T05:06:07.089Z info     Sluice.Test: a\\n2025-01-01 forged\\r\\tb\\u001b[2J\\u0085\\u2028\n",
        Write(LogFormat.Text, LogLevel.Trace, log => log.LogInformation("{Message}", "a\n2025-01-01 forged\r\tb\u001b[2J\u0085\u2028")));

    [Fact]
    public void ExceptionIsIndentedInTextAndAMemberInJson()
    {
        var exception = new InvalidOperationException("first\nsecond");

        string text = Write(LogFormat.Text, LogLevel.Trace, log => log.LogError(exception, "failed"));
        Assert.EndsWith(": failed\n    System.InvalidOperationException: first\n    second\n", text, StringComparison.Ordinal);

        using JsonDocument json = JsonDocument.Parse(Write(LogFormat.Json, LogLevel.Trace, log => log.LogError(exception, "failed")));
        Assert.Equal(exception.ToString(), json.RootElement.GetProperty("exception").GetString());
    }

    [Fact]
    public void OnlyEventsFromTheLevelOnAreWritten()
    {
        string text = Write(LogFormat.Text, LogLevel.Warning, log =>
        {
            foreach (LogLevel level in Enum.GetValues<LogLevel>())
            {
                Assert.Equal(level is >= LogLevel.Warning and < LogLevel.None, log.IsEnabled(level));
                log.Log(level, "event");
            }
        });

        string[] lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["warn", "error", "critical"], lines.Select(line => line.Split(' ')[1]));
    }

    [Fact]
    public void LevelNoneWritesNothing() => Assert.Empty(Write(LogFormat.Text, LogLevel.None, log => log.LogCritical("event")));

    [Fact]
    public void LinesOfManyThreadsComeOutWhole()
    {
        string text = Write(LogFormat.Text, LogLevel.Trace, log =>
            Parallel.For(0, 500, i => log.LogInformation("<{Number}:{Text}>", i, new string('x', i))));

        string[] lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(500, lines.Length);
        foreach (string line in lines)
        {
            Match match = Whole().Match(line);
            Assert.True(match.Success, line);
            Assert.Equal(int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture), match.Groups[2].Length);
        }
    }

    [Fact]
    public void StreamThatIsGoneDoesNotStopTheServer()
    {
        using var log = new ServerLog(new GoneStream(), LogFormat.Text, LogLevel.Trace, new FixedTime());

        Assert.Null(Record.Exception(() => log.CreateLogger("x").LogError("nobody reads this")));
    }

    [Fact]
    public void FactoryFiltersByTheSameLevel()
    {
        using ILoggerFactory factory = ServerLog.OnStandardError(LogFormat.Text, LogLevel.Error);
        ILogger log = factory.CreateLogger("Sluice.Test");

        Assert.False(log.IsEnabled(LogLevel.Warning));
        Assert.True(log.IsEnabled(LogLevel.Error));
    }

    private static string Write(LogFormat format, LogLevel least, Action<ILogger> write)
    {
        using var stream = new MemoryStream();
        using var log = new ServerLog(stream, format, least, new FixedTime());
        write(log.CreateLogger("Sluice.Test"));
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    [GeneratedRegex(@": <(\d+):(x*)>$")]
    private static partial Regex Whole();

    private sealed class FixedTime : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2025, 3, 4, 6, 6, 7, 89, TimeSpan.FromHours(1));
    }

    private sealed class GoneStream : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer) => throw new IOException("Broken pipe");
    }
}
