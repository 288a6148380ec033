using System.Collections.Concurrent;
using Sluice.Native.Codecs;

namespace Sluice.Engine.ErasureCoding;

/// <summary>The codecs of all geometries that are in use: at most 32 x 32 of a few KiB, made once each. Any thread.</summary>
internal static class ErasureCodecs
{
    private static readonly ConcurrentDictionary<(int Data, int Parity), ReedSolomon> s_codecs = new();

    /// <summary>The codec of a geometry.</summary>
    public static ReedSolomon Of(int dataSlices, int paritySlices) =>
        s_codecs.GetOrAdd((dataSlices, paritySlices), static counts => new ReedSolomon(counts.Data, counts.Parity));
}
