namespace Sluice.Native.Tests.Uring;

/// <summary>Tests that count descriptors and threads of the process, or lower its limits: nothing runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ProcessCollection
{
    public const string Name = "process";
}
