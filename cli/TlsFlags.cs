using System.CommandLine;
using System.Security.Authentication;
using Sluice.Contract;

namespace Sluice.Cli;

/// <summary>How an https endpoint is trusted and what this client shows it: flags before variables. Without https they mean nothing.</summary>
internal sealed class TlsFlags
{
    private const string AuthorityVariable = "SLUICE_CA";
    private const string CertificateVariable = "SLUICE_CLIENT_CERT";
    private const string KeyVariable = "SLUICE_CLIENT_KEY";
    private const string InsecureVariable = "SLUICE_INSECURE";

    private readonly ClientEnvironment _environment;
    private readonly Option<string?> _authority =
        File("--ca", $"PEM file of authorities to trust an https server by, not the system's; else ${AuthorityVariable}");

    private readonly Option<string?> _certificate =
        File("--client-cert", $"PEM file of the certificate to show an https server; else ${CertificateVariable}");

    private readonly Option<string?> _key = File("--client-key", $"PEM file of that certificate's private key; else ${KeyVariable}");

    private readonly Option<bool> _insecure = new("--insecure")
    {
        Description = $"talk to whatever https server answers; else ${InsecureVariable}=true",
        Recursive = true,
    };

    public TlsFlags(ClientEnvironment environment)
    {
        _environment = environment;
    }

    public IEnumerable<Option> Options => [_authority, _certificate, _key, _insecure];

    /// <summary>The flags of one invocation, and for those not given, the variables.</summary>
    public ClientTls Of(ParseResult parse) => new()
    {
        AuthorityPath = Text(parse, _authority, AuthorityVariable),
        CertificatePath = Text(parse, _certificate, CertificateVariable),
        KeyPath = Text(parse, _key, KeyVariable),
        AcceptsAnyServer = parse.GetValue(_insecure) || IsInsecureByVariable(),
    };

    /// <summary>What to do about a failure of TLS, as the end of its sentence; empty for other failures.</summary>
    public static string Hint(Exception failure)
    {
        for (Exception? cause = failure.InnerException; failure is SluiceException && cause is not null; cause = cause.InnerException)
        {
            if (cause is AuthenticationException)
            {
                return " (see --ca, --client-cert and --insecure)";
            }
        }

        return "";
    }

    private string? Text(ParseResult parse, Option<string?> option, string variable) =>
        parse.GetValue(option) is { Length: > 0 } given ? given
        : _environment.Variable(variable) is { Length: > 0 } value ? value
        : null;

    private bool IsInsecureByVariable() => _environment.Variable(InsecureVariable) switch
    {
        null or "" or "false" => false,
        "true" => true,
        _ => throw new UsageException($"{InsecureVariable} is neither true nor false"),
    };

    private static Option<string?> File(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "FILE",
        Recursive = true,
    };
}
