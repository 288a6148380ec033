// The verb `sluice load`: flags in, exit code out (contract: load generator §7).
using System.Runtime.InteropServices;
using Sluice.Contract;
using Sluice.Loader.Flags;
using Sluice.Loader.Names;
using Sluice.Loader.Run;
using Sluice.Native.Uring;

namespace Sluice.Loader;

/// <summary>Runs one command line.</summary>
public static class LoadProgram
{
    /// <summary>Exit code of invalid flags and of a start that failed. Failed requests do not change the code 0.</summary>
    public const int Failed = 1;

    /// <summary>Runs the load generator; <paramref name="token"/> ends the run in good order.</summary>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, LoadWorld world, CancellationToken token)
    {
        if (FlagParser.Parse(arguments, out string problem) is not { } given)
        {
            return Refuse(world, problem);
        }

        var values = new FlagValues(given);
        if (values.IsOn("usage") || arguments.Count == 0)
        {
            await world.Output.WriteAsync(FlagHelp.Text());
            return 0;
        }

        if (values.IsOn("version"))
        {
            await world.Output.WriteLineAsync($"sluice load {world.Version}");
            return 0;
        }

        if (values.IsOn("getloaderid"))
        {
            LoaderId? id = OptionsReader.Id(values, ref problem);
            return id is null ? Refuse(world, problem) : Print(world, id.ToString());
        }

        ulong seed = (ulong)world.Clock.GetUtcNow().ToUnixTimeMilliseconds();
        return OptionsReader.Read(values, world.Variable, seed, out problem) is { } options
            ? await RunAsync(options, world, token)
            : Refuse(world, problem);
    }

    private static async Task<int> RunAsync(LoadOptions options, LoadWorld world, CancellationToken token)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(token);
        using PosixSignalRegistration? interrupt = options.Stoppable ? StopOn(PosixSignal.SIGINT, stop) : null;
        using PosixSignalRegistration? terminate = options.Stoppable ? StopOn(PosixSignal.SIGTERM, stop) : null;
        try
        {
            await new LoadRun(options, world).RunAsync(stop.Token);
            return 0;
        }
        catch (Exception failure) when (failure is SluiceException or RingUnavailableException or StartException or IOException or UnauthorizedAccessException
            or OperationCanceledException)
        {
            return Refuse(world, failure.Message.TrimEnd('.'));
        }
    }

    /// <summary>The first signal ends the run in good order; the next one has its usual effect.</summary>
    private static PosixSignalRegistration StopOn(PosixSignal signal, CancellationTokenSource stop) => PosixSignalRegistration.Create(signal, context =>
    {
        if (!stop.IsCancellationRequested)
        {
            context.Cancel = true;
            stop.Cancel();
        }
    });

    private static int Print(LoadWorld world, string line)
    {
        world.Output.WriteLine(line);
        return 0;
    }

    private static int Refuse(LoadWorld world, string problem)
    {
        world.Error.WriteLine($"sluice load: {problem}");
        return Failed;
    }
}
