using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Native.Codecs;

namespace Sluice.Engine.ErasureCoding;

/// <summary>
/// Reads of a striped object: each unit from its slice, and where that cannot be had from any D others of its stripe. A unit that is read whole is compared
/// with its digest, and so is every unit that another is rebuilt from.
/// </summary>
internal static class StripedReads
{
    private static readonly byte[] s_zeros = new byte[StripeGeometry.LastUnitAlignmentBytes];

    /// <summary>Fills the buffer from <paramref name="offset"/>; the range lies within the object.</summary>
    public static async ValueTask<Result> ReadAsync(StripedObject striped, Memory<byte> buffer, long offset)
    {
        for (int done = 0; done < buffer.Length;)
        {
            UnitPlace place = striped.Geometry.PlaceOf(offset + done);
            Memory<byte> piece = buffer.Slice(done, Math.Min(place.Count, buffer.Length - done));
            Result read = await ReadPieceAsync(striped, place, piece, pages: default);
            if (!read.Ok)
            {
                return read;
            }

            done += piece.Length;
        }

        return Result.Done;
    }

    /// <summary>
    /// The same past the page cache: <paramref name="count"/> bytes into a buffer of whole pages. Units begin at whole pages, in the object and in their
    /// slices, so what is aligned for a plain file is aligned here.
    /// </summary>
    public static async ValueTask<Result> ReadColdAsync(StripedObject striped, Memory<byte> buffer, long offset, int count)
    {
        for (int done = 0; done < count;)
        {
            UnitPlace place = striped.Geometry.PlaceOf(offset + done);
            int wanted = Math.Min(place.Count, count - done);
            int pages = (wanted + IFileIo.DirectAlignmentBytes - 1) & ~(IFileIo.DirectAlignmentBytes - 1);
            Result read = await ReadPieceAsync(striped, place, buffer.Slice(done, wanted), buffer.Slice(done, Math.Min(pages, buffer.Length - done)));
            if (!read.Ok)
            {
                return read;
            }

            done += wanted;
        }

        return Result.Done;
    }

    /// <summary>Reads the units that cover a range and compares them; those that fail are rebuilt, so that a range that passes can be served.</summary>
    public static async ValueTask<Result> VerifyAsync(StripedObject striped, long offset, long count)
    {
        for (long at = offset; at < offset + count;)
        {
            UnitPlace place = striped.Geometry.PlaceOf(at);
            if (!await IsGoodAsync(striped, place.Stripe, place.Slice))
            {
                Result rebuilt = await RebuiltAsync(striped, place, Memory<byte>.Empty);
                if (!rebuilt.Ok)
                {
                    return rebuilt;
                }
            }

            at += place.Count;
        }

        return Result.Done;
    }

    /// <summary>True when the unit is what was written. What is not is noted as lost.</summary>
    public static async ValueTask<bool> IsGoodAsync(StripedObject striped, int stripe, int slice)
    {
        if (await striped.GetGoodAsync(slice, stripe) is not { } file)
        {
            return false;
        }

        ulong digest = 0;
        string? problem = await ForPiecesAsync(striped, file, stripe, (piece, _) => digest = Crc64Nvme.Append(digest, piece.Span));
        return await PassesAsync(striped, file, stripe, slice, digest, problem);
    }

    /// <summary>Writes a unit that cannot be read, from others of its stripe.</summary>
    public static async ValueTask<Result> RebuildAsync(StripedObject striped, int stripe, int slice, Memory<byte> unit)
    {
        int needed = striped.Geometry.DataSlices;
        var sources = new int[needed];
        while (true)
        {
            int found = 0;
            for (int other = 0; other < striped.Geometry.SliceCount && found < needed; other++)
            {
                if (other != slice && await striped.GetGoodAsync(other, stripe) is not null)
                {
                    sources[found++] = other;
                }
            }

            if (found < needed)
            {
                return striped.TooFew(found);
            }

            if (await TrySumAsync(striped, stripe, slice, sources, unit))
            {
                striped.Context.RebuiltUnits.Add();
                return Result.Done;
            }
        }
    }

    /// <summary>A part of a unit that cannot be read, by way of the memory of rebuilt ones.</summary>
    public static ValueTask<Result> RebuiltAsync(StripedObject striped, UnitPlace place, Memory<byte> piece) => striped.Context.Memory.Rebuilt.ReadAsync(
        striped.KeyOf(place.Stripe, place.Slice),
        striped.Geometry.UnitBytesOf(place.Stripe),
        place.InUnit,
        piece,
        unit => RebuildAsync(striped, place.Stripe, place.Slice, unit));

