// The registry of the self-test. A part that is compiled for speed or persists anything adds its checks here.
namespace Sluice.Server.SelfTest;

/// <summary>All checks.</summary>
public static class SelfChecks
{
    /// <summary>The checks for <paramref name="machine"/>, in the order they run.</summary>
    public static IReadOnlyList<SelfCheck> All(MachineReport machine) =>
        [new("cpu-features", () => Cpu(machine)), .. KernelChecks.All, .. ErasureChecks.All, .. FormatChecks.All];

    private static string Cpu(MachineReport machine) =>
        machine.CpuProblem is { } problem
            ? throw new SelfTestException(problem)
            : $"{CpuFeatures.Needed.Count} features of x86-64-v3 with pclmulqdq";
}
