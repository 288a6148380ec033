namespace Sluice.Contract;

/// <summary>
/// What a client call failed with: the server's refusal, or that no complete answer came. The message is one sentence, fit for a person.
/// </summary>
public sealed class SluiceException : Exception
{
    /// <summary>A refusal by the server.</summary>
    public SluiceException(int status, string code, string message)
        : base(message)
    {
        Status = status;
        Code = code;
    }

    /// <summary>No complete answer came; the message names the endpoint.</summary>
    public SluiceException(string message, Exception? cause, bool isUnreachable = false)
        : base(message, cause)
    {
        Code = "";
        IsUnreachable = isUnreachable;
    }

    /// <summary>True when not even a connection came about: whatever else is sent there will fail as well.</summary>
    public bool IsUnreachable { get; }

    /// <summary>HTTP status; 0 when no complete answer came.</summary>
    public int Status { get; }

    /// <summary>The error's <c>tcode</c> (contract: native API §3); empty when there is none.</summary>
    public string Code { get; }

    /// <summary>True when the bucket or the object does not exist.</summary>
    public bool IsNotFound => Status is 404 or 410;
}
