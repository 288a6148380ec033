namespace Sluice.EndToEnd.Tests.ApiModel;

/// <summary>The checker against histories that are known to be good and to be bad: one that finds nothing wrong here proves nothing elsewhere.</summary>
public sealed class LinearizabilityTests
{
    private static readonly Effect s_nothing = new SawNothing();
    private static readonly Effect s_removed = new Removed();

    private static readonly Dictionary<string, Call[]> s_bad = new()
    {
        ["a stale read"] = [At(0, 1, Put(1)), At(2, 3, Put(2)), At(4, 5, See(1))],
        ["a stale read after a newer one"] = [At(0, 1, Put(1)), At(2, 20, Put(2)), At(3, 5, See(2)), At(6, 8, See(1))],
        ["nothing, after a PUT"] = [At(0, 1, Put(1)), At(2, 3, s_nothing)],
        ["a lost update"] = [At(0, 10, Put(1)), At(0, 10, Put(2)), At(11, 12, See(2)), At(13, 14, See(1))],
        ["an update that nobody ever sees"] = [At(0, 1, Put(1)), At(2, 3, Put(2)), At(4, 5, See(1)), At(6, 7, See(1))],
        ["a resurrection"] = [At(0, 1, Put(1)), At(2, 3, s_removed), At(4, 5, See(1))],
        ["a resurrection that is seen once"] = [At(0, 1, Put(1)), At(2, 3, s_removed), At(4, 5, s_nothing), At(6, 7, See(1))],
        ["bytes that nobody stored"] = [At(0, 1, Put(1)), At(2, 3, See())],
        ["a content before it was sent"] = [At(0, 1, See(1)), At(2, 3, Put(1))],
        ["a content of a PUT that failed"] = [At(0, 1, Put(1)), At(2, 3, See(2))],
        ["two DELETEs of one object"] = [At(0, 1, Put(1)), At(2, 9, s_removed), At(2, 9, s_removed)],
        ["a DELETE of nothing"] = [At(0, 1, s_removed)],
        ["a tag of nothing"] = [At(0, 1, new Tagged(7))],
        ["a tag that is lost"] = [At(0, 1, Put(1)), At(2, 3, new Tagged(7)), At(4, 5, See(1))],
        ["a tag that outlives its content"] = [At(0, 1, Put(1)), At(2, 3, new Tagged(7)), At(4, 5, Put(2)), At(6, 7, SeeTagged(7, 2))],
        ["a tag that brings an old content back"] =
            [At(0, 1, Put(1)), At(2, 9, Put(2)), At(2, 9, new Tagged(7)), At(10, 11, SeeTagged(7, 1))],
        ["two readers who disagree about the order"] =
        [
            At(0, 9, Put(1)), At(0, 9, Put(2)), At(10, 11, See(1), client: 1), At(12, 13, See(2), client: 2),
        ],
    };

    private static readonly Dictionary<string, Call[]> s_good = new()
    {
        ["no calls"] = [],
        ["one after the other"] = [At(0, 1, s_nothing), At(2, 3, Put(1)), At(4, 5, See(1)), At(6, 7, s_removed), At(8, 9, s_nothing), At(10, 11, Put(2)), At(12, 13, See(2))],
        ["a read beside a PUT sees the old"] = [At(0, 1, Put(1)), At(2, 9, Put(2)), At(3, 4, See(1)), At(10, 11, See(2))],
        ["a read beside a PUT sees the new"] = [At(0, 1, Put(1)), At(2, 9, Put(2)), At(3, 4, See(2)), At(5, 6, See(2))],
        ["of two PUTs at once the first wins"] = [At(0, 9, Put(1)), At(1, 8, Put(2)), At(10, 11, See(1))],
        ["of two PUTs at once the second wins"] = [At(0, 9, Put(1)), At(1, 8, Put(2)), At(10, 11, See(2))],
        ["a slow read sees what is gone by its end"] = [At(0, 1, Put(1)), At(2, 20, See(1)), At(3, 4, Put(2)), At(5, 6, s_removed)],
        ["of two DELETEs one meets nothing"] = [At(0, 1, Put(1)), At(2, 9, s_removed), At(2, 9, s_nothing)],
        ["a DELETE between two PUTs at once"] = [At(0, 9, Put(1)), At(0, 9, Put(2)), At(0, 9, s_removed), At(10, 11, See(1))],
        ["either of two contents"] = [At(0, 1, Put(1)), At(2, 3, See(1, 2)), At(4, 5, Put(2)), At(6, 7, See(1, 2))],
        ["a tag beside a PUT goes first"] = [At(0, 1, Put(1)), At(2, 9, Put(2)), At(2, 9, new Tagged(7)), At(10, 11, See(2))],
        ["a tag beside a PUT goes last"] = [At(0, 1, Put(1)), At(2, 9, Put(2)), At(2, 9, new Tagged(7)), At(10, 11, SeeTagged(7, 2))],
        ["a refusal fits anywhere"] = [At(0, 1, new Refused()), At(2, 3, Put(1)), At(4, 5, new Refused()), At(6, 7, See(1))],
        ["times that meet are at once"] = [At(0, 5, Put(1)), At(5, 9, s_nothing)],
    };

    public static TheoryData<string> Bad => [.. s_bad.Keys];

    public static TheoryData<string> Good => [.. s_good.Keys];

    [Theory]
    [MemberData(nameof(Bad))]
    public void ABadHistoryIsRefused(string name)
    {
        string? problem = Linearizability.Problem(s_bad[name]);
        Assert.Contains("no order of these calls", problem, StringComparison.Ordinal);
        Assert.NotNull(Linearizability.Problem([.. s_bad[name].Reverse()])); // the order of the list means nothing
    }

    [Theory]
    [MemberData(nameof(Good))]
    public void AGoodHistoryPasses(string name)
    {
        Assert.Null(Linearizability.Problem(s_good[name]));
        Assert.Null(Linearizability.Problem([.. s_good[name].Reverse()]));
    }

    /// <summary>Forty calls at once have 40! orders; the checker must neither try them all nor miss the right one.</summary>
    [Fact]
    public void ManyCallsAtOnceAreDecided()
    {
        List<Call> calls = [.. Enumerable.Range(1, 8).Select(i => At(0, 100, Put(i))), .. Enumerable.Range(0, 32).Select(i => At(0, 100, See(1 + (i % 8))))];
        Assert.Null(Linearizability.Problem([.. calls, At(101, 102, See(3))]));
        Assert.NotNull(Linearizability.Problem([.. calls, At(101, 102, See(3)), At(103, 104, See(4))]));
    }

    [Fact]
    public void TheReportHasEveryCallAndHowFarItCame()
    {
        string problem = Linearizability.Problem([At(1000, 1100, Put(1)), At(1200, 1300, s_removed, client: 2), At(1400, 1500, See(1), client: 3)])!;
        Assert.Equal(4, problem.TrimEnd().Split('\n').Length);
        Assert.Contains("holds nothing", problem, StringComparison.Ordinal);
        Assert.Contains("*      200–300      client 2:  removed it", problem, StringComparison.Ordinal);
        Assert.Contains("       400–500      client 3:  saw content 1", problem, StringComparison.Ordinal);
    }

    private static Call At(long from, long to, Effect effect, int client = 0) => new(client, from, to, effect);

    private static Stored Put(int content) => new(new Held(content, 0));

    private static Saw See(params int[] contents) => new(contents, 0);

    private static Saw SeeTagged(int custom, int content) => new([content], custom);
}
