using System.Globalization;
using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using Sluice.Contract;

namespace Sluice.Cli.Tests;

/// <summary>
/// Templates of names (contract: objects §7): tables of what each text stands for and where it is refused, and a naive expansion in lists that says the same of
/// drawn ones. A hostile text costs no more than its length.
/// </summary>
public sealed partial class NameTemplateTests
{
    private static readonly Config s_many = Config.QuickThrowOnFailure.WithMaxTest(2000);

    [Theory]
    [InlineData("a{001..010..3}b", "a001b a004b a007b a010b")]
    [InlineData("x{1..2}-{08..10}", "x1-08 x1-09 x1-10 x2-08 x2-09 x2-10")]
    [InlineData("{0..2}", "0 1 2")]
    [InlineData("{7..7}", "7")]
    [InlineData("{8..11}", "8 9 10 11")]
    [InlineData("{08..11}", "08 09 10 11")]
    [InlineData("{1..02}", "1 2")]
    [InlineData("{1..02}}", "1} 2}")]
    [InlineData("}{1..2}", "}1 }2")]
    [InlineData("{0010..0013..2}-{1..2..3}", "0010-1 0012-1")]
    [InlineData("{0..10..100}", "0")]
    [InlineData("{0..9223372036854775807..9223372036854775807}", "0 9223372036854775807")]
    [InlineData("{9223372036854775806..9223372036854775807..5}", "9223372036854775806")]
    [InlineData("{00000000000000000000001..2}", "1 2")]
    [InlineData("{00000000000000000000001..00000000000000000000002}", "00000000000000000000001 00000000000000000000002")]
    [InlineData("é@%{1..2}@3%05d", "é@%1@3%05d é@%2@3%05d")]
    [InlineData("a-@2-z", "a-0-z a-1-z a-2-z")]
    [InlineData("@03", "00 01 02 03")]
    [InlineData("@0", "0")]
    [InlineData("p@1-@02", "p0-00 p0-01 p0-02 p1-00 p1-01 p1-02")]
    [InlineData("%@1}d", "%0}d %1}d")]
    [InlineData("a%01dz", "a0z a1z a2z a3z a4z a5z a6z a7z a8z a9z")]
    [InlineData("{1..2}{1..2}", "11 12 21 22")]
    public void ATextStandsForNames(string text, string names)
    {
        NameTemplate template = Parse(text);
        Assert.Equal(names.Split(' '), template.Names());
        Assert.Equal(names.Split(' '), template.Names()); // again from the first one
        Assert.Equal(
            (names.Split(' ').Length, names.Split(' ')[0], names.Split(' ')[^1], false), (template.Count, template.First, template.Last, template.IsPrefix));
        Assert.Equal(text, template.ToString());
    }

    [Theory]
    [InlineData("a-@100-z", 101, "a-000-z", "a-100-z")]
    [InlineData("a%04dz", 10_000, "a0000z", "a9999z")]
    [InlineData("%07d", 10_000_000, "0000000", "9999999")]
    [InlineData("{0..9999999}", 10_000_000, "0", "9999999")]
    [InlineData("{0..9999}-{0..999}", 10_000_000, "0-0", "9999-999")]
    [InlineData("@9999999", 10_000_000, "0000000", "9999999")]
    [InlineData("{0..99999999999999..10000000}", 10_000_000, "0", "99999990000000")]
    public void ACountIsKnownWithoutTheNames(string text, long count, string first, string last)
    {
        NameTemplate template = Parse(text);
        Assert.Equal((count, first, last), (template.Count, template.First, template.Last));
    }

