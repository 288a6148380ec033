using Microsoft.AspNetCore.Http;
using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests;

/// <summary>promote: what is asked of the server, and how what it did at once is told.</summary>
public sealed class PromoteTests
{
    [Theory]
    [InlineData("promote /data/d ais://b/p/ -r --overwrite --delete-source", "p/", true)]
    [InlineData("object promote /data/d b", "", false)]
    [InlineData("promote /data/d ais://b --overwrite=false", "", false)]
    public async Task FilesOfTheServerArePromoted(string arguments, string prefix, bool all)
    {
        await using StubServer server = await StubServer.StartAsync();
        (string answer, string atime) = ("jabc", "");
        server.Intercept = async (context, _) =>
        {
            if (atime.Length > 0)
            {
                context.Response.Headers["Ais-Atime"] = atime;
            }

            await context.Response.WriteAsync(answer);
            return true;
        };
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, arguments.Split(' '));
        Assert.Equal((ExitCode.Ok, "jabc\n", ""), (run.Code, run.Output, run.Error));
        SeenRequest sent = server.Only("POST");
        Assert.Equal("/v1/objects/b?provider=ais", sent.RawTarget);
        string flag = all ? "true" : "false";
        Assert.Equal(
            $$$"""{"action":"promote","name":"/data/d","value":{"src":"/data/d","obj":"{{{prefix}}}","rcr":{{{flag}}},"ovw":{{{flag}}},"dls":{{{flag}}}}}""", sent.Json.ToJsonString());
        answer = "";
        run = await CommandRun.OfAsync(server.Endpoint, ["promote", "/data/f", "ais://b/x", "--wait"]);
        Assert.Equal((ExitCode.Ok, "1 file skipped: an object is there; --overwrite replaces it\n"), (run.Code, run.Output));
        atime = "1";
        run = await CommandRun.OfAsync(server.Endpoint, ["promote", "/data/f", "ais://b/x", "--json"]);
        Assert.Equal("""{"id":"","objects":1,"skipped":0}""" + "\n", run.Output);
        run = await CommandRun.OfAsync(server.Endpoint, ["promote", "data/f", "ais://b/x"]);
        Assert.Equal((ExitCode.Usage, "sluice: \"data/f\" is not an absolute path: the server reads the file, not this command\n"), (run.Code, run.Error));
    }
}
