// The load generator of the published binary against a server of the same binary: what docs/LOADER.md promises.
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class LoadTests(ServerFixture fixture) : IClassFixture<ServerFixture>, IDisposable
{
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("sluice-load-");

    [Fact]
    public async Task WhatOneLoaderPutsAnotherVerifiesByteForByte()
    {
        string put = await SucceedAsync("-bucket=ais://lv", "-pctput=100", "-maxputs=60", "-minsize=0", "-maxsize=700k", "-num-subdirs=3", "-cleanup=false", "-seed=11");
        Assert.Equal((60, 0), LoadOutput.Final(put, "PUT"));
        string read = await SucceedAsync("-bucket=ais://lv", "-epochs=2", "-verifyhash", "-numworkers=7", "-loops=2", "-cleanup=false");
        Assert.Contains("Found 60 existing objects", read, StringComparison.Ordinal);
        Assert.Contains("\"name-getter\": \"unique sequential\"", read, StringComparison.Ordinal);
        Assert.Contains("Verified: 120 contents and 120 checksums of 120 GETs", read, StringComparison.Ordinal);
        Assert.Equal((120, 0), LoadOutput.Final(read, "GET"));
        string ranges = await SucceedAsync("-bucket=ais://lv", "-epochs=1", "-verifyhash", "-readoff=3", "-perm-shuffle-max=1", "-cleanup=false");
        Assert.Contains("\"name-getter\": \"unique epoch-based\"", ranges, StringComparison.Ordinal);
        string gone = await SucceedAsync("-bucket=ais://lv", "-epochs=1", "-discard", "-cleanup=true");
        Assert.Equal((60, 0), LoadOutput.Final(gone, "GET"));
        Assert.Contains("Destroyed bucket ais://lv", gone, StringComparison.Ordinal);
        Assert.Contains("does not exist", await FailAsync("-bucket=ais://lv", "-cleanup=false"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnObjectThatIsNotWhatWasPutIsFound()
    {
        await SucceedAsync("-bucket=ais://ld", "-pctput=100", "-maxputs=5", "-minsize=5000", "-maxsize=5000", "-cleanup=false");
        string name = (await SluiceProcess.RunAsync(null, fixture.Server.Endpoint, "ls", "ais://ld")).Output.Split('\n')[0].Split(' ', '\t')[0];
        Assert.Equal(32, name.Length);
        // Stored with a good checksum, so that only the regenerated content tells.
        byte[] another = (await fixture.Store.GetAsync("ld", name))!;
        another[0] ^= 1; // zeros would begin as one content of 256 does
        await fixture.Store.PutAsync("ld", name, another);
        (int code, string output, string error) = await LoadAsync("-bucket=ais://ld", "-epochs=1", "-verifyhash", "-cleanup=true");
        Assert.Equal(0, code);
        Assert.Equal((4, 1), LoadOutput.Final(output, "GET"));
        Assert.Contains($"GET failed: {name}: byte 0 is not the one that was PUT", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AMixWithUpdatesVerifiesWhileItIsOverwritten()
    {
        string output = await SucceedAsync(
            "-bucket=ais://lm", "-pctput=100", "-maxputs=4", "-minsize=1k", "-maxsize=90k", "-cleanup=false");
        Assert.Equal((4, 0), LoadOutput.Final(output, "PUT"));
        output = await SucceedAsync(
            "-bucket=ais://lm", "-pctput=5", "-pctupdate=40", "-maxputs=150", "-minsize=1k", "-maxsize=90k", "-verifyhash", "-cksum-type=md5", "-randomproxy", "-cleanup=true");
        Assert.Equal(0, LoadOutput.Final(output, "GET").Errors);
        Assert.Equal((150, 0), LoadOutput.Final(output, "PUT"));
    }

    [Fact]
    public async Task AnOpenLoopCountsTheWaitThatAClosedLoopDoesNotSee()
    {
        await SucceedAsync("-bucket=ais://lo", "-pctput=100", "-maxputs=10", "-minsize=100", "-maxsize=100", "-cleanup=false");
        JsonElement open = await PausedAsync("-rate=400");
        JsonElement closed = await PausedAsync(); // the known-bad twin: 4 requests wait for the pause, the others are not sent
        Assert.True(open.GetProperty("get").GetProperty("p90").GetInt64() > 10 * closed.GetProperty("get").GetProperty("p90").GetInt64(), $"{open}\n{closed}");
        Assert.True(open.GetProperty("late").GetInt64() > 100, open.ToString());
        Assert.Equal(0, closed.GetProperty("late").GetInt64());
    }

    [Theory]
    [InlineData("say -cleanup", "-bucket=b")]
    [InlineData("not built yet", "-bucket=b", "-cleanup=false", "-s3endpoint=http://h")]
    [InlineData("not built yet", "-pctput=100", "-arch.pct=4")]
    [InlineData("no flag -frob", "-frob")]
    [InlineData("nothing to GET", "-bucket=b", "-subdir=none", "-cleanup=false")]
    [InlineData("does not exist", "-bucket=nosuch", "-cleanup=false")]
    public async Task ARefusalIsOneSentenceAndExitCodeOne(string sentence, params string[] flags) =>
        Assert.Contains(sentence, await FailAsync(flags), StringComparison.Ordinal);

    [Fact]
    public async Task HelpListsFlagsInGroupsAndTheLoadersIdIsPrinted()
    {
        (int code, string help, _) = await SluiceProcess.RunAsync(null, null, "load", "--help");
        Assert.Equal(0, code);
        Assert.Contains("\nConnection\n", help, StringComparison.Ordinal);
        Assert.Contains("  -rate=N ", help, StringComparison.Ordinal);
        (code, string id, _) = await SluiceProcess.RunAsync(null, null, "load", "-getloaderid", "-loaderid=31", "-loadernum=100");
        Assert.Equal((0, "0x1f\n"), (code, id));
    }

    [Fact]
    public async Task AStoppableRunEndsInGoodOrderOnASignal()
    {
        using Process load = Start("-bucket=ais://b", "-duration=0", "-statsinterval=1", "-stoppable", "-cleanup=false");
        string line = await LineAsync(load, text => text.Contains("  GET   ", StringComparison.Ordinal));
        Assert.NotEmpty(line);
        Signal(load.Id, "INT");
        string rest = await load.StandardOutput.ReadToEndAsync();
        await load.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(0, load.ExitCode);
        Assert.Contains("Actual run duration: ", rest, StringComparison.Ordinal);
        Assert.Equal(0, LoadOutput.Final(rest, "GET").Errors);
    }

    [Fact]
    public async Task StatisticsGoToAFileWhenAsked()
    {
        string file = Path.Combine(_home.FullName, "stats.json");
        string output = await SucceedAsync("-bucket=ais://b", "-epochs=20", "-json", $"-stats-output={file}", "-cleanup=false");
        Assert.Contains($"Stats written to {file}", output, StringComparison.Ordinal);
        using JsonDocument json = JsonDocument.Parse(await File.ReadAllTextAsync(file));
        JsonElement total = json.RootElement[json.RootElement.GetArrayLength() - 1].GetProperty("get");
        Assert.Equal("20", total.GetProperty("count").GetString());
        Assert.Equal("200", total.GetProperty("bytes").GetString());
    }

    public void Dispose() => _home.Delete(recursive: true);

    /// <summary>Runs four workers while the server stands still for an interval; answers the totals.</summary>
    private async Task<JsonElement> PausedAsync(params string[] flags)
    {
        using Process load = Start(["-bucket=ais://lo", "-numworkers=4", "-duration=4s", "-statsinterval=1", "-json", "-quiet", "-cleanup=false", .. flags]);
        string output = await LineAsync(load, IsElement);
        fixture.Server.Signal("STOP");
        try
        {
            output += await LineAsync(load, IsElement);
            output += await LineAsync(load, IsElement);
        }
        finally
        {
            fixture.Server.Signal("CONT");
        }

        output += await load.StandardOutput.ReadToEndAsync();
        await load.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(0, load.ExitCode);
        using JsonDocument json = JsonDocument.Parse(output);
        return json.RootElement[json.RootElement.GetArrayLength() - 1].Clone();
    }

    private static bool IsElement(string line) => line.Contains("{\"get\":", StringComparison.Ordinal);

    private Process Start(params string[] flags)
    {
        var start = new ProcessStartInfo(SluiceProcess.Binary, ["load", .. flags]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["AIS_ENDPOINT"] = fixture.Server.Endpoint.GetLeftPart(UriPartial.Authority);
        Process load = Process.Start(start)!;
        load.BeginErrorReadLine();
        return load;
    }

    /// <summary>Output up to and with the first line that is wanted.</summary>
    private static async Task<string> LineAsync(Process process, Func<string, bool> isWanted)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        string output = "";
        while (await process.StandardOutput.ReadLineAsync(deadline.Token) is { } line)
        {
            output += line + "\n";
            if (isWanted(line))
            {
                return output;
            }
        }

        throw new InvalidOperationException($"the loader ended:\n{output}");
    }

    private static void Signal(int process, string name)
    {
        using Process kill = Process.Start("kill", [$"-{name}", process.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    private async Task<(int Code, string Output, string Error)> LoadAsync(params string[] flags)
    {
        Uri server = fixture.Server.Endpoint;
        return await SluiceProcess.RunAsync(null, server, ["load", $"-ip={server.Host}", $"-port={server.Port}", .. flags]);
    }

    private async Task<string> SucceedAsync(params string[] flags)
    {
        (int code, string output, string error) = await LoadAsync(flags);
        Assert.True(code == 0 && error.Length == 0, $"{string.Join(' ', flags)}: {code} {error}");
        return output;
    }

    private async Task<string> FailAsync(params string[] flags)
    {
        (int code, _, string error) = await LoadAsync(flags);
        Assert.Equal(1, code);
        Assert.Single(error.Trim().Split('\n'));
        return error;
    }
}
