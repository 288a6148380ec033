using Sluice.Bench.Gate;
using Sluice.Bench.Measure;

namespace Sluice.Bench.Tests;

/// <summary>
/// The gate's decision on made-up runs whose truth is known: noise, drift, a disturbed round, and a head that is as fast as the base or slower. Judges that
/// are wrong in one way each are put through the same runs, so that a run that no wrong judge fails would show.
/// </summary>
public sealed class GateJudgeTests
{
    private const int Runs = 2000;

    /// <summary>Says whether a run is to shut the gate.</summary>
    private delegate bool Judge(Figure figure, IReadOnlyList<GateRound> rounds);

    private static readonly Judge s_ours = (figure, rounds) => GateJudge.Judge(figure, rounds).Outcome == Outcome.Worse;

    /// <summary>Twin: takes noise for a loss.</summary>
    private static readonly Judge s_withoutNoise = (figure, rounds) => GateJudge.Judge(figure, rounds).Ratio < GateJudge.RatioMin;

    /// <summary>Twin: compares the first turn of each, so that a drift counts.</summary>
    private static readonly Judge s_withoutReturn = (figure, rounds) =>
        s_ours(figure, [.. rounds.Select(round => round with { BaseLast = round.BaseFirst * 1.0001, HeadLast = round.HeadFirst * 1.0001 })]);

    /// <summary>Twin: means, which one disturbed round moves.</summary>
    private static readonly Judge s_byMeans = (figure, rounds) => figure.Ratio(
        rounds.Average(round => round.BaseFirst + round.BaseLast), rounds.Average(round => round.HeadFirst + round.HeadLast)) < GateJudge.RatioMin;

    /// <summary>Twin: less is always better.</summary>
    private static readonly Judge s_withoutDirection = (figure, rounds) => s_ours(figure with { Better = Better.Lower }, rounds);

    /// <summary>Twin: never says anything.</summary>
    private static readonly Judge s_silent = (_, _) => false;

    private static readonly Run s_plain = new();

    [Theory]
    [InlineData(0.01)]
    [InlineData(0.05)]
    [InlineData(0.2)]
    public void AnEqualHeadPassesHoweverNoisyTheMachine(double noise)
    {
        Assert.InRange(ShutPer1000(s_ours, s_plain with { Noise = noise }), 0, 10);
    }

    [Fact]
    public void AJudgeThatKnowsNoNoiseIsCaughtByTheSameRuns() => Assert.InRange(ShutPer1000(s_withoutNoise, s_plain with { Noise = 0.2 }), 100, 1000);

    [Theory]
    [InlineData(0.8, 0.02)]
    [InlineData(0.88, 0.01)]
    [InlineData(0.5, 0.1)]
    public void ASlowerHeadIsCaught(double speed, double noise)
    {
        Run run = s_plain with { Speed = speed, Noise = noise };
        Assert.InRange(ShutPer1000(s_ours, run), 950, 1000);
        Assert.InRange(ShutPer1000(s_ours, run with { Figure = Figure.CpuPerRequest }), 950, 1000);
        Assert.Equal(0, ShutPer1000(s_silent, run));
    }

    [Fact]
    public void AJudgeThatDoesNotKnowWhichWayAFigureGoesIsCaught()
    {
        Run run = s_plain with { Speed = 0.5, Figure = Figure.Requests };
        Assert.Equal(1000, ShutPer1000(s_ours, run));
        Assert.Equal(0, ShutPer1000(s_withoutDirection, run));
    }

    [Theory]
    [InlineData(0.97)]
    [InlineData(1.3)]
    public void AHeadThatIsAlittleSlowerOrFasterPasses(double speed) => Assert.Equal(0, ShutPer1000(s_ours, s_plain with { Speed = speed, Noise = 0.003 }));

    [Fact]
    public void ADriftOfTheMachineIsNoLoss()
    {
        Run run = s_plain with { DriftATurn = 0.93, Noise = 0.005 };
        Assert.Equal(0, ShutPer1000(s_ours, run));
        Assert.InRange(ShutPer1000(s_withoutReturn, run), 900, 1000);
        GateVerdict verdict = GateJudge.Judge(Figure.Requests, [.. run.Rounds(new Random(1))]);
        Assert.InRange(verdict.Drift, Math.Pow(0.93, 3) * 0.98, Math.Pow(0.93, 3) * 1.02);
    }

