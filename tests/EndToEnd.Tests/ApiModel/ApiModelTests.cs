using System.Globalization;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests.ApiModel;

/// <summary>
/// What several clients see at once is what one register a name would show: random calls of the native API against the published server, their times, and a
/// checker (docs/TESTING.md). A failure prints the line that runs its plan again, and the plan and its calls as short as they could be made.
/// </summary>
public sealed class ApiModelTests : IDisposable
{
    private const int SeedsOfSuite = 15;
    private const int ReplaysOfSeed = 40; // the times are not the seed's: a plan that went wrong once may hold many times
    private const int AttemptsOfSmaller = 5;
    private const int SeedsOfTwin = 60;
    private const int MountpathCount = 4;

    private static readonly TimeSpan s_shorteningMax = TimeSpan.FromSeconds(30);

    /// <summary>Buckets by kind. A coded one keeps small objects as copies, so that overwriting goes both ways.</summary>
    private static readonly Dictionary<string, string> s_buckets = new()
    {
        ["plain"] = "null",
        ["relaxed"] = """{"durability":"relaxed"}""",
        ["copies"] = """{"mirror":{"enabled":true,"copies":2}}""",
        ["coded"] = """{"ec":{"enabled":true,"data_slices":2,"parity_slices":1,"unit":"64KiB","objsize_limit":4096}}""",
    };

    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("sluice-model-");

    public static MatrixTheoryData<string, string> Cases { get; } = new(["uring", "threads"], s_buckets.Keys);

    public static TheoryData<string> Twins => [.. KnownBadServer.All.Keys];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task CallsOfSeveralClientsAreThoseOnOneRegisterAName(string backend, string bucket)
    {
        int? seed = Variable("TEST_MODEL_SEED");
        (int first, int count) = seed is { } one ? (one, 1) : (Variable("TEST_MODEL_FIRST") ?? 1, Variable("TEST_MODEL_SEEDS") ?? SeedsOfSuite);
        using SluiceProcess server = await StartAsync(backend);
        using HttpClient http = Client(server, new SocketsHttpHandler());
        for (int i = first; i < first + count; i++)
        {
            Plan plan = Plans.Of(i);
            string? problem = null;
            for (int run = 0; run < (seed is null ? 1 : ReplaysOfSeed) && problem is null; run++)
            {
                problem = await HistoryRun.ProblemAsync(http, bucket, plan);
            }

            if (problem is not null)
            {
                (Plan shorter, problem) = await Plans.ShortenAsync(
                    plan, problem, AttemptsOfSmaller, s_shorteningMax, smaller => HistoryRun.ProblemAsync(http, bucket, smaller));
                Assert.Fail($"make model SEED={i}  {backend}, bucket \"{bucket}\"\n{problem}\nof {shorter}\n{server.Log}");
            }
        }

        Assert.Equal(0, await server.StopAsync());
    }

    /// <summary>The same plans find each of the servers that are known to be wrong, and find it wrong, not only unable to answer.</summary>
    [Theory]
    [MemberData(nameof(Twins))]
    public async Task AServerThatIsKnownToBeWrongIsCaught(string twin)
    {
        using SluiceProcess server = await StartAsync("threads");
        using HttpClient http = Client(server, KnownBadServer.All[twin]());
        string? problem = null;
        int seed = 0;
        while (seed < SeedsOfTwin && problem?.Contains("no order of these calls", StringComparison.Ordinal) != true)
        {
            problem = await HistoryRun.ProblemAsync(http, "relaxed", Plans.Of(++seed));
        }

        Assert.True(problem?.Contains("no order of these calls", StringComparison.Ordinal) == true, $"{twin}: not caught by {SeedsOfTwin} plans; the last said: {problem}");
        TestContext.Current.TestOutputHelper!.WriteLine($"{twin}: caught by seed {seed}: {problem}");
        Assert.Equal(0, await server.StopAsync());
    }

    /// <summary>What fails is made as short as it can be: of a plan with a PUT and a DELETE in it nothing else is left.</summary>
    [Fact]
    public async Task APlanThatFailsIsMadeShorter()
    {
        Plan plan = Enumerable.Range(1, 100).Select(Plans.Of).First(plan => Fails(plan) is not null && plan.Clients.Count == 4);
        (Plan shorter, string problem) = await Plans.ShortenAsync(plan, "long", attempts: 1, s_shorteningMax, smaller => Task.FromResult(Fails(smaller)));
        Assert.Equal("short", problem);
        Assert.Equal([Verb.Put, Verb.Delete], shorter.Clients.SelectMany(steps => steps).Select(step => step.Verb).Order());

        static string? Fails(Plan plan)
        {
            List<Verb> verbs = [.. plan.Clients.SelectMany(steps => steps).Select(step => step.Verb)];
            return verbs.Contains(Verb.Put) && verbs.Contains(Verb.Delete) ? "short" : null;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _home.Delete(recursive: true);

    private async Task<SluiceProcess> StartAsync(string backend)
    {
        string[] mountpaths = [.. Enumerable.Range(0, MountpathCount).Select(i => Directory.CreateDirectory(Path.Combine(_home.FullName, $"mp{i}")).FullName)];
        SluiceProcess server = await SluiceProcess.StartAsync(mountpaths, "--allow-shared-disk", "--io", backend, "--flush-interval", "100ms");
        using var store = new Store(server.Endpoint);
        foreach ((string bucket, string properties) in s_buckets)
        {
            await store.CreateAsync(bucket, properties);
        }

        return server;
    }

    private static HttpClient Client(SluiceProcess server, HttpMessageHandler handler) =>
        new(handler) { BaseAddress = server.Endpoint, Timeout = TimeSpan.FromMinutes(1) };

    private static int? Variable(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
}
