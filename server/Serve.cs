// Composes engine and transport. The composition is the next change; this keeps the command line whole until then.
using Microsoft.Extensions.Logging;
using Sluice.Server.Settings;

namespace Sluice.Server;

/// <summary>The server itself.</summary>
public static class Serve
{
    /// <summary>Serves until a signal; answers the exit code.</summary>
    public static Task<int> RunAsync(ServerSettings settings, ILoggerFactory log, ShutdownSignals signals) =>
        throw new NotSupportedException("serve is wired in the next change");
}
