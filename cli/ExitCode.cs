using System.Text;
using Sluice.Contract;

namespace Sluice.Cli;

/// <summary>How a verb ended, for scripts. The numbers are part of the command line's contract and never change.</summary>
public enum ExitCode
{
    /// <summary>Everything asked for was done.</summary>
    Ok = 0,

    /// <summary>Something went wrong that trying again, or an operator, may cure: no connection, a disk, a damaged transfer.</summary>
    Failed = 1,

    /// <summary>The command line makes no sense.</summary>
    Usage = 2,

    /// <summary>The bucket, the object or the local file does not exist.</summary>
    NotFound = 3,

    /// <summary>The server, or a safety check, said no: exists already, not allowed, not empty, invalid name.</summary>
    Refused = 4,
}

/// <summary>What the codes mean, and which code a failure has.</summary>
public static class ExitCodes
{
    /// <summary>The table that <c>--help</c> prints; in order of the codes.</summary>
    public static IReadOnlyList<(ExitCode Code, string Meaning)> Table { get; } =
    [
        (ExitCode.Ok, "done"),
        (ExitCode.Failed, "failed: no connection, a disk error, a damaged or incomplete transfer"),
        (ExitCode.Usage, "the command line is wrong"),
        (ExitCode.NotFound, "the bucket, the object or the local file does not exist"),
        (ExitCode.Refused, "refused: exists already, not allowed, not empty, invalid name"),
    ];

    /// <summary>The table as text for the root command's description.</summary>
    public static string Help
    {
        get
        {
            var text = new StringBuilder("Exit codes:");
            foreach ((ExitCode code, string meaning) in Table)
            {
                text.Append("\n  ").Append((int)code).Append("  ").Append(meaning);
            }

            return text.ToString();
        }
    }

    /// <summary>The code of a failure.</summary>
    public static ExitCode Of(Exception failure) => failure switch
    {
        UsageException => ExitCode.Usage,
        RefusedException => ExitCode.Refused,
        SluiceException { IsNotFound: true } => ExitCode.NotFound,
        SluiceException { Status: >= 400 and < 500 } => ExitCode.Refused,
        FileNotFoundException or DirectoryNotFoundException => ExitCode.NotFound,
        _ => ExitCode.Failed,
    };

    /// <summary>The code of several outcomes: the one that all failures share, else <see cref="ExitCode.Failed"/>.</summary>
    public static ExitCode Combine(ExitCode first, ExitCode second) =>
        first == second || second == ExitCode.Ok ? first
        : first == ExitCode.Ok ? second
        : ExitCode.Failed;
}

/// <summary>The command line makes no sense; the message is one sentence.</summary>
public sealed class UsageException(string message) : Exception(message);

/// <summary>A safety check of the client said no; the message is one sentence.</summary>
public sealed class RefusedException(string message) : Exception(message);

/// <summary>Bytes that arrived are not the bytes that were sent; the message is one sentence.</summary>
public sealed class DamagedTransferException(string message) : Exception(message);
