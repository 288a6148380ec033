using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Sluice.EndToEnd.Tests.Support;

/// <summary>A load generator that reads a bucket until it is ended, everything verified.</summary>
public sealed partial class RunningLoad : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _output;
    private readonly Task<string> _error;

    /// <summary>Starts it.</summary>
    public RunningLoad(Uri endpoint, string bucket)
    {
        string[] flags = ["-pctput=0", "-duration=0", "-stoppable", "-statsinterval=0", "-verifyhash", "-numworkers=2", "-subdir=load"];
        _process = Process.Start(new ProcessStartInfo(SluiceProcess.Binary, [.. Arguments(endpoint, bucket), .. flags]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        _output = _process.StandardOutput.ReadToEndAsync();
        _error = _process.StandardError.ReadToEndAsync();
    }

    /// <summary>Stores objects for it to read.</summary>
    public static async Task FillAsync(Uri endpoint, string bucket, int objects)
    {
        (int code, string output, string error) = await SluiceProcess.RunAsync(null, endpoint, [
            .. Arguments(endpoint, bucket), "-pctput=100", $"-maxputs={objects}", "-minsize=4k", "-maxsize=1m", "-seed=3", "-subdir=load", "-statsinterval=0"]);
        Assert.True(code == 0 && error.Length == 0, output + error);
    }

    /// <summary>Reads each object once; answers how many GETs were good and how many not, and what it said of those.</summary>
    public static async Task<(long Good, long Errors, string Error)> ReadOnceAsync(Uri endpoint, string bucket)
    {
        (int code, string output, string error) =
            await SluiceProcess.RunAsync(null, endpoint, [.. Arguments(endpoint, bucket), "-epochs=1", "-verifyhash", "-subdir=load", "-statsinterval=0"]);
        Assert.True(code == 0, output + error);
        (long good, long errors) = Final(output);
        return (good, errors, error);
    }

    /// <summary>Ends it in good order; fails when it met an error or did not compare every answer. Answers how many GETs there were.</summary>
    public async Task<long> EndAsync()
    {
        using (Process signal = Process.Start("kill", ["-INT", _process.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            await signal.WaitForExitAsync();
        }

        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        string output = await _output;
        string error = await _error;
        Assert.True(_process.ExitCode == 0 && error.Length == 0, output + error);
        (long good, long errors) = Final(output);
        Match verified = Verified().Match(output);
        Assert.True(errors == 0 && verified.Success && verified.Groups["contents"].Value == verified.Groups["gets"].Value, output);
        return good;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    private static string[] Arguments(Uri endpoint, string bucket) => ["load", $"-ip={endpoint.Host}", $"-port={endpoint.Port}", $"-bucket=ais://{bucket}", "-cleanup=false"];

    private static (long Good, long Errors) Final(string output)
    {
        Match row = FinalRow().Matches(output).Last();
        return (Number(row.Groups["count"].Value), Number(row.Groups["errors"].Value));
    }

    private static long Number(string text) => long.Parse(text, NumberStyles.AllowThousands, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^\d\d:\d\d:\d\d  GET +(?<count>[\d,]+) +\t[^(\n]*\t(?<errors>[\d,]+)$", RegexOptions.Multiline)]
    private static partial Regex FinalRow();

    [GeneratedRegex(@"Verified: (?<contents>[\d,]+) contents and \k<contents> checksums of (?<gets>[\d,]+) GETs")]
    private static partial Regex Verified();
}
