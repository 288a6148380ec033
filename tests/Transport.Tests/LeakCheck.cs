using Sluice.Native.Memory;

[assembly: AssemblyFixture(typeof(Sluice.Transport.Tests.LeakCheck))]

namespace Sluice.Transport.Tests;

/// <summary>Runs when every test is done: a buffer that is still rented is an error of the suite.</summary>
public sealed class LeakCheck : IDisposable
{
    public void Dispose() => Assert.Equal(0, BufferSlab.OutstandingTotal);
}
