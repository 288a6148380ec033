using Sluice.Native.Memory;

[assembly: AssemblyFixture(typeof(Sluice.Engine.Tests.Support.LeakCheck))]

namespace Sluice.Engine.Tests.Support;

/// <summary>Runs when every test is done: a buffer that is still rented is an error of the suite.</summary>
public sealed class LeakCheck : IDisposable
{
    public void Dispose()
    {
        TestedFileIo.EndLoops();
        Assert.Equal(0, BufferSlab.OutstandingTotal);
    }
}
