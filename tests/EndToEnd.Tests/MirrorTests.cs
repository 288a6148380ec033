// Mirrored buckets from outside: headers and listing, the number of copies up and down, and a verifying loader that does not notice what becomes of
// one mountpath after another.
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed partial class MirrorTests
{
    private const long DiskBytes = 512L << 20;

    [Fact]
    public async Task TheNumberOfCopiesIsSeenAndChangedWhileTheServerRuns()
    {
        await using var run = await MirrorRun.StartAsync(new LoopDisks(DiskBytes, "ext4", "ext4", "ext4", "ext4"));
        await run.Store.CreateAsync("b");
        for (int i = 0; i < 20; i++)
        {
            await run.Store.PutAsync("b", $"n{i}", new byte[5000 + i]);
        }

        Assert.Equal(20, run.Files("b").Length);
        Assert.Equal("", await run.Store.ControlAsync(HttpMethod.Patch, "/v1/buckets/b", """{"action":"set-bprops","value":{"versioning":{"enabled":true}}}"""));
        string id = await run.Store.ControlAsync(HttpMethod.Patch, "/v1/buckets/b", """{"action":"set-bprops","value":{"mirror":{"enabled":true}}}""");
        Assert.Matches("^[a-zA-Z][a-zA-Z0-9_-]{8,}$", id);
        Assert.Equal(0, (await run.CliAsync("job", "wait", id)).Code);
        Assert.Equal(40, run.Files("b").Length);
        (string copies, string paths) = await run.HeadAsync("b", "n7");
        Assert.Equal("2", copies);
        Assert.Equal(2, paths.Trim('[', ']').Split(' ').Count(run.Disks.Paths.Contains));
        string list = await run.Store.ControlAsync(HttpMethod.Get, "/v1/buckets/b", """{"action":"list","value":{"props":"name,copies"}}""");
        Assert.Equal(20, Regex.Count(list, "\"copies\":2"));

        (int code, string output, string error) = await run.CliAsync("bucket", "make-n-copies", "b", "3", "--wait", "--json");
        Assert.True(code == 0, error);
        using (JsonDocument job = JsonDocument.Parse(output))
        {
            Assert.Equal("make-n-copies", job.RootElement.GetProperty("kind").GetString());
            Assert.Equal(20, job.RootElement.GetProperty("objects").GetInt64());
        }

        Assert.Equal(60, run.Files("b").Length);
        Assert.Equal(0, (await run.CliAsync("bucket", "set", "b", "mirror.enabled=false", "--wait")).Code);
        Assert.Equal(20, run.Files("b").Length);
        Assert.Equal(("1", true), ((await run.HeadAsync("b", "n7")).Copies, run.Files("b").All(file => new FileInfo(file).Length >= 5000)));
        (code, _, error) = await run.CliAsync("bucket", "make-n-copies", "b", "5");
        Assert.NotEqual(0, code);
        Assert.Contains("not enough mountpaths: 5 copies need 5, there are 4", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ALoaderThatVerifiesMeetsNoErrorWhateverBecomesOfOneMountpath()
    {
        await using var run = await MirrorRun.StartAsync(new LoopDisks(DiskBytes, "xfs", "xfs", "xfs", "xfs"));
        await run.Store.CreateAsync("m", """{"mirror":{"enabled":true},"checksum":{"verify":"always"}}""");
        await run.LoadAsync(_ => { }, "-pctput=100", "-maxputs=80", "-minsize=1k", "-maxsize=3m", "-seed=7");
        Assert.Equal(160, run.Files("m").Length);

        Dictionary<string, byte[]> whole = run.Files("m").Where(file => file.StartsWith(run.Disks.Paths[0], StringComparison.Ordinal)).ToDictionary(file => file, File.ReadAllBytes);
        await run.GetWhileAsync(() => Change(whole.Keys, stream =>
        {
            stream.Position = stream.Length / 2;
            stream.WriteByte((byte)~whole[stream.Name][stream.Length / 2]);
        }));
        Change(whole.Keys.Where(File.Exists), stream => stream.Write(whole[stream.Name])); // those that nobody read
        Assert.Equal(0, (await run.CliAsync("bucket", "make-n-copies", "m", "2", "--wait")).Code);

        await run.GetWhileAsync(() => Change(run.FilesOn(1, "m"), stream => stream.SetLength(stream.Length - 1)));
        Assert.Equal(0, (await run.CliAsync("bucket", "make-n-copies", "m", "2", "--wait")).Code);

        await run.GetWhileAsync(() => Array.ForEach(run.FilesOn(2, "m"), File.Delete));
        Assert.Equal(0, (await run.CliAsync("bucket", "make-n-copies", "m", "2", "--wait")).Code);
        Assert.Equal(160, run.Files("m").Length);

        await run.GetWhileAsync(() => run.Disks.CutPower(3));
    }

    private static void Change(IEnumerable<string> files, Action<FileStream> change)
    {
        foreach (string file in files)
        {
            using FileStream stream = new(file, FileMode.Open, FileAccess.ReadWrite);
            change(stream);
        }
    }

    /// <summary>A server over loop-mounted file systems, its client, and the loader against it.</summary>
    private sealed partial class MirrorRun(LoopDisks disks, SluiceProcess server) : IAsyncDisposable
    {
        public LoopDisks Disks => disks;

        public Store Store { get; } = new(server.Endpoint);

        public static async Task<MirrorRun> StartAsync(LoopDisks disks) => new(disks, await SluiceProcess.StartAsync(disks.Paths));

        public string[] Files(string bucket) => [.. Enumerable.Range(0, disks.Paths.Count).SelectMany(i => FilesOn(i, bucket))];

        public string[] FilesOn(int disk, string bucket)
        {
            string objects = Path.Combine(disks.Paths[disk], $"@ais/{bucket}/%ob");
            return Directory.Exists(objects) ? Directory.GetFiles(objects, "*", SearchOption.AllDirectories) : [];
        }

        public Task<(int Code, string Output, string Error)> CliAsync(params string[] arguments) => SluiceProcess.RunAsync(null, server.Endpoint, arguments);

        public async Task<(string Copies, string Paths)> HeadAsync(string bucket, string name)
        {
            using HttpResponseMessage head = await Store.SendAsync(HttpMethod.Head, Store.Target(bucket, name));
            return (head.Headers.GetValues("Ais-Mirror-Copies").Single(), head.Headers.GetValues("Ais-Mirror-Paths").Single());
        }

        /// <summary>Reads for some seconds, everything verified, while something happens in the middle of it.</summary>
        public async Task GetWhileAsync(Action happening)
        {
            string output = await LoadAsync(_ => happening(), "-pctput=0", "-duration=4s", "-statsinterval=1", "-verifyhash", "-numworkers=6");
            Match row = FinalRow().Matches(output).Last();
            Assert.True(row.Groups["errors"].Value == "0", $"{output}\n{server.Log}");
            Assert.True(long.Parse(row.Groups["count"].Value, NumberStyles.AllowThousands, CultureInfo.InvariantCulture) > 80, output);
        }

        /// <summary>Runs the loader to its end; calls back when it has printed its first interval.</summary>
        public async Task<string> LoadAsync(Action<string> atFirstInterval, params string[] flags)
        {
            var start = new ProcessStartInfo(
                SluiceProcess.Binary, ["load", "-bucket=ais://m", $"-ip={server.Endpoint.Host}", $"-port={server.Endpoint.Port}", "-cleanup=false", .. flags])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using Process load = Process.Start(start)!;
            Task<string> error = load.StandardError.ReadToEndAsync();
            string output = "";
            bool isTold = false;
            while (await load.StandardOutput.ReadLineAsync() is { } line)
            {
                output += line + "\n";
                if (!isTold && line.Contains("  GET   ", StringComparison.Ordinal))
                {
                    isTold = true;
                    atFirstInterval(line);
                }
            }

            await load.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
            Assert.True(load.ExitCode == 0 && (await error).Length == 0, output + await error);
            return output;
        }

        public async ValueTask DisposeAsync()
        {
            Store.Dispose();
            await server.KillAsync(); // a mountpath may be gone: there is no clean end to wait for
            server.Dispose();
            disks.Dispose();
        }

        [GeneratedRegex(@"^\d\d:\d\d:\d\d  GET +(?<count>[\d,]+) +\t[^(\n]*\t(?<errors>[\d,]+)$", RegexOptions.Multiline)]
        private static partial Regex FinalRow();
    }
}
