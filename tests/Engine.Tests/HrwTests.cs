using System.Globalization;
using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Sluice.Engine.Placement;

namespace Sluice.Engine.Tests;

/// <summary>
/// Placement is computed by clients too, so its arithmetic is the contract's to the bit; and taking a mountpath away moves what it held
/// and nothing else, which is what rendezvous hashing is for.
/// </summary>
public sealed class HrwTests
{
    [Fact]
    public void TheMixingFunctionHasTheContractsValues()
    {
        using JsonDocument vectors = Vectors();
        JsonElement rows = vectors.RootElement.GetProperty("x");
        Assert.NotEqual(0, rows.GetArrayLength());
        foreach (JsonElement row in rows.EnumerateArray())
        {
            Assert.Equal(U64(row.GetProperty("x")), Hrw.Mix(U64(row.GetProperty("seed"))));
        }
    }

    [Fact]
    public void DigestsWeightsAndOwnersAreTheContracts()
    {
        using JsonDocument vectors = Vectors();
        Dictionary<string, ulong> nodes = vectors.RootElement.GetProperty("nodes").EnumerateArray()
            .ToDictionary(node => node.GetProperty("id").GetString()!, node => U64(node.GetProperty("id_digest")));
        Assert.All(nodes, node => Assert.Equal(node.Value, Hrw.IdDigest(Encoding.UTF8.GetBytes(node.Key))));
        string[] ids = [.. nodes.Keys];
        ulong[] digests = [.. nodes.Values];
        int objects = 0;
        foreach (JsonElement row in vectors.RootElement.GetProperty("objects").EnumerateArray())
        {
            byte[] uname = Encoding.UTF8.GetBytes(row.GetProperty("uname").GetString()!);
            ulong digest = U64(row.GetProperty("digest"));
            for (int cut = 0; cut <= uname.Length; cut++) // wherever the bucket's part ends, the text is the same
            {
                Assert.Equal(digest, Hrw.Digest(uname.AsSpan(0, cut), uname.AsSpan(cut)));
            }

            foreach (JsonProperty weight in row.GetProperty("weights").EnumerateObject())
            {
                Assert.Equal(U64(weight.Value), Hrw.Weight(digest, nodes[weight.Name]));
            }

            Assert.Equal(row.GetProperty("owner").GetString(), ids[Hrw.BestNode(digest, digests)]);
            objects++;
        }

        Assert.True(objects > 0);
    }

    [Fact]
    public void RemovingAMountpathMovesOnlyItsOwnShare() =>
        Check.QuickThrowOnFailure(Prop.ForAll(
            Distinct(),
            ArbMap.Default.ArbFor<ulong[]>(),
            (ids, objects) =>
            {
                for (int removed = 0; removed < ids.Length; removed++)
                {
                    ulong[] left = [.. ids.Where((_, index) => index != removed)];
                    foreach (ulong digest in objects)
                    {
                        int[] before = Ranked(digest, ids);
                        int[] after = Ranked(digest, left);

                        // The order of the others stays, so does every copy and slice that is not on the removed one.
                        ulong[] expected = [.. before.Where(index => index != removed).Select(index => ids[index])];
                        if (!expected.SequenceEqual(after.Select(index => left[index])))
                        {
                            return false;
                        }
                    }
                }

                return true;
            }));

    [Fact]
    public void ARankIsAPermutationByFallingWeightWithTheLaterOfEqualsFirst() =>
        Check.QuickThrowOnFailure(Prop.ForAll(
            Gen.ArrayOf(Gen.Elements(1UL, 2UL, 3UL, 99UL, ulong.MaxValue)).ToArbitrary(),
            ArbMap.Default.ArbFor<ulong>(),
            (ids, digest) => Ranked(digest, ids).SequenceEqual(
                Enumerable.Range(0, ids.Length).OrderByDescending(index => Hrw.Weight(digest, ids[index])).ThenByDescending(index => index))));

    [Fact]
    public void TheFirstOfEqualNodesWinsAndNoNodeIsNone()
    {
        Assert.Equal(0, Hrw.BestNode(5, [7, 7, 7]));
        Assert.Equal(-1, Hrw.BestNode(5, []));
        Assert.Equal([2, 1, 0], Ranked(5, [7, 7, 7]));
    }

    [Fact]
    public void ObjectsSpreadEvenly()
    {
        ulong[] ids = [.. Enumerable.Range(0, 8).Select(i => Hrw.IdDigest(Encoding.ASCII.GetBytes($"mountpath-{i}")))];
        var shares = new int[ids.Length];
        for (int i = 0; i < 8000; i++)
        {
            shares[Ranked(Hrw.Digest("ais/@#/b/"u8, Encoding.ASCII.GetBytes($"name-{i}")), ids)[0]]++;
        }

        Assert.All(shares, share => Assert.InRange(share, 850, 1150)); // 1000, five standard deviations of 30
    }

    private static Arbitrary<ulong[]> Distinct() =>
        ArbMap.Default.GeneratorFor<ulong>().ArrayOf().Select(ids => ids.Distinct().Take(12).ToArray()).ToArbitrary();

    private static int[] Ranked(ulong digest, ulong[] ids)
    {
        var order = new int[ids.Length];
        Hrw.Rank(digest, ids, order);
        return order;
    }

    private static ulong U64(JsonElement text) => ulong.Parse(text.GetString()!, CultureInfo.InvariantCulture);

    private static JsonDocument Vectors()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            string file = Path.Combine(at.FullName, "contract", "hrw-vectors.json");
            if (File.Exists(file))
            {
                return JsonDocument.Parse(File.ReadAllBytes(file));
            }
        }

        throw new FileNotFoundException("contract/hrw-vectors.json is not above the test's folder");
    }
}
