using System.Diagnostics;
using FsCheck;
using FsCheck.Fluent;

namespace Sluice.EndToEnd.Tests.ApiModel;

/// <summary>
/// Makes plans, and makes them smaller. Sizes lie on both sides of what the engine cuts at: nothing, one page, the limit of copies and the unit of slices in
/// a coded bucket, the block of a digest, several stripes. Few names and many writes, so that calls meet.
/// </summary>
public static class Plans
{
    private const int ClientsMin = 2, ClientsMax = 4, StepsMax = 8;
    private const ulong Gamma = 0x9e37_79b9_7f4a_7c15; // odd, as FsCheck's generator of numbers asks for

    private static readonly Gen<int> s_size = Gen.Frequency(
        (3, Gen.Elements(0, 1, 100, 4096)),
        (4, Gen.Elements(5000, 65_536, 70_000, 131_073, 300_000)),
        (2, Gen.Elements(1 << 20, (1 << 20) + 1, (3 << 20) + 4097)),
        (1, Gen.Elements(6 << 20)));

    private static readonly Gen<AskedRange> s_range = Gen.Elements(
        new AskedRange(0, 0),
        new AskedRange(0, null),
        new AskedRange(1, 4096),
        new AskedRange(null, 1),
        new AskedRange(null, 70_000),
        new AskedRange(65_535, 65_536),
        new AskedRange((1 << 20) - 1, 1 << 20),
        new AskedRange(60_000, 3_200_000),
        new AskedRange(2 << 20, null));

    private static readonly Gen<Verb> s_verb = Gen.Frequency(
        (6, Gen.Constant(Verb.Put)),
        (1, Gen.Constant(Verb.PutCutShort)),
        (4, Gen.Constant(Verb.Get)),
        (3, Gen.Constant(Verb.GetRange)),
        (2, Gen.Constant(Verb.Head)),
        (3, Gen.Constant(Verb.Delete)),
        (2, Gen.Constant(Verb.Tag)),
        (2, Gen.Constant(Verb.List)));

    private static readonly Gen<Step> s_step =
        from verb in s_verb
        from name in Gen.Choose(0, Plan.Names.Count - 1)
        from size in s_size
        from isTagged in Gen.Elements(true, false)
        from range in s_range
        select verb switch
        {
            Verb.Put => new Step(verb, name) { SizeBytes = size, IsTagged = isTagged },
            Verb.PutCutShort => new Step(verb, name) { SizeBytes = Math.Max(2, size) }, // half of it is less than all of it
            Verb.GetRange => new Step(verb, name) { Range = range },
            Verb.List => new Step(verb, 0),
            _ => new Step(verb, name),
        };

    private static readonly Gen<Plan> s_plan =
        from clients in Gen.Choose(ClientsMin, ClientsMax)
        from steps in Gen.ArrayOf(from count in Gen.Choose(2, StepsMax) from steps in Gen.ArrayOf(s_step, count) select (IReadOnlyList<Step>)steps, clients)
        select new Plan(steps);

    private static readonly Arbitrary<Plan> s_any = Arb.From(s_plan, Smaller);

    /// <summary>The plan of a seed.</summary>
    public static Plan Of(int seed) => s_any.Generator.Sample(1, new Rnd((ulong)seed, Gamma), 1).Single();

    /// <summary>
    /// Leaves out of a plan what it does not need to go wrong in one of <paramref name="attempts"/> runs, until nothing more can be left out or the time is up.
    /// </summary>
    public static async Task<(Plan Plan, string Problem)> ShortenAsync(Plan plan, string problem, int attempts, TimeSpan time, Func<Plan, Task<string?>> run)
    {
        long start = Stopwatch.GetTimestamp();
        for (bool isShorter = true; isShorter;)
        {
            isShorter = false;
            foreach (Plan smaller in s_any.Shrinker(plan))
            {
                string? again = null;
                for (int i = 0; i < attempts && again is null && Stopwatch.GetElapsedTime(start) < time; i++)
                {
                    again = await run(smaller);
                }

                if (again is not null)
                {
                    (plan, problem, isShorter) = (smaller, again, true);
                    break;
                }
            }
        }

        return (plan, problem);
    }

    /// <summary>Without a client, without half of a client's steps, without a step, with a body of fewer bytes; the largest cuts first.</summary>
    private static IEnumerable<Plan> Smaller(Plan plan)
    {
        for (int client = 0; client < plan.Clients.Count; client++)
        {
            yield return new Plan([.. plan.Clients.Take(client), .. plan.Clients.Skip(client + 1)]);
        }

        for (int client = 0; client < plan.Clients.Count; client++)
        {
            IReadOnlyList<Step> steps = plan.Clients[client];
            if (steps.Count > 2)
            {
                yield return With(plan, client, [.. steps.Take(steps.Count / 2)]);
                yield return With(plan, client, [.. steps.Skip(steps.Count / 2)]);
            }

            for (int i = 0; i < steps.Count; i++)
            {
                yield return With(plan, client, [.. steps.Take(i), .. steps.Skip(i + 1)]);
            }

            for (int i = 0; i < steps.Count; i++)
            {
                if (steps[i].SizeBytes > 100)
                {
                    yield return With(plan, client, [.. steps.Take(i), steps[i] with { SizeBytes = 100 }, .. steps.Skip(i + 1)]);
                }
            }
        }
    }

    private static Plan With(Plan plan, int client, IReadOnlyList<Step> steps) => new([.. plan.Clients.Take(client), steps, .. plan.Clients.Skip(client + 1)]);
}
