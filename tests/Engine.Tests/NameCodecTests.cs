using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;

namespace Sluice.Engine.Tests;

/// <summary>
/// Every key that a client may send has one path, every path that a walk may meet has one key or none, and no path leaves its directory.
/// Keys are made of what is hard: dots, empty and long elements, '%' in front, '/' at the end, multi-byte characters across the cuts.
/// </summary>
public sealed class NameCodecTests
{
    private static readonly Config s_many = Config.QuickThrowOnFailure.WithMaxTest(2000);

    [Theory]
    [InlineData("a", "a")]
    [InlineData("photos/2024/cat.jpg", "photos/2024/cat.jpg")]
    [InlineData("a/", "a/%e")]
    [InlineData("/", "%e/%e")]
    [InlineData("/a//b", "%e/a/%e/b")]
    [InlineData(".", "%.")]
    [InlineData("../..", "%../%..")]
    [InlineData("...", "...")]
    [InlineData("%", "%%")]
    [InlineData("%o/%e", "%%o/%%e")]
    [InlineData("50%", "50%")]
    [InlineData("é/\u0001", "é/\u0001")]
    public void ReadableNamesStayAndTheOthersAreMarked(string name, string path)
    {
        Assert.Equal(path, Text(Encode(Encoding.UTF8.GetBytes(name))));
        Assert.Equal(name, Text(Decode(Encoding.UTF8.GetBytes(path))!));
    }

    [Theory]
    [InlineData(254, false)]
    [InlineData(255, false)]
    [InlineData(256, true)]
    [InlineData(506, true)]
    [InlineData(507, true)]
    [InlineData(1024, true)]
    public void ElementsThatAreTooLongAreCutIntoPieces(int length, bool isCut)
    {
        byte[] name = Encoding.ASCII.GetBytes(new string('x', length));
        byte[] path = Encode(name);
        Assert.Equal(isCut, path[0] == (byte)'%');
        Assert.Equal(name, Decode(path));
        Assert.True(IsSafe(path));
    }

    [Fact]
    public void EveryNameRoundTripsAndItsPathIsSafe() =>
        Check.One(s_many, Prop.ForAll(Names(), name =>
        {
            byte[] path = Encode(name);
            return IsSafe(path) && path.Length <= NameCodec.EncodedBytesMax && name.AsSpan().SequenceEqual(Decode(path));
        }));

    [Fact]
    public void DifferentNamesHaveDifferentPaths() =>
        Check.One(s_many, Prop.ForAll(Names(), Names(), (one, other) =>
            one.AsSpan().SequenceEqual(other) == Encode(one).AsSpan().SequenceEqual(Encode(other))));

    [Fact]
    public void APathThatIsReadIsThePathThatWouldBeWritten() =>
        Check.One(s_many, Prop.ForAll(Paths(), path =>
        {
            byte[]? name = Decode(path);
            return name is null || (IsSafe(path) && Encode(name).AsSpan().SequenceEqual(path));
        }));

    [Fact]
    public void NoNameEncodesToTheReservedLeafOrBelowAFileOfAnotherName() =>
        Check.One(s_many, Prop.ForAll(Names(), name => !Text(Encode(name)).Split('/').Contains("%o")));

    [Theory]
    [InlineData("")]
    [InlineData("a//b")]
    [InlineData("a/")]
    [InlineData("/a")]
    [InlineData("..")]
    [InlineData("a/./b")]
    [InlineData("%o")]
    [InlineData("a/%o")]
    [InlineData("%x")]
    [InlineData("%")]
    [InlineData("%=rest")]
    [InlineData("%+short/%=x")]
    [InlineData("a\0b")]
    public void PathsThatNothingEncodesToAreRefused(string path) => Assert.Null(Decode(Encoding.UTF8.GetBytes(path)));

