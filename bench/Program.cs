// Benches that a person runs and reads; what a gate checks is a test.
using Sluice.Bench;

switch (args)
{
    case ["file-io", string verb, string directory, ..]:
        return await FileIoBench.RunAsync(verb, directory, args[3..]);
    case ["ring"]:
        return RingBench.Run();
    default:
        await Console.Error.WriteLineAsync("usage: bench file-io put|put-strict|get|verbs|cold DIR [OPERATIONS [VARIANT|VARIANT...]]\n       bench ring");
        return 2;
}
