// The self-test holds on this machine, and notices what it is there to notice: each kind of check meets a known-bad twin.
using System.Text.Json;
using Sluice.Engine.Chunks;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;
using Sluice.Native.Codecs;
using Sluice.Server.SelfTest;
using Sluice.Server.Tests.Support;

namespace Sluice.Server.Tests;

public sealed class SelfTestTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Fact]
    public void EveryCheckHoldsHere()
    {
        IReadOnlyList<SelfCheckOutcome> outcomes = SelfTestRun.Run(SelfChecks.All(TestMachine.With(memoryMiB: 1000)), TimeProvider.System);

        Assert.All(outcomes, outcome => Assert.True(outcome.Ok, $"{outcome.Name}: {outcome.Detail}"));
        Assert.Equal(outcomes.Count, outcomes.Select(outcome => outcome.Name).Distinct().Count());
        string[] parts =
        [
            "cpu-features", "xxh64-kernel", "xxh3-kernel", "crc32c-kernel", "crc64nvme-kernel", "name-codec", "metadata-golden",
            "manifest-golden", "hrw-vectors", "reed-solomon-scalar", "reed-solomon-golden", "reed-solomon-recovery",
        ];
        foreach (string part in parts)
        {
            Assert.Contains(outcomes, outcome => outcome.Name == part);
        }
    }

    [Fact]
    public void KernelThatIsWrongAtOneLengthIsNoticed()
    {
        SelfTestException failure = Assert.Throws<SelfTestException>(() => KernelChecks.Compare(
            data => Crc64Nvme.Hash(data) ^ (data.Length == 129 ? 1UL : 0), ScalarCrc64Nvme.Hash));

        Assert.Contains("the digest of 129 bytes at alignment", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void KernelThatDropsTheTailOfLongDataIsNoticed() => Assert.Throws<SelfTestException>(() => KernelChecks.Compare(
        data => XxHash3.Hash(data.Length > 2048 ? data[..^1] : data), ScalarXxHash3.Hash));

    [Fact]
    public void KernelThatRoundsDownToWholeWordsIsNoticed() => Assert.Throws<SelfTestException>(() => KernelChecks.Compare(
        data => Crc32C.Hash(data[..(data.Length / 8 * 8)]), data => Crc32C.Scalar(0, data)));

    [Fact]
    public void StreamThatForgetsAPieceIsNoticed() => Assert.Throws<SelfTestException>(() => KernelChecks.ComparePieces(
        (data, cuts) => XxHash64.Hash(data[cuts[0]..]), data => ScalarXxHash64.Hash(data, 0)));

    [Fact]
    public void WrongPublishedVectorIsNoticed() => Assert.Throws<SelfTestException>(
        () => KernelChecks.Vectors(data => XxHash64.Hash(data, 1), [new KernelVector([], 0xef46db3751d8e999)]));

    [Fact]
    public void ParityThatIsWrongAtOneLengthIsNoticed()
    {
        SelfTestException failure = Assert.Throws<SelfTestException>(() => ErasureChecks.Compare((data, parity) => (from, to) =>
        {
            new ReedSolomon(data, parity).Encode(from, to);
            if (from[0].Length == 257)
            {
                to[^1].Span[256] ^= 1;
            }
        }));

        Assert.Contains("with 257 bytes is not the twin's", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ParityOfAnotherMatrixIsNoticed() => Assert.Throws<SelfTestException>(() => ErasureChecks.Golden(
        (data, parity) => (from, to) => new ReedSolomon(data, parity).Encode([from[1], from[0], from[2], from[3]], to)));

    [Fact]
    public void RecordThatIsWrittenOtherwiseIsNoticed() => Assert.Throws<SelfTestException>(() => FormatChecks.Golden(metadata =>
    {
        byte[] record = MetadataRecord.Format(metadata);
        record[2] = 1;
        return record;
    }));

    [Fact]
    public void ManifestThatIsWrittenOtherwiseIsNoticed() => Assert.Throws<SelfTestException>(() => FormatChecks.GoldenOf(manifest =>
    {
        byte[] record = ManifestRecord.Format(manifest);
        record[46] = 1;
        return record;
    }));

    [Fact]
    public void PlacementWithAnotherMixIsNoticed() =>
        Assert.Throws<SelfTestException>(() => FormatChecks.Placement((digest, id) => Hrw.Mix(digest) ^ id));

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("123456789")]
    public void ScalarTwinsAreThoseOfTheirSpecifications(string text)
    {
        byte[] data = System.Text.Encoding.ASCII.GetBytes(text);
        (ulong xxh64, ulong xxh3, ulong crc) = text switch
        {
            "" => (0xef46db3751d8e999UL, 0x2d06800538d394c2UL, 0UL),
            "a" => (0xd24ec4f1a98c6e5bUL, 0xe6c632b61e964e1fUL, ScalarCrc64Nvme.Hash("a"u8)),
            _ => (0x8cb841db40e6ae83UL, XxHash3.Hash(data), 0xae8b14860a799888UL),
        };

        Assert.Equal(xxh64, ScalarXxHash64.Hash(data, 0));
        Assert.Equal(xxh3, ScalarXxHash3.Hash(data));
        Assert.Equal(crc, ScalarCrc64Nvme.Hash(data));
    }

    [Fact]
    public void FailedCheckIsShownAndTheOthersRunOn()
    {
        SelfCheck[] checks =
        [
            new("broken-kernel", () => KernelChecks.Compare(_ => 1, _ => 2)),
            new("thrower", () => throw new InvalidOperationException("by mistake")),
            new("good", () => "fine"),
        ];
        IReadOnlyList<SelfCheckOutcome> outcomes = SelfTestRun.Run(checks, TimeProvider.System);
        string text = SelfTestReport.Text(TestMachine.With(memoryMiB: 1000), outcomes);

        Assert.Equal([false, false, true], outcomes.Select(outcome => outcome.Ok));
        Assert.Contains("FAILED  broken-kernel", text, StringComparison.Ordinal);
        Assert.Contains("0000000000000001, not 0000000000000002", text, StringComparison.Ordinal);
        Assert.Contains("InvalidOperationException: by mistake", text, StringComparison.Ordinal);
        Assert.EndsWith("1 ok, 2 failed\n", text, StringComparison.Ordinal);
        using JsonDocument json = JsonDocument.Parse(SelfTestReport.Json(TestMachine.With(memoryMiB: 1000), outcomes));
        Assert.False(json.RootElement.GetProperty("ok").GetBoolean());
        Assert.Equal("broken-kernel", json.RootElement.GetProperty("checks")[0].GetProperty("name").GetString());
    }

    [Fact]
    public async Task CommandEndsWithZeroWhenAllHold()
    {
        var line = new CommandLine(_folder);

        Assert.Equal(0, await line.RunAsync("self-test", "--json"));

        using JsonDocument json = JsonDocument.Parse(line.Output);
        Assert.True(json.RootElement.GetProperty("ok").GetBoolean());
    }

    [Fact]
    public async Task CommandEndsWithOneWhenTheProcessorIsTooOld()
    {
        using var output = new StringWriter();
        int code = await Program.RunAsync(["self-test"], new CommandWorld
        {
            Output = output,
            Error = output,
            Environment = new Dictionary<string, string>(),
            WorkingDirectory = _folder.Path,
            Machine = TestMachine.With(memoryMiB: 1000) with { MissingCpuFeatures = ["avx2"] },
        });

        Assert.Equal(1, code);
        Assert.Contains("FAILED  cpu-features", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("the processor lacks avx2", output.ToString(), StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();
}
