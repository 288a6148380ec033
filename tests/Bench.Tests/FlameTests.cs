using System.Xml.Linq;
using Sluice.Bench.Flame;

namespace Sluice.Bench.Tests;

/// <summary>From the text of a profile to a picture.</summary>
public sealed class FlameTests
{
    private const string Script = """
        # captured on: somewhere
        sluice
        	    7f10 copy_page+0x10 ([kernel.kallsyms])
        	    55aa Sluice_Transport_Http_Application__ProcessAsync+0x4f (/usr/bin/sluice)
        	    55ab main+0x1 (/usr/bin/sluice)

        sluice
        	    55aa Sluice_Transport_Http_Application__ProcessAsync+0x5f (/usr/bin/sluice)
        	    55ab main+0x1 (/usr/bin/sluice)

        sluice
        	    0000 [unknown] (/lib/libc.so.6)

        """;

    [Fact]
    public void StacksThatAreEqualAreOne()
    {
        FlameNode root = Read();
        Assert.Equal((3, 4), (root.Samples, root.Depth));
        FlameNode main = root.Children.Single(child => child.Name == "main");
        FlameNode process = Assert.Single(main.Children);
        Assert.Equal(("Application.ProcessAsync", 2), (process.Name, process.Samples));
        Assert.Equal(("copy_page_[k]", 1), (process.Children.Single().Name, process.Children.Single().Samples));
        Assert.Contains(root.Children, child => child.Name == "[libc.so.6]");
    }

    [Theory]
    [InlineData("55aa Sluice_Engine_Sluice_Engine_Objects_ObjectReader__Open+0x4f (/usr/bin/sluice)", "ObjectReader.Open")]
    [InlineData("55aa S_P_CoreLib_System_Collections_Generic_List_1<System___Canon>__Add+0x4f (/usr/bin/sluice)", "List_1.Add")]
    [InlineData("55aa __send (/lib/libc.so.6)", "__send")]
    [InlineData("55aa tcp_ack+0x1 ([kernel.kallsyms])", "tcp_ack_[k]")]
    [InlineData("55aa [unknown] (/usr/bin/sluice)", "[sluice]")]
    public void FramesAreNamedForReaders(string line, string name) => Assert.Equal(name, FoldedStacks.Frame(line));

    [Fact]
    public void SharesAreOfTheFrameItself()
    {
        Dictionary<string, double> shares = FlameShares.Of(Read()).ToDictionary(one => one.Name, one => one.Share);
        Assert.Equal(0, shares["main"]);
        Assert.Equal(1 / 3.0, shares["Application.ProcessAsync"], 9);
        Assert.Equal(1, shares.Values.Sum(), 9);
    }

    [Fact]
    public void ABoxIsAsWideAsItsShareAndStandsOnItsCaller()
    {
        XDocument picture = XDocument.Parse(FlameSvg.Render(Read(), "a < b", "note"));
        XNamespace svg = "http://www.w3.org/2000/svg";
        Dictionary<string, XElement> boxes = picture.Descendants(svg + "g").ToDictionary(
            group => group.Element(svg + "title")!.Value.Split(':')[0], group => group.Element(svg + "rect")!);
        double all = Number(boxes["all"], "width");
        Assert.Equal(all * 2 / 3, Number(boxes["main"], "width"), 1.0);
        Assert.Equal(all / 3, Number(boxes["copy_page_[k]"], "width"), 1.0);
        Assert.Equal(Number(boxes["main"], "x"), Number(boxes["Application.ProcessAsync"], "x"));
        Assert.True(Number(boxes["Application.ProcessAsync"], "y") < Number(boxes["main"], "y"));
        Assert.NotEqual(boxes["main"].Attribute("fill")!.Value, boxes["copy_page_[k]"].Attribute("fill")!.Value);
    }

    [Fact]
    public void NothingIsDrawnOfNothing() => Assert.Equal(0, FoldedStacks.Read(new StringReader("# a comment\n\n")).Samples);

    private static FlameNode Read() => FoldedStacks.Read(new StringReader(Script));

    private static double Number(XElement element, string name) => double.Parse(element.Attribute(name)!.Value);
}
