using Sluice.Native.Codecs;

namespace Sluice.Engine.Placement;

/// <summary>
/// Placement by rendezvous hashing: every node, and on a node every mountpath, has a weight for every name, and the largest wins (Thaler and
/// Ravishankar, 1998). The arithmetic is the contract's (native API §6), because clients compute it too; golden vectors are in
/// <c>contract/hrw-vectors.json</c>. Taking one away moves only what it held.
/// </summary>
public static class Hrw
{
    private const ulong Seed = 1103515245;
    private const ulong Gamma = 0x9e3779b97f4a7c15, Mix1 = 0xbf58476d1ce4e5b9, Mix2 = 0x94d049bb133111eb;
    private const int UnameBytesMax = 256 + Objects.ObjectName.BytesMax; // provider, uuid, namespace and bucket take less than 200

    /// <summary>Digest of an object: of its bucket's uname prefix (<c>provider/@uuid#ns/bucket/</c>) followed by its name.</summary>
    public static ulong Digest(ReadOnlySpan<byte> unamePrefix, ReadOnlySpan<byte> name)
    {
        Invariant.That(unamePrefix.Length + name.Length <= UnameBytesMax, "bucket and object names are bounded");
        Span<byte> uname = stackalloc byte[UnameBytesMax];
        unamePrefix.CopyTo(uname);
        name.CopyTo(uname[unamePrefix.Length..]);
        return XxHash64.Hash(uname[..(unamePrefix.Length + name.Length)], Seed);
    }

    /// <summary>Digest of a node's id or a mountpath's uuid.</summary>
    public static ulong IdDigest(ReadOnlySpan<byte> id) => XxHash64.Hash(id, Seed);

    /// <summary>Weight of an object on a node or mountpath.</summary>
    public static ulong Weight(ulong digest, ulong idDigest) => Mix(digest ^ idDigest);

    /// <summary>The contract's mixing function X, modulo 2^64.</summary>
    public static ulong Mix(ulong seed)
    {
        unchecked
        {
            ulong z = seed + Gamma;
            z = (z ^ (z >> 30)) * Mix1;
            z = (z ^ (z >> 27)) * Mix2;
            z = (z ^ (z >> 31)) + Gamma;
            z = (z ^ (z >> 30)) * Mix1;
            z = (z ^ (z >> 27)) * Mix2;
            z = (z ^ (z >> 31)) * 5;
            return System.Numerics.BitOperations.RotateLeft(z, 7) * 9;
        }
    }

    /// <summary>Index of the node with the largest weight, the first of equals; -1 when there is none.</summary>
    public static int BestNode(ulong digest, ReadOnlySpan<ulong> idDigests)
    {
        int best = -1;
        ulong largest = 0;
        for (int i = 0; i < idDigests.Length; i++)
        {
            ulong weight = Weight(digest, idDigests[i]);
            if (best < 0 || weight > largest)
            {
                (best, largest) = (i, weight);
            }
        }

        return best;
    }

    /// <summary>Fills <paramref name="order"/> with the indexes of all mountpaths, largest weight first, the later of equals first.</summary>
    public static void Rank(ulong digest, ReadOnlySpan<ulong> idDigests, Span<int> order)
    {
        Invariant.That(order.Length == idDigests.Length, "every mountpath has a rank");
        Invariant.That(order.Length <= Limits.MountpathsMax);
        Span<ulong> weights = stackalloc ulong[order.Length];
        for (int i = 0; i < order.Length; i++)
        {
            weights[i] = Weight(digest, idDigests[i]);
            int at = i;
            for (; at > 0 && weights[order[at - 1]] <= weights[i]; at--) // insertion: n is small and this allocates nothing
            {
                order[at] = order[at - 1];
            }

            order[at] = i;
        }
    }
}
