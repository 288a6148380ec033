using Sluice.Cli.Tests.Support;
using Sluice.Contract;

namespace Sluice.Cli.Tests;

/// <summary>Exit codes, and the one sentence that goes with each failure.</summary>
public sealed class ExitCodeTests
{
    [Fact]
    public void CodesAreFrozen()
    {
        Assert.Equal(
            ["Ok=0", "Failed=1", "Usage=2", "NotFound=3", "Refused=4"],
            Enum.GetValues<ExitCode>().Select(code => $"{code}={(int)code}"));
        Assert.Equal(Enum.GetValues<ExitCode>(), ExitCodes.Table.Select(row => row.Code));
    }

    [Theory]
    [InlineData(404, ExitCode.NotFound)]
    [InlineData(410, ExitCode.NotFound)]
    [InlineData(400, ExitCode.Refused)]
    [InlineData(403, ExitCode.Refused)]
    [InlineData(409, ExitCode.Refused)]
    [InlineData(500, ExitCode.Failed)]
    [InlineData(501, ExitCode.Failed)]
    [InlineData(507, ExitCode.Failed)]
    public void AStatusHasItsCode(int status, ExitCode code) => Assert.Equal(code, ExitCodes.Of(new SluiceException(status, "", "no")));

    [Fact]
    public void SeveralOutcomesHaveTheCodeThatAllFailuresShare()
    {
        Assert.Equal(ExitCode.NotFound, ExitCodes.Combine(ExitCode.Ok, ExitCode.NotFound));
        Assert.Equal(ExitCode.NotFound, ExitCodes.Combine(ExitCode.NotFound, ExitCode.Ok));
        Assert.Equal(ExitCode.NotFound, ExitCodes.Combine(ExitCode.NotFound, ExitCode.NotFound));
        Assert.Equal(ExitCode.Failed, ExitCodes.Combine(ExitCode.NotFound, ExitCode.Refused));
        Assert.Equal(ExitCode.Ok, ExitCodes.Combine(ExitCode.Ok, ExitCode.Ok));
    }

    [Theory]
    [InlineData("get ais://b/nothing -", ExitCode.NotFound, "ais://b/nothing does not exist")]
    [InlineData("get ais://b/nothing", ExitCode.NotFound, "ais://b/nothing does not exist")]
    [InlineData("head ais://b/nothing", ExitCode.NotFound, "ais://b/nothing does not exist")]
    [InlineData("rm ais://b/nothing", ExitCode.NotFound, "ais://b/nothing does not exist")]
    [InlineData("get -r ais://b/nothing .", ExitCode.NotFound, "there is no object below ais://b/nothing/")]
    [InlineData("ls ais://none", ExitCode.NotFound, "bucket \"ais://none\" does not exist")]
    [InlineData("bucket create b", ExitCode.Refused, "bucket \"ais://b\" already exists")]
    [InlineData("put /no/such/file ais://b/x", ExitCode.NotFound, "/no/such/file does not exist")]
    [InlineData("ls b", ExitCode.Usage, "\"b\" is not an address of the form ais://bucket/name")]
    [InlineData("ls nope://b", ExitCode.Usage, "\"nope://b\": unknown provider \"nope\": expecting ais, s3, gs, az or oc")]
    [InlineData("bucket show ais://b/x", ExitCode.Usage, "\"ais://b/x\" names an object where a bucket is expected")]
    [InlineData("put - ais://b/d/", ExitCode.Usage, "\"ais://b/d/\" is a directory: standard input needs an object name")]
    [InlineData("cat ais://b/x --range 9-1", ExitCode.Usage, "\"9-1\" is not a range of the form FIRST-LAST, FIRST- or -COUNT")]
    [InlineData("bucket create b -p novalue", ExitCode.Usage, "\"novalue\" is not a property of the form KEY=VALUE")]
    [InlineData("bucket create b -p a=1 -p a.b=2", ExitCode.Usage, "\"a.b=2\" lies below a property that has a value already")]
    [InlineData("bucket create b -p a=1 -p a=2", ExitCode.Usage, "property a is given twice")]
    [InlineData("bucket create b -p a={", ExitCode.Usage, "the value of \"a={\" is not valid JSON")]
    public async Task AFailureIsACodeAndOneSentence(string line, ExitCode code, string sentence)
    {
        await using StubServer server = await StubServer.StartAsync();
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, line.Split(' '));
        Assert.Equal((code, $"sluice: {sentence}\n", ""), (run.Code, run.Error, run.Output));
    }

    [Theory]
    [InlineData("put")]
    [InlineData("frobnicate")]
    [InlineData("ls ais://b --frobnicate")]
    [InlineData("put x ais://b/ --jobs 0")]
    [InlineData("put x ais://b/ --jobs many")]
    [InlineData("bucket")]
    public async Task ACommandLineThatDoesNotParseIsUsage(string line)
    {
        CommandRun run = await CommandRun.OfAsync(null, line.Split(' '));
        Assert.Equal((ExitCode.Usage, ""), (run.Code, run.Output));
        Assert.DoesNotContain('\n', run.Error);
    }

    [Fact]
    public async Task AnEndpointComesFromTheOptionThenFromTheVariable()
    {
        await using StubServer server = await StubServer.StartAsync();
        Assert.Equal(ExitCode.Ok, (await CommandRun.OfAsync(server.Endpoint, ["bucket", "ls"])).Code);
        Assert.Equal(ExitCode.Ok, (await CommandRun.OfAsync("http://127.0.0.1:1", ["bucket", "ls", "--endpoint", server.Endpoint])).Code);
        CommandRun wrong = await CommandRun.OfAsync(server.Endpoint, ["bucket", "ls", "--endpoint", "nonsense"]);
        Assert.Equal((ExitCode.Usage, "sluice: the endpoint \"nonsense\" is not of the form http://HOST:PORT\n"), (wrong.Code, wrong.Error));
    }

    [Fact]
    public async Task HelpTellsTheCodes()
    {
        CommandRun run = await CommandRun.OfAsync(null, ["--help"]);
        Assert.Equal(ExitCode.Ok, run.Code);
        Assert.All(ExitCodes.Table, row => Assert.Contains($"{(int)row.Code}  {row.Meaning}", run.Output, StringComparison.Ordinal));
    }
}
