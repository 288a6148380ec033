// Names for new objects: subdir / sub-directory / leaf (contract: load generator §1, Names). A random leaf ends with six characters that are
// a checksum of the ones before, so any loader, later and elsewhere, can tell that a loader made the object and what its bytes must be.
using System.Text;
using Sluice.Contract;
using Sluice.Native.Codecs;

namespace Sluice.Loader.Names;

/// <summary>Makes names, as they stand in a request target. One user at a time; the same seed makes the same names.</summary>
public sealed class NewNames
{
    /// <summary>Longest name as it stands in a request target: 1024 bytes, each escaped to three.</summary>
    public const int NameBytesMax = 3 * 1024;

    private const int RandomCharacters = 26; // of five bits: 130, so that a collision is not to be expected
    private const int CheckCharacters = 6;
    private const int LeafCharacters = RandomCharacters + CheckCharacters;
    private const int CharactersANumber = 12; // five bits each of 64
    private const int SubdirectoryDigits = 5;

    private static readonly byte[] s_alphabet = "0123456789abcdefghijkmnpqrstuvwx"u8.ToArray();
    private static readonly byte[] s_digits = "0123456789abcdef"u8.ToArray();

    private readonly byte[] _prefix;
    private readonly int _subdirectories;
    private readonly bool _isRandom;
    private readonly LoaderId _id;
    private SplitMix _random;
    private ulong _counter;

    /// <summary>A maker of names below <paramref name="subdirectory"/>, which is empty or a path without slashes at its ends.</summary>
    public NewNames(string subdirectory, int subdirectories, bool isRandom, LoaderId id, ulong seed)
    {
        string prefix = subdirectory.Length == 0 ? "" : PercentEncoding.Escape(subdirectory, keepSlash: true) + "/";
        _prefix = Encoding.ASCII.GetBytes(prefix);
        _subdirectories = subdirectories;
        _isRandom = isRandom;
        _id = id;
        _random = new SplitMix(seed);
    }

    /// <summary>True when the name's leaf carries its own checksum.</summary>
    public static bool IsOwn(ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> leaf = name[(name.LastIndexOf((byte)'/') + 1)..];
        if (leaf.Length != LeafCharacters)
        {
            return false;
        }

        Span<byte> check = stackalloc byte[CheckCharacters];
        Check(leaf[..RandomCharacters], check);
        return leaf[RandomCharacters..].SequenceEqual(check);
    }

    /// <summary>A text of characters that a bucket's name may hold.</summary>
    public static string RandomText(SplitMix random, int length) =>
        string.Create(length, random, static (text, numbers) =>
        {
            for (int i = 0; i < text.Length; i++)
            {
                text[i] = (char)s_alphabet[(int)numbers.Below((ulong)s_alphabet.Length)];
            }
        });

    /// <summary>Writes the next name and gives its length. <paramref name="into"/> holds at least <see cref="NameBytesMax"/> bytes.</summary>
    public int Write(Span<byte> into)
    {
        _prefix.CopyTo(into);
        int at = _prefix.Length;
        ulong counter = _counter++;
        if (_subdirectories > 0)
        {
            ulong part = counter % (ulong)_subdirectories;
            for (int i = SubdirectoryDigits - 1; i >= 0; i--)
            {
                into[at++] = s_digits[(int)(part >> (4 * i)) & 15];
            }

            into[at++] = (byte)'/';
        }

        return _isRandom ? at + WriteRandom(into[at..]) : at + WriteCounted(into[at..], counter);
    }

    private int WriteRandom(Span<byte> into)
    {
        ulong bits = 0;
        for (int i = 0; i < RandomCharacters; i++)
        {
            bits = i % CharactersANumber == 0 ? _random.Next() : bits >> 5;
            into[i] = s_alphabet[(int)bits & 31];
        }

        Check(into[..RandomCharacters], into.Slice(RandomCharacters, CheckCharacters));
        return LeafCharacters;
    }

    private int WriteCounted(Span<byte> into, ulong counter)
    {
        ulong value = _id.Bits == 0 ? counter : (counter << _id.Bits) | _id.Value;
        _ = value.TryFormat(into, out int written, "x");
        return written;
    }

    private static void Check(ReadOnlySpan<byte> random, Span<byte> into)
    {
        ulong bits = XxHash64.Hash(random, SplitMix.Step);
        for (int i = 0; i < CheckCharacters; i++)
        {
            into[i] = s_alphabet[(int)(bits >> (5 * i)) & 31];
        }
    }
}
