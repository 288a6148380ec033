using Sluice.Contract;

namespace Sluice.Transport.Tests.Api;

public sealed class ContractTextTests
{
    [Theory]
    [InlineData("512", 512)]
    [InlineData("4KiB", 4096)]
    [InlineData("1.5GiB", 1610612736)]
    [InlineData("10mb", 10485760)]
    [InlineData("0B", 0)]
    [InlineData("1 TiB", 1L << 40)]
    public void ASizeIsRead(string text, long bytes)
    {
        Assert.True(SizeText.TryParse(text, out long read));
        Assert.Equal(bytes, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("1XB")]
    [InlineData("1.2.3")]
    [InlineData("9999999999PiB")]
    [InlineData("KiB")]
    public void NoSizeIsRefused(string text) => Assert.False(SizeText.TryParse(text, out _));

    [Theory]
    [InlineData("90s", 90_000, "1m30s")]
    [InlineData("1h30m", 5_400_000, "1h30m")]
    [InlineData("250ms", 250, "0.25s")]
    [InlineData("0", 0, "0s")]
    [InlineData("2h", 7_200_000, "2h")]
    [InlineData("10m", 600_000, "10m")]
    [InlineData("256204777h59m59.999s", 922_337_200_799_999, "256204777h59m59.999s")] // to the next hour there is less than a double can tell
    public void ADurationRoundTrips(string text, long milliseconds, string printed)
    {
        Assert.True(DurationText.TryParse(text, out TimeSpan duration));
        Assert.Equal(milliseconds, (long)duration.TotalMilliseconds);
        Assert.Equal(printed, DurationText.Format(duration));
    }

    [Theory]
    [InlineData("")]
    [InlineData("10")]
    [InlineData("-1s")]
    [InlineData("1x")]
    [InlineData("s")]
    [InlineData("99999999999999999999h")]
    public void NoDurationIsRefused(string text) => Assert.False(DurationText.TryParse(text, out _));

    [Fact]
    public void EveryErrorHasARow()
    {
        foreach (ErrorCode code in Enum.GetValues<ErrorCode>())
        {
            Assert.InRange(ErrorTable.Row(code).HttpStatus, 400, 599);
        }
    }

    [Theory]
    [InlineData(0, "0B")]
    [InlineData(1023, "1023B")]
    [InlineData(1 << 30, "1GiB")]
    public void ASizeIsPrinted(long bytes, string text) => Assert.Equal(text, SizeText.Format(bytes));
}