    [Theory]
    [InlineData("dir/", "dir/")]
    [InlineData("", "")]
    [InlineData("*", "")]
    [InlineData("dir/a*", "dir/a")]
    [InlineData("**", "*")]
    [InlineData("a*b", "a*b")]
    [InlineData("a..b}", "a..b}")]
    [InlineData("\ud83d\ude00é", "\ud83d\ude00é")]
    public void ATextWithoutRangesIsAPrefix(string text, string prefix)
    {
        NameTemplate template = Parse(text);
        Assert.Equal((true, prefix, 0, prefix, prefix), (template.IsPrefix, template.Prefix, template.Count, template.First, template.Last));
        Assert.Throws<InvalidOperationException>(template.Names);
    }

    [Theory]
    [InlineData("p{001..009", 2, "not closed")]
    [InlineData("p{", 2, "a number must stand behind it")]
    [InlineData("p{1", 2, "not closed")]
    [InlineData("p{1..", 5, "a number must stand behind it")]
    [InlineData("p{1.2}", 4, "\"..\"")]
    [InlineData("p{002..001}", 2, "a range goes up, and 2 is more than 1")]
    [InlineData("p{-1..9}", 3, "not negative")]
    [InlineData("p{1..-9}", 6, "not negative")]
    [InlineData("p{1..9..-1}", 9, "not negative")]
    [InlineData("p{1..9..0}", 9, "a step is 1 or more")]
    [InlineData("p{1..9..2s}", 10, "the closing brace")]
    [InlineData("p{1..9s}", 7, "the closing brace")]
    [InlineData("p{1s..9}", 4, "\"..\"")]
    [InlineData("p{1..2..3..4}", 10, "the closing brace")]
    [InlineData("p{1..}", 6, "a number must stand here")]
    [InlineData("p{..9}", 3, "a number must stand here")]
    [InlineData("p{}", 3, "a number must stand here")]
    [InlineData("p{a..z}", 3, "a number must stand here")]
    [InlineData("{{1..2}}", 2, "a number must stand here")]
    [InlineData("{1..2{3..4}}", 6, "the closing brace")]
    [InlineData("{1..2}{", 7, "a number must stand behind it")]
    [InlineData("{ 1..2}", 2, "a number must stand here")]
    [InlineData("{1..2 }", 6, "the closing brace")]
    [InlineData("{+1..2}", 2, "a number must stand here")]
    [InlineData("{1..٣}", 5, "a number must stand here")]
    [InlineData("\ud83d\ude00{1..x}", 6, "a number must stand here")]
    [InlineData("{0..9223372036854775808}", 5, "larger than 9223372036854775807")]
    [InlineData("{99999999999999999999999999..1}", 2, "larger than")]
    [InlineData("{0..9223372036854775807}", 1, "more than 10000000 names")]
    [InlineData("{0..10000000}", 1, "more than 10000000 names")]
    [InlineData("{0..10000}-{0..999}", 12, "more than 10000000 names")]
    [InlineData("{0..4294967295}{0..4294967295}", 1, "more than 10000000 names")]
    [InlineData("{0..0}{0..9999999}{0..1}", 19, "more than 10000000 names")]
    [InlineData("a@", 2, "a number must stand behind it")]
    [InlineData("user@site/", 6, "a number must stand here")]
    [InlineData("a@-1", 3, "not negative")]
    [InlineData("a@@10", 3, "a number must stand here")]
    [InlineData("@10000000", 1, "more than 10000000 names")]
    [InlineData("@9999999-@1", 10, "more than 10000000 names")]
    [InlineData("a%d", 3, "the number of digits")]
    [InlineData("a%", 3, "the number of digits")]
    [InlineData("a%4d", 3, "the number of digits")]
    [InlineData("a%0d", 4, "a number must stand here")]
    [InlineData("a%00d", 4, "at least one digit")]
    [InlineData("a%0-6d", 4, "not negative")]
    [InlineData("a%06", 5, "the number of digits")]
    [InlineData("a%06x", 5, "the number of digits")]
    [InlineData("a%08d", 2, "more than 10000000 names")]
    [InlineData("a%0800000d", 2, "more than 10000000 names")]
    [InlineData("a%0999999999999999999999d", 4, "larger than")]
    [InlineData("a%%02d", 3, "the number of digits")]
    [InlineData("a%02d-%02d", 7, "a second '%'")]
    public void ARefusalNamesThePlace(string text, int character, string sentence)
    {
        Assert.False(NameTemplate.TryParse(text, out _, out string? problem));
        Assert.StartsWith(string.Create(CultureInfo.InvariantCulture, $"character {character} of the template: "), problem, StringComparison.Ordinal);
        Assert.Contains(sentence, problem, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', problem);
    }

    [Fact]
    public void HalfACharacterIsNoText()
    {
        // No attribute can hold these.
        ARefusalNamesThePlace("a\ud83d{1..2}", 2, "half of a surrogate pair");
        ARefusalNamesThePlace("\ud83d\ude00\ude00", 2, "half of a surrogate pair");
        ARefusalNamesThePlace("{1..2}\ud83d", 7, "half of a surrogate pair");
    }

    [Theory]
    [InlineData("x", 4096, true)]
    [InlineData("x", 4097, false)]
    [InlineData("é", 2048, true)]
    [InlineData("é", 2049, false)]
    public void ATemplateHasAtMost4KiB(string text, int times, bool isTaken)
    {
        Assert.Equal(isTaken, NameTemplate.TryParse(string.Concat(Enumerable.Repeat(text, times)), out _, out string? problem));
        Assert.Equal(isTaken ? null : "the template is longer than 4096 bytes", problem);
    }

    [Theory]
    [InlineData("{0..0}", 682)]
    [InlineData("@0", 2048)]
    [InlineData("{", 4096)]
    [InlineData("@", 4096)]
    [InlineData("%0", 2048)]
    [InlineData("}", 4096)]
    [InlineData("{0..9999999}", 341)]
    [InlineData("{9999999999..9999999999}", 170)]
    public void AHostileTextCostsNoMoreThanItsLength(string piece, int times)
    {
        string text = string.Concat(Enumerable.Repeat(piece, times));
        NameTemplate.TryParse(text, out _, out _); // what a first call allocates once is not the text's
        long before = GC.GetAllocatedBytesForCurrentThread();
        bool isTaken = NameTemplate.TryParse(text, out NameTemplate? template, out _);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, (16 << 10) + (128 * text.Length));
        if (isTaken && !template!.IsPrefix)
        {
            Assert.Equal(1, template.Count);
            Assert.Equal(template.First, Assert.Single(template.Names()));
        }
    }

