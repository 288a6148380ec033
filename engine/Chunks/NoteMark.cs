using System.Globalization;

namespace Sluice.Engine.Chunks;

/// <summary>
/// What the note of a completed upload says beside its manifest, as a custom pair of its record: that the object which has the upload stood, durably, while all mountpaths served. It is
/// taken away, durably, before the object is replaced or removed, so a note that has it and no object tells that the object's own file is lost. It is good for the set of mountpaths
/// in which it was written: what is done while one is away cannot be told to every note.
/// </summary>
/// <param name="MapVersion">The version of the set of mountpaths, from 1.</param>
/// <param name="Version">The object's version; 0 in a bucket that keeps none.</param>
internal readonly record struct NoteMark(long MapVersion, ulong Version)
{
    private const string Key = "stands";

    /// <summary>The pairs of the note's record.</summary>
    public KeyValuePair<string, string>[] ToPairs() => [new(Key, string.Create(CultureInfo.InvariantCulture, $"{MapVersion}/{Version}"))];

    /// <summary>Reads what <see cref="ToPairs"/> writes; null of anything else.</summary>
    public static NoteMark? Read(IReadOnlyList<KeyValuePair<string, string>> pairs)
    {
        if (pairs is not [{ Key: Key, Value: var value }] || value.Split('/') is not [var map, var version])
        {
            return null;
        }

        return long.TryParse(map, NumberStyles.None, CultureInfo.InvariantCulture, out long mapVersion)
            && ulong.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number)
                ? new NoteMark(mapVersion, number) : null;
    }
}
