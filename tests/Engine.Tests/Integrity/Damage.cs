using Sluice.Engine.Io;
using Sluice.Engine.Tests.Scrub;

namespace Sluice.Engine.Tests.Integrity;

/// <summary>Something that happens to one file behind the engine's back, in place, so that inode and attributes stay; and how it is undone.</summary>
public sealed record Damage(string What, Func<Task> DoAsync, Func<Task> UndoAsync)
{
    /// <summary>One bit of a file's bytes.</summary>
    public static Damage OfBit(string file, long place, int bit)
    {
        Task FlipAsync()
        {
            ScrubBench.Flip(file, place, (byte)(1 << bit));
            return Task.CompletedTask;
        }

        return new Damage($"bit {bit} of byte {place} of {Path.GetFileName(file)}", FlipAsync, FlipAsync);
    }

    /// <summary>One bit of an attribute.</summary>
    public static Damage OfBit(ScrubBench bench, string file, XattrName attribute, int place, int bit) => OfAttribute(
        bench, file, attribute, $"bit {bit} of byte {place}", value => [.. value.Select((one, at) => at == place ? (byte)(one ^ (1 << bit)) : one)]);

    /// <summary>An attribute that is changed as a whole.</summary>
    public static Damage OfAttribute(ScrubBench bench, string file, XattrName attribute, string what, Func<byte[], byte[]> change)
    {
        byte[] before = [];
        return new Damage(
            $"{what} of the attribute {attribute} of {Path.GetFileName(file)}",
            () => bench.ChangeAttributeAsync(file, attribute, value => Changed(before = value, change)),
            () => bench.ChangeAttributeAsync(file, attribute, _ => before));
    }

    /// <summary>Bytes that are changed as a whole.</summary>
    public static Damage OfFile(string file, string what, Func<byte[], byte[]> change)
    {
        byte[] before = [], after = [];
        return new Damage(
            $"{what} of {Path.GetFileName(file)}", () => WriteAsync(after = Changed(before = File.ReadAllBytes(file), change)), () => WriteAsync(before));

        async Task WriteAsync(byte[] bytes)
        {
            int same = before.AsSpan().CommonPrefixLength(after); // what stays is not written: a large file has its damage at its end
            await using FileStream stream = File.Open(file, FileMode.Open, FileAccess.ReadWrite);
            stream.SetLength(bytes.Length);
            stream.Position = same;
            await stream.WriteAsync(bytes.AsMemory(same));
        }
    }

    /// <summary>Cut, extended, zeroed and with two blocks in each other's place. Of something empty only the extensions are damage.</summary>
    public static IEnumerable<(string What, Func<byte[], byte[]> Change)> Shapes(bool isEmpty)
    {
        yield return ("one byte more", static bytes => [.. bytes, 0]);
        yield return ("a page more", static bytes => [.. bytes, .. new byte[4096]]);
        if (isEmpty)
        {
            yield break;
        }

        yield return ("the last byte cut off", static bytes => bytes[..^1]);
        yield return ("half cut off", static bytes => bytes[..(bytes.Length / 2)]);
        yield return ("all cut off", static _ => []);
        yield return ("the first half zeroed", static bytes => [.. new byte[bytes.Length / 2], .. bytes[(bytes.Length / 2)..]]);
        yield return ("all zeroed", static bytes => new byte[bytes.Length]);
        yield return ("two halves swapped", static bytes => [.. bytes[(bytes.Length / 2)..(bytes.Length / 2 * 2)], .. bytes[..(bytes.Length / 2)], .. bytes[(bytes.Length / 2 * 2)..]]);
    }

    private static byte[] Changed(byte[] before, Func<byte[], byte[]> change)
    {
        byte[] after = change(before);
        Assert.False(before.AsSpan().SequenceEqual(after), "what is to be damage changes nothing");
        return after;
    }
}
