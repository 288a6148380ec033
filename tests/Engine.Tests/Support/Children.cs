using System.Diagnostics;

namespace Sluice.Engine.Tests.Support;

/// <summary>
/// Programs that tests start. Between its fork and its exec a child holds the files that were open, the locks of mountpaths among them, so a mountpath that a test has just
/// closed would still be in use: who opens one waits until nobody is in between.
/// </summary>
internal static class Children
{
    private static readonly Lock s_gate = new();

    /// <summary>Runs a program to its end; it must end with 0.</summary>
    public static void Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin";
        using Process process = Start(start);
        string said = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {said}");
    }

    /// <summary>Every child that was forked before has become its program.</summary>
    public static void Settle()
    {
        lock (s_gate)
        {
        }
    }

    private static Process Start(ProcessStartInfo start)
    {
        lock (s_gate)
        {
            return Process.Start(start)!; // returns behind the exec
        }
    }
}
