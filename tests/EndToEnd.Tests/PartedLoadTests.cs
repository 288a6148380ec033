// The load generator's uploads in parts and reads in ranges, of the published binary against a server of the same binary: counts agree with what the
// server lists, every byte is the one that was PUT, and a failed upload leaves nothing open.
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class PartedLoadTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    [Fact]
    public async Task WhatIsPutInPartsIsChunkedAndIsReadInRangesByteForByte()
    {
        string put = await SucceedAsync(
            "-bucket=ais://pl", "-pctput=100", "-maxputs=60", "-minsize=1", "-maxsize=900k", "-multipart-chunks=4", "-pctmultipart=50", "-loops=2", "-seed=5", "-cleanup=false");
        (long parted, long failed) = LoadOutput.Final(put, "MPU");
        (long plain, long plainFailed) = LoadOutput.Final(put, "PUT");
        Assert.Equal((60, 0, 0), (parted + plain, failed, plainFailed));
        Assert.InRange(parted, 15, 45);
        Assert.Contains("\"% Multipart PUT\": 50", put, StringComparison.Ordinal);
        Assert.Contains($"\n{parted} chunked objects are listed, {parted} were stored by multipart PUT\n", put, StringComparison.Ordinal);
        Assert.Equal(parted, await CountOfPartsAsync("pl", 4));

        // Whole, so with checksums; then in ranges that cross parts, ends of objects among them.
        string whole = await SucceedAsync("-bucket=ais://pl", "-epochs=1", "-verifyhash", "-cleanup=false");
        Assert.Contains("Verified: 60 contents and 60 checksums of 60 GETs", whole, StringComparison.Ordinal);
        string ranges = await SucceedAsync(
            "-bucket=ais://pl", "-epochs=2", "-pctmpdstream=100", "-mpdstream-workers=3", "-mpdstream-chunk-size=50k", "-numworkers=4", "-loops=2", "-verifyhash", "-cleanup=false");
        Assert.Equal((120, 0), LoadOutput.Final(ranges, "GET-MPDSTREAM"));
        Assert.Contains("Verified: 120 contents and 0 checksums of 120 GETs", ranges, StringComparison.Ordinal);
        Assert.Contains("\nGET-MPDSTREAM latency  p50 ", ranges, StringComparison.Ordinal);

        string json = await SucceedAsync("-bucket=ais://pl", "-epochs=3", "-pctmpdstream=50", "-discard", "-json", "-quiet", "-statsinterval=0", "-cleanup=false");
        using JsonDocument statistics = JsonDocument.Parse(json[..(json.LastIndexOf(']') + 1)]);
        (long inRanges, long inOne) = (Count(statistics, "get_mpdstream"), Count(statistics, "get"));
        Assert.Equal(180, inRanges + inOne);
        Assert.InRange(inRanges, 45, 135);
        Assert.Contains("Destroyed bucket", await SucceedAsync("-bucket=ais://pl", "-duration=0s", "-totalputsize=0", "-cleanup=true"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnObjectThatIsNotWhatWasPutIsFoundInItsRange()
    {
        await SucceedAsync("-bucket=ais://pd", "-pctput=100", "-maxputs=5", "-minsize=5000", "-maxsize=5000", "-multipart-chunks=2", "-pctmultipart=100", "-cleanup=false");
        string name = (await SluiceProcess.RunAsync(null, fixture.Server.Endpoint, "ls", "ais://pd")).Output.Split('\n')[0].Split(' ', '\t')[0];
        byte[] content = (await fixture.Store.GetAsync("pd", name))!;
        content[3456] ^= 1;
        await fixture.Store.PutAsync("pd", name, content);
        (int code, string output, string error) = await LoadAsync(
            "-bucket=ais://pd", "-epochs=1", "-pctmpdstream=100", "-mpdstream-chunk-size=1000", "-verifyhash", "-cleanup=true");
        Assert.Equal(0, code);
        Assert.Equal((4, 1), LoadOutput.Final(output, "GET-MPDSTREAM"));
        Assert.Contains($"GET-MPDSTREAM failed: {name}: byte 3456 is not the one that was PUT", error, StringComparison.Ordinal);
        Assert.Contains("Verified: 4 contents and 0 checksums of 4 GETs", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ChunkedObjectsThatTheLoaderDidNotMakeAreWarnedOf()
    {
        await fixture.Store.CreateAsync("pw");
        using var http = new HttpClient { BaseAddress = fixture.Server.Endpoint };
        await new UploadClient(http, "pw").UploadAsync("before", "one"u8.ToArray(), "two"u8.ToArray());
        string[] flags = ["-bucket=ais://pw", "-pctput=100", "-maxputs=3", "-minsize=10", "-maxsize=10", "-cleanup=false"];
        (int code, string output, string error) = await LoadAsync([.. flags, "-multipart-chunks=2", "-pctmultipart=100"]);
        Assert.Equal((0, (3, 0)), (code, LoadOutput.Final(output, "MPU")));
        Assert.Equal("Warning: 4 chunked objects are listed, 3 were stored by multipart PUT", error.Trim());

        (code, output, error) = await LoadAsync([.. flags, "-pctmultipart=100"]);
        Assert.Equal((0, (3, 0)), (code, LoadOutput.Final(output, "PUT")));
        Assert.Equal("Warning: -pctmultipart=100 has no effect with -multipart-chunks=0: every PUT is of one piece", error.Trim());
    }

    [Fact]
    public async Task AnUploadThatTimesOutIsAborted()
    {
        await fixture.Store.CreateAsync("pa");
        string[] flags =
        [
            "load", "-bucket=ais://pa", "-pctput=100", "-maxputs=1", "-numworkers=1", "-minsize=40m", "-maxsize=40m", "-multipart-chunks=9999", "-pctmultipart=100",
            "-timeout=1s", "-cleanup=false",
        ];
        var start = new ProcessStartInfo(SluiceProcess.Binary, flags) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["AIS_ENDPOINT"] = fixture.Server.Endpoint.GetLeftPart(UriPartial.Authority);
        using Process load = Process.Start(start)!;
        Task<string> output = load.StandardOutput.ReadToEndAsync();
        await Eventually.HoldsAsync(async () => await OpenUploadsAsync("pa") == 1 ? null : "no upload has begun");
        fixture.Server.Signal("STOP");
        string? failure;
        try
        {
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            failure = await load.StandardError.ReadLineAsync(deadline.Token);
        }
        finally
        {
            fixture.Server.Signal("CONT");
        }

        Assert.Matches("^MPU failed: .*: part [0-9]+ of 9999: no complete answer within 1s$", failure);
        await load.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        string error = await load.StandardError.ReadToEndAsync();
        Assert.Equal(0, load.ExitCode);
        Assert.Equal((0, 1), LoadOutput.Final(await output, "MPU"));
        Assert.Empty(error);
        Assert.Equal(0, await OpenUploadsAsync("pa"));
    }

    /// <summary>Objects of a bucket that are made of so many parts, as HEAD tells.</summary>
    private async Task<long> CountOfPartsAsync(string bucket, int parts)
    {
        long count = 0;
        string listing = (await SluiceProcess.RunAsync(null, fixture.Server.Endpoint, "ls", $"ais://{bucket}")).Output;
        foreach (string line in listing.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using HttpResponseMessage head = await fixture.Store.SendAsync(HttpMethod.Head, Store.Target(bucket, line.Split(' ', '\t')[0]) + "?props=chunked");
            count += head.Headers.TryGetValues("Ais-Chunks-Count", out IEnumerable<string>? values) && values.First() == parts.ToString(CultureInfo.InvariantCulture) ? 1 : 0;
        }

        return count;
    }

    private async Task<int> OpenUploadsAsync(string bucket)
    {
        using HttpResponseMessage answer = await fixture.Store.SendAsync(HttpMethod.Get, $"/v1/buckets/{bucket}?what=uploads");
        using JsonDocument uploads = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return uploads.RootElement.GetArrayLength();
    }

    private async Task<(int Code, string Output, string Error)> LoadAsync(params string[] flags)
    {
        Uri server = fixture.Server.Endpoint;
        return await SluiceProcess.RunAsync(null, server, ["load", $"-ip={server.Host}", $"-port={server.Port}", .. flags]);
    }

    private async Task<string> SucceedAsync(params string[] flags)
    {
        (int code, string output, string error) = await LoadAsync(flags);
        Assert.True(code == 0 && (error.Length == 0 || flags.Contains("-json")), $"{string.Join(' ', flags)}: {code} {error}");
        return output;
    }

    private static long Count(JsonDocument statistics, string operation)
    {
        JsonElement total = statistics.RootElement[statistics.RootElement.GetArrayLength() - 1].GetProperty(operation);
        Assert.Equal(0, total.GetProperty("errors").GetInt64());
        return long.Parse(total.GetProperty("count").GetString()!, CultureInfo.InvariantCulture);
    }
}
