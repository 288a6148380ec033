// Benches that a person runs and reads; what a gate checks is a test.
using Sluice.Bench;

if (args is ["file-io", string verb, string directory, ..])
{
    return await FileIoBench.RunAsync(verb, directory, args[3..]);
}

await Console.Error.WriteLineAsync("usage: bench file-io put|put-strict|get|verbs|cold DIR [OPERATIONS [VARIANT|VARIANT...]]");
return 2;
