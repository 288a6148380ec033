using System.Globalization;
using Sluice.Fuzz.Tests.Harness;
using Sluice.Fuzz.Tests.Targets;

namespace Sluice.Fuzz.Tests;

/// <summary>
/// Every parser of what comes from outside or lies on a disk, against mutations of what it takes (docs/TESTING.md). It throws nothing that it has not declared,
/// comes back, allocates within a bound by its input, and reads what it wrote. The numbers of inputs are fixed, so that two runs try the same.
/// </summary>
public sealed class FuzzTests
{
    private const int TakenShare = 500; // of so many inputs at least one gets past the parser, or the mutations only test its first line

    private static readonly Dictionary<string, Fuzzed> s_all = new Fuzzed[]
    {
        RecordTargets.Record, RecordTargets.Map, ManifestTargets.Manifests, DocumentTargets.Seal, DocumentTargets.Buckets, DocumentTargets.MountpathIdentities,
        DocumentTargets.MountpathStates, DocumentTargets.Jobs, DocumentTargets.Properties, NameTargets.Names, NameTargets.Paths, NameTargets.Parts, NameTargets.Checksums, NameTargets.Addresses,
        TemplateTargets.Templates, TemplateTargets.RefusedTemplates, TemplateTargets.Deletions, RechunkTargets.Messages, CopyTargets.Messages, CopyTargets.UnifiedNames, PromoteTargets.Messages,
        RequestTargets.Ranges, RequestTargets.RefusedRanges, RequestTargets.Targets, RequestTargets.CustomMetadata, RequestTargets.TimeLayouts, MessageTargets.Messages,
        MessageTargets.Lists, MessageTargets.Jobs, MessageTargets.Packed, SettingTargets.Files, SettingTargets.Values, SettingTargets.Durations, AnswerTargets.Heads,
        AnswerTargets.Chunks, AnswerTargets.Flags,
    }.ToDictionary(fuzzed => fuzzed.Target.Name);

    public static TheoryData<string> Names => [.. s_all.Keys];

    private static ITestOutputHelper Output => TestContext.Current.TestOutputHelper!;

    [Theory]
    [MemberData(nameof(Names))]
    public void NoInputBreaksAParser(string name)
    {
        FuzzTarget target = s_all[name].Target;
        FuzzOutcome outcome = Fuzzer.Run(target, Budget(target));
        Output.WriteLine($"{name}: {outcome.Taken} of {outcome.Tried} inputs are taken");
        Assert.True(outcome.Failure is null, outcome.Failure);
        Assert.True(outcome.Taken * TakenShare >= outcome.Tried, $"{name}: only {outcome.Taken} of {outcome.Tried} inputs are taken");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void AParserThatIsKnownToBeWrongIsCaught(string name)
    {
        Fuzzed fuzzed = s_all[name];
        FuzzOutcome outcome = Fuzzer.Run(fuzzed.Twin, new FuzzBudget(Seed: 1, fuzzed.Target.InputsOfSuite) { InputTimeMax = TimeSpan.FromSeconds(2) });
        Assert.True(outcome.Failure is not null, $"{name}: the twin holds in {outcome.Tried} inputs");
        Output.WriteLine(outcome.Failure);
        Assert.Contains(fuzzed.Caught, outcome.Failure, StringComparison.Ordinal);
        Assert.StartsWith($"make fuzz TARGET='{name}' SEED=1 INPUT={outcome.Tried}  ", outcome.Failure, StringComparison.Ordinal);
    }

    /// <summary>The input of <c>make fuzz TARGET=… SEED=… INPUT=…</c>, or more of that target; the first of one otherwise.</summary>
    [Fact]
    public void TheNamedTargetHolds()
    {
        string name = Variable("TEST_FUZZ_TARGET") ?? RequestTargets.Ranges.Target.Name;
        Assert.True(s_all.TryGetValue(name, out Fuzzed? fuzzed), $"there is no target \"{name}\"; there are {string.Join(", ", s_all.Keys)}");
        FuzzBudget budget = Budget(fuzzed.Target);
        FuzzOutcome outcome = Fuzzer.Run(fuzzed.Target, Number("TEST_FUZZ_INPUT") is { } input ? budget with { First = input, Inputs = 1, Time = null } : budget);
        Output.WriteLine($"{name}: {outcome.Taken} taken, up to input {outcome.Tried}");
        Assert.True(outcome.Failure is null, outcome.Failure);
    }

    [Fact]
    public void TheSameNumberMakesTheSameInput()
    {
        foreach (Fuzzed fuzzed in s_all.Values)
        {
            byte[][] twice = [Mutator.Next(fuzzed.Target, new Random(7)), Mutator.Next(fuzzed.Target, new Random(7))];
            Assert.Equal(twice[0], twice[1]);
            Assert.True(twice[0].Length <= Mutator.InputBytesMax);
        }
    }

    private static FuzzBudget Budget(FuzzTarget target) => Number("TEST_FUZZ_SECONDS") is { } seconds
        ? new FuzzBudget((int)(Number("TEST_FUZZ_SEED") ?? 1), long.MaxValue / 2) { Time = TimeSpan.FromSeconds(seconds) }
        : new FuzzBudget((int)(Number("TEST_FUZZ_SEED") ?? 1), target.InputsOfSuite);

    private static long? Number(string name) => Variable(name) is { } text ? long.Parse(text, CultureInfo.InvariantCulture) : null;

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? text : null;
}
