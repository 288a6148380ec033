using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Sluice.Engine.Buckets;

/// <summary>
/// Where a bucket's files lie and by which text its objects are placed: decided when it is made, by its name of then, and kept when it gets another name. A bucket that is made under a name
/// whose home another one took along has one with its generation behind the name, after a character that no name has.
/// </summary>
public sealed record BucketHome
{
    private const char Apart = '%';

    private BucketHome(BucketName name, ulong bid)
    {
        string suffix = bid == 0 ? "" : Apart + bid.ToString("x16", CultureInfo.InvariantCulture);
        string uname = Encoding.UTF8.GetString(name.UnamePrefix.Span[..^1]) + suffix;
        Uname = uname;
        UnamePrefix = Encoding.UTF8.GetBytes(uname + "/");
        DirectoryPath = name.DirectoryPath + suffix;
    }

    /// <summary><c>provider/@uuid#ns/name</c>, and perhaps <c>%</c> and 16 hexadecimal digits: no two buckets have the same.</summary>
    public string Uname { get; }

    /// <summary>The same with a slash, as UTF-8: an object's unified name without the object, the text that placement hashes.</summary>
    public ReadOnlyMemory<byte> UnamePrefix { get; }

    /// <summary>Directory of the bucket below a mountpath: <c>@provider/[@uuid][#ns]/name</c>, the middle part absent when global.</summary>
    public string DirectoryPath { get; }

    /// <summary>The home that a bucket of that name has when nobody has taken it.</summary>
    public static BucketHome Of(BucketName name) => new(name, 0);

    /// <summary>The home of a bucket of that name and generation where another one has that.</summary>
    public static BucketHome ApartOf(BucketName name, ulong bid) => new(name, bid);

    /// <summary>Reads <see cref="Uname"/>.</summary>
    public static bool TryParse(string uname, [NotNullWhen(true)] out BucketHome? home)
    {
        home = null;
        int apart = uname.IndexOf(Apart, StringComparison.Ordinal);
        ulong bid = 0;
        if (apart >= 0 && !(uname.Length == apart + 17 && ulong.TryParse(uname.AsSpan(apart + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out bid) && bid != 0))
        {
            return false;
        }

        ReadOnlyMemory<byte> name = Encoding.UTF8.GetBytes(apart < 0 ? uname : uname[..apart]);
        if (!UnifiedName.TryParse(name, out BucketName? bucket, out ReadOnlyMemory<byte> rest, out _) || !rest.IsEmpty)
        {
            return false;
        }

        home = new BucketHome(bucket, bid);
        return home.Uname == uname;
    }

    /// <inheritdoc/>
    public bool Equals(BucketHome? other) => other is not null && Uname == other.Uname;

    /// <inheritdoc/>
    public override int GetHashCode() => Uname.GetHashCode(StringComparison.Ordinal);
}
