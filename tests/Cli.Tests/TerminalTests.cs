using Sluice.Cli.Terminal;

namespace Sluice.Cli.Tests;

/// <summary>What a terminal is shown.</summary>
public sealed class TerminalTests
{
    private const long MiB = 1 << 20;

    [Fact]
    public void ProgressTellsPartRateAndRemainingTime()
    {
        var half = new ProgressSample(512 * MiB, 1024 * MiB, 3, 6, 64 * MiB);
        Assert.Equal(
            "[============            ]  50 %  512.0 MiB / 1.0 GiB  64.0 MiB/s  ETA 0:08  3/6 objects", ProgressText.Render(half, 200));
    }

    [Fact]
    public void ProgressWithoutATotalTellsWhatItKnows() =>
        Assert.Equal("5.0 MiB  1.0 MiB/s  2 objects", ProgressText.Render(new ProgressSample(5 * MiB, -1, 2, -1, MiB), 200));

    [Theory]
    [InlineData(0, 0, 0, "100 %", "ETA 0:00")]
    [InlineData(0, 100, 0, "  0 %", "ETA --:--")]
    [InlineData(150, 100, 10, "100 %", "ETA 0:00")]
    [InlineData(0, 36_610, 10, "  0 %", "ETA 1:01:01")]
    public void ProgressIsSaneAtTheEdges(long done, long total, double rate, string percent, string eta)
    {
        string line = ProgressText.Render(new ProgressSample(done, total, 0, 1, rate), 200);
        Assert.Contains(percent, line, StringComparison.Ordinal);
        Assert.EndsWith(eta, line, StringComparison.Ordinal);
    }

    [Fact]
    public void ProgressNeverWrapsTheLine() =>
        Assert.Equal(20, ProgressText.Render(new ProgressSample(1, 2, 3, 4, 5), 20).Length);

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(long.MaxValue, "8192.0 PiB")]
    public void SizesForPeople(long bytes, string text) => Assert.Equal(text, ProgressText.Size(bytes));

    [Theory]
    [InlineData("plain ünïcode 你", "plain ünïcode 你")]
    [InlineData("a\nb", "a\\u000ab")]
    [InlineData("\u001b[31m", "\\u001b[31m")]
    [InlineData("\u009b31m", "\\u009b31m")]
    [InlineData("a\u202eb", "a\\u202eb")]
    [InlineData("a\u2028b", "a\\u2028b")]
    public void ControlCharactersAreShownAndNotObeyed(string text, string shown) => Assert.Equal(shown, PrintableText.Of(text));
}
