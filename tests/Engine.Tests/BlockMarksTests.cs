using Sluice.Engine.Integrity;

namespace Sluice.Engine.Tests;

/// <summary>The marks against a set of numbers.</summary>
public sealed class BlockMarksTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(128)]
    [InlineData(1000)]
    public void TheyAreASetOfBlocks(int blocks)
    {
        var random = new Random(blocks);
        var marks = default(BlockMarks);
        HashSet<int> model = [];
        for (int i = 0; i < 2000; i++)
        {
            int block = random.Next(blocks);
            switch (random.Next(20))
            {
                case 0:
                    marks.SetAll(blocks);
                    model = [.. Enumerable.Range(0, blocks)];
                    break;
                case 1:
                    marks.Clear(block, blocks);
                    model.RemoveWhere(one => one >= block);
                    break;
                default:
                    marks.Set(block, blocks);
                    model.Add(block);
                    break;
            }

            int first = random.Next(blocks);
            int end = random.Next(first, blocks + 1);
            Assert.Equal(Enumerable.Range(first, end - first).All(model.Contains), marks.Has(first, end));
            Assert.Equal(model.Contains(block), marks.Has(block, block + 1));
        }
    }
}
