namespace Sluice.Loader.Run;

/// <summary>A run cannot start; the message is one sentence.</summary>
public sealed class StartException(string message) : Exception(message);
