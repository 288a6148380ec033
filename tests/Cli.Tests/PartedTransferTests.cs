using Microsoft.AspNetCore.Http;
using Sluice.Cli.Tests.Support;
using Sluice.Cli.Transfers;

namespace Sluice.Cli.Tests;

/// <summary>Objects that are sent and fetched in parts: what goes over the wire, what a failure leaves, and how it is gone on with.</summary>
public sealed class PartedTransferTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _home = new();
    private StubServer _server = null!;
    private UploadStub _uploads = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await StubServer.StartAsync();
        _uploads = new UploadStub(_server);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _home.Dispose();
    }

    [Theory]
    [InlineData("xxhash2", 100_001, 7)]
    [InlineData("crc64nvme", 100_001, 4096)]
    [InlineData("none", 5, 1)]
    [InlineData("crc32c", 3, 3)]
    [InlineData("crc64nvme", 1_000_000, 333_333)]
    public async Task WhatIsLongerThanTheThresholdGoesInParts(string checksumType, int size, int partBytes)
    {
        _server.ChecksumType = checksumType;
        byte[] content = File(size, "f");
        int parts = (size + Math.Max(partBytes, (size + 9998) / 9999) - 1) / Math.Max(partBytes, (size + 9998) / 9999);
        CommandRun run = await PutAsync("--part-size", $"{partBytes}", "--multipart-threshold", $"{size - 1}", "--json");
        Assert.Equal((ExitCode.Ok, ""), (run.Code, run.Error));
        Assert.Equal((size, true), ((long)run.JsonLines.Single()["size"]!, (bool)run.JsonLines.Single()["verified"]!));
        Assert.Equal(content, _server.Objects["x"]);
        Assert.Equal(partBytes == 7 ? 1 : parts, _uploads.Sent.Count); // seven bytes each made too many parts: they grow to a mebibyte
        _server.Seen.Clear();
        Assert.Equal(ExitCode.Ok, (await PutAsync("--part-size", $"{partBytes}", "--multipart-threshold", $"{size}")).Code);
        Assert.DoesNotContain("partNumber", _server.Only("PUT").RawTarget, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(503)]
    [InlineData(429)]
    public async Task APartThatFailsIsTriedAgain(int status)
    {
        byte[] content = File(100, "f");
        int failures = 0;
        _uploads.Refuse = number => number == 3 && Interlocked.Increment(ref failures) == 1 ? status : 0;
        Assert.Equal(ExitCode.Ok, (await PutAsync("--part-size", "20", "--multipart-threshold", "0")).Code);
        Assert.Equal([1, 2, 3, 3, 4, 5], _uploads.Sent.Order());
        Assert.Equal(content, _server.Objects["x"]);
    }

    [Fact]
    public async Task APartThatArrivesDamagedIsSentAgain()
    {
        byte[] content = File(100, "f");
        int damages = 0;
        _uploads.Damage = bytes => Interlocked.Increment(ref damages) == 1 ? [.. bytes.Select(each => (byte)~each)] : bytes;
        Assert.Equal(ExitCode.Ok, (await PutAsync("--part-size", "50", "--multipart-threshold", "0")).Code);
        Assert.Equal(3, _uploads.Sent.Count);
        Assert.Equal(content, _server.Objects["x"]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("--part-size 20")]
    public async Task AnUploadThatFailsIsKeptAndGoneOnWith(string partSize)
    {
        byte[] content = File(90, "f");
        _uploads.Refuse = number => number == 4 ? 403 : 0;
        CommandRun failed = await PutAsync("--part-size", "20", "--multipart-threshold", "0", "--parallel", "1");
        Assert.Equal(ExitCode.Refused, failed.Code);
        Assert.Equal(
            $"sluice: the parts that are stored are kept; go on with: sluice put {_home["f"]} ais://b/x --resume u1 --part-size 20\nsluice: part 4 is not wanted\n",
            failed.Error);
        Assert.Equal([1, 2, 3], _uploads.Parts.Keys.Order());
        Assert.Empty(_server.Objects);

        _uploads.Refuse = _ => 0;
        _uploads.Sent.Clear();
        _uploads.Parts[2] = new byte[20]; // not what the file has
        CommandRun resumed = await PutAsync(["--resume", "u1", .. partSize.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        Assert.Equal((ExitCode.Ok, ""), (resumed.Code, resumed.Error));
        Assert.Equal([2, 4, 5], _uploads.Sent.Order());
        Assert.Equal(content, _server.Objects["x"]);

        CommandRun again = await PutAsync("--resume", "u1");
        Assert.Equal((ExitCode.NotFound, "sluice: upload \"u1\" does not exist\n"), (again.Code, again.Error));
    }

    [Fact]
    public async Task PartsThatTheFileHasNotAreRefused()
    {
        File(90, "f");
        _uploads.Begin();
        _uploads.Parts[3] = new byte[100];
        CommandRun run = await PutAsync("--resume", "u1");
        Assert.Equal(ExitCode.Refused, run.Code);
        Assert.Contains("has a part 3", run.Error, StringComparison.Ordinal);
        Assert.Empty(_server.Objects);
    }

    [Fact]
    public async Task AFailedUploadIsAbortedWhenThatIsAskedFor()
    {
        File(90, "f");
        _uploads.Refuse = number => number == 2 ? 403 : 0;
        CommandRun run = await PutAsync("--part-size", "20", "--multipart-threshold", "0", "--no-keep");
        Assert.Equal((ExitCode.Refused, "sluice: upload u1 was aborted\nsluice: part 2 is not wanted\n"), (run.Code, run.Error));
        Assert.Null(_uploads.Current);
    }

    [Fact]
    public async Task AnObjectThatIsNotWhatWasSentIsTold()
    {
        File(90, "f");
        _uploads.DamageWhole = bytes => [.. bytes[1..], bytes[0]];
        CommandRun run = await PutAsync("--part-size", "20", "--multipart-threshold", "0");
        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.StartsWith("sluice: ais://b/x is damaged: the server stored crc32c ", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(19, 0)]
    [InlineData(20, 1)]
    [InlineData(21, 2)]
    [InlineData(1000, 50)]
    public async Task StandardInputGoesInPartsWhenItIsLongerThanOne(int size, int parts)
    {
        byte[] content = File(size, "f");
        CommandRun run = await CommandRun.OfAsync(_server.Endpoint, ["put", "-", "ais://b/x", "--part-size", "20"], content);
        Assert.Equal((ExitCode.Ok, ""), (run.Code, run.Error));
        Assert.Equal(Enumerable.Range(1, parts), _uploads.Sent.Order());
        Assert.Equal(content, _server.Objects["x"]);
    }

    [Fact]
    public async Task UploadsAreListedShownAndAborted()
    {
        string[] upload = ["ais://b/x", _uploads.Begin()];
        _uploads.Parts[2] = "23456789"u8.ToArray();
        Assert.Equal("2026-01-02 03:04:05  u1  x\n", (await CommandRun.OfAsync(_server.Endpoint, ["uploads", "ls", "b"])).Output);
        Assert.Equal("u1", (string)(await CommandRun.OfAsync(_server.Endpoint, ["uploads", "ls", "ais://b", "--json"])).JsonLines.Single()["upload_id"]!);
        Assert.Equal("part  size  digest\n   2     8  crc32c:8a2a3b29\n".Length, (await CommandRun.OfAsync(_server.Endpoint, ["uploads", "show", .. upload])).Output.Length);
        Assert.Equal((ExitCode.Ok, ""), (await CommandRun.OfAsync(_server.Endpoint, ["uploads", "abort", .. upload]) is var run ? (run.Code, run.Output + run.Error) : default));
        Assert.Equal("", (await CommandRun.OfAsync(_server.Endpoint, ["uploads", "ls", "b"])).Output);
        Assert.Equal(ExitCode.NotFound, (await CommandRun.OfAsync(_server.Endpoint, ["uploads", "abort", .. upload])).Code);
    }

    [Theory]
    [InlineData("put f ais://b/x --part-size 0")]
    [InlineData("put f ais://b/x --part-size 6GiB")]
    [InlineData("put f ais://b/x --multipart-threshold much")]
    [InlineData("put f ais://b/x --parallel 0")]
    [InlineData("get ais://b/x --parallel 65")]
    [InlineData("put / ais://b/ --resume u1")]
    [InlineData("uploads abort ais://b/ u1")]
    public async Task FlagsThatMakeNoSenseAreRefused(string line) =>
        Assert.Equal(ExitCode.Usage, (await CommandRun.OfAsync(_server.Endpoint, line.Split(' '))).Code);

    [Theory]
    [InlineData("xxhash2", true)]
    [InlineData("crc32c", true)]
    [InlineData("crc64nvme", true)]
    [InlineData("none", false)]
    public async Task AnObjectIsFetchedInRanges(string checksumType, bool isVerified)
    {
        _server.ChecksumType = checksumType;
        _server.Objects["x"] = File(1001, "f");
        CommandRun run = await GetAsync("--json");
        Assert.Equal((ExitCode.Ok, isVerified), (run.Code, (bool)run.JsonLines.Single()["verified"]!));
        Assert.Equal(_server.Objects["x"], System.IO.File.ReadAllBytes(_home["copy"]));
        Assert.Equal(11, _server.Seen.Count(seen => seen.Method == "GET"));
        CommandRun all = await CommandRun.OfAsync(
            _server.Endpoint, ["get", "-r", "ais://b", _home["all"], "--multipart-threshold", "100", "--part-size", "500"]);
        Assert.Equal(ExitCode.Ok, all.Code);
        Assert.Equal(_server.Objects["x"], System.IO.File.ReadAllBytes(_home["all/x"]));
        Assert.Equal(11 + 1 + 3, _server.Seen.Count(seen => seen.Method == "GET"));
    }

    [Fact]
    public async Task ARangeThatBreaksOffIsFetchedAgain()
    {
        _server.Objects["x"] = File(1001, "f");
        int failures = 0;
        _server.Intercept = (context, seen) =>
        {
            bool breaks = seen.Headers.TryGetValue("Range", out string? range) && range == "bytes=300-399" && Interlocked.Increment(ref failures) == 1;
            if (breaks)
            {
                context.Abort();
            }

            return Task.FromResult(breaks);
        };
        Assert.Equal(ExitCode.Ok, (await GetAsync()).Code);
        Assert.Equal(_server.Objects["x"], System.IO.File.ReadAllBytes(_home["copy"]));
    }

    [Theory]
    [InlineData(1001, ExitCode.Failed)]
    [InlineData(1000, ExitCode.Refused)]
    public async Task AnObjectThatIsReplacedMeanwhileLeavesNoFile(int size, ExitCode code)
    {
        byte[] old = File(1001, "f");
        _server.Objects["x"] = old;
        _server.Intercept = (_, seen) =>
        {
            if (seen.Headers.TryGetValue("Range", out string? range) && range == "bytes=500-599")
            {
                _server.Objects["x"] = [.. old.Select(each => (byte)~each).Take(size)];
            }

            return Task.FromResult(false);
        };
        CommandRun run = await GetAsync("--parallel", "2");
        Assert.Equal(code, run.Code);
        Assert.Equal(["f"], _home.Files);
    }

    [Theory]
    [InlineData(0, 16 << 20)]
    [InlineData(9999L * (16 << 20), 16 << 20)]
    [InlineData((9999L * (16 << 20)) + 1, 17 << 20)]
    [InlineData(1L << 40, 105 << 20)]
    public void PartsGrowWhenThereWereTooMany(long size, long partBytes)
    {
        var settings = new PartSettings();
        Assert.Equal(partBytes, settings.PartBytesOf(size));
        Assert.True(partBytes * PartSettings.CountMax >= size);
        Assert.True(Enumerable.Range(1, PartSettings.CountMax).Sum(number => (long)settings.InputPartBytes(number)) >= 1L << 40);
    }

    private byte[] File(int size, string name)
    {
        var content = new byte[size];
        new Random(size).NextBytes(content);
        System.IO.File.WriteAllBytes(_home[name], content);
        return content;
    }

    private Task<CommandRun> PutAsync(params string[] flags) => CommandRun.OfAsync(_server.Endpoint, ["put", _home["f"], "ais://b/x", .. flags]);

    private Task<CommandRun> GetAsync(params string[] flags) => CommandRun.OfAsync(
        _server.Endpoint, ["get", "ais://b/x", _home["copy"], "--multipart-threshold", "1000", "--part-size", "100", .. flags]);
}
