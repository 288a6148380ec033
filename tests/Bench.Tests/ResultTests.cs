using Sluice.Bench.Clients;
using Sluice.Bench.Gate;
using Sluice.Bench.Machine;
using Sluice.Bench.Measure;
using Sluice.Bench.Results;
using Sluice.Bench.Rows;
using Sluice.Bench.Run;

namespace Sluice.Bench.Tests;

/// <summary>From what clients print to what a table says.</summary>
public sealed class ResultTests
{
    [Fact]
    public void WhatWrkPrintsIsRead()
    {
        ClientResult result = WrkClient.Parse("Running 2s test\n  2 threads\nmeasured 1000 4096000 2000000 0 500 900 1500\n");
        Assert.Equal(new ClientResult(1000, 4_096_000, 2, 500, 900, 1500), result);
    }

    [Theory]
    [InlineData("unable to connect", "told nothing")]
    [InlineData("measured 1000 4096000 2000000 3 500 900 1500", "3 requests failed")]
    [InlineData("measured 0 0 2000000 0 0 0 0", "no answer")]
    [InlineData("measured 0 4096 2000000 1 0 0 0", "1 requests failed")]
    public void FailedRequestsAreNoResult(string output, string reason) =>
        Assert.Contains(reason, Assert.Throws<BenchException>(() => WrkClient.Parse(output)).Message);

    [Fact]
    public void BytesOfRequestsThatWereNotWholeCount()
    {
        ClientResult result = WrkClient.Parse("measured 0 4096000 2000000 0 0 0 0\n");
        Sample sample = Sample.OfRequests(result.Requests, result.Bytes, result.Seconds, 1);
        Assert.Equal([Figure.Rate, Figure.CpuPerGiB], sample.Values.Keys);
    }

    [Fact]
    public void WhatTheLoaderPrintsIsRead()
    {
        ClientResult result = LoadClient.Parse(Loader(errors: 0), "get");
        Assert.Equal(new ClientResult(10, 40960, 2, 500, 900, 1500), result);
        Assert.Throws<BenchException>(() => LoadClient.Parse(Loader(errors: 1), "get"));
        Assert.Throws<BenchException>(() => LoadClient.Parse(Loader(errors: 0), "put"));
    }

    [Fact]
    public void RatiosSayHowMuchBetterTheSubjectIs()
    {
        var row = new RowResult("get/4KiB/32/wrk", "sluice", [Round(20, 10), Round(30, 10)], "");
        Assert.Equal(new Comparison(2.5, 2, 3), row.Compare("nginx", Figure.CpuPerRequest));
        Assert.Equal(new Comparison(1, 1, 1), row.Compare("nginx", Figure.Requests));
        Assert.Null(row.Compare("nginx", Figure.Start));
    }

    [Fact]
    public void TheNewestTableTakesThePlaceOfTheOneBefore()
    {
        string document = NewestTable.Replace($"# A\n\n{NewestTable.Begin}\n\n#### old\n\n{NewestTable.End}\n\n## B\n", "# new\n\ntext\n");
        Assert.Equal($"# A\n\n{NewestTable.Begin}\n\n### new\n\ntext\n\n{NewestTable.End}\n\n## B\n", document);
        Assert.Throws<BenchException>(() => NewestTable.Replace("# A\n", "# new\n"));
        Assert.Contains(NewestTable.Begin, File.ReadAllText(Path.Combine(Arguments.Parse([]).Repository, "docs", "PERFORMANCE.md")));
    }

    [Fact]
    public void ContendersThatDoDifferentWorkHaveNoRatios()
    {
        string compared = Assert.Single(MarkdownResults.Lines(new RowResult("a", "sluice", [Round(20, 10)], "")), line => line.Contains('→'));
        Assert.StartsWith("nginx", compared);
        Assert.All(MarkdownResults.Lines(new RowResult("a", "", [Round(20, 10)], "")), line => Assert.DoesNotContain('→', line));
    }

    [Theory]
    [InlineData("get/4KiB/32/wrk", "get", true)]
    [InlineData("get/4KiB/32/wrk", "get/4KiB", true)]
    [InlineData("get/4KiB/32/wrk", "put, get/*/32/wrk", true)]
    [InlineData("get/4KiB/32/wrk", "get/4", false)]
    [InlineData("get/4KiB/32/wrk", "put", false)]
    [InlineData("get/4KiB/2000/wrk", "get/*/32", false)]
    public void RowsAreChosenByPattern(string name, string patterns, bool isChosen) => Assert.Equal(isChosen, RowCatalog.Matches(name, patterns));

    [Fact]
    public void RowsHaveNamesOfTheirOwn()
    {
        string[] names = [.. RowCatalog.All(new BenchSettings()).Select(row => row.Name)];
        Assert.NotEmpty(names);
        Assert.Equal(names.Length, names.Distinct().Count());
    }

