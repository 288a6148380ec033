using System.Globalization;
using System.Numerics;
using System.Text;

namespace Sluice.EndToEnd.Tests.ApiModel;

/// <summary>One call on one name: who made it, when it began and when its answer was in, and what that says.</summary>
public sealed record Call(int Client, long Invoked, long Returned, Effect Effect, string Text = "");

/// <summary>
/// Decides whether calls on one name could have taken effect one after the other, each at a moment between its beginning and its end (Herlihy and Wing,
/// "Linearizability", 1990). Tries the orders that the times allow, depth first, and no set of calls twice with the same outcome (Wing and Gong, 1993;
/// Lowe, "Testing for linearizability", 2017). A read that fits goes at once: it changes nothing, so putting it off explains no more.
/// </summary>
public static class Linearizability
{
    /// <summary>Calls on one name at most: they are the bits of a word.</summary>
    public const int CallsMax = 64;

    /// <summary>Null when there is such an order for a name that held nothing; else the calls, and how far the best order came.</summary>
    public static string? Problem(IReadOnlyList<Call> calls)
    {
        Assert.True(calls.Count <= CallsMax, $"{calls.Count} calls on one name; at most {CallsMax}");
        Assert.All(calls, call => Assert.True(call.Invoked <= call.Returned));
        var search = new Search([.. calls.OrderBy(call => call.Invoked)]);
        return search.Succeeds(0, Held.Nothing) ? null : search.Report();
    }

    private sealed class Search(Call[] calls)
    {
        private readonly HashSet<(ulong Done, Held Held)> _seen = [];
        private (ulong Done, Held Held) _best;

        public bool Succeeds(ulong done, Held held)
        {
            done = WithReads(done, held);
            if (BitOperations.PopCount(done) == calls.Length)
            {
                return true;
            }

            if (!_seen.Add((done, held)))
            {
                return false;
            }

            if (BitOperations.PopCount(done) > BitOperations.PopCount(_best.Done))
            {
                _best = (done, held);
            }

            foreach (int i in Next(done).Where(i => !calls[i].Effect.IsRead))
            {
                if (calls[i].Effect.Fits(held, out Held after) && Succeeds(done | (1UL << i), after))
                {
                    return true;
                }
            }

            return false;
        }

        private ulong WithReads(ulong done, Held held)
        {
            while (true)
            {
                ulong more = 0;
                foreach (int i in Next(done).Where(i => calls[i].Effect.IsRead && calls[i].Effect.Fits(held, out _)))
                {
                    more |= 1UL << i;
                }

                if (more == 0)
                {
                    return done;
                }

                done |= more;
            }
        }

        /// <summary>Those that may be next: what began after another call had returned cannot go before it.</summary>
        private List<int> Next(ulong done)
        {
            List<int> open = [.. Enumerable.Range(0, calls.Length).Where(i => (done & (1UL << i)) == 0)];
            long bound = open.Count == 0 ? 0 : open.Min(i => calls[i].Returned);
            return [.. open.Where(i => calls[i].Invoked <= bound)];
        }

        public string Report()
        {
            long start = calls[0].Invoked;
            var text = new StringBuilder();
            text.AppendLine(CultureInfo.InvariantCulture, $"no order of these calls explains their answers; behind those marked with * the name holds {_best.Held}, and no call fits:");
            for (int i = 0; i < calls.Length; i++)
            {
                Call call = calls[i];
                char mark = (_best.Done & (1UL << i)) != 0 ? '*' : ' ';
                text.AppendLine(CultureInfo.InvariantCulture, $"  {mark} {call.Invoked - start,8}–{call.Returned - start,-8} client {call.Client}: {call.Text} {call.Effect}");
            }

            return text.ToString();
        }
    }
}