    [Fact]
    public void NamesAreMadeWhenTheyAreAskedFor()
    {
        NameTemplate template = Parse("large/{0000000..9999999}");
        string[] names = [.. template.Names().Take(3)];
        long before = GC.GetAllocatedBytesForCurrentThread();
        names = [.. template.Names().Take(3)];
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2048);
        Assert.Equal(["large/0000000", "large/0000001", "large/0000002"], names);
    }

    [Fact]
    public void TheExpansionIsThatOfANaiveOne() => Check.One(s_many, Prop.ForAll(Texts(), text =>
    {
        NameTemplate template = Parse(text);
        List<string> names = Naive(text);
        return template.Count == names.Count && names.SequenceEqual(template.Names()) && template.First == names[0] && template.Last == names[^1]
            && names.TrueForAll(name => name.StartsWith(template.Prefix, StringComparison.Ordinal));
    }));

    [Fact]
    public void NumbersStayWithinTheirBoundsAndNamesAreDistinct() => Check.One(s_many, Prop.ForAll(Texts(), text =>
    {
        // A letter between two ranges: without it 1 and 11 read as 11 and 1 do.
        (long First, long Last, long Step)[] ranges = [.. Range.Matches(text).Select(BoundsOf)];
        var seen = new HashSet<string>();
        foreach (string name in Parse(text).Names())
        {
            long[] numbers = [.. Number.Matches(name).Select(match => long.Parse(match.Value, CultureInfo.InvariantCulture))];
            bool within = numbers.Length == ranges.Length
                && numbers.Zip(ranges).All(pair => pair.First >= pair.Second.First && pair.First <= pair.Second.Last && (pair.First - pair.Second.First) % pair.Second.Step == 0);
            if (!within || !seen.Add(name))
            {
                return false;
            }
        }

        return true;
    }));

    [GeneratedRegex(@"\{(?<first>[0-9]+)\.\.(?<last>[0-9]+)(\.\.(?<step>[0-9]+))?\}|@(?<last>[0-9]+)|%0(?<width>[0-9])d")]
    private static partial Regex Range { get; }

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Number { get; }

    private static NameTemplate Parse(string text)
    {
        Assert.True(NameTemplate.TryParse(text, out NameTemplate? template, out string? problem), problem);
        return template;
    }

    /// <summary>Templates of up to three ranges in one of the styles, letters between them, 4,000 names at most.</summary>
    private static Arbitrary<string> Texts()
    {
        Gen<string> letters = Gen.Elements("", "a", "é/", "..", "}", "-", "\ud83d\ude00").ListOf().Select(parts => "x" + string.Concat(parts.Take(3)));
        Gen<string> brace =
            from first in Gen.Choose(0, 120)
            from more in Gen.Choose(0, 15)
            from step in Gen.Choose(0, 4)
            from zeros in Gen.Two(Gen.Choose(0, 3))
            select $"{{{Padded(first, zeros.Item1)}..{Padded(first + more, zeros.Item2)}{(step == 0 ? "" : $"..{Padded(step, zeros.Item1)}")}}}";
        Gen<string> at = from last in Gen.Choose(0, 15) from zeros in Gen.Choose(0, 3) select $"@{Padded(last, zeros)}";
        Gen<string> format = Gen.Choose(1, 3).Select(digits => $"%0{digits}d");
        Gen<string> several =
            from style in Gen.Elements(brace, at)
            from count in Gen.Choose(1, 3)
            from ranges in style.ListOf(count)
            from gaps in letters.ListOf(count)
            from prefix in letters
            select prefix + string.Concat(ranges.Zip(gaps, (range, gap) => range + gap));
        Gen<string> one = from prefix in letters from range in format from gap in letters select prefix + range + gap;
        return Arb.From(Gen.Frequency((4, several), (1, one)));
    }

    private static string Padded(int number, int zeros) => new string('0', zeros) + number.ToString(CultureInfo.InvariantCulture);

    private static (long First, long Last, long Step) BoundsOf(Match range)
    {
        long Of(string group, long missing) => range.Groups[group] is { Success: true } found ? long.Parse(found.Value, CultureInfo.InvariantCulture) : missing;
        return (Of("first", 0), range.Groups["width"].Success ? (long)Math.Pow(10, Of("width", 0)) - 1 : Of("last", 0), Of("step", 1));
    }

    /// <summary>All of it in lists: each name so far with each number of the next range.</summary>
    private static List<string> Naive(string text)
    {
        List<string> names = [""];
        int position = 0;
        foreach (Match range in Range.Matches(text))
        {
            (long first, long last, long step) = BoundsOf(range);
            int width = range.Groups["width"].Success ? int.Parse(range.Groups["width"].Value, CultureInfo.InvariantCulture)
                : Math.Min(range.Groups["last"].Length, range.Groups["first"].Success ? range.Groups["first"].Length : int.MaxValue);
            string before = text[position..range.Index];
            names =
            [
                .. from name in names
                   from index in Enumerable.Range(0, (int)((last - first) / step) + 1)
                   select name + before + (first + (index * step)).ToString(CultureInfo.InvariantCulture).PadLeft(width, '0'),
            ];
            position = range.Index + range.Length;
        }

        return [.. names.Select(name => name + text[position..])];
    }
}
