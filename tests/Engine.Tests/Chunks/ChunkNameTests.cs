using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Sluice.Engine.Chunks;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;

namespace Sluice.Engine.Tests.Chunks;

/// <summary>Names of files of uploads: one way to write each, a place on the disk that is theirs alone, and no way for a client to say one.</summary>
public sealed class ChunkNameTests
{
    private static readonly Config s_many = Config.QuickThrowOnFailure.WithMaxTest(3000);

    [Theory]
    [InlineData(1UL, 0, "%c/0000000000000001/00000")]
    [InlineData(0x0123456789abcdefUL, 1, "%c/0123456789abcdef/00001")]
    [InlineData(ulong.MaxValue, 10_000, "%c/ffffffffffffffff/10000")]
    public void NamesAndTheirPathsAreFrozen(ulong uploadId, int number, string path)
    {
        var chunk = new ChunkName(uploadId, number);
        ObjectName name = chunk.ToObjectName();
        Assert.True(name.IsHidden);
        Assert.Equal("\0" + path[2..], System.Text.Encoding.ASCII.GetString(name.Utf8.Span));
        Assert.Equal(path, name.ToString());
        Assert.Equal(path, Encode(name.Utf8.Span));
        Assert.Equal(name.Utf8.ToArray(), Decode(path));
        Assert.True(ChunkName.TryRead(name.Utf8.Span, out ChunkName read));
        Assert.Equal(chunk, read);
        Assert.Equal(path[3..19], chunk.UploadText);
        Assert.True(ChunkName.TryReadUpload(chunk.UploadText, out ulong again));
        Assert.Equal(uploadId, again);
        Assert.False(ObjectName.TryCreateNative(name.Utf8, out _, out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("0123456789abcde")]
    [InlineData("0123456789abcdef0")]
    [InlineData("0123456789ABCDEF")]
    [InlineData("0x23456789abcdef")]
    [InlineData(" 123456789abcdef")]
    [InlineData("0123456789abcde\0")]
    [InlineData("0000000000000000")]
    [InlineData("../456789abcdef0")]
    public void OtherTextsAreNoUploads(string text) => Assert.False(ChunkName.TryReadUpload(text, out _));

    [Theory]
    [InlineData("\0")]
    [InlineData("\0/")]
    [InlineData("\0/0123456789abcdef")]
    [InlineData("\0/0123456789abcdef/")]
    [InlineData("\0/0123456789abcdef/0001")]
    [InlineData("\0/0123456789abcdef/000001")]
    [InlineData("\0/0123456789abcdef/10001")]
    [InlineData("\0/0123456789abcdef/-0001")]
    [InlineData("\0/0123456789abcdef/0000a")]
    [InlineData("\0/0123456789abcdeF/00001")]
    [InlineData("\0/0000000000000000/00001")]
    [InlineData("a/0123456789abcdef/00001")]
    [InlineData("\0a0123456789abcdef/00001")]
    [InlineData("\0/0123456789abcdefa00001")]
    [InlineData("\0\0123456789abcdef/000001")]
    public void OtherNamesAreNoFilesOfUploads(string name)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        Assert.False(ChunkName.TryRead(bytes, out _));
        Assert.Equal(!name.Contains('\0', StringComparison.Ordinal), ObjectName.TryCreate(bytes, out _, out _));
    }

    /// <summary>A path that no file of an upload has is not read as one: a walk passes over it.</summary>
    [Theory]
    [InlineData("a/%c")]
    [InlineData("a/%c/0123456789abcdef/00001")]
    [InlineData("%c/%c/00001")]
    [InlineData("%c/%e/00001")]
    [InlineData("%cc/0123456789abcdef/00001")]
    public void ThePlaceIsTheFirstElementAlone(string path) =>
        Assert.True(Decode(path) is not { } name || !ObjectName.TryCreate(name, out _, out _), $"{path} has a name");

    [Fact]
    public void NoNameOfAClientReachesThePlaceOfUploads() =>
        Check.One(s_many, Prop.ForAll(Names(), name =>
        {
            if (!ObjectName.TryCreateNative(name, out ObjectName taken, out _))
            {
                return true;
            }

            string[] elements = Encode(taken.Utf8.Span).Split('/');
            return !taken.IsHidden && !elements.Contains("%c") && !ChunkName.TryRead(taken.Utf8.Span, out _);
        }));

    [Fact]
    public void TheNamesOfClientsAreTakenOftenEnoughToTell()
    {
        int taken = Names().Generator.Sample(1000).Count(name => ObjectName.TryCreateNative(name, out _, out _));
        Assert.InRange(taken, 100, 999);
    }

    /// <summary>Hard elements, the ones of uploads among them, as they are and as an URL or a path would have them.</summary>
    private static Arbitrary<byte[]> Names()
    {
        string upload = 0x0123456789abcdefUL.ToString("x16", CultureInfo.InvariantCulture);
        Gen<string> element = Gen.Elements("%c", "%%c", "%", "c", "%c%c", "\0", "%00", "%25c", upload, "00000", "00001", "a", "", ".", "..", "%o", "%e", "é", "%=", "%+", new string('x', 300));
        Gen<string> name = from count in Gen.Choose(1, 4)
                           from elements in Gen.ArrayOf(element, count)
                           select string.Join('/', elements);
        return name.Where(text => text.Length > 0).Select(Encoding.UTF8.GetBytes).ToArbitrary();
    }

    private static string Encode(ReadOnlySpan<byte> name)
    {
        var path = new byte[NameCodec.EncodedBytesMax];
        return Encoding.UTF8.GetString(path, 0, NameCodec.Encode(name, path));
    }

    private static byte[]? Decode(string path)
    {
        var name = new byte[ObjectName.BytesMax];
        return NameCodec.TryDecode(Encoding.UTF8.GetBytes(path), name, out int bytes) ? name[..bytes] : null;
    }
}