    [Fact]
    public void OneDisturbedRoundIsNoLoss()
    {
        Run run = s_plain with { DisturbedRounds = 1, Noise = 0.01 };
        Assert.InRange(ShutPer1000(s_ours, run), 0, 5);
        Assert.InRange(ShutPer1000(s_byMeans, run), 900, 1000);
    }

    [Fact]
    public void OneDisturbedRoundHidesNoLoss() => Assert.InRange(ShutPer1000(s_ours, s_plain with { DisturbedRounds = 1, Speed = 0.8, Noise = 0.01 }), 950, 1000);

    [Fact]
    public void AMachineOnWhichALossWouldNotShowIsTold()
    {
        Assert.Equal(Outcome.Blind, GateJudge.Judge(Figure.Requests, [.. Noisy(1.5)]).Outcome);
        Assert.Equal(Outcome.Good, GateJudge.Judge(Figure.Requests, [.. Noisy(1.01)]).Outcome);

        static IEnumerable<GateRound> Noisy(double factor) => Enumerable.Range(0, 6).Select(_ => new GateRound(100, 100 * factor, 100, 100 * factor));
    }

    [Fact]
    public void ARoundIsTheGeometricMeanOfItsPairs()
    {
        GateVerdict verdict = GateJudge.Judge(Figure.CpuPerRequest, [.. Enumerable.Repeat(new GateRound(10, 20, 20, 10), 4)]);
        Assert.Equal((0.5, 1.0, 1.0, Outcome.Worse), (Math.Round(verdict.Ratio, 9), verdict.Noise, verdict.Drift, verdict.Outcome));
    }

    [Fact]
    public void TooFewRoundsAndMissingSamplesAreRefused()
    {
        Assert.Throws<ArgumentException>(() => GateJudge.Judge(Figure.Requests, [.. Enumerable.Repeat(new GateRound(1, 1, 1, 1), GateJudge.RoundsMin - 1)]));
        Assert.Throws<ArgumentException>(() => GateJudge.Judge(Figure.Requests, [.. Enumerable.Repeat(new GateRound(1, 0, 1, 1), GateJudge.RoundsMin)]));
        Assert.Throws<ArgumentException>(() => GateJudge.Judge(Figure.Requests, [.. Enumerable.Repeat(new GateRound(1, double.NaN, 1, 1), GateJudge.RoundsMin)]));
    }

    /// <summary>How often, of a thousand runs, a judge shuts the gate. Seeds are fixed: the same runs for every judge.</summary>
    private static int ShutPer1000(Judge judge, Run run) =>
        Enumerable.Range(0, Runs).Count(seed => judge(run.Figure, [.. run.Rounds(new Random(seed))])) * 1000 / Runs;

    /// <summary>A made-up run of six rounds.</summary>
    private sealed record Run
    {
        /// <summary>Speed of the head; the base has 1.</summary>
        public double Speed { get; init; } = 1;

        /// <summary>Standard deviation of a sample's logarithm.</summary>
        public double Noise { get; init; } = 0.01;

        /// <summary>Speed of the machine in a turn against the turn before.</summary>
        public double DriftATurn { get; init; } = 1;

        /// <summary>Rounds in which something else took most of the machine while the head was measured.</summary>
        public int DisturbedRounds { get; init; }

        public Figure Figure { get; init; } = Figure.Requests;

        public IEnumerable<GateRound> Rounds(Random random)
        {
            for (int round = 0; round < 6; round++)
            {
                double head = round < DisturbedRounds ? Speed * 0.2 : Speed;
                double start = Math.Pow(DriftATurn, round * 4);
                yield return new GateRound(
                    Sample(random, start),
                    Sample(random, start * DriftATurn * head),
                    Sample(random, start * Math.Pow(DriftATurn, 2) * head),
                    Sample(random, start * Math.Pow(DriftATurn, 3)));
            }
        }

        /// <summary>A value of log-normal noise (Box–Muller).</summary>
        private double Sample(Random random, double speed)
        {
            double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            double value = 1000 * speed * Math.Exp(Noise * normal);
            return Figure.Better == Better.Higher ? value : 1 / value;
        }
    }
}