    /// <summary>A part of one unit; past the page cache with <paramref name="pages"/>, which are those of <paramref name="piece"/>.</summary>
    private static async ValueTask<Result> ReadPieceAsync(StripedObject striped, UnitPlace place, Memory<byte> piece, Memory<byte> pages)
    {
        if (await striped.GetGoodAsync(place.Slice, place.Stripe) is { } file)
        {
            long offset = striped.Geometry.OffsetOf(place.Stripe) + place.InUnit;
            string? problem = pages.IsEmpty ? await file.ReadAsync(piece, offset) : await file.ReadColdAsync(pages, offset, piece.Length);
            bool isWhole = place.InUnit == 0 && piece.Length == place.Count;
            if (problem is null && !isWhole)
            {
                return Result.Done;
            }

            ulong digest = problem is null ? Padded(Crc64Nvme.Hash(piece.Span), striped.Geometry.UnitBytesOf(place.Stripe) - piece.Length) : 0;
            if (await PassesAsync(striped, file, place.Stripe, place.Slice, digest, problem))
            {
                return Result.Done;
            }
        }

        return await RebuiltAsync(striped, place, piece);
    }

    /// <summary>Sums the shares of the sources, all of which are asked at once; false when one of them turned out to be lost. None is at work any more then.</summary>
    private static async ValueTask<bool> TrySumAsync(StripedObject striped, int stripe, int slice, int[] sources, Memory<byte> unit)
    {
        var sum = new UnitSum(striped.PlanFor(sources, slice), unit);
        var shares = new Task<bool>[sources.Length];
        for (int i = 0; i < sources.Length; i++)
        {
            shares[i] = AddShareAsync(striped, stripe, sources[i], sum, i);
        }

        return Array.TrueForAll(await Task.WhenAll(shares), static isGood => isGood); // waits for all when one throws: they write into the unit
    }

    /// <summary>Adds what one source has to a unit; false when it is lost, and the sum is worth nothing.</summary>
    private static async Task<bool> AddShareAsync(StripedObject striped, int stripe, int source, UnitSum sum, int place)
    {
        if (striped.Good(source, stripe) is not { } file)
        {
            return false;
        }

        ulong digest = 0;
        string? problem = await ForPiecesAsync(striped, file, stripe, (piece, at) =>
        {
            digest = Crc64Nvme.Append(digest, piece.Span);
            sum.Add(place, piece, at);
        });
        return await PassesAsync(striped, file, stripe, source, digest, problem);
    }

    /// <summary>Reads a unit through a small buffer, which is held while the disk works; answers what was wrong.</summary>
    private static async ValueTask<string?> ForPiecesAsync(StripedObject striped, SliceFile file, int stripe, Action<Memory<byte>, int> use)
    {
        using BlockBuffers.Rented rented = await striped.Context.Memory.Scratch.RentAsync();
        int unitBytes = striped.Geometry.UnitBytesOf(stripe);
        for (int at = 0; at < unitBytes; at += ErasureMemory.ScratchBytes)
        {
            Memory<byte> piece = rented.Memory[..Math.Min(ErasureMemory.ScratchBytes, unitBytes - at)];
            if (await file.ReadAsync(piece, striped.Geometry.OffsetOf(stripe) + at) is { } problem)
            {
                return problem;
            }

            use(piece, at);
        }

        return null;
    }

    /// <summary>Compares a unit's digest with the one that was written; what fails is lost.</summary>
    private static async ValueTask<bool> PassesAsync(StripedObject striped, SliceFile file, int stripe, int slice, ulong digest, string? problem)
    {
        if (problem is null)
        {
            (ulong[]? digests, string? unreadable) = await file.DigestsAsync();
            if (digests is null)
            {
                striped.Lose(slice, unreadable!);
                return false;
            }

            if (digests[stripe] == digest)
            {
                return true;
            }

            problem = "it does not match its digest";
        }

        striped.LoseUnit(slice, stripe, problem);
        return false;
    }

    /// <summary>The digest of what is followed by zeros.</summary>
    private static ulong Padded(ulong digest, int zeros)
    {
        for (; zeros > 0; zeros -= s_zeros.Length)
        {
            digest = Crc64Nvme.Append(digest, s_zeros.AsSpan(0, Math.Min(zeros, s_zeros.Length)));
        }

        return digest;
    }
}