    [Theory]
    [InlineData("0", new[] { 0 })]
    [InlineData("2-4", new[] { 2, 3, 4 })]
    [InlineData("0-1,4,6-7", new[] { 0, 1, 4, 6, 7 })]
    public void CoresAreListed(string cores, int[] each) => Assert.Equal(each, BenchSettings.Each(cores));

    [Theory]
    [InlineData("--rounds", "0")]
    [InlineData("--seconds", "x")]
    [InlineData("--server-cores", "0;rm")]
    [InlineData("--colour", "red")]
    [InlineData("--rows", null)]
    public void AWrongFlagIsRefused(string flag, string? value) =>
        Assert.Throws<BenchException>(() => Arguments.Parse(value is null ? [flag] : [flag, value]));

    [Fact]
    public void AGateHasItsOwnFlags()
    {
        GateSettings settings = GateSettings.Parse(["--base", "HEAD~1", "--rows", "get", "--rounds", "8"]);
        Assert.Equal(("HEAD~1", "HEAD", "get", 8), (settings.Base, settings.Head, settings.Bench.Rows, settings.Bench.Rounds));
        Assert.Throws<BenchException>(() => GateSettings.Parse(["--rows", "get"]));
        Assert.Throws<BenchException>(() => GateSettings.Parse(["--base", "HEAD", "--rounds", "2"]));
    }

    [Fact]
    public void AWorseFigureOfARowIsFoundAndAToldOneIsNot()
    {
        RowResult slower = Gate(head: 2), slowerTail = Gate(head: 1, headTail: 5);
        Assert.Contains(GateReport.Judge(slower), verdict => verdict is { Outcome: Outcome.Worse } && verdict.Figure == Figure.CpuPerRequest);
        Assert.All(GateReport.Judge(slowerTail), verdict => Assert.Equal(Outcome.Good, verdict.Outcome));
        Assert.Contains("**WORSE**", GateReport.Text([(slower, GateReport.Judge(slower))]));
        Assert.Contains("told only", GateReport.Text([(slowerTail, GateReport.Judge(slowerTail))]));
    }

    [Fact]
    public void TheTimeLeftFollowsHowLongTheRowsBeforeTook()
    {
        var progress = new Progress(TextWriter.Null, [("a", TimeSpan.FromSeconds(10)), ("b", TimeSpan.FromSeconds(10)), ("c", TimeSpan.FromSeconds(20))]);
        progress.Next();
        Assert.Equal(TimeSpan.FromSeconds(40), progress.Left(TimeSpan.Zero));
        progress.Next();
        progress.Next();
        Assert.Equal(TimeSpan.FromSeconds(40), progress.Left(TimeSpan.FromSeconds(80)));
    }

    /// <summary>The place where the self-test of the gate slows a build has to be there.</summary>
    [Fact]
    public void TheSelfTestFindsWhereToSlowABuild()
    {
        string repository = Arguments.Parse([]).Repository;
        DirectoryInfo tree = Directory.CreateTempSubdirectory("sluice-bench-tests-");
        try
        {
            string relative = Path.Combine("transport", "Http", "SluiceApplication.cs");
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(tree.FullName, relative))!);
            File.Copy(Path.Combine(repository, relative), Path.Combine(tree.FullName, relative));
            GateSelfTest.Slow(tree.FullName);
            Assert.Contains("Stopwatch.GetTimestamp() < until", File.ReadAllText(Path.Combine(tree.FullName, relative)));
            File.WriteAllText(Path.Combine(tree.FullName, relative), "class A;");
            Assert.Throws<BenchException>(() => GateSelfTest.Slow(tree.FullName));
        }
        finally
        {
            tree.Delete(recursive: true);
        }
    }

    private static Dictionary<string, IReadOnlyList<Sample>> Round(double nginx, double ours) => new()
    {
        ["nginx"] = [OfCpu(nginx), OfCpu(nginx)],
        ["sluice"] = [OfCpu(ours), OfCpu(ours)],
    };

    private static Sample OfCpu(double micros) => Sample.OfRequests(1_000_000, 4_096_000_000, 10, micros);

    private static RowResult Gate(double head, double headTail = 1)
    {
        Sample first = OfCpu(10), second = OfCpu(10 * head);
        first.Set(Figure.P99, 100);
        second.Set(Figure.P99, 100 * headTail);
        var round = new Dictionary<string, IReadOnlyList<Sample>> { [GateReport.Base] = [first, first], [GateReport.Head] = [second, second] };
        return new RowResult("get", GateReport.Head, [.. Enumerable.Repeat(round, GateJudge.RoundsMin)], "");
    }

    private static string Loader(int errors)
    {
        string get = $$"""{"count":"10","bytes":"40960","errors":{{errors}},"duration":2000000000,"p50":500000,"p99":900000,"p999":1500000}""";
        string none = get.Replace("\"10\"", "\"0\"", StringComparison.Ordinal);
        return "[{\"get\":" + none + "},{\"get\":" + get + ",\"put\":" + none + "}]";
    }
}
