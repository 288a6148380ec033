namespace Sluice.Endurance.Tests.Soak;

/// <summary>The judge of a soak is shown runs that are flat, and twins of them that leak.</summary>
public sealed class FlatnessTests
{
    private static readonly Gauge s_gauge = new("descriptors", "", Share: 0.1, Slack: 8);

    private static readonly Dictionary<string, Func<int, double>> s_flat = new()
    {
        ["constant"] = _ => 100,
        ["none"] = _ => 0,
        ["noise"] = i => 100 + ((i * 7919) % 31) - 15,
        ["sawtooth"] = i => 100 + (i % 10),
        ["a cache that fills in the beginning"] = i => 100 + Math.Min(i, 20),
        ["one sample in the midst of something"] = i => i == 95 ? 10_000 : 100,
        ["falling"] = i => 200 - i,
    };

    private static readonly Dictionary<string, Func<int, double>> s_leaking = new()
    {
        ["one in three samples"] = i => 100 + (i / 3),
        ["from nothing"] = i => i / 4,
        ["under noise"] = i => 100 + ((i * 7919) % 31) - 15 + (0.5 * i),
        ["under a sawtooth"] = i => 100 + (i % 10) + (0.4 * i),
        ["in the second half only"] = i => 100 + Math.Max(0, i - 50),
        ["a step"] = i => i < 50 ? 100 : 130,
    };

    public static TheoryData<string> Flat => [.. s_flat.Keys];

    public static TheoryData<string> Leaking => [.. s_leaking.Keys];

    [Theory]
    [MemberData(nameof(Flat))]
    public void WhatIsFlatPasses(string run) => Assert.True(Judge(s_flat[run]).IsFlat, Judge(s_flat[run]).ToString());

    [Theory]
    [MemberData(nameof(Leaking))]
    public void WhatLeaksIsCaught(string run) => Assert.False(Judge(s_leaking[run]).IsFlat, Judge(s_leaking[run]).ToString());

    [Fact]
    public void TooFewSamplesAreNoResult()
    {
        Assert.Throws<ArgumentException>(() => Flatness.Judge(s_gauge, new double[Flatness.SamplesMin - 1]));
        Assert.True(Flatness.Judge(s_gauge, new double[Flatness.SamplesMin]).IsFlat);
    }

    private static GaugeResult Judge(Func<int, double> run) => Flatness.Judge(s_gauge, [.. Enumerable.Range(0, 100).Select(run)]);
}
