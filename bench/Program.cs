// Benches that a person runs and reads, and the gate that compares two commits. What has to hold on every machine is a test.
using System.Globalization;
using System.Runtime.InteropServices;
using Sluice.Bench;
using Sluice.Bench.Flame;
using Sluice.Bench.Gate;
using Sluice.Bench.Machine;
using Sluice.Bench.Rows;
using Sluice.Bench.Run;

using var stop = new CancellationTokenSource();
using PosixSignalRegistration interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using PosixSignalRegistration terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
try
{
    switch (args)
    {
        case ["run", "--list", .. var flags]:
            return CompareCommand.List(Arguments.Parse(flags));
        case ["run", .. var flags]:
            return await CompareCommand.RunAsync(Arguments.Parse(flags), stop.Token);
        case ["gate", .. var flags]:
            return await GateCommand.RunAsync(GateSettings.Parse(flags), stop.Token);
        case ["gate-binaries", string first, string second, .. var flags]:
            BenchSettings gate = GateSettings.Parse(["--base", first, .. flags]).Bench;
            return await GateCommand.CompareAsync(gate, Path.GetFullPath(first), Path.GetFullPath(second), stop.Token) ? 0 : 1;
        case ["gate-selftest", .. var flags]:
            return await GateSelfTest.RunAsync(Arguments.Parse(flags), stop.Token);
        case ["flame", string what, .. var flags]:
            return await FlameCommand.RunAsync(Arguments.Parse(flags), what, stop.Token);
        case ["syscall-put", string path, string size, string writers, string seconds, string most, string durability, string ways]:
            return SyscallPut.Run(path, Long(size), (int)Long(writers), double.Parse(seconds, CultureInfo.InvariantCulture), Long(most), durability == "strict", (PutWays)Long(ways));
        case ["file-io", string verb, string directory, ..]:
            return await FileIoBench.RunAsync(verb, directory, args[3..]);
        case ["ring"]:
            return RingBench.Run();
        case ["rs", .. { Length: <= 1 } rest]:
            return ReedSolomonBench.Run(rest is [var turn] ? double.Parse(turn, CultureInfo.InvariantCulture) : 0.3);
        case ["--help" or "-h"]:
            await Console.Out.WriteLineAsync(Usage.Text);
            return 0;
        default:
            await Console.Error.WriteLineAsync(Usage.Text);
            return 2;
    }
}
catch (BenchException problem)
{
    await Console.Error.WriteLineAsync(problem.Message);
    return 2;
}
catch (OperationCanceledException)
{
    await Console.Error.WriteLineAsync("broken off; rows that were finished are in the results");
    return 130;
}

static long Long(string text) => long.Parse(text, CultureInfo.InvariantCulture);

// What was started is stopped and what was mounted is unmounted on the way out.
void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}