    [Fact]
    public void PiecesOfAnElementThatNeedsNoneAreRefused()
    {
        string piece = "%+" + new string('x', NameCodec.PieceBytes);
        Assert.Null(Decode(Encoding.ASCII.GetBytes($"{piece}/%=yy")));
        Assert.NotNull(Decode(Encoding.ASCII.GetBytes($"{piece}/%=yyy"))); // 256 bytes, one too many for a component
        Assert.Null(Decode(Encoding.ASCII.GetBytes(piece)));
        Assert.Null(Decode(Encoding.ASCII.GetBytes($"{piece}/a")));
        Assert.Null(Decode(Encoding.ASCII.GetBytes(new string('x', 256))));
    }

    [Fact]
    public void PathsOfNamesThatAreTooLongAreRefused()
    {
        string name = string.Join('/', Enumerable.Repeat("abc", 256)); // 1023 bytes
        Assert.NotNull(Decode(Encoding.ASCII.GetBytes(name + "d")));
        Assert.Null(Decode(Encoding.ASCII.GetBytes(name + "de")));
        Assert.Null(Decode(Encoding.ASCII.GetBytes(name + "/d")));
    }

    [Fact]
    public void AShortBufferRefusesInsteadOfOverrunning() =>
        Assert.False(NameCodec.TryDecode("abc/d"u8, new byte[4], out _));

    private static Arbitrary<byte[]> Names()
    {
        Gen<string> hard = Gen.Elements("/", "/", "//", ".", "..", "%", "%o", "%e", "%%", "%+", "%=", "a", "b/", "é", "\ud83d\ude00", "\u0001", " ", "\\");
        Gen<string> runs = from length in Gen.Choose(240, 520)
                           from unit in Gen.Elements("x", "%", ".", "é")
                           select string.Concat(Enumerable.Repeat(unit, length));
        Gen<string> any = from codes in Gen.ArrayOf(Gen.Choose(1, 0x2fff))
                          select new string([.. codes.Select(code => (char)code)]);
        Gen<string> text = from parts in Gen.ListOf(Gen.Frequency((8, hard), (1, runs), (2, any)))
                           select string.Concat(parts);
        return text.Select(Bounded).Where(name => name.Length > 0).ToArbitrary();
    }

    /// <summary>Components of every kind put together, most of them in places where they make no sense.</summary>
    private static Arbitrary<byte[]> Paths()
    {
        string full = "%+" + new string('x', NameCodec.PieceBytes);
        Gen<string> component = Gen.Elements(
            "a", "b", "%e", "%.", "%..", "%%", "%%x", "%o", "%=x", "%=xxx", full, full + "y", new string('y', 255), new string('y', 256), ".", "..", "", "%", "%z");
        return (from components in Gen.ListOf(component) select Encoding.UTF8.GetBytes(string.Join('/', components))).ToArbitrary();
    }

    private static byte[] Bounded(string text)
    {
        byte[] name = Encoding.UTF8.GetBytes(text);
        int length = Math.Min(name.Length, ObjectName.BytesMax);
        while (length > 0 && !System.Text.Unicode.Utf8.IsValid(name.AsSpan(0, length)))
        {
            length--;
        }

        return name[..length];
    }

    private static bool IsSafe(byte[] path) => Split(path).All(component =>
        component.Length is > 0 and <= 255
        && !component.AsSpan().SequenceEqual("."u8) && !component.AsSpan().SequenceEqual(".."u8)
        && !component.AsSpan().Contains((byte)0));

    private static List<byte[]> Split(byte[] path)
    {
        var components = new List<byte[]>();
        ReadOnlySpan<byte> rest = path;
        for (int slash = rest.IndexOf((byte)'/'); slash >= 0; slash = rest.IndexOf((byte)'/'))
        {
            components.Add(rest[..slash].ToArray());
            rest = rest[(slash + 1)..];
        }

        components.Add(rest.ToArray());
        return components;
    }

    private static byte[] Encode(byte[] name)
    {
        var path = new byte[NameCodec.EncodedBytesMax];
        return path[..NameCodec.Encode(name, path)];
    }

    private static byte[]? Decode(byte[] path)
    {
        var name = new byte[ObjectName.BytesMax];
        return NameCodec.TryDecode(path, name, out int bytes) ? name[..bytes] : null;
    }

    private static string Text(byte[] utf8) => Encoding.UTF8.GetString(utf8);
}
